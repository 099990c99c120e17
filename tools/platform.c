#include "platform.h"
#include "lib/conf.h"
#include "lib/io.h"
#include <fnmatch.h>

/* What x86 boots take at most (COMMAND_LINE_SIZE is 2048 with the NUL); roothash= is added to it later. */
enum { CMDLINE_MAX = 2047, ROOTHASH_TOKEN = sizeof(" roothash=") - 1 + 64 };

static const char *const known[] = { "Platform.Summary", "Platform.Arch", "Platform.Boot", "Platform.Profile",
	"Platform.Cmdline", "Launch.Machine", "Launch.Cpu", "Launch.Memory", "Launch.Vcpus", NULL };

/* Stripped of ".conf", sample comes before sample-debug. */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int platform_list(const char *recipes, char ***ret, struct err *e)
{
	_free_ char *dir = xasprintf("%s/platforms", recipes);
	_names_ char **names = NULL;
	size_t n = 0;

	if (io_list_dir(dir, &names, e))
		return e->code;
	for (char **p = names; *p; p++) {
		if (fnmatch("*.conf", *p, 0)) {
			free(*p);
			continue;
		}
		(*p)[strlen(*p) - strlen(".conf")] = 0;
		names[n++] = *p;
	}
	names[n] = NULL;
	qsort(names, n, sizeof(*names), by_name);
	*ret = TAKE(names);
	return 0;
}

static int unknown_platform(const char *recipes, const char *name, struct err *e)
{
	_names_ char **names = NULL;
	const char *near;

	if (platform_list(recipes, &names, e))
		return e->code;
	near = conf_nearest(name, (const char *const *)names);
	err_set(e, -ENOENT, "platform %s: not in %s/platforms", name, recipes);
	if (near)
		err_hint(e, "did you mean %s?", near);
	return err_exit(e, EX_UNSUPPORTED);
}

/* Joins the words of recipes/cmdline and the platform's additions; # starts a comment. */
static int read_cmdline(const char *recipes, const char *more, char **ret, struct err *e)
{
	_free_ char *path = xasprintf("%s/cmdline", recipes);
	_buf_ struct buf text = { 0 }, out = { 0 };
	char *line_state = NULL;

	if (io_read_file(path, 1 << 16, &text, e))
		return e->code;
	buf_printf(&text, "\n%s\n", more ? more : "");
	for (char *l = strtok_r(buf_str(&text), "\n", &line_state); l;
	        l = strtok_r(NULL, "\n", &line_state)) {
		char *word_state = NULL;

		l[strcspn(l, "#")] = 0;
		for (char *w = strtok_r(l, " \t", &word_state); w; w = strtok_r(NULL, " \t", &word_state))
			buf_printf(&out, "%s%s", out.n ? " " : "", w);
	}
	if (out.n + ROOTHASH_TOKEN > CMDLINE_MAX)
		return err_set(e, -E2BIG, "%s: command line of %zu bytes, at most %d", path,
		        out.n + ROOTHASH_TOKEN, CMDLINE_MAX);
	*ret = xstrdup(buf_str(&out));
	return 0;
}

static int need(const struct conf *c, const char *path, const char *key, char **ret, struct err *e)
{
	const char *v = conf_get(c, key);

	if (!v) {
		err_set(e, -EINVAL, "%s: %s is not set", path, key);
		return err_exit(e, EX_USAGE);
	}
	*ret = xstrdup(v);
	return 0;
}

int platform_read(const char *recipes, const char *name, struct platform **ret, struct err *e)
{
	_platform_ struct platform *p = xcalloc(1, sizeof(*p));
	_free_ char *path = xasprintf("%s/platforms/%s.conf", recipes, name), *more = NULL, *vcpus = NULL;
	_conf_ struct conf *c = NULL;
	char *end;

	if (strchr(name, '/') || !io_exists(path))
		return unknown_platform(recipes, name, e);
	if (conf_read(path, known, &c, e))
		return e->code;
	p->name = xstrdup(name);
	more = conf_list(c, "Platform.Cmdline");
	if (need(c, path, "Platform.Summary", &p->summary, e) ||
	        need(c, path, "Platform.Arch", &p->arch, e) || need(c, path, "Platform.Boot", &p->boot, e) ||
	        need(c, path, "Platform.Profile", &p->profile, e) ||
	        need(c, path, "Launch.Machine", &p->machine, e) || need(c, path, "Launch.Cpu", &p->cpu, e) ||
	        need(c, path, "Launch.Memory", &p->memory, e) || need(c, path, "Launch.Vcpus", &vcpus, e) ||
	        read_cmdline(recipes, more, &p->cmdline, e))
		return e->code;
	p->vcpus = (unsigned)strtoul(vcpus, &end, 10);
	if (*end || !p->vcpus || p->vcpus > 256) {
		err_set(e, -EINVAL, "%s: Launch.Vcpus is '%s', expected 1 to 256", path, vcpus);
		return err_exit(e, EX_USAGE);
	}
	if (strcmp(p->boot, "direct")) {
		err_set(e, -EINVAL, "%s: Platform.Boot is '%s', expected direct", path, p->boot);
		return err_exit(e, EX_USAGE);
	}
	*ret = TAKE(p);
	return 0;
}

void platform_freep(struct platform **p)
{
	if (!*p)
		return;
	free((*p)->name);
	free((*p)->summary);
	free((*p)->arch);
	free((*p)->boot);
	free((*p)->profile);
	free((*p)->cmdline);
	free((*p)->machine);
	free((*p)->cpu);
	free((*p)->memory);
	free(*p);
	*p = NULL;
}
