#include "format/sums.h"
#include "lib/mem.h"

bool sums_path_ok(const char *path)
{
	const char *s = path;

	do {
		size_t n = strcspn(s, "/");

		if (!n || (n == 1 && *s == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7f || s[i] == '\\')
				return false;
		s += n;
	} while (*s++);
	return true;
}

void sums_add(struct sums *s, const char *path, const uint8_t sha256[SHA256_LEN])
{
	s->v = xrealloc(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n].path = xstrdup(path);
	memcpy(s->v[s->n++].sha256, sha256, SHA256_LEN);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct sum *)a)->path, ((const struct sum *)b)->path);
}

void sums_sort(struct sums *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_path);
}

void sums_print(struct sums *s, struct buf *ret)
{
	char hex[SHA256_HEX];

	sums_sort(s);
	for (size_t i = 0; i < s->n; i++)
		buf_printf(ret, "%s  %s\n", hex_encode(hex, s->v[i].sha256, SHA256_LEN), s->v[i].path);
}

const struct sum *sums_find(const struct sums *s, const char *path)
{
	const struct sum key = { .path = (char *)path };

	return s->n ? bsearch(&key, s->v, s->n, sizeof(*s->v), by_path) : NULL;
}

static int parse_line(const char *name, size_t number, const char *line, struct sums *ret, struct err *e)
{
	enum { HEX = 2 * SHA256_LEN };
	const char *last = ret->n ? ret->v[ret->n - 1].path : "";
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];

	snprintf(hex, sizeof(hex), "%.*s", HEX, line);
	if (!hex_decode(hex, digest, sizeof(digest)) || strncmp(line + HEX, "  ", 2))
		return err_set(
		        e, -EBADMSG, "%s:%zu: expected 64 hex digits, two spaces and a path", name, number);
	if (!sums_path_ok(line + HEX + 2))
		return err_set(e, -EBADMSG, "%s:%zu: expected a relative path of plain names", name, number);
	if (strcmp(last, line + HEX + 2) >= 0)
		return err_set(e, -EBADMSG, "%s:%zu: %s is not after %s", name, number, line + HEX + 2, last);
	sums_add(ret, line + HEX + 2, digest);
	return 0;
}

int sums_parse(const char *name, struct slice text, struct sums *ret, struct err *e)
{
	for (size_t number = 1; text.n; number++) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		_free_ char *line = NULL;
		size_t n;

		if (!end || memchr(text.p, 0, (size_t)(end - text.p)))
			return err_set(e, -EBADMSG, "%s:%zu: %s", name, number,
			        end ? "has a NUL byte" : "no newline at the end");
		n = (size_t)(end - text.p);
		line = xasprintf("%.*s", (int)n, (const char *)text.p);
		if (parse_line(name, number, line, ret, e))
			return e->code;
		text = slice_of(text.p + n + 1, text.n - n - 1);
	}
	return 0;
}

void sums_free(struct sums *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].path);
	free(s->v);
	*s = (struct sums){ 0 };
}
