/* A cloud's user data as Cloud API Adaptor writes it (its pkg/userdata): cloud-config, of which one entry of
 * write_files holds initdata. Whatever is taken out here counts for nothing until its digest is bound. */
#include "config/internal.h"
#include "format/initdata.h"
#include "lib/base64.h"
#include "lib/gzip.h"

#define INITDATA_PATH "/run/peerpod/initdata"
enum { WRAPPINGS = 3 };

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool decode(struct slice text, struct buf *ret)
{
	_buf_ struct buf dense = { 0 };

	for (size_t i = 0; i < text.n; i++)
		if (!is_space(text.p[i]))
			buf_add(&dense, text.p + i, 1);
	return dense.n && base64_decode(ret, buf_slice(&dense));
}

/* TOML, gzip of it, base64 of either. */
static int unwrap(const char *name, struct slice data, struct buf *toml, struct err *e)
{
	_buf_ struct buf inner = { 0 };

	for (int i = 0; i <= WRAPPINGS; i++) {
		_buf_ struct buf next = { 0 };

		if (gzip_recognised(data))
			return gzip_inflate(name, data, INITDATA_MAX, toml, e);
		if (initdata_recognised(data) && initdata_form(data) == INITDATA_TOML) {
			buf_add(toml, data.p, data.n);
			return 0;
		}
		if (!decode(data, &next))
			break;
		buf_free(&inner);
		inner = next;
		next = (struct buf){ 0 };
		data = buf_slice(&inner);
	}
	return err_set(e, -EBADMSG, "%s: " INITDATA_PATH " is neither TOML nor base64 of gzip", name);
}

struct line {
	struct slice text; /* without blanks around it */
	size_t indent;     /* columns before it, and before what follows "- " */
	bool item;         /* begins with "- " */
};

static bool next_line(struct slice *rest, struct line *ret, struct slice *raw)
{
	const uint8_t *nl;
	struct slice s;

	if (!rest->n)
		return false;
	nl = memchr(rest->p, '\n', rest->n);
	s = slice_of(rest->p, nl ? (size_t)(nl - rest->p) : rest->n);
	*rest = slice_of(rest->p + s.n + (nl != NULL), rest->n - s.n - (nl != NULL));
	*raw = s;
	*ret = (struct line){ 0 };
	for (; s.n && (*s.p == ' ' || (*s.p == '-' && s.n > 1 && s.p[1] == ' ' && !ret->item));
	        s.p++, s.n--) {
		ret->item |= *s.p == '-';
		ret->indent++;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	ret->text = s;
	return true;
}

/* The value of "KEY: value" without quotes around it. */
static bool value_of(struct slice line, const char *key, struct slice *ret)
{
	size_t n = strlen(key);

	if (line.n <= n || memcmp(line.p, key, n) || line.p[n] != ':')
		return false;
	for (n++; n < line.n && line.p[n] == ' ';)
		n++;
	*ret = slice_of(line.p + n, line.n - n);
	if (ret->n >= 2 && (*ret->p == '"' || *ret->p == '\'') && ret->p[ret->n - 1] == *ret->p)
		*ret = slice_of(ret->p + 1, ret->n - 2);
	return true;
}

/* The lines of a block scalar that stands deeper than INDENT, without the indent of the first. */
static void block(struct slice *rest, size_t indent, struct buf *ret)
{
	struct slice before = *rest, raw;
	struct line l;
	size_t strip = 0;

	for (; next_line(rest, &l, &raw); before = *rest) {
		size_t n = 0;

		while (n < raw.n && raw.p[n] == ' ')
			n++;
		if (l.text.n && n <= indent) {
			*rest = before;
			return;
		}
		if (!strip)
			strip = l.text.n ? n : 0;
		n = n < strip ? n : strip;
		buf_add(ret, raw.p + n, raw.n - n);
		buf_add(ret, "\n", 1);
	}
}

/* The content of the entry of write_files that is for PATH; false where there is none. */
static bool written_file(struct slice yaml, const char *path, struct buf *content)
{
	bool is_path = false, has_content = false;
	size_t keys = 0;
	struct slice raw, v;
	struct line l;

	while (next_line(&yaml, &l, &raw)) {
		if (l.item) {
			is_path = has_content = false;
			keys = l.indent;
			content->n = 0;
		}
		if (l.indent != keys || !l.text.n || *l.text.p == '#')
			continue;
		if (value_of(l.text, "path", &v)) {
			is_path = slice_eq(v, slice_str(path));
		} else if (value_of(l.text, "content", &v)) {
			has_content = true;
			content->n = 0;
			if (v.n && v.n <= 2 && *v.p == '|')
				block(&yaml, keys, content);
			else
				buf_add(content, v.p, v.n);
		}
		if (is_path && has_content)
			return true;
	}
	return false;
}

int config_user_data(const char *name, struct slice data, struct buf *toml, struct err *e)
{
	_buf_ struct buf content = { 0 };

	if (written_file(data, INITDATA_PATH, &content))
		return unwrap(name, buf_slice(&content), toml, e);
	if (initdata_recognised(data) && initdata_form(data) != INITDATA_IMAGE)
		return initdata_unpack(name, data, toml, e);
	return err_set(e, -ENOENT, "%s: no initdata in the user data", name);
}
