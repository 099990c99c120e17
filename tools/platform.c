#include "platform.h"
#include "lib/conf.h"
#include "lib/io.h"
#include "measuring.h"
#include <fnmatch.h>
#include <stddef.h>

/* What x86 boots take at most (COMMAND_LINE_SIZE is 2048 with the NUL); roothash= is added to it later. */
enum { CMDLINE_MAX = 2047, ROOTHASH_TOKEN = sizeof(" roothash=") - 1 + 64 };

static const char *const known[] = { "Platform.Summary", "Platform.Arch", "Platform.Boot", "Platform.Profile",
	"Platform.Tee", "Platform.Attester", "Platform.Cmdline", "Platform.Firmware", "Platform.Vars",
	"Platform.Shim", "Launch.Machine", "Launch.Cpu", "Launch.Memory", "Launch.Vcpus", "Launch.Qemu",
	"Measure.Stack", "Measure.Vcpus", "Measure.CpuTypes", "Measure.Memory", "Measure.SecureBoot",
	"Image.Formats", "Image.Keys", "Upload.Cloud", "Upload.File", "Upload.Command", "Upload.Source",
	"Facts.*", "Unknown.*", NULL };

static const struct text_key {
	const char *key;
	size_t at;                        /* in struct platform */
	enum { LAST, NEEDED, LIST } kind; /* LIST: all values given, with blanks between */
} text_keys[] = {
	{ "Platform.Summary", offsetof(struct platform, summary), NEEDED },
	{ "Platform.Arch", offsetof(struct platform, arch), NEEDED },
	{ "Platform.Boot", offsetof(struct platform, boot), NEEDED },
	{ "Platform.Profile", offsetof(struct platform, profile), NEEDED },
	{ "Platform.Tee", offsetof(struct platform, tee), NEEDED },
	{ "Platform.Attester", offsetof(struct platform, attester), LAST },
	{ "Platform.Firmware", offsetof(struct platform, firmware), LAST },
	{ "Platform.Vars", offsetof(struct platform, vars), LAST },
	{ "Launch.Machine", offsetof(struct platform, machine), LAST },
	{ "Launch.Cpu", offsetof(struct platform, cpu), LAST },
	{ "Launch.Memory", offsetof(struct platform, memory), LAST },
	{ "Launch.Qemu", offsetof(struct platform, qemu), LIST },
	{ "Measure.Stack", offsetof(struct platform, stack), LIST },
	{ "Measure.Vcpus", offsetof(struct platform, measure_vcpus), LAST },
	{ "Measure.CpuTypes", offsetof(struct platform, measure_cpus), LIST },
	{ "Measure.Memory", offsetof(struct platform, measure_memory), LIST },
	{ "Image.Formats", offsetof(struct platform, formats), LIST },
	{ "Image.Keys", offsetof(struct platform, keys), LIST },
};

static char **text_of(struct platform *p, const struct text_key *k)
{
	return (char **)(void *)((char *)p + k->at);
}

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

static int bad(const char *path, const char *key, const char *value, const char *expected, struct err *e)
{
	err_set(e, -EINVAL, "%s: %s is '%s', expected %s", path, key, value, expected);
	return err_exit(e, EX_USAGE);
}

static int not_set(const char *path, const char *key, struct err *e)
{
	err_set(e, -EINVAL, "%s: %s is not set", path, key);
	return err_exit(e, EX_USAGE);
}

/* Is VALUE one of WORDS, which are apart by blanks? */
static bool is_among(const char *value, const char *words)
{
	size_t n = strlen(value);

	for (const char *w = words; *w; w += strspn(w, " ")) {
		if (!strncmp(w, value, n) && strchr(" ", w[n]))
			return n > 0;
		w += strcspn(w, " ");
	}
	return false;
}

/* One word of a fixed set, or with MANY several. */
static int check_words(
        const char *path, const char *key, const char *value, const char *set, bool many, struct err *e)
{
	_free_ char *copy = xstrdup(value ? value : ""), *expected = NULL;
	char *save = NULL;

	if (!value)
		return 0;
	expected = xasprintf("%s of: %s", many ? "some" : "one", set);
	if (!many)
		return is_among(value, set) && !strchr(value, ' ') ? 0 : bad(path, key, value, expected, e);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!is_among(w, set))
			return bad(path, key, w, expected, e);
	return 0;
}

static int read_bool(const struct conf *c, const char *path, const char *key, bool *ret, struct err *e)
{
	const char *v = conf_get(c, key);

	*ret = v && !strcmp(v, "yes");
	return check_words(path, key, v, "yes no", false, e);
}

static int read_vcpus(const struct conf *c, const char *path, unsigned *ret, struct err *e)
{
	const char *v = conf_get(c, "Launch.Vcpus");
	char *end;

	if (!v)
		return 0;
	*ret = (unsigned)strtoul(v, &end, 10);
	if (*end || !*ret || *ret > 256)
		return bad(path, "Launch.Vcpus", v, "1 to 256", e);
	return 0;
}

/* A cloud's launch is its own: none of the section. Else all of it but Qemu=. */
static int check_launch(const struct platform *p, const char *path, struct err *e)
{
	if (!strcmp(p->boot, "disk") && !p->machine && !p->cpu && !p->memory && !p->vcpus && !p->qemu)
		return 0;
	if (!p->machine || !p->cpu || !p->memory || !p->vcpus)
		return not_set(path,
		        !p->machine  ? "Launch.Machine"
		        : !p->cpu    ? "Launch.Cpu"
		        : !p->memory ? "Launch.Memory"
		                     : "Launch.Vcpus",
		        e);
	return 0;
}

/* Names of files without a folder. */
static int check_file(const char *path, const char *key, const char *value, struct err *e)
{
	return value && (*value == '.' || strchr(value, '/')) ? bad(path, key, value, "a file name", e) : 0;
}

static int check(struct platform *p, const char *path, struct err *e)
{
	bool disk = !strcmp(p->boot, "disk");

	if (check_words(path, "Platform.Boot", p->boot, "direct disk", false, e) ||
	        check_words(path, "Platform.Profile", p->profile, "release debug", false, e) ||
	        check_words(path, "Image.Formats", p->formats, "raw qcow2 vhd gcp", true, e) ||
	        check_file(path, "Platform.Firmware", p->firmware, e) ||
	        check_file(path, "Platform.Vars", p->vars, e) || check_launch(p, path, e))
		return e->code;
	if (disk && !p->formats)
		return not_set(path, "Image.Formats", e);
	if (!disk && (p->formats || p->vars || p->shim || p->secure_boot || p->keys))
		return bad(path, "Platform.Boot", p->boot,
		        "disk, where there are Formats, Keys, Vars, Shim or SecureBoot", e);
	if (p->vars && !p->firmware)
		return not_set(path, "Platform.Firmware", e);
	if (strcmp(p->tee, "none"))
		return tee_find(p->tee, e) ? 0 : err_wrap(e, "%s: Platform.Tee", path);
	free(p->tee);
	p->tee = NULL;
	return 0;
}

int platform_read(const char *recipes, const char *name, struct platform **ret, struct err *e)
{
	_platform_ struct platform *p = xcalloc(1, sizeof(*p));
	_free_ char *path = xasprintf("%s/platforms/%s.conf", recipes, name), *more = NULL;
	_conf_ struct conf *c = NULL;

	if (strchr(name, '/') || !io_exists(path))
		return unknown_platform(recipes, name, e);
	if (conf_read(path, known, &c, e))
		return e->code;
	p->name = xstrdup(name);
	for (const struct text_key *k = text_keys; k < text_keys + ARRAY_LEN(text_keys); k++) {
		const char *last = conf_get(c, k->key);

		if (!last && k->kind == NEEDED)
			return not_set(path, k->key, e);
		if (last)
			*text_of(p, k) = k->kind == LIST ? conf_list(c, k->key) : xstrdup(last);
	}
	more = conf_list(c, "Platform.Cmdline");
	if (read_bool(c, path, "Platform.Shim", &p->shim, e) ||
	        read_bool(c, path, "Measure.SecureBoot", &p->secure_boot, e) ||
	        read_vcpus(c, path, &p->vcpus, e) || check(p, path, e) ||
	        read_cmdline(recipes, more, &p->cmdline, e))
		return e->code;
	p->conf = TAKE(c);
	*ret = TAKE(p);
	return 0;
}

int platform_roothash(const char *file, char **ret, struct err *e)
{
	_buf_ struct buf b = { 0 };
	uint8_t digest[SHA256_LEN];
	char *s;

	if (io_read_file(file, 4096, &b, e))
		return e->code;
	s = buf_str(&b);
	s[strcspn(s, "\n")] = 0;
	if (!hex_decode(s, digest, sizeof(digest)) || b.n > strlen(s) + 1)
		return err_set(e, -EINVAL, "%s: '%.80s', expected 64 hex digits and nothing else", file, s);
	*ret = xcalloc(SHA256_HEX, 1);
	hex_encode(*ret, digest, sizeof(digest));
	return 0;
}

int platform_cmdline(const struct platform *p, const char *roothash_file, char **ret, struct err *e)
{
	_free_ char *hash = NULL;

	if (platform_roothash(roothash_file, &hash, e))
		return e->code;
	*ret = xasprintf("%s roothash=%s", p->cmdline, hash);
	return 0;
}

void platform_freep(struct platform **p)
{
	if (!*p)
		return;
	for (const struct text_key *k = text_keys; k < text_keys + ARRAY_LEN(text_keys); k++)
		free(*text_of(*p, k));
	free((*p)->name);
	free((*p)->cmdline);
	conf_freep(&(*p)->conf);
	free(*p);
	*p = NULL;
}
