#include "mirror.h"
#include "lib/proc.h"
#include <fcntl.h>

void mirrors_free(struct mirrors *m)
{
	for (size_t a = 0; a < ARCHIVES; a++) {
		for (size_t i = 0; i < m->n[a]; i++)
			free(m->base[a][i]);
		free(m->base[a]);
	}
	*m = (struct mirrors){ 0 };
}

/* Only what both apt and libcurl can read: no mirror+https:, cdrom: and the like. */
static bool usable(const char *url)
{
	return !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8) || !strncmp(url, "file:/", 6);
}

static void add(struct mirrors *m, enum archive a, const char *url)
{
	/* apt prints file:///srv/x as file:/srv/x */
	bool local = !strncmp(url, "file:///", 8);
	_free_ char *base = xasprintf("%s%s", local ? "file:" : "", local ? url + 7 : url);
	size_t n = strlen(base);

	while (n && base[n - 1] == '/')
		base[--n] = 0;
	if (!usable(url))
		return;
	for (size_t i = 0; i < m->n[a]; i++)
		if (!strcmp(m->base[a][i], base))
			return;
	m->base[a] = xrealloc(m->base[a], m->n[a] + 1, sizeof(*m->base[a]));
	m->base[a][m->n[a]++] = TAKE(base);
}

/* The last folder of URL's path (not its host) with that name, or NULL. */
static const char *folder(const char *url, const char *name)
{
	const char *p = strstr(url, ":/"), *ret = NULL;
	size_t n = strlen(name);

	p = p && !strncmp(p, "://", 3) ? strchr(p + 3, '/') : p ? p + 1 : NULL;
	for (; p; p = strchr(p, '/')) {
		p++;
		if (!strncmp(p, name, n) && (!p[n] || p[n] == '/'))
			ret = p;
	}
	return ret;
}

/* .../debian and .../archive/debian/20260101T000000Z have a sibling; "" where URL names no such folder. */
static char *sibling(const char *url)
{
	const char *p = folder(url, archive_name(ARCHIVE_DEBIAN));

	if (!p)
		return NULL;
	return xasprintf("%.*s%s%s", (int)(p - url), url, archive_name(ARCHIVE_SECURITY),
	        p + strlen(archive_name(ARCHIVE_DEBIAN)));
}

void mirrors_add_list(struct mirrors *m, const char *list)
{
	_free_ char *copy = xstrdup(list);
	char *state = NULL;

	for (char *url = strtok_r(copy, " \t\n", &state); url; url = strtok_r(NULL, " \t\n", &state)) {
		_free_ char *other = sibling(url);

		if (!folder(url, archive_name(ARCHIVE_SECURITY)))
			add(m, ARCHIVE_DEBIAN, url);
		add(m, ARCHIVE_SECURITY, other ? other : url);
	}
}

/* The name without -updates, -security, -backports and the like is one of Debian's. */
static bool is_debian_release(const char *release)
{
	static const char *const names[] = { "bullseye", "bookworm", "trixie", "forky", "duke", "sid",
		"oldoldstable", "oldstable", "stable", "testing", "unstable" };
	size_t n = strcspn(release, "-/");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == n && !strncmp(names[i], release, n))
			return true;
	return false;
}

void mirrors_add_targets(struct mirrors *m, const char *text)
{
	_free_ char *copy = xstrdup(text);
	char *state = NULL;

	for (char *line = strtok_r(copy, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		char *release = strchr(line, ' '), *origin = release ? strchr(release + 1, ' ') : NULL;

		if (!origin)
			continue;
		*release++ = *origin++ = 0;
		if (strcmp(origin, "Debian") && (strcmp(origin, "$(ORIGIN)") || !is_debian_release(release)))
			continue;
		add(m, strstr(release, "-security") ? ARCHIVE_SECURITY : ARCHIVE_DEBIAN, line);
	}
	for (size_t i = 0; !m->n[ARCHIVE_SECURITY] && i < m->n[ARCHIVE_DEBIAN]; i++) {
		_free_ char *other = sibling(m->base[ARCHIVE_DEBIAN][i]);

		if (other)
			add(m, ARCHIVE_SECURITY, other);
	}
}

/* Without lists apt-get prints a target only when told not to look into the release file. */
static void ask_apt(struct mirrors *m, bool release_info)
{
	char *argv[] = { (char *)"apt-get", (char *)"-qq", (char *)"indextargets", (char *)"--format",
		(char *)MIRRORS_FORMAT, release_info ? NULL : (char *)"--no-release-info", NULL };
	_buf_ struct buf out = { 0 };
	struct err ignored = { 0 };

	/* a host without apt has no mirrors: the caller says so */
	if (!proc_capture(argv, NULL, &out, &ignored))
		mirrors_add_targets(m, buf_str(&out));
}

int mirrors_find(struct mirrors *ret, struct err *e)
{
	_mirrors_ struct mirrors m = { 0 };
	const char *list = getenv("MIRROR");

	if (list)
		mirrors_add_list(&m, list);
	ask_apt(&m, true);
	if (!m.n[ARCHIVE_DEBIAN])
		ask_apt(&m, false);
	for (size_t a = 0; a < ARCHIVES; a++)
		if (!m.n[a]) {
			err_set(e, -ENOENT,
			        "no mirror of the archive %s: neither MIRROR= nor apt's sources have one",
			        archive_name((enum archive)a));
			err_hint(e, "MIRROR='BASE-URL…' in the environment, each the parent folder of dists/ "
			            "and pool/");
			return err_exit(e, EX_MISSING);
		}
	*ret = m;
	m = (struct mirrors){ 0 };
	return 0;
}
