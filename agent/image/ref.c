#include "ref.h"
#include <errno.h>
#include <stdio.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* letters and digits, with dashes inside, joined by dots; then a port */
static bool is_host(const char *s, size_t n)
{
	size_t i = 0, k;

	for (;; i++) {
		k = strspn(s + i, LETTERS DIGITS "-");
		if (!k || s[i] == '-' || s[i + k - 1] == '-')
			return false;
		i += k;
		if (s[i] != '.')
			break;
	}
	if (s[i] == ':') {
		k = strspn(s + i + 1, DIGITS);
		i += 1 + k;
		if (!k || k > 5)
			return false;
	}
	return i == n;
}

/* components of a-z and 0-9, inside which one '.', one or two '_', or any number of '-' may stand */
static bool is_path(const char *s, size_t n)
{
	size_t i = 0;

	for (;;) {
		size_t k = strspn(s + i, LOWER DIGITS);

		if (!k)
			return false;
		i += k;
		if (i == n)
			return true;
		if (s[i] == '-')
			i += strspn(s + i, "-");
		else if (s[i] == '_')
			i += s[i + 1] == '_' ? 2 : 1;
		else if (s[i] == '.' || s[i] == '/')
			i++;
		else
			return false;
		if (i >= n)
			return false;
	}
}

static bool is_tag(const char *s, size_t n)
{
	return n && n < REF_TAG && s[0] != '.' && s[0] != '-' && strspn(s, LETTERS DIGITS "_.-") >= n;
}

/* Is the part before the first slash a registry, or a user of docker.io? */
static bool names_host(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return true;
	return n == 9 && !memcmp(s, "localhost", 9);
}

int ref_parse(const char *text, struct image_ref *ret, struct err *e)
{
	const char *at = strchr(text, '@'), *end = at ? at : text + strlen(text), *colon = NULL, *slash;
	const char *path = text, *host = "docker.io", *library = "";
	size_t host_n = 9, path_n;
	uint8_t hash[HASH_MAX];
	enum hash_alg alg;

	memset(ret, 0, sizeof(*ret));
	if (at) {
		if (!digest_parse(at + 1, strlen(at + 1), &alg, hash))
			return err_set(e, -EINVAL,
			        "image '%.300s': '%.150s' is no digest, expected sha256: or sha512: and hex",
			        text, at + 1);
		memcpy(ret->digest, at + 1, strlen(at + 1));
	}
	for (const char *s = end; s > text && s[-1] != '/'; s--)
		if (s[-1] == ':')
			colon = s - 1;
	if (colon) {
		if (!is_tag(colon + 1, (size_t)(end - colon - 1)))
			return err_set(e, -EINVAL, "image '%.300s': its tag is none", text);
		memcpy(ret->tag, colon + 1, (size_t)(end - colon - 1));
		end = colon;
	} else if (!at) {
		memcpy(ret->tag, "latest", 7);
	}
	slash = memchr(text, '/', (size_t)(end - text));
	if (slash && names_host(text, (size_t)(slash - text))) {
		host = text;
		host_n = (size_t)(slash - text);
		path = slash + 1;
		if (host_n == 15 && !memcmp(host, "index.docker.io", 15)) {
			host = "docker.io";
			host_n = 9;
		}
	}
	path_n = (size_t)(end - path);
	if (!is_host(host, host_n))
		return err_set(e, -EINVAL, "image '%.300s': '%.*s' is no registry, expected HOST[:PORT]",
		        text, host_n > 200 ? 200 : (int)host_n, host);
	if (!is_path(path, path_n))
		return err_set(e, -EINVAL,
		        "image '%.300s': '%.*s' is no repository, expected lower-case letters, digits and "
		        "'/'",
		        text, path_n > 200 ? 200 : (int)path_n, path);
	if (host_n == 9 && !memcmp(host, "docker.io", 9) && !memchr(path, '/', path_n))
		library = "library/";
	if (host_n + 1 + strlen(library) + path_n >= REF_NAME)
		return err_set(e, -EINVAL, "image '%.100s…': its name is longer than %d characters", text,
		        REF_NAME - 1);
	ret->host = host_n;
	snprintf(ret->name, sizeof(ret->name), "%.*s/%s%.*s", (int)host_n, host, library, (int)path_n, path);
	return 0;
}

char *ref_text(const struct image_ref *r, char *ret)
{
	snprintf(ret, REF_TEXT, "%s%s%s", r->name, r->digest[0] ? "@" : ":",
	        r->digest[0] ? r->digest : r->tag);
	return ret;
}

bool ref_scope(const struct image_ref *r, size_t i, char *ret)
{
	size_t n = strlen(r->name), host = strcspn(r->name, ":/"), from = 0;

	if (!i) {
		ref_text(r, ret);
		return true;
	}
	while (--i)
		if (n > r->host) {
			while (r->name[--n] != '/')
				;
		} else {
			const char *dot = memchr(r->name + from + !!from, '.', host - from - !!from);

			if (!dot)
				return false;
			from = (size_t)(dot - r->name);
		}
	snprintf(ret, REF_TEXT, from ? "*%.*s" : "%.*s", (int)(from ? host - from : n), r->name + from);
	return true;
}
