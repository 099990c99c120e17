#include "attest/tpm2.h"
#include "lib/be.h"
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

/* Part 2, 6.5.2, 6.9, 7.4, 8.3, 13.4 */
enum {
	CC_EVICT_CONTROL = 0x120,
	CC_NV_UNDEFINE_SPACE = 0x122,
	CC_NV_DEFINE_SPACE = 0x12a,
	CC_CREATE_PRIMARY = 0x131,
	CC_NV_WRITE = 0x137,
	CC_NV_READ = 0x14e,
	CC_QUOTE = 0x158,
	CC_NV_READ_PUBLIC = 0x169,
	CC_READ_PUBLIC = 0x173,
	CC_PCR_READ = 0x17e,
	CC_PCR_EXTEND = 0x182,
	ST_NO_SESSIONS = 0x8001,
	ST_SESSIONS = 0x8002,
	RS_PASSWORD = 0x40000009,
	RH_OWNER = 0x40000001,
	RH_ENDORSEMENT = 0x4000000b,
	RC_HANDLE = 0x8b, /* and the number of the handle << 8 */
	RC_LOCALITY = 0x907,
	RC_TESTING = 0x90a,
	RC_RETRY = 0x922,
	ALG_RSA = 0x1,
	ALG_SHA256 = 0xb,
	ALG_NULL = 0x10,
	AK_ATTRIBUTES = 0x50472, /* fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA,
	                            restricted, sign */
	NV_ATTRIBUTES = 0x20002, /* OWNERWRITE, OWNERREAD */
};
enum { HEADER = 10, RESPONSE_MAX = 4096, NV_CHUNK = 512, QUOTE_TRIES = 3, RETRIES = 10, RETRY_US = 1000 };

struct command {
	const char *name;
	uint32_t code;
	struct buf body; /* handles, then the authorization, then parameters */
	bool authorized;
};

static void put(struct buf *b, uint64_t v, size_t n)
{
	uint8_t p[8];

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	buf_add(b, p, n);
}

static void put_sized(struct buf *b, struct slice s)
{
	put(b, s.n, 2);
	buf_add(b, s.p, s.n);
}

/* Behind the handles: an empty password, for the one handle that needs authorization. */
static void put_password(struct command *c)
{
	c->authorized = true;
	put(&c->body, 9, 4);
	put(&c->body, RS_PASSWORD, 4);
	put(&c->body, 0, 5); /* no nonce, no attributes, no password */
}

static void put_pcr_selection(struct buf *b, uint32_t pcrs)
{
	put(b, 1, 4);
	put(b, ALG_SHA256, 2);
	put(b, 3, 1);
	for (int i = 0; i < 3; i++)
		put(b, pcrs >> 8 * i & 0xff, 1);
}

static bool get(struct slice *s, size_t n, struct slice *ret)
{
	if (!slice_at(*s, 0, n, ret))
		return false;
	*s = slice_of(s->p + n, s->n - n);
	return true;
}

static bool get_number(struct slice *s, size_t n, uint32_t *ret)
{
	struct slice v;

	if (!get(s, n, &v))
		return false;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret << 8 | v.p[i];
	return true;
}

static bool get_sized(struct slice *s, struct slice *ret)
{
	uint32_t n;

	return get_number(s, 2, &n) && get(s, n, ret);
}

static int malformed(const struct command *c, struct err *e)
{
	return err_set(e, -EBADMSG, "TPM2_%s: the answer is malformed", c->name);
}

static int failed(const struct command *c, uint32_t rc, struct err *e)
{
	if ((rc & 0xff) == RC_HANDLE)
		return err_set(e, -ENOENT, "TPM2_%s: no such object or index", c->name);
	if (rc == RC_LOCALITY)
		return err_set(e, -EACCES, "TPM2_%s: not from an operating system's locality", c->name);
	return err_set(e, -EIO, "TPM2_%s: error 0x%03x", c->name, rc);
}

/* Sends COMMAND; *RET bytes of answer. */
static int exchange(int fd, const struct command *c, struct slice command, uint8_t answer[RESPONSE_MAX],
        size_t *ret, struct err *e)
{
	size_t n = 0;

	if (write(fd, command.p, command.n) != (ssize_t)command.n)
		return err_errno(e, "TPM2_%s", c->name);
	while (n < HEADER || n < be32_at(answer + 2)) {
		ssize_t k = read(fd, answer + n, RESPONSE_MAX - n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_errno(e, "TPM2_%s", c->name);
		if (!k)
			return malformed(c, e);
		n += (size_t)k;
	}
	*ret = n;
	return n == be32_at(answer + 2) ? 0 : malformed(c, e);
}

/* Runs C, and frees its body. *RET, the answer behind its header, lies in ANSWER. */
static int run(int fd, struct command *c, uint8_t answer[RESPONSE_MAX], struct slice *ret, struct err *e)
{
	_buf_ struct buf whole = { 0 };
	size_t n = 0;
	int k;

	put(&whole, c->authorized ? ST_SESSIONS : ST_NO_SESSIONS, 2);
	put(&whole, HEADER + c->body.n, 4);
	put(&whole, c->code, 4);
	buf_add(&whole, c->body.p, c->body.n);
	buf_free(&c->body);
	for (unsigned int i = 0;; i++) {
		k = exchange(fd, c, buf_slice(&whole), answer, &n, e);
		if (k < 0)
			return k;
		uint32_t rc = be32_at(answer + 6);
		if (!rc)
			break;
		if ((rc != RC_RETRY && rc != RC_TESTING) || i == RETRIES)
			return failed(c, rc, e);
		usleep(RETRY_US << i);
	}
	*ret = slice_of(answer + HEADER, n - HEADER);
	return 0;
}

int tpm2_open(const char *path, int *ret, struct err *e)
{
	*ret = open(path, O_RDWR | O_CLOEXEC);
	if (*ret < 0)
		return errno == ENOENT ? err_set(e, -ENODEV, "%s: no TPM", path) : err_errno(e, "%s", path);
	return 0;
}

/* As many of WANTED as the TPM hands out at once (part 3, 22.4); they are taken out of it. */
static int read_some_pcrs(int fd, uint32_t *wanted, uint8_t ret[TPM_PCRS][SHA256_LEN], struct err *e)
{
	struct command c = { "PCR_Read", CC_PCR_READ, { 0 }, false };
	uint8_t answer[RESPONSE_MAX];
	struct slice s, selected;
	uint32_t counter, n, alg, size, got;
	int k;

	put_pcr_selection(&c.body, *wanted);
	k = run(fd, &c, answer, &s, e);
	if (k < 0)
		return k;
	if (!get_number(&s, 4, &counter) || !get_number(&s, 4, &n) || n != 1 || !get_number(&s, 2, &alg) ||
	        alg != ALG_SHA256 || !get_number(&s, 1, &size) || size != 3 || !get(&s, size, &selected) ||
	        !get_number(&s, 4, &n))
		return malformed(&c, e);
	got = selected.p[0] | (uint32_t)selected.p[1] << 8 | (uint32_t)selected.p[2] << 16;
	if (!got)
		return err_set(e, -ENOTSUP, "the TPM has no SHA-256 PCRs");
	if (got & ~*wanted || n != (uint32_t)__builtin_popcount(got))
		return malformed(&c, e);
	*wanted &= ~got;
	for (int i = 0; i < TPM_PCRS; i++) {
		struct slice digest;

		if (!(got >> i & 1))
			continue;
		if (!get_sized(&s, &digest) || digest.n != SHA256_LEN)
			return malformed(&c, e);
		memcpy(ret[i], digest.p, SHA256_LEN);
	}
	return 0;
}

int tpm2_read_pcrs(int fd, uint8_t ret[TPM_PCRS][SHA256_LEN], struct err *e)
{
	uint32_t wanted = (1U << TPM_PCRS) - 1;
	int k = 0;

	while (!k && wanted)
		k = read_some_pcrs(fd, &wanted, ret, e);
	return k;
}

int tpm2_extend(int fd, int pcr, const uint8_t digest[SHA256_LEN], struct err *e)
{
	struct command c = { "PCR_Extend", CC_PCR_EXTEND, { 0 }, false };
	uint8_t answer[RESPONSE_MAX];
	struct slice s;
	int k;

	put(&c.body, (uint32_t)pcr, 4);
	put_password(&c);
	put(&c.body, 1, 4);
	put(&c.body, ALG_SHA256, 2);
	buf_add(&c.body, digest, SHA256_LEN);
	k = run(fd, &c, answer, &s, e);
	return k < 0 ? err_wrap(e, "PCR %d", pcr) : 0;
}

/* SubjectPublicKeyInfo of an RSA key. */
static int rsa_der(struct slice n, uint32_t exponent, struct buf *ret)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *bn = BN_bin2bn(n.p, (int)n.n, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL;
	int len = -1;

	if (bld && bn && ctx && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) &&
	        OSSL_PARAM_BLD_push_uint32(bld, OSSL_PKEY_PARAM_RSA_E, exponent) &&
	        (params = OSSL_PARAM_BLD_to_param(bld)) && EVP_PKEY_fromdata_init(ctx) > 0 &&
	        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) > 0)
		len = i2d_PUBKEY(key, &der);
	if (len > 0)
		buf_add(ret, der, (size_t)len);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	return len > 0 ? 0 : -EBADMSG;
}

/* Part 2, 12.2.4, as far as an RSA key that encrypts nothing goes. */
int tpm2_read_public(int fd, uint32_t handle, struct buf *ret_der, struct err *e)
{
	struct command c = { "ReadPublic", CC_READ_PUBLIC, { 0 }, false };
	uint8_t answer[RESPONSE_MAX];
	struct slice s, public, policy, n;
	uint32_t type, alg, attributes, symmetric, scheme, hash, bits, exponent;
	int k;

	put(&c.body, handle, 4);
	k = run(fd, &c, answer, &s, e);
	if (k < 0)
		return k;
	if (!get_sized(&s, &public) || !get_number(&public, 2, &type) || !get_number(&public, 2, &alg) ||
	        !get_number(&public, 4, &attributes) || !get_sized(&public, &policy) ||
	        !get_number(&public, 2, &symmetric))
		return malformed(&c, e);
	if (type != ALG_RSA || symmetric != ALG_NULL)
		return err_set(e, -EBADMSG, "TPM key 0x%08x: expected an RSA key that signs", handle);
	if (!get_number(&public, 2, &scheme) || (scheme != ALG_NULL && !get_number(&public, 2, &hash)) ||
	        !get_number(&public, 2, &bits) || !get_number(&public, 4, &exponent) ||
	        !get_sized(&public, &n) || n.n > TPM2_RSA_MAX || !n.n ||
	        rsa_der(n, exponent ? exponent : 65537, ret_der) < 0)
		return malformed(&c, e);
	return 0;
}

int tpm2_make_ak(int fd, uint32_t persistent, uint32_t *ret, struct err *e)
{
	struct command c = { "CreatePrimary", CC_CREATE_PRIMARY, { 0 }, false };
	struct command evict = { "EvictControl", CC_EVICT_CONTROL, { 0 }, false };
	_buf_ struct buf public = { 0 };
	uint8_t answer[RESPONSE_MAX];
	struct err refused = { 0 };
	struct slice s;
	int k;

	put(&public, ALG_RSA, 2);
	put(&public, ALG_SHA256, 2);
	put(&public, AK_ATTRIBUTES, 4);
	put(&public, 0, 2); /* policy */
	put(&public, ALG_NULL, 2);
	put(&public, TPM_RSASSA, 2);
	put(&public, ALG_SHA256, 2);
	put(&public, 2048, 2);
	put(&public, 0, 4); /* 65537 */
	put(&public, 0, 2);

	put(&c.body, RH_ENDORSEMENT, 4);
	put_password(&c);
	put(&c.body, 4, 2); /* no password, no secret of our own */
	put(&c.body, 0, 4);
	put_sized(&c.body, buf_slice(&public));
	put(&c.body, 0, 2 + 4); /* no outside information, no PCRs */
	k = run(fd, &c, answer, &s, e);
	if (k < 0)
		return k;
	if (!get_number(&s, 4, ret))
		return malformed(&c, e);

	put(&evict.body, RH_OWNER, 4);
	put(&evict.body, *ret, 4);
	put_password(&evict);
	put(&evict.body, persistent, 4);
	if (!run(fd, &evict, answer, &s, &refused))
		*ret = persistent;
	return 0;
}

static int quote_once(int fd, uint32_t handle, struct slice data, struct tpm2_quote *ret, struct err *e)
{
	struct command c = { "Quote", CC_QUOTE, { 0 }, false };
	uint8_t answer[RESPONSE_MAX];
	struct slice s, params, message;
	uint32_t size;
	int k;

	put(&c.body, handle, 4);
	put_password(&c);
	put_sized(&c.body, data);
	put(&c.body, TPM_RSASSA, 2);
	put(&c.body, ALG_SHA256, 2);
	put_pcr_selection(&c.body, (1U << TPM_PCRS) - 1);
	k = run(fd, &c, answer, &s, e);
	if (k < 0)
		return k;
	if (!get_number(&s, 4, &size) || !get(&s, size, &params) || !get_sized(&params, &message))
		return malformed(&c, e);
	tpm2_quote_free(ret);
	buf_add(&ret->message, message.p, message.n);
	buf_add(&ret->signature, params.p, params.n);
	return 0;
}

int tpm2_quote(int fd, uint32_t handle, struct slice data, struct tpm2_quote *ret, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	struct tpm_quote q;
	int k = 0;

	/* they are read by commands of their own, between which another process may extend */
	for (int i = 0; i < QUOTE_TRIES; i++) {
		k = quote_once(fd, handle, data, ret, e);
		if (!k)
			k = tpm_quote_parse("TPM2_Quote", buf_slice(&ret->message), &q, e);
		if (!k)
			k = tpm2_read_pcrs(fd, ret->pcr, e);
		if (k < 0)
			return k;
		sha256(slice_of(ret->pcr, sizeof(ret->pcr)), digest);
		if (slice_eq(q.digest, slice_of(digest, sizeof(digest))))
			return 0;
	}
	return err_set(
	        e, -EAGAIN, "TPM2_Quote: the PCRs read are not those that it signed, %d times", QUOTE_TRIES);
}

void tpm2_quote_free(struct tpm2_quote *q)
{
	buf_free(&q->message);
	buf_free(&q->signature);
}

/* The size of the index's data (part 2, 13.5). */
static int nv_size(int fd, uint32_t index, size_t *ret, struct err *e)
{
	struct command c = { "NV_ReadPublic", CC_NV_READ_PUBLIC, { 0 }, false };
	uint8_t answer[RESPONSE_MAX];
	struct slice s, public, policy;
	uint32_t found, alg, attributes, size;
	int k;

	put(&c.body, index, 4);
	k = run(fd, &c, answer, &s, e);
	if (k < 0)
		return k;
	if (!get_sized(&s, &public) || !get_number(&public, 4, &found) || found != index ||
	        !get_number(&public, 2, &alg) || !get_number(&public, 4, &attributes) ||
	        !get_sized(&public, &policy) || !get_number(&public, 2, &size))
		return malformed(&c, e);
	*ret = size;
	return 0;
}

int tpm2_nv_read(int fd, uint32_t index, size_t max, struct buf *ret, struct err *e)
{
	uint8_t answer[RESPONSE_MAX];
	size_t size;
	int k = nv_size(fd, index, &size, e);

	if (!k && size > max)
		k = err_set(e, -EFBIG, "NV index 0x%08x: %zu bytes, expected at most %zu", index, size, max);
	for (size_t at = 0, n; !k && at < size; at += n) {
		struct command c = { "NV_Read", CC_NV_READ, { 0 }, false };
		struct slice s, data;
		uint32_t parameters;

		n = size - at < NV_CHUNK ? size - at : NV_CHUNK;
		put(&c.body, RH_OWNER, 4);
		put(&c.body, index, 4);
		put_password(&c);
		put(&c.body, n, 2);
		put(&c.body, at, 2);
		k = run(fd, &c, answer, &s, e);
		if (!k && (!get_number(&s, 4, &parameters) || !get_sized(&s, &data) || data.n != n))
			k = malformed(&c, e);
		if (!k)
			buf_add(ret, data.p, n);
	}
	return k;
}

static int nv_command(int fd, struct command *c, struct err *e)
{
	uint8_t answer[RESPONSE_MAX];
	struct slice s;

	return run(fd, c, answer, &s, e);
}

int tpm2_nv_write(int fd, uint32_t index, struct slice data, struct err *e)
{
	struct command undefine = { "NV_UndefineSpace", CC_NV_UNDEFINE_SPACE, { 0 }, false };
	struct command define = { "NV_DefineSpace", CC_NV_DEFINE_SPACE, { 0 }, false };
	struct command c = { "NV_Write", CC_NV_WRITE, { 0 }, false };
	_buf_ struct buf public = { 0 };
	size_t size = 0;
	int k = nv_size(fd, index, &size, e);

	if (k < 0 && k != -ENOENT)
		return k;
	if (k == -ENOENT)
		*e = (struct err){ 0 };
	if (!k && size != data.n) {
		put(&undefine.body, RH_OWNER, 4);
		put(&undefine.body, index, 4);
		put_password(&undefine);
		k = nv_command(fd, &undefine, e);
		if (k < 0)
			return k;
	}
	if (size != data.n) {
		put(&public, index, 4);
		put(&public, ALG_SHA256, 2);
		put(&public, NV_ATTRIBUTES, 4);
		put(&public, 0, 2);
		put(&public, data.n, 2);
		put(&define.body, RH_OWNER, 4);
		put_password(&define);
		put(&define.body, 0, 2);
		put_sized(&define.body, buf_slice(&public));
		k = nv_command(fd, &define, e);
		if (k < 0)
			return k;
	}
	put(&c.body, RH_OWNER, 4);
	put(&c.body, index, 4);
	put_password(&c);
	put_sized(&c.body, data);
	put(&c.body, 0, 2);
	return nv_command(fd, &c, e);
}
