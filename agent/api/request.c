#include "api/request.h"
#include <stdlib.h>
#include <strings.h>

/* Up to END, which is taken off, too. */
static bool cut(struct slice *rest, const char *end, struct slice *ret)
{
	const size_t n = strlen(end);
	const uint8_t *at = rest->n ? memmem(rest->p, rest->n, end, n) : NULL;

	if (!at)
		return false;
	*ret = slice_of(rest->p, (size_t)(at - rest->p));
	*rest = slice_of(at + n, rest->n - ret->n - n);
	return true;
}

static bool begins(struct slice s, const char *word)
{
	const size_t n = strlen(word);

	return s.n >= n && !strncasecmp((const char *)s.p, word, n);
}

static int parse_line(struct slice line, struct api_request *r)
{
	struct slice target;

	if (!cut(&line, " ", &r->method) || !cut(&line, " ", &target) || !r->method.n || !target.n ||
	        target.p[0] != '/')
		return -400;
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= ' ' || target.p[i] > '~' || target.p[i] == '#')
			return -400;
	if (!slice_eq(line, slice_str("HTTP/1.1")) && !slice_eq(line, slice_str("HTTP/1.0")))
		return begins(line, "HTTP/") ? -505 : -400;
	r->path = target;
	if (cut(&target, "?", &r->path))
		r->query = target;
	return 0;
}

/* Digits alone, once; *LENGTH is -1 before. */
static int parse_length(struct slice value, long *length)
{
	long n = 0;

	while (value.n && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = slice_of(value.p + 1, value.n - 1);
	while (value.n && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
		value.n--;
	if (!value.n || *length >= 0)
		return -400;
	for (; value.n; value = slice_of(value.p + 1, value.n - 1)) {
		if (value.p[0] < '0' || value.p[0] > '9')
			return -400;
		n = n * 10 + value.p[0] - '0';
		if (n > API_BODY_MAX)
			return -413;
	}
	*length = n;
	return 0;
}

static int parse_header(struct slice line, long *length)
{
	static const char name[] = "content-length:";

	if (begins(line, "transfer-encoding:"))
		return -411;
	if (begins(line, name))
		return parse_length(slice_of(line.p + sizeof(name) - 1, line.n - (sizeof(name) - 1)), length);
	/* a name, then a colon: no continuation lines, no bare line ends */
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == ':')
			return i && !memchr(line.p, '\n', line.n) && !memchr(line.p, '\r', line.n) ? 0 : -400;
		if (line.p[i] <= ' ' || line.p[i] > '~')
			break;
	}
	return -400;
}

int api_parse(struct slice in, struct api_request *ret)
{
	struct slice rest = in, head, line;
	long length = -1;
	int k;

	*ret = (struct api_request){ 0 };
	if (!cut(&rest, "\r\n\r\n", &head))
		return in.n > API_HEAD_MAX ? -431 : 0;
	if (head.n > API_HEAD_MAX)
		return -431;
	head.n += 2; /* every line has its end */
	k = cut(&head, "\r\n", &line) ? parse_line(line, ret) : -400;
	while (!k && cut(&head, "\r\n", &line))
		k = parse_header(line, &length);
	if (k)
		return k;
	if (length > 0 && rest.n < (size_t)length)
		return 0;
	ret->body = slice_of(rest.p, length > 0 ? (size_t)length : 0);
	return 1;
}

static int decode(struct slice s, struct buf *ret)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t byte = s.p[i] == '+' ? ' ' : s.p[i];

		if (byte == '%') {
			char hex[3] = { 0 };

			if (s.n - i < 3)
				return -400;
			memcpy(hex, s.p + i + 1, 2);
			if (!hex_decode(hex, &byte, 1))
				return -400;
			i += 2;
		}
		if (!byte)
			return -400;
		buf_add(ret, &byte, 1);
	}
	return 1;
}

int api_param(struct slice query, const char *name, struct buf *ret)
{
	const size_t n = strlen(name);
	int found = 0;

	while (query.n && found >= 0) {
		struct slice one = query, rest = query;

		query = cut(&rest, "&", &one) ? rest : slice_of(NULL, 0);
		if (one.n <= n || memcmp(one.p, name, n) || one.p[n] != '=')
			continue;
		found = found ? -400 : decode(slice_of(one.p + n + 1, one.n - n - 1), ret);
	}
	return found;
}
