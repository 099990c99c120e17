#include "format/initdata.h"
#include "lib/base64.h"
#include "lib/gzip.h"
#include <inttypes.h>
#include <stdarg.h>

static const char MAGIC[8] = "initdata";
enum { IMAGE_HEADER = 16 };

struct reader {
	const char *name;
	struct slice s;
	size_t at;
	unsigned line;
	struct err *e;
};

static int bad(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int bad(struct reader *r, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(r->e, -EBADMSG, "%s:%u: %s", r->name, r->line, text);
}

/* The next byte, or -1 at the end. */
static int peek(const struct reader *r, size_t ahead)
{
	return r->at + ahead < r->s.n ? r->s.p[r->at + ahead] : -1;
}

static bool take(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	if (r->s.n - r->at < n || memcmp(r->s.p + r->at, text, n))
		return false;
	r->at += n;
	return true;
}

static void blanks(struct reader *r)
{
	while (peek(r, 0) == ' ' || peek(r, 0) == '\t')
		r->at++;
}

static bool newline(struct reader *r)
{
	if (!take(r, "\n") && !take(r, "\r\n"))
		return false;
	r->line++;
	return true;
}

/* One character of a string or comment as it stands: UTF-8 (RFC 3629) without control characters but tab. */
static int plain(struct reader *r, struct buf *to)
{
	const uint8_t *p = r->s.p + r->at;
	size_t left = r->s.n - r->at, n;
	uint32_t c = p[0];

	if (c < 0x80) {
		n = 1;
	} else {
		n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
		c &= 0x7fU >> n;
		if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
			return bad(r, "no UTF-8: byte 0x%02x", p[0]);
		for (size_t i = 1; i < n; i++) {
			if (p[i] >> 6 != 2)
				return bad(r, "no UTF-8: byte 0x%02x", p[i]);
			c = c << 6 | (p[i] & 0x3f);
		}
		if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff || c >> 11 == 0x1b)
			return bad(r, "no UTF-8: character U+%04" PRIX32, c);
	}
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return bad(r, "control character 0x%02x", (unsigned)c);
	if (to)
		buf_add(to, p, n);
	r->at += n;
	return 0;
}

/* What may follow on a line: blanks, a comment. */
static int rest_of_line(struct reader *r)
{
	blanks(r);
	if (take(r, "#"))
		while (peek(r, 0) >= 0 && peek(r, 0) != '\n' && !(peek(r, 0) == '\r' && peek(r, 1) == '\n'))
			if (plain(r, NULL))
				return r->e->code;
	if (peek(r, 0) >= 0 && !newline(r))
		return bad(r, "found '%c', expected the end of the line", peek(r, 0));
	return 0;
}

static void put_utf8(struct buf *to, uint32_t c)
{
	uint8_t b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		b[i] = (uint8_t)(0x80 | (c & 0x3f));
	b[0] = (uint8_t)(n == 1 ? c : (0xf00 >> n & 0xff) | c);
	buf_add(to, b, n);
}

static int unicode(struct reader *r, size_t digits, struct buf *to)
{
	uint32_t c = 0;

	for (size_t i = 0; i < digits; i++) {
		int d = peek(r, i);

		if (d >= '0' && d <= '9')
			c = c << 4 | (uint32_t)(d - '0');
		else if ((d | 0x20) >= 'a' && (d | 0x20) <= 'f')
			c = c << 4 | (uint32_t)((d | 0x20) - 'a' + 10);
		else
			return bad(r, "expected %zu hex digits after the escape", digits);
	}
	if (c > 0x10ffff || c >> 11 == 0x1b)
		return bad(r, "escape names no character: U+%04" PRIX32, c);
	r->at += digits;
	put_utf8(to, c);
	return 0;
}

/* After a backslash. */
static int escape(struct reader *r, bool multi, struct buf *to)
{
	static const char from[] = "btnfr\"\\", into[] = "\b\t\n\f\r\"\\";
	int c = peek(r, 0);
	const char *at = c > 0 ? strchr(from, c) : NULL;
	size_t start = r->at;

	if (at) {
		r->at++;
		buf_add(to, into + (at - from), 1);
		return 0;
	}
	if (take(r, "u"))
		return unicode(r, 4, to);
	if (take(r, "U"))
		return unicode(r, 8, to);
	blanks(r);
	/* a backslash at the end of a line takes all white space after it away */
	if (multi && newline(r)) {
		do
			blanks(r);
		while (newline(r));
		return 0;
	}
	r->at = start;
	return c >= 0x20 && c < 0x7f
	               ? bad(r, "escape \\%c, expected one of \\b \\t \\n \\f \\r \\\" \\\\ \\u \\U", c)
	               : bad(r, "a backslash before nothing that it can escape");
}

/* A string of any of the four kinds; the position is at its first quote. */
static int string(struct reader *r, struct buf *to)
{
	bool basic = peek(r, 0) == '"';
	const char *one = basic ? "\"" : "'", *three = basic ? "\"\"\"" : "'''";
	bool multi = take(r, three);
	unsigned start = r->line;

	if (multi)
		newline(r);
	else
		r->at++;
	for (;;) {
		if (peek(r, 0) < 0) {
			r->line = start;
			return bad(r, "a string without an end");
		}
		if (multi && take(r, three)) {
			/* up to two quotes may stand before the three that end it */
			for (int i = 0; i < 2 && take(r, one); i++)
				buf_add(to, one, 1);
			return 0;
		}
		if (!multi && take(r, one))
			return 0;
		if (basic && take(r, "\\")) {
			if (escape(r, multi, to))
				return r->e->code;
		} else if (multi && (peek(r, 0) == '\n' || (peek(r, 0) == '\r' && peek(r, 1) == '\n'))) {
			buf_add(to, r->s.p + r->at, peek(r, 0) == '\r' ? 2 : 1);
			newline(r);
		} else if (plain(r, to)) {
			return r->e->code;
		}
	}
}

static bool is_bare(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '-';
}

static int read_key(struct reader *r, struct buf *to)
{
	int c = peek(r, 0);

	if (c == '"' || c == '\'') {
		if (peek(r, 1) == c && peek(r, 2) == c)
			return bad(r, "a key of many lines");
		if (string(r, to))
			return r->e->code;
	} else {
		for (; is_bare(peek(r, 0)); r->at++)
			buf_add(to, r->s.p + r->at, 1);
		if (!to->n)
			return bad(
			        r, c < 0x20 || c > 0x7e ? "expected a key" : "found '%c', expected a key", c);
	}
	blanks(r);
	if (peek(r, 0) == '.') {
		bad(r, "'%s' with a dot after it makes a table, expected one key", buf_str(to));
		err_hint(r->e, "a key with a dot in it stands in quotes: \"aa.toml\"");
		return r->e->code;
	}
	if (memchr(to->p ? to->p : (uint8_t *)"", 0, to->n))
		return bad(r, "a key with a NUL in it");
	return 0;
}

static int read_value(struct reader *r, const char *key, struct buf *to)
{
	blanks(r);
	if (!take(r, "="))
		return bad(r, "'%s': expected = after the key", key);
	blanks(r);
	if (peek(r, 0) != '"' && peek(r, 0) != '\'')
		return bad(r, "'%s': expected a string", key);
	if (string(r, to))
		return r->e->code;
	return rest_of_line(r);
}

static int set_algorithm(struct reader *r, unsigned line, const char *value, struct initdata *d)
{
	if (hash_by_name(value, &d->alg) && d->alg != HASH_SHA1)
		return 0;
	r->line = line;
	return bad(r, "algorithm '%s', expected sha256, sha384 or sha512", value);
}

static int add_entry(struct reader *r, unsigned line, struct buf *key, struct buf *value, struct initdata *d)
{
	struct initdata_entry *v = &d->v[d->n];

	r->line = line;
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->v[i].key, buf_str(key)))
			return bad(r, "'%s' is given twice", buf_str(key));
	if (d->n == INITDATA_ENTRIES)
		return bad(r, "more than %d keys in [data]", INITDATA_ENTRIES);
	v->key = xstrdup(buf_str(key));
	v->value = *value;
	*value = (struct buf){ 0 };
	d->n++;
	return 0;
}

/* One "key = value" of the top or of [data]. */
static int read_pair(struct reader *r, bool in_data, bool *has_alg, struct initdata *d)
{
	_buf_ struct buf key = { 0 }, value = { 0 };
	unsigned line = r->line, after;
	const char *k;
	int e;

	if (read_key(r, &key))
		return r->e->code;
	k = buf_str(&key);
	if (read_value(r, k, &value))
		return r->e->code;
	after = r->line;
	if (in_data) {
		e = add_entry(r, line, &key, &value, d);
	} else if (!strcmp(k, "version") && !d->version) {
		d->version = xstrdup(buf_str(&value));
		r->line = line;
		e = strcmp(d->version, "0.1.0") || value.n != 5
		            ? bad(r, "version '%s', expected 0.1.0", d->version)
		            : 0;
	} else if (!strcmp(k, "algorithm") && !*has_alg) {
		*has_alg = true;
		e = set_algorithm(r, line, buf_str(&value), d);
	} else {
		r->line = line;
		e = bad(r, "'%s', expected each of version, algorithm and [data] once", k);
	}
	r->line = after;
	return e;
}

int initdata_parse(const char *name, struct slice toml, struct initdata *ret, struct err *e)
{
	struct reader r = { .name = name, .s = toml, .line = 1, .e = e };
	bool in_data = false, has_alg = false;

	*ret = (struct initdata){ 0 };
	if (toml.n > INITDATA_MAX)
		return err_set(e, -EBADMSG, "%s: %zu bytes, expected at most %d", name, toml.n, INITDATA_MAX);
	while (blanks(&r), peek(&r, 0) >= 0) {
		if (peek(&r, 0) == '#' || peek(&r, 0) == '\n' || peek(&r, 0) == '\r') {
			if (rest_of_line(&r))
				return e->code;
		} else if (take(&r, "[")) {
			_buf_ struct buf key = { 0 };

			blanks(&r);
			if (peek(&r, 0) == '[')
				return bad(&r, "an array of tables, expected [data]");
			if (read_key(&r, &key))
				return e->code;
			if (strcmp(buf_str(&key), "data") || in_data)
				return bad(&r, "table '%s', expected [data], once", buf_str(&key));
			if (!take(&r, "]"))
				return bad(&r, "[%s: expected ]", buf_str(&key));
			in_data = true;
			if (rest_of_line(&r))
				return e->code;
		} else if (read_pair(&r, in_data, &has_alg, ret)) {
			return e->code;
		}
	}
	if (!ret->version || !has_alg || !in_data)
		return bad(&r, "%s is missing",
		        !ret->version ? "version"
		        : !has_alg    ? "algorithm"
		                      : "[data]");
	return 0;
}

void initdata_free(struct initdata *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].key);
		buf_free(&d->v[i].value);
	}
	free(d->version);
	*d = (struct initdata){ 0 };
}

static struct slice trimmed(struct slice s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
		s.n--;
	return s;
}

enum initdata_form initdata_form(struct slice data)
{
	if (data.n >= IMAGE_HEADER && !memcmp(data.p, MAGIC, sizeof(MAGIC)) && !data.p[15])
		return INITDATA_IMAGE;
	/* "H4sI" is base64 of the first bytes of every gzip */
	if (data.n >= 24 && !memcmp(data.p, "H4sI", 4))
		return INITDATA_ANNOTATION;
	return INITDATA_TOML;
}

int initdata_unpack(const char *name, struct slice data, struct buf *toml, struct err *e)
{
	_buf_ struct buf raw = { 0 };
	struct slice gz;

	switch (initdata_form(data)) {
	case INITDATA_IMAGE:
		if (!slice_at(data, IMAGE_HEADER, le64(data.p + 8), &gz))
			return err_set(e, -EBADMSG, "%s+0x8: gzip of %" PRIu64 " bytes, but %zu are left",
			        name, le64(data.p + 8), data.n - IMAGE_HEADER);
		break;
	case INITDATA_ANNOTATION:
		if (data.n > 2 * INITDATA_MAX || !base64_decode(&raw, trimmed(data)))
			return err_set(e, -EBADMSG, "%s: base64 is damaged", name);
		gz = buf_slice(&raw);
		break;
	default:
		if (data.n > INITDATA_MAX)
			return err_set(e, -EBADMSG, "%s: %zu bytes, expected at most %d", name, data.n,
			        INITDATA_MAX);
		buf_add(toml, data.p, data.n);
		return 0;
	}
	return gzip_inflate(name, gz, INITDATA_MAX, toml, e);
}

bool initdata_recognised(struct slice data)
{
	return initdata_form(data) != INITDATA_TOML ||
	       (data.n && data.n <= INITDATA_MAX && !memchr(data.p, 0, data.n) &&
	               memmem(data.p, data.n, "version", 7) && memmem(data.p, data.n, "algorithm", 9));
}
