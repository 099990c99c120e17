#include "lib/text.h"

static bool printable(unsigned c)
{
	return c >= 0x20 && c < 0x7f;
}

static void put(struct buf *to, unsigned c, const char *escape)
{
	if (c == '\n')
		buf_printf(to, "\\n");
	else if (c == '\t')
		buf_printf(to, "\\t");
	else if (c == '\\')
		buf_printf(to, "\\\\");
	else
		buf_printf(to, printable(c) ? "%c" : escape, c);
}

void text_ascii(struct buf *to, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		put(to, s.p[i], "\\x%02x");
}

void text_utf16(struct buf *to, struct slice s)
{
	for (size_t i = 0; i + 2 <= s.n && le16(s.p + i); i += 2)
		put(to, le16(s.p + i), "\\u%04x");
}

struct slice text_trim(struct slice s)
{
	while (s.n && !s.p[s.n - 1])
		s.n--;
	return s;
}

void text_markup(struct buf *to, const char *s, size_t chars)
{
	for (; *s; s++) {
		const char *entity = NULL;

		if ((*s & 0xc0) != 0x80 && !chars--) {
			buf_printf(to, "…");
			return;
		}
		if (*s == '&')
			entity = "&amp;";
		else if (*s == '<')
			entity = "&lt;";
		else if (*s == '>')
			entity = "&gt;";
		else if (*s == '"')
			entity = "&quot;";
		else if ((unsigned char)*s < ' ' || *s == 0x7f)
			entity = "·"; /* XML 1.0 has no way to write these */
		if (entity)
			buf_printf(to, "%s", entity);
		else
			buf_add(to, s, 1);
	}
}

bool text_is_ascii(struct slice s)
{
	s = text_trim(s);
	for (size_t i = 0; i < s.n; i++)
		if (!printable(s.p[i]) && s.p[i] != '\n' && s.p[i] != '\t' && s.p[i] != '\r')
			return false;
	return s.n;
}

bool text_is_utf16(struct slice s)
{
	size_t n = s.n;

	while (n >= 2 && n % 2 == 0 && !le16(s.p + n - 2))
		n -= 2;
	for (size_t i = 0; i + 2 <= n; i += 2)
		if (!printable(le16(s.p + i)) && s.p[i] != '\n')
			return false;
	return n && n % 2 == 0;
}

bool text_hex(struct slice text, struct buf *ret)
{
	_buf_ struct buf digits = { 0 };

	for (size_t i = 0; i < text.n; i++) {
		if (!text.p[i] || !strchr("0123456789abcdefABCDEF \t\r\n", text.p[i]))
			return false;
		if (text.p[i] > ' ')
			buf_add(&digits, text.p + i, 1);
	}
	return digits.n && !(digits.n & 1) &&
	       hex_decode(buf_str(&digits), buf_zeros(ret, digits.n / 2), digits.n / 2);
}
