#include "format/lock.h"
#include <ctype.h>

#define HEADER "# bulla lock 1"
#define FIELDS "name version architecture size sha256 archive path"
enum { N_FIELDS = 7 };
static const uint64_t max_size = UINT64_C(1) << 40;

static const char *const archive_names[ARCHIVES] = {
	[ARCHIVE_DEBIAN] = "debian",
	[ARCHIVE_SECURITY] = "debian-security",
};

const char *archive_name(enum archive a)
{
	return archive_names[a];
}

static void file_free(struct lock_file *f)
{
	free(f->name);
	free(f->version);
	free(f->arch);
	free(f->path);
}

void lock_free(struct lock *l)
{
	for (size_t i = 0; i < l->n; i++)
		file_free(&l->v[i]);
	free(l->v);
	*l = (struct lock){ 0 };
}

static void add(struct lock *l, struct lock_file f)
{
	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = f;
}

static int compare(const struct lock_file *a, const struct lock_file *b)
{
	int r = strcmp(a->name, b->name);

	return r ? r : strcmp(a->arch, b->arch);
}

static bool all_of(const char *s, const char *more)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9') && !strchr(more, *s))
			return false;
	return true;
}

/* What Debian policy 5.6.1, 5.6.12 and 5.6.8 allow, so that no field can be a path or an option. */
static bool name_ok(const char *s)
{
	return isalnum((unsigned char)*s) && all_of(s, "+-.");
}

static bool version_ok(const char *s)
{
	return isalnum((unsigned char)*s) && all_of(s, "+-.:~ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* Relative, plain, and never upwards: it is appended to a mirror's base, which may be a folder of this
 * machine. */
static bool path_ok(const char *s)
{
	_free_ char *d = percent_decode(s);

	if (!d || strcasestr(s, "%2f") || !all_of(d, "+-._~/:ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		return false;
	for (const char *p = d; p; p = strchr(p + 1, '/')) {
		const char *part = p + (p != d);

		if (*part == '.' || *part == '/' || !*part)
			return false;
	}
	return true;
}

static bool read_size(const char *s, uint64_t *ret)
{
	uint64_t v = 0;

	if (*s < '1' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9' && v < max_size; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	*ret = v;
	return !*s && v < max_size;
}

static bool read_sha256(const char *s, char ret[SHA256_HEX])
{
	if (strlen(s) != SHA256_HEX - 1 || strspn(s, "0123456789abcdef") != SHA256_HEX - 1)
		return false;
	memcpy(ret, s, SHA256_HEX);
	return true;
}

static bool read_archive(const char *s, enum archive *ret)
{
	for (size_t i = 0; i < ARCHIVES; i++)
		if (!strcmp(s, archive_names[i])) {
			*ret = (enum archive)i;
			return true;
		}
	return false;
}

/* Checks and adds seven fields; returns what is wrong with them, or NULL. */
static const char *add_fields(struct lock *l, char *const v[N_FIELDS])
{
	struct lock_file f = { 0 };

	if (!name_ok(v[0]))
		return "the name is not a package's";
	if (!version_ok(v[1]))
		return "the version is not a package's";
	if (!name_ok(v[2]))
		return "the architecture is not a package's";
	if (!read_size(v[3], &f.size))
		return "the size is not a number of bytes";
	if (!read_sha256(v[4], f.sha256))
		return "the sha256 is not 64 lower-case hex digits";
	if (!read_archive(v[5], &f.archive))
		return "the archive is neither debian nor debian-security";
	if (!path_ok(v[6]))
		return "the path is not a plain relative one";
	f.name = xstrdup(v[0]);
	f.version = xstrdup(v[1]);
	f.arch = xstrdup(v[2]);
	f.path = xstrdup(v[6]);
	add(l, f);
	return NULL;
}

/* Cuts S at single spaces into N fields; false where there are more or fewer. */
static bool split(char *s, char **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		v[i] = s;
		s = strchr(s, ' ');
		if (!s != (i + 1 == n))
			return false;
		if (s)
			*s++ = 0;
	}
	return true;
}

static int bad(struct err *e, const char *name, unsigned no, const char *why)
{
	err_set(e, -EINVAL, "%s:%u: %s", name, no, why);
	err_hint(e, "a line is: " FIELDS);
	return err_exit(e, EX_USAGE);
}

int lock_parse(const char *name, struct slice text, struct lock *ret, struct err *e)
{
	_lock_ struct lock l = { 0 };
	_free_ char *copy = xcalloc(text.n + 1, 1);
	unsigned no = 0;

	if (text.n)
		memcpy(copy, text.p, text.n);
	if (strlen(copy) != text.n)
		return bad(e, name, 1, "has a NUL byte");
	for (char *line = copy, *next; *line; line = next) {
		char *end = strchr(line, '\n'), *v[N_FIELDS];
		const char *why;

		if (!end)
			return bad(e, name, no + 1, "the last line has no end: the file is cut short");
		*end = 0;
		next = end + 1;
		if (!no++ && strcmp(line, HEADER))
			return bad(e, name, no, "the first line is not '" HEADER "'");
		if (*line == '#')
			continue;
		why = split(line, v, N_FIELDS) ? add_fields(&l, v)
		                               : "not seven fields with one space between";
		if (!why && l.n > 1 && compare(&l.v[l.n - 2], &l.v[l.n - 1]) >= 0)
			why = "out of order, or listed twice";
		if (why)
			return bad(e, name, no, why);
	}
	if (!no)
		return bad(e, name, 1, "the first line is not '" HEADER "'");
	*ret = l;
	l = (struct lock){ 0 };
	return 0;
}

void lock_print(const struct lock *l, struct buf *ret)
{
	buf_printf(ret, HEADER "\n# made by `bulla lock`: " FIELDS "\n");
	for (size_t i = 0; i < l->n; i++) {
		const struct lock_file *f = &l->v[i];

		buf_printf(ret, "%s %s %s %llu %s %s %s\n", f->name, f->version, f->arch,
		        (unsigned long long)f->size, f->sha256, archive_names[f->archive], f->path);
	}
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

char *percent_decode(const char *s)
{
	_free_ char *ret = xcalloc(strlen(s) + 1, 1);
	char *to = ret;

	for (; *s; s++) {
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		int hi = hex_digit(s[1]), lo = hi < 0 ? -1 : hex_digit(s[2]);

		if (lo < 0 || !(hi | lo))
			return NULL;
		*to++ = (char)(hi << 4 | lo);
		s += 2;
	}
	return TAKE(ret);
}

/* The archive whose base URI starts with, and the rest. The longer base wins: one may be a folder of the
 * other. */
static const char *archive_of(const char *uri, const char *const bases[ARCHIVES], const char **archive)
{
	const char *ret = NULL;
	size_t best = 0;

	for (size_t i = 0; i < ARCHIVES; i++) {
		size_t n = bases[i] ? strlen(bases[i]) : 0;

		if (n > best && !strncmp(uri, bases[i], n) && uri[n] == '/') {
			best = n;
			*archive = archive_names[i];
			ret = uri + n + 1;
		}
	}
	return ret;
}

static const char *add_uri(struct lock *l, char *line, const char *const bases[ARCHIVES])
{
	char *v[4], *arch, *version;
	const char *archive, *rest;
	_free_ char *file = NULL, *path = NULL;
	size_t n;

	if (!split(line, v, 4))
		return "not four fields";
	n = strlen(v[0]);
	if (n < 2 || v[0][0] != '\'' || v[0][n - 1] != '\'')
		return "no quoted address";
	v[0][n - 1] = 0;
	rest = archive_of(v[0] + 1, bases, &archive);
	if (!rest)
		return "an address outside the archives";
	path = percent_decode(rest);
	file = percent_decode(v[1]);
	if (!path || !file)
		return "a broken escape";
	n = strlen(file);
	if (n < 4 || strcmp(file + n - 4, ".deb"))
		return "no .deb";
	file[n - 4] = 0;
	version = strchr(file, '_');
	arch = strrchr(file, '_');
	if (!version || version == arch)
		return "no NAME_VERSION_ARCHITECTURE.deb";
	*version++ = *arch++ = 0;
	if (strncmp(v[3], "SHA256:", 7))
		return "no SHA256";
	return add_fields(l, (char *[]){ file, version, arch, v[2], v[3] + 7, (char *)archive, path });
}

int lock_add_uri(struct lock *l, const char *line, const char *const bases[ARCHIVES], struct err *e)
{
	_free_ char *copy = xstrdup(line);
	const char *why = add_uri(l, copy, bases);

	return why ? err_set(e, -EINVAL, "apt-get printed '%s': %s", line, why) : 0;
}

static int by_key(const void *a, const void *b)
{
	return compare(a, b);
}

void lock_sort(struct lock *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_key);
}

static bool same(const struct lock_file *a, const struct lock_file *b)
{
	return a->size == b->size && a->archive == b->archive && !strcmp(a->version, b->version) &&
	       !strcmp(a->sha256, b->sha256) && !strcmp(a->path, b->path);
}

size_t lock_diff(const struct lock *old, const struct lock *now, struct lock_change **ret)
{
	struct lock_change *v = xcalloc(old->n + now->n, sizeof(*v));
	size_t i = 0, j = 0, n = 0;

	while (i < old->n || j < now->n) {
		int r = i == old->n ? 1 : j == now->n ? -1 : compare(&old->v[i], &now->v[j]);
		struct lock_change c = { r <= 0 ? &old->v[i++] : NULL, r >= 0 ? &now->v[j++] : NULL };

		if (r || !same(c.old, c.now))
			v[n++] = c;
	}
	*ret = v;
	return n;
}
