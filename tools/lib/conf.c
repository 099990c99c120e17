#include "lib/conf.h"
#include "lib/io.h"
#include <ctype.h>
#include <fnmatch.h>

struct conf {
	struct setting {
		char *key, *value;
	} * v;
	size_t n;
};

static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), row[64];

	if (lb >= ARRAY_LEN(row))
		return la + lb;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t sub =
			        diag + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
			size_t gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diag = row[j];
			row[j] = sub < gap ? sub : gap;
		}
	}
	return row[lb];
}

const char *conf_nearest(const char *word, const char *const *candidates)
{
	size_t best = strlen(word) / 2 + 1;
	const char *ret = NULL;

	for (; *candidates; candidates++) {
		size_t d = distance(word, *candidates);

		if (d < best) {
			best = d;
			ret = *candidates;
		}
	}
	return ret;
}

static bool is_known(const char *key, const char *const *known)
{
	for (; *known; known++)
		if (!fnmatch(*known, key, 0))
			return true;
	return false;
}

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	for (end = s + strlen(s); end > s && isspace((unsigned char)end[-1]); end--)
		;
	*end = 0;
	return s;
}

static void clear_key(struct conf *c, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->v[i].key, key)) {
			c->v[kept++] = c->v[i];
			continue;
		}
		free(c->v[i].key);
		free(c->v[i].value);
	}
	c->n = kept;
}

static int parse_line(struct conf *c, char **section, char *line, const char *name, unsigned no,
        const char *const *known, struct err *e)
{
	_free_ char *key = NULL;
	char *s = trim(line), *eq;

	if (!*s || *s == '#' || *s == ';')
		return 0;
	if (*s == '[') {
		size_t n = strlen(s);

		if (n < 3 || s[n - 1] != ']')
			return err_set(e, -EINVAL, "%s:%u: section header '%s' has no ]", name, no, s);
		s[n - 1] = 0;
		free(*section);
		*section = xstrdup(s + 1);
		return 0;
	}
	eq = strchr(s, '=');
	if (!eq)
		return err_set(e, -EINVAL, "%s:%u: '%s' is not Key=Value", name, no, s);
	*eq = 0;
	key = xasprintf("%s.%s", *section ? *section : "", trim(s));
	if (!is_known(key, known)) {
		const char *near = conf_nearest(key, known);

		err_set(e, -EINVAL, "%s:%u: unknown key %s", name, no, key);
		err_exit(e, EX_USAGE);
		if (near)
			err_hint(e, "did you mean %s?", near);
		return e->code;
	}
	s = trim(eq + 1);
	if (!*s) {
		clear_key(c, key);
		return 0;
	}
	c->v = xrealloc(c->v, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = (struct setting){ TAKE(key), xstrdup(s) };
	return 0;
}

static int parse_into(
        struct conf *c, const char *name, struct slice text, const char *const *known, struct err *e)
{
	_free_ char *copy = xcalloc(text.n + 1, 1), *section = NULL;
	unsigned no = 0;

	if (text.n && memchr(text.p, 0, text.n))
		return err_set(e, -EINVAL, "%s: has a NUL byte", name);
	if (text.n)
		memcpy(copy, text.p, text.n);
	for (char *line = copy, *next; line; line = next) {
		char *end = line + strcspn(line, "\n");
		unsigned first = ++no;

		while (*end && end > line && end[-1] == '\\') {
			end[-1] = end[0] = ' ';
			end += strcspn(end, "\n");
			no++;
		}
		next = *end ? end + 1 : NULL;
		*end = 0;
		if (parse_line(c, &section, line, name, first, known, e))
			return e->code;
	}
	return 0;
}

int conf_parse(
        const char *name, struct slice text, const char *const *known, struct conf **ret, struct err *e)
{
	_conf_ struct conf *c = xcalloc(1, sizeof(*c));

	if (parse_into(c, name, text, known, e))
		return e->code;
	*ret = TAKE(c);
	return 0;
}

static int read_into(struct conf *c, const char *path, const char *const *known, struct err *e)
{
	_buf_ struct buf b = { 0 };

	if (io_read_file(path, 1 << 20, &b, e))
		return e->code;
	return parse_into(c, path, buf_slice(&b), known, e);
}

int conf_read(const char *path, const char *const *known, struct conf **ret, struct err *e)
{
	_conf_ struct conf *c = xcalloc(1, sizeof(*c));
	_free_ char *dir = xasprintf("%s.d", path);
	_names_ char **names = NULL;

	if (read_into(c, path, known, e))
		return e->code;
	if (io_exists(dir) && io_list_dir(dir, &names, e))
		return e->code;
	for (char **n = names; n && *n; n++) {
		_free_ char *file = xasprintf("%s/%s", dir, *n);

		if (!fnmatch("*.conf", *n, 0) && read_into(c, file, known, e))
			return e->code;
	}
	*ret = TAKE(c);
	return 0;
}

const char *conf_get(const struct conf *c, const char *key)
{
	for (size_t i = c->n; i-- > 0;)
		if (!strcmp(c->v[i].key, key))
			return c->v[i].value;
	return NULL;
}

char *conf_list(const struct conf *c, const char *key)
{
	_buf_ struct buf b = { 0 };

	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->v[i].key, key))
			buf_printf(&b, "%s%s", b.n ? " " : "", c->v[i].value);
	return b.n ? xstrdup(buf_str(&b)) : NULL;
}

int conf_nth(const struct conf *c, size_t i, const char **key, const char **value)
{
	if (i >= c->n)
		return 0;
	*key = c->v[i].key;
	*value = c->v[i].value;
	return 1;
}

void conf_freep(struct conf **c)
{
	if (!*c)
		return;
	for (size_t i = 0; i < (*c)->n; i++) {
		free((*c)->v[i].key);
		free((*c)->v[i].value);
	}
	free((*c)->v);
	free(*c);
	*c = NULL;
}
