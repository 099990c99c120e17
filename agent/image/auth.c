#include "auth.h"
#include <errno.h>
#include <strings.h>
#include "json.h"
#include "lib/base64.h"

#define BLANK " \t\r\n"

static size_t token_len(const char *s)
{
	size_t n = 0;

	while (s[n] > ' ' && s[n] < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", s[n]))
		n++;
	return n;
}

/* A token or a quoted string into RET of SIZE; what is longer becomes empty. Returns what follows, NULL where
 * it is none. */
static const char *take_value(const char *s, char *ret, size_t size)
{
	size_t n = 0;

	if (*s != '"') {
		n = token_len(s);
		snprintf(ret, size, "%.*s", n < size ? (int)n : 0, s);
		return n ? s + n : NULL;
	}
	for (s++; *s && *s != '"'; s++, n++) {
		if (*s == '\\' && !*++s)
			break;
		if (n < size - 1)
			ret[n] = *s < ' ' || *s > '~' ? '?' : *s;
	}
	ret[n < size ? n : 0] = 0;
	return *s ? s + 1 : NULL;
}

void auth_challenge(const char *value, struct auth_challenge *ret)
{
	struct auth_challenge c = { 0 };
	const char *s = value;

	memset(ret, 0, sizeof(*ret));
	while (s) {
		const char *word, *after;
		char unused[16], *to = unused;
		size_t n, size = sizeof(unused);

		s += strspn(s, BLANK ",");
		word = s;
		n = token_len(s);
		after = s + n + strspn(s + n, BLANK);
		if (n && *after == '=') { /* a parameter of the challenge that is being read */
#define IS(name) (n == sizeof(name) - 1 && !strncasecmp(word, name, n))
			if (IS("realm"))
				to = c.realm, size = sizeof(c.realm);
			else if (IS("service"))
				to = c.service, size = sizeof(c.service);
			else if (IS("scope"))
				to = c.scope, size = sizeof(c.scope);
			s = take_value(after + 1 + strspn(after + 1, BLANK), to, size);
			continue;
		}
		if (c.scheme == AUTH_BASIC || (c.scheme == AUTH_BEARER && c.realm[0]))
			if (c.scheme > ret->scheme)
				*ret = c;
		if (!n)
			break;
		memset(&c, 0, sizeof(c));
		c.scheme = IS("bearer") ? AUTH_BEARER : IS("basic") ? AUTH_BASIC : AUTH_NONE;
#undef IS
		s = after;
	}
}

int auth_read(struct slice text, json_t **ret, struct err *e)
{
	json_auto_t *j = NULL;

	if (json_read("registry credentials", text, 1 << 20, &j, e))
		return e->code;
	if (!json_is_object(json_object_get(j, "auths")))
		return err_set(e, -EBADMSG, "registry credentials: no object \"auths\"");
	*ret = json_incref(json_object_get(j, "auths"));
	return 0;
}

/* docker login writes docker.io's as a URL of the first API */
static bool same_name(const char *key, const char *name, size_t n)
{
	size_t k;

	if (!strncmp(key, "https://", 8))
		key += 8;
	else if (!strncmp(key, "http://", 7))
		key += 7;
	k = strlen(key);
	if (k && key[k - 1] == '/')
		k--;
	if (k > 3 && (!memcmp(key + k - 3, "/v1", 3) || !memcmp(key + k - 3, "/v2", 3)))
		k -= 3;
	if ((k == 15 && !memcmp(key, "index.docker.io", k)) ||
	        (k == 20 && !memcmp(key, "registry-1.docker.io", k)))
		key = "docker.io", k = 9;
	return k == n && !memcmp(key, name, n);
}

void auth_find(const json_t *auths, const char *name, struct buf *login, struct buf *refresh)
{
	const char *key, *user, *password, *both;
	json_t *v;

	for (size_t n = strlen(name); n; n--) {
		if (name[n] && name[n] != '/')
			continue;
		json_object_foreach ((json_t *)auths, key, v) {
			if (!same_name(key, name, n))
				continue;
			both = json_string_value(json_object_get(v, "auth"));
			user = json_string_value(json_object_get(v, "username"));
			password = json_string_value(json_object_get(v, "password"));
			if (both && *both && !base64_decode(login, slice_str(both)))
				login->n = 0;
			else if (!login->n && user && password)
				buf_printf(login, "%s:%s", user, password);
			/* some writers leave NULs at its end, which are none of the password's */
			while (login->n && !login->p[login->n - 1])
				login->n--;
			if (json_text(v, "identitytoken", 16384))
				buf_add(refresh, json_text(v, "identitytoken", 16384),
				        strlen(json_text(v, "identitytoken", 16384)));
			return;
		}
	}
}
