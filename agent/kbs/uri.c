#include "kbs.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* How much of S is letters, digits and MORE. */
static size_t span(const char *s, const char *more)
{
	for (size_t n = 0, k;; n += k) {
		k = strspn(s + n, letters);
		k += strspn(s + n + k, more);
		if (!k)
			return n;
	}
}

/* Segments of a path, none of them empty, "." or "..", without escapes: their number, or 0. */
static size_t segments(const char *s, size_t n)
{
	size_t count = 0;

	for (const char *end = s + n; s <= end; s++) {
		size_t k = span(s, "-._~@:+=,");

		if (!k || (s + k < end && s[k] != '/') || (k <= 2 && strspn(s, ".") == k))
			return 0;
		s += k;
		count++;
	}
	return count;
}

static bool query_is_good(const char *s)
{
	while (*s) {
		size_t k = span(s, "-._~@:+=,/&");

		if (!k && *s == '%' && strspn(s + 1, "0123456789ABCDEFabcdef") >= 2)
			k = 3;
		if (!k)
			return false;
		s += k;
	}
	return true;
}

int kbs_uri_parse(const char *uri, struct kbs_uri *ret, struct err *e)
{
	const char *s = uri;
	size_t n, count;

	*ret = (struct kbs_uri){ .plugin = "resource" };
	if (strncmp(s, "kbs", 3))
		goto scheme;
	s += 3;
	if (*s == '+') {
		n = span(++s, "-_");
		if (!n || n >= sizeof(ret->plugin))
			goto scheme;
		memcpy(ret->plugin, s, n);
		ret->plugin[n] = 0;
		s += n;
	}
	if (strncmp(s, "://", 3))
		goto scheme;
	s += 3;
	s += span(s, "-._:[]"); /* of whom to ask, the configuration decides */
	if (*s++ != '/')
		return err_set(e, -EINVAL, "KBS URI: its host is not followed by a path");
	n = strcspn(s, "?");
	count = n < sizeof(ret->path) ? segments(s, n) : 0;
	if (!count || (!strcmp(ret->plugin, "resource") && count != 3))
		return err_set(e, -EINVAL,
		        "KBS URI: its path is not %s, without escapes, of at most %zu characters",
		        strcmp(ret->plugin, "resource") ? "names with slashes" : "repository/type/tag",
		        sizeof(ret->path) - 1);
	memcpy(ret->path, s, n);
	s += n;
	if (!*s)
		return 0;
	if (strlen(++s) >= sizeof(ret->query) || !query_is_good(s))
		return err_set(
		        e, -EINVAL, "KBS URI: its query is too long, or has characters that need an escape");
	strcpy(ret->query, s);
	return 0;
scheme:
	return err_set(e, -EINVAL, "KBS URI: it begins with neither kbs:// nor kbs+PLUGIN://");
}
