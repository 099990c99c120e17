#include "format/toml.h"
#include "lib/buf.h"
#include <inttypes.h>
#include <stdarg.h>

/* How a table came to be, which says whether more may be added to it. */
enum made { BY_PATH, BY_HEADER, BY_DOTS, INLINE };

struct reader {
	const char *name;
	struct slice s;
	size_t at, values, n_tables;
	unsigned line, depth;
	struct table {
		const json_t *t;
		enum made made;
	} tables[TOML_TABLES];
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
	if (!c || c > 0x10ffff || c >> 11 == 0x1b)
		return bad(r, "escape names no character that text holds: U+%04" PRIX32, c);
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
	return 0;
}

static bool is_digit(int c, int base)
{
	return base == 16 ? (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
	                  : c >= '0' && c < '0' + base;
}

/* Digits with single underscores between them, copied without these; false where there are none. */
static bool digits(const char **p, int base, struct buf *to)
{
	if (!is_digit(**p, base))
		return false;
	for (; is_digit(**p, base) || (**p == '_' && is_digit((*p)[-1], base) && is_digit((*p)[1], base));
	        (*p)++)
		if (**p != '_')
			buf_add(to, *p, 1);
	return true;
}

/* All of WORD as a number: its digits into *TO, and the base, 0 for a float, -1 for neither. */
static int number(const char *word, struct buf *to)
{
	static const struct {
		char letter;
		int base;
	} bases[] = { { 'x', 16 }, { 'o', 8 }, { 'b', 2 } };
	const char *p = word;
	bool real = false;

	for (size_t i = 0; i < ARRAY_LEN(bases); i++)
		if (p[0] == '0' && p[1] == bases[i].letter) {
			p += 2;
			return digits(&p, bases[i].base, to) && !*p ? bases[i].base : -1;
		}
	if (*p == '+' || *p == '-')
		buf_add(to, p++, 1);
	if ((p[0] == '0' && (is_digit(p[1], 10) || p[1] == '_')) || !digits(&p, 10, to))
		return -1;
	if (*p == '.') {
		real = true;
		buf_add(to, p++, 1);
		if (!digits(&p, 10, to))
			return -1;
	}
	if (*p == 'e' || *p == 'E') {
		real = true;
		buf_add(to, p++, 1);
		if (*p == '+' || *p == '-')
			buf_add(to, p++, 1);
		if (!digits(&p, 10, to))
			return -1;
	}
	return *p ? -1 : real ? 0 : 10;
}

/* true, false or a number */
static int read_word(struct reader *r, json_t **ret)
{
	_buf_ struct buf text = { 0 };
	char word[64], *end;
	size_t n = 0;
	int base, c;

	while (c = peek(r, n), is_bare(c) || c == '+' || c == '.' || c == ':')
		n++;
	if (!n || n >= sizeof(word))
		return c < 0x20 || c > 0x7e ? bad(r, "expected a value")
		                            : bad(r, "found '%c', expected a value", c);
	memcpy(word, r->s.p + r->at, n);
	word[n] = 0;
	if (!strcmp(word, "true") || !strcmp(word, "false")) {
		*ret = json_boolean(word[0] == 't');
	} else if (base = number(word, &text), base < 0) {
		return bad(
		        r, "found '%s', expected a string, a number, true, false, an array or a table", word);
	} else if (errno = 0, base) {
		*ret = json_integer(strtoll(buf_str(&text), &end, base));
		if (errno)
			return bad(r, "%s is beyond 64 bits", word);
	} else {
		*ret = json_real(strtod(buf_str(&text), &end));
		if (!*ret)
			return bad(r, "%s is beyond a double", word);
	}
	r->at += n;
	return 0;
}

/* White space, newlines and comments within an array. */
static int skip_lines(struct reader *r)
{
	while (blanks(r), peek(r, 0) == '#' || peek(r, 0) == '\n' || peek(r, 0) == '\r')
		if (rest_of_line(r))
			return r->e->code;
	return 0;
}

static json_t *new_table(struct reader *r, enum made made)
{
	if (r->n_tables == TOML_TABLES) {
		bad(r, "more than %d tables", TOML_TABLES);
		return NULL;
	}
	r->tables[r->n_tables++] = (struct table){ json_object(), made };
	return (json_t *)r->tables[r->n_tables - 1].t;
}

static enum made *made_of(struct reader *r, const json_t *t)
{
	size_t i = r->n_tables;

	while (--i && r->tables[i].t != t)
		;
	return &r->tables[i].made; /* of the root, which is nobody's member, for what is no table */
}

static int read_value(struct reader *r, json_t **ret);
static int read_pair(struct reader *r, json_t *table);

static int read_array(struct reader *r, json_t *array)
{
	for (;;) {
		json_t *v = NULL;
		int e;

		if (skip_lines(r))
			return r->e->code;
		if (take(r, "]"))
			return 0;
		e = read_value(r, &v);
		json_array_append_new(array, v);
		if (e || skip_lines(r))
			return r->e->code;
		if (!take(r, ",") && peek(r, 0) != ']')
			return bad(r, "an array: expected , or ]");
	}
}

static int read_inline(struct reader *r, json_t *table)
{
	blanks(r);
	if (take(r, "}"))
		return 0;
	do
		if (blanks(r), read_pair(r, table))
			return r->e->code;
	while (blanks(r), take(r, ","));
	return take(r, "}") ? 0 : bad(r, "an inline table: expected , or }");
}

/* *RET is owned by the caller after an error too. */
static int read_value(struct reader *r, json_t **ret)
{
	_buf_ struct buf text = { 0 };
	int e;

	if (++r->values > TOML_VALUES)
		return bad(r, "more than %d values", TOML_VALUES);
	if (peek(r, 0) == '"' || peek(r, 0) == '\'') {
		if (string(r, &text))
			return r->e->code;
		*ret = json_string_nocheck(buf_str(&text));
		return 0;
	}
	if (peek(r, 0) != '[' && peek(r, 0) != '{')
		return read_word(r, ret);
	if (++r->depth > TOML_DEPTH)
		return bad(r, "nested more than %d deep", TOML_DEPTH);
	if (take(r, "[")) {
		*ret = json_array();
		e = read_array(r, *ret);
	} else {
		r->at++;
		*ret = new_table(r, INLINE);
		e = *ret ? read_inline(r, *ret) : r->e->code;
	}
	r->depth--;
	return e;
}

/* The table KEY of PARENT, which more may be added to: made where there is none yet. NULL is an error. */
static json_t *step_into(struct reader *r, json_t *parent, const char *key, enum made made)
{
	json_t *t = json_object_get(parent, key);

	if (!t) {
		t = new_table(r, made);
		if (t)
			json_object_set_new_nocheck(parent, key, t);
		return t;
	}
	/* a header's path leads through the last table of an array of tables; other arrays are closed */
	if (made != BY_DOTS && json_is_array(t) && *made_of(r, json_array_get(t, 0)) == BY_HEADER)
		return json_array_get(t, json_array_size(t) - 1);
	if (!json_is_object(t) || *made_of(r, t) == INLINE ||
	        (made == BY_DOTS && *made_of(r, t) != BY_DOTS)) {
		bad(r, "'%s' is given already, and cannot be added to here", key);
		return NULL;
	}
	return t;
}

/* Keys with dots between them: *TABLE becomes what the last one is in, which is left in *LAST. */
static int read_path(struct reader *r, enum made made, json_t **table, struct buf *last)
{
	for (int n = 0;; n++) {
		if (blanks(r), read_key(r, last))
			return r->e->code;
		blanks(r);
		if (!take(r, "."))
			return 0;
		if (n == TOML_DEPTH)
			return bad(r, "a key of more than %d parts", TOML_DEPTH);
		*table = step_into(r, *table, buf_str(last), made);
		if (!*table)
			return r->e->code;
		last->n = 0;
	}
}

static int read_pair(struct reader *r, json_t *table)
{
	_buf_ struct buf key = { 0 };
	json_t *v = NULL;
	int e;

	if (read_path(r, BY_DOTS, &table, &key))
		return r->e->code;
	if (!take(r, "="))
		return bad(r, "'%s': expected = after the key", buf_str(&key));
	if (json_object_get(table, buf_str(&key)))
		return bad(r, "'%s' is given twice", buf_str(&key));
	blanks(r);
	e = read_value(r, &v);
	json_object_set_new_nocheck(table, buf_str(&key), v);
	return e;
}

/* After the first bracket of a header: the table that the lines to come are of. */
static int read_header(struct reader *r, json_t *root, json_t **ret)
{
	_buf_ struct buf key = { 0 };
	bool array = take(r, "[");
	json_t *parent = root, *t;

	if (read_path(r, BY_PATH, &parent, &key))
		return r->e->code;
	if (!take(r, array ? "]]" : "]"))
		return bad(r, "[%s: expected %s", buf_str(&key), array ? "]]" : "]");
	t = json_object_get(parent, buf_str(&key));
	*ret = NULL;
	if (array) {
		if (!t)
			json_object_set_new_nocheck(parent, buf_str(&key), t = json_array());
		else if (!json_is_array(t) || *made_of(r, json_array_get(t, 0)) != BY_HEADER)
			return bad(r, "'%s' is given already, and is no array of tables", buf_str(&key));
		*ret = new_table(r, BY_HEADER);
		json_array_append_new(t, *ret);
	} else if (!t) {
		*ret = new_table(r, BY_HEADER);
		json_object_set_new_nocheck(parent, buf_str(&key), *ret);
	} else if (json_is_object(t) && *made_of(r, t) == BY_PATH) {
		*made_of(r, t) = BY_HEADER;
		*ret = t;
	} else {
		return bad(r, "'%s' is given twice", buf_str(&key));
	}
	return *ret ? rest_of_line(r) : r->e->code;
}

int toml_parse(const char *name, struct slice text, size_t max, json_t **ret, struct err *e)
{
	_free_ struct reader *r = xcalloc(1, sizeof(*r));
	json_auto_t *root = NULL;
	json_t *table;

	*ret = NULL;
	*r = (struct reader){ .name = name, .s = text, .line = 1, .e = e };
	if (text.n > max)
		return err_set(e, -EBADMSG, "%s: %zu bytes, expected at most %zu", name, text.n, max);
	table = root = new_table(r, INLINE);
	while (blanks(r), peek(r, 0) >= 0)
		if (peek(r, 0) == '#' || peek(r, 0) == '\n' || peek(r, 0) == '\r' ? rest_of_line(r)
		        : take(r, "[") ? read_header(r, root, &table)
		                       : read_pair(r, table) || rest_of_line(r))
			return e->code;
	*ret = TAKE(root);
	return 0;
}
