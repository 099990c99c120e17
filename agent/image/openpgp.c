#include "openpgp.h"
#include <errno.h>
#include <time.h>
#include <zlib.h>
#include "lib/base64.h"
#include "openpgp_packet.h"

enum { CONTENT_MAX = 128 << 10 };

struct pgp_ring {
	struct pgp_key v[PGP_KEYS];
	size_t n;
};

/* The base64 between the armor's empty line and its check sum (RFC 4880, section 6.2), which tells of
 * accidents alone and is left out. */
static bool unarmor(struct slice s, struct buf *ret)
{
	_buf_ struct buf text = { 0 };
	const char *p, *nl;

	buf_add(&text, s.p, s.n);
	p = strstr(buf_str(&text), "-----BEGIN PGP PUBLIC KEY BLOCK-----");
	for (bool head = true; p && (nl = strchr(p, '\n')); p = nl + 1) {
		size_t n = (size_t)(nl - p);

		while (n && (p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\t'))
			n--;
		if (head)
			head = n;
		else if (*p == '=' || *p == '-')
			return true;
		/* lines hold whole groups of four, but for what a mailer broke */
		else if (!base64_decode(ret, slice_of(p, n)))
			return false;
	}
	return false;
}

static void add_framed(struct hash *h, uint8_t tag, struct slice s)
{
	uint32_t n = (uint32_t)s.n;
	const uint8_t head[] = { tag, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	hash_add(h, head, 1);
	hash_add(h, tag == 0x99 ? head + 3 : head + 1, tag == 0x99 ? 2 : 4);
	hash_add(h, s.p, s.n);
}

/* What PRIMARY says of itself, or of its subkey K: the newest word counts. */
static void self_signed(const struct pgp_sig *s, const struct pgp_key *primary, struct slice primary_body,
        struct pgp_key *k, struct slice body, struct slice user)
{
	_hash_ struct hash *h = hash_new(s->hash);

	if (s->type == 0x20 || s->type == 0x28) {
		k->revoked = true;
		return;
	}
	add_framed(h, 0x99, primary_body);
	if (s->type >= 0x10 && s->type <= 0x13 && k == primary && user.p)
		add_framed(h, 0xb4, user);
	else if (s->type == 0x18 && k != primary)
		add_framed(h, 0x99, body);
	else if (s->type != 0x1f || k != primary)
		return;
	if (!pgp_sig_check(s, primary, h) || (k->bound && s->created < k->said))
		return;
	k->bound = true;
	k->said = s->created;
	k->expires = s->key_expires;
	/* a primary key signs unless it says what else it is for; a subkey does when it says so */
	k->may_sign = s->flags < 0 ? k == primary : !!(s->flags & PGP_FLAG_SIGN);
}

/* A subkey is worth what its primary key is, too. */
static bool may_sign(const struct pgp_ring *r, const struct pgp_key *k)
{
	const struct pgp_key *p = &r->v[k->primary];

	return k->key && k->bound && k->may_sign && !k->revoked && p->bound && !p->revoked;
}

static bool valid_at(const struct pgp_key *k, uint32_t t)
{
	return t >= k->created && (!k->expires || t - k->created < k->expires);
}

int pgp_ring_read(struct slice data, struct pgp_ring **ret, struct err *e)
{
	_buf_ struct buf binary = { 0 }, joined = { 0 };
	struct pgp_key *primary = NULL, *k = NULL;
	struct slice rest = data, body, primary_body = { 0 }, key_body = { 0 }, user = { 0 };
	struct pgp_ring *r;
	size_t usable = 0;
	uint8_t tag;
	int got;

	if (data.n > PGP_MAX)
		return err_set(
		        e, -EFBIG, "key ring: it is %zu bytes long, at most %d are taken", data.n, PGP_MAX);
	if (data.n && data.p[0] == '-') {
		if (!unarmor(data, &binary))
			return err_set(e, -EBADMSG, "key ring: its armor is broken");
		rest = buf_slice(&binary);
	}
	r = xcalloc(1, sizeof(*r));
	while ((got = pgp_packet(&rest, &tag, &body, &joined)) > 0) {
		struct pgp_sig s;

		if (joined.n && body.p == joined.p)
			break; /* parts are for data alone */
		if (tag == PGP_PUBLIC_KEY || tag == PGP_SUBKEY) {
			if (r->n == PGP_KEYS)
				break;
			k = NULL;
			if (tag == PGP_PUBLIC_KEY)
				primary = NULL;
			/* of another version, or a subkey of such */
			if ((tag == PGP_SUBKEY && !primary) || !pgp_key_read(body, &r->v[r->n]))
				continue;
			k = &r->v[r->n++];
			k->primary = tag == PGP_PUBLIC_KEY ? r->n - 1 : (size_t)(primary - r->v);
			key_body = body;
			if (tag == PGP_PUBLIC_KEY) {
				primary = k;
				primary_body = body;
			}
			user = slice_of(NULL, 0);
		} else if (tag == PGP_USER_ID) {
			user = body;
		} else if (tag == PGP_SIGNATURE && k && primary && pgp_sig_read(body, &s)) {
			self_signed(&s, primary, primary_body, k, key_body, user);
		} else if (tag == PGP_SECRET_KEY) {
			break;
		}
	}
	for (size_t i = 0; i < r->n; i++)
		usable += may_sign(r, &r->v[i]);
	if (got || !usable) {
		bool some = r->n;

		pgp_ring_free(r);
		if (got)
			return err_set(e, -EBADMSG, "key ring: it is no sequence of public keys, at most %d",
			        PGP_KEYS);
		return err_set(e, some ? -EOPNOTSUPP : -EBADMSG,
		        "key ring: no key in it may sign, expected RSA from 2048 bits or Ed25519, version 4");
	}
	*ret = r;
	return 0;
}

void pgp_ring_free(struct pgp_ring *r)
{
	for (size_t i = 0; r && i < r->n; i++)
		EVP_PKEY_free(r->v[i].key);
	free(r);
}

static bool inflate_all(struct slice s, int window, struct buf *ret)
{
	z_stream z = { .next_in = (uint8_t *)s.p, .avail_in = (unsigned int)s.n };
	int r;

	if (inflateInit2(&z, window) != Z_OK)
		return false;
	z.next_out = buf_zeros(ret, CONTENT_MAX);
	z.avail_out = CONTENT_MAX;
	r = inflate(&z, Z_FINISH);
	ret->n = CONTENT_MAX - z.avail_out;
	inflateEnd(&z);
	return r == Z_STREAM_END;
}

/* The one literal and the one signature of a message. */
static bool take_apart(struct slice data, struct buf *plain, struct buf *joined, struct slice *literal,
        struct slice *signature)
{
	_buf_ struct buf scratch = { 0 };
	struct slice first = data, body;
	uint8_t tag;
	int got;

	*literal = *signature = slice_of(NULL, 0);
	if (data.n > PGP_MAX)
		return false;
	if (pgp_packet(&first, &tag, &body, &scratch) > 0 && tag == PGP_COMPRESSED) {
		if (!body.n || first.n || (body.p[0] != 1 && body.p[0] != 2) ||
		        !inflate_all(slice_of(body.p + 1, body.n - 1), body.p[0] == 1 ? -15 : 15, plain))
			return false;
		data = buf_slice(plain);
	}
	while ((got = pgp_packet(&data, &tag, &body, &scratch)) > 0) {
		if (tag == PGP_LITERAL && !literal->p) {
			joined->n = 0;
			buf_add(joined, body.p, body.n);
			*literal = buf_slice(joined);
		} else if (tag == PGP_SIGNATURE && !signature->p && body.p != scratch.p) {
			*signature = body;
		} else if (tag != PGP_ONE_PASS) {
			return false;
		}
	}
	return !got && literal->p && signature->p && literal->n >= 2 && literal->n >= 6U + literal->p[1];
}

int pgp_verify(const struct pgp_ring *r, struct slice data, struct buf *content, struct err *e)
{
	_buf_ struct buf plain = { 0 }, joined = { 0 };
	struct slice literal, signature;
	bool known = false, expired = false;
	struct pgp_sig s;
	char name[2 * SHA1_LEN + 1];

	if (!take_apart(data, &plain, &joined, &literal, &signature))
		return err_set(e, -EBADMSG, "it is no signed OpenPGP message");
	if (!pgp_sig_read(signature, &s) || s.type != 0 || !s.created)
		return err_set(e, -EOPNOTSUPP,
		        "its OpenPGP signature is not of version 4 over binary data, with a "
		        "time, SHA-256, SHA-384 or SHA-512");
	if (s.hash == HASH_SHA1)
		return err_set(e, -EKEYREJECTED,
		        "its OpenPGP signature is over SHA-1, whose collisions can be made");
	/* the clock is the host's, so that this protects from nothing but oversight */
	if (s.expires && (uint64_t)s.created + s.expires < (uint64_t)time(NULL))
		return err_set(e, -EKEYREJECTED, "its OpenPGP signature has expired");
	literal = slice_of(literal.p + 6 + literal.p[1], literal.n - 6 - literal.p[1]);
	for (size_t i = 0; i < r->n; i++) {
		const struct pgp_key *k = &r->v[i];
		_hash_ struct hash *h = NULL;

		if (s.issuer.n && memcmp(k->fingerprint + SHA1_LEN - s.issuer.n, s.issuer.p, s.issuer.n))
			continue;
		if (!may_sign(r, k))
			continue;
		known = true;
		/* not the time now, which the host sets: a key that had expired must not have signed */
		expired = !valid_at(k, s.created) || !valid_at(&r->v[k->primary], s.created);
		if (expired)
			continue;
		h = hash_new(s.hash);
		hash_add(h, literal.p, literal.n);
		if (!pgp_sig_check(&s, k, h))
			continue;
		buf_add(content, literal.p, literal.n);
		return 0;
	}
	hex_encode(name, s.issuer.p, s.issuer.n);
	return err_set(e, -EKEYREJECTED, "its OpenPGP signature by key %s %s", name,
	        !known    ? "is of none in the key ring that may sign"
	        : expired ? "was made when that key was not valid"
	                  : "is wrong");
}
