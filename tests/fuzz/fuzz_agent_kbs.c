/* Input: a byte that chooses, then text: a KBS URI (0), a challenge (1), an answer with a token or an error
 * (2), a sealed secret (3), a signer's key for one (4), headers with cookies (5). */
#include "kbs/kbs.h"
#include "kbs/rcar.h"
#include "kbs/sealed.h"
#include "kbs/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void uri(const char *text)
{
	struct kbs_uri u, again;
	struct err e = { 0 };

	if (kbs_uri_parse(text, &u, &e)) {
		if (!e.msg[0])
			abort();
		return;
	}
	if (strpbrk(u.path, "%?# \r\n") || strpbrk(u.query, "# \r\n") || strchr(u.plugin, '/'))
		abort();
	for (const char *s = u.path; s; s = strchr(s, '/') ? strchr(s, '/') + 1 : NULL) {
		size_t n = strcspn(s, "/");

		if (!n || (n <= 2 && strspn(s, ".") >= n))
			abort();
	}
	{
		_free_ char *text2 =
		        xasprintf("kbs+%s:///%s%s%s", u.plugin, u.path, *u.query ? "?" : "", u.query);

		if (kbs_uri_parse(text2, &again, &e) || strcmp(u.path, again.path) ||
		        strcmp(u.query, again.query))
			abort();
	}
}

static void challenge(struct slice text)
{
	_free_ struct rcar_challenge *c = xcalloc(1, sizeof(*c));
	struct err e = { 0 };
	uint8_t digest[HASH_MAX];

	if (rcar_challenge(text, c, &e))
		return;
	for (size_t i = 0; i < RCAR_VERSIONS; i++) {
		_free_ char *body = rcar_attestation(
		        &rcar_versions[i], c, "{\"kty\":\"EC\"}", json_object(), slice_of(NULL, 0));

		if (!body || rcar_report_data(&rcar_versions[i], c, "{}", digest) != hash_len(c->alg))
			abort();
	}
}

static void answer(struct slice text)
{
	_free_ char *token = rcar_token(text);
	struct rcar_error why;

	rcar_error(text, &why);
	for (const char *s = why.detail; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			abort();
	if (token && jwt_expiry(token) < 0)
		abort();
}

static void sealed(const char *text, bool key)
{
	static const char good[] = "sealed.eyJhbGciOiJFUzI1NiIsImtpZCI6ImticzovLy9hL2IvYyJ9.e30.AA";
	_sealed_ struct sealed s;
	_buf_ struct buf out = { 0 };
	const char *where;
	bool envelope;
	struct err e = { 0 };

	if (sealed_parse(key ? good : text, &s, &e)) {
		if (key || !e.msg[0])
			abort();
		return;
	}
	if (sealed_verify(&s, slice_str(key ? text : "{}"), &e) == 0)
		abort();
	if (!key && sealed_where(&s, &where, &envelope, &e) == 0 && envelope)
		sealed_open(&s, slice_of("0123456789abcdef0123456789abcdef", 32), &out, &e);
}

static void cookies(const struct buf *headers)
{
	_buf_ struct buf jar = { 0 };
	size_t n;

	call_cookies(&jar, headers);
	n = jar.n;
	call_cookies(&jar, headers); /* the same again changes nothing */
	if (jar.n != n || n > KBS_COOKIES ||
	        (n && (strlen((char *)jar.p) != n || strpbrk((char *)jar.p, "\n"))))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_buf_ struct buf text = { 0 };

	if (!size)
		return 0;
	buf_add(&text, data + 1, size - 1);
	switch (data[0] & 7) {
	case 0:
		uri((char *)text.p);
		break;
	case 1:
		challenge(buf_slice(&text));
		break;
	case 2:
		answer(buf_slice(&text));
		break;
	case 3:
	case 4:
		sealed((char *)text.p, (data[0] & 7) == 4);
		break;
	case 5:
		cookies(&text);
		break;
	}
	return 0;
}
