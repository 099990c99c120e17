#include "lookaside.h"
#include <errno.h>
#include <stdio.h>

enum { YAML_MAX = 256 << 10 };

/* A key or a value, quoted or not, at the front of *S: it is taken off; false where it is neither. */
static bool take_scalar(struct slice *s, bool key, struct slice *ret)
{
	const uint8_t *end, *p = s->p;
	size_t n = 0;

	if (s->n && (p[0] == '"' || p[0] == '\'')) {
		end = memchr(p + 1, p[0], s->n - 1);
		if (!end || memchr(p, '\\', (size_t)(end - p)))
			return false;
		*ret = slice_of(p + 1, (size_t)(end - p - 1));
		n = (size_t)(end - p) + 1;
	} else {
		if (!s->n || memchr("-[]{}&*!|>%@`?,", p[0], 15))
			return false;
		/* a colon ends a key where a blank or the line's end follows; a blank and # begin a comment
		 */
		while (n < s->n && !(key && p[n] == ':' && (n + 1 == s->n || p[n + 1] == ' ')) &&
		        !(n && p[n] == '#' && p[n - 1] == ' '))
			n++;
		*ret = slice_of(p, n);
		while (ret->n && ret->p[ret->n - 1] == ' ')
			ret->n--;
	}
	*s = slice_of(p + n, s->n - n);
	return true;
}

static size_t indent_of(struct slice s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == ' ')
		n++;
	return n;
}

static struct slice skip_blanks(struct slice s)
{
	size_t n = indent_of(s);

	return slice_of(s.p + n, s.n - n);
}

/* The place of SCOPE among those of REF, from the narrowest on; SIZE_MAX for none. */
static size_t rank(struct slice scope, const struct image_ref *ref)
{
	char name[REF_TEXT];

	for (size_t i = 0; ref_scope(ref, i, name); i++)
		if (slice_eq(slice_str(name), scope))
			return i;
	return SIZE_MAX;
}

int lookaside_find(struct slice yaml, const struct image_ref *ref, char *ret, struct err *e)
{
	enum { OTHER, DEFAULT, DOCKER } top = OTHER;
	size_t line = 0, scope_indent = SIZE_MAX, now = SIZE_MAX, best = SIZE_MAX;
	bool by_new_name = false;

	if (yaml.n > YAML_MAX)
		return err_set(e, -EFBIG, "sigstore config: it is %zu bytes long, at most %d are taken",
		        yaml.n, YAML_MAX);
	while (yaml.n) {
		const uint8_t *nl = memchr(yaml.p, '\n', yaml.n);
		struct slice s = slice_of(yaml.p, nl ? (size_t)(nl - yaml.p) : yaml.n), key, value = { 0 };
		size_t indent = indent_of(s);
		bool new_name;

		line++;
		yaml = nl ? slice_of(nl + 1, yaml.n - s.n - 1) : slice_of(NULL, 0);
		if (s.n && s.p[s.n - 1] == '\r')
			s.n--;
		s = skip_blanks(s);
		if (!s.n || s.p[0] == '#' || slice_eq(s, slice_str("---")))
			continue;
		for (size_t i = 0; i < s.n; i++)
			if (s.p[i] < ' ')
				return err_set(e, -EBADMSG,
				        "sigstore config:%zu: it has a tab or a control character", line);
		if (!take_scalar(&s, true, &key) || !s.n || s.p[0] != ':')
			return err_set(e, -EBADMSG, "sigstore config:%zu: expected KEY: or KEY: VALUE", line);
		s = slice_of(s.p + 1, s.n - 1);
		s = skip_blanks(s);
		if (s.n && s.p[0] != '#' && !take_scalar(&s, false, &value))
			return err_set(e, -EBADMSG,
			        "sigstore config:%zu: its value is no plain or quoted scalar", line);
		s = skip_blanks(s);
		if (s.n && s.p[0] != '#')
			return err_set(
			        e, -EBADMSG, "sigstore config:%zu: there is more after the value", line);
		if (!indent) {
			top = slice_eq(key, slice_str("default-docker")) ? DEFAULT
			      : slice_eq(key, slice_str("docker"))       ? DOCKER
			                                                 : OTHER;
			scope_indent = SIZE_MAX;
			now = SIZE_MAX - 1; /* of default-docker: after all scopes */
			continue;
		}
		if (top == DOCKER && indent <= scope_indent) {
			scope_indent = indent;
			now = rank(key, ref);
			continue;
		}
		new_name = slice_eq(key, slice_str("lookaside"));
		if (top == OTHER || now > best || (!new_name && !slice_eq(key, slice_str("sigstore"))) ||
		        (now == best && by_new_name))
			continue;
		if (!value.n || value.n >= LOOKASIDE_URL)
			return err_set(e, -EBADMSG,
			        "sigstore config:%zu: expected a URL shorter than %d characters", line,
			        LOOKASIDE_URL);
		if (now == SIZE_MAX)
			continue;
		best = now;
		by_new_name = new_name;
		snprintf(ret, LOOKASIDE_URL, "%.*s", (int)value.n, (const char *)value.p);
	}
	return best == SIZE_MAX ? err_set(e, -ENOENT, "sigstore config: nothing is said of %s", ref->name)
	                        : 0;
}
