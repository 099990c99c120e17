#include "session.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <inttypes.h>
#include <time.h>
#include "lib/pb.h"

enum { SECURE_HEAP = 256 << 10, SECURE_LEAST = 32 };
enum { SAVED_VERSION = 1, SAVED_SHORT_NAMES, SAVED_KEY, SAVED_TOKEN, SAVED_COOKIES };

struct kbs *kbs_new(const struct kbs_how *how, struct attester *attester)
{
	struct kbs *k = xcalloc(1, sizeof(*k));
	size_t n = how->url ? strlen(how->url) : 0;

	/* libcrypto's private keys are then in memory that is locked, and that no dump has */
	CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST);
	while (n && how->url[n - 1] == '/')
		n--;
	*k = (struct kbs){
		.url = how->url ? xasprintf("%.*s", (int)n, how->url) : NULL,
		.ca_pem = how->ca_pem ? xstrdup(how->ca_pem) : NULL,
		.secrets = xstrdup(how->secrets ?: "/sys/kernel/security/secrets/coco"),
		.key_kind = how->key ? xstrdup(how->key) : NULL,
		.ms = how->ms ?: KBS_MS,
		.attester = attester,
	};
	buf_add(&k->initdata, how->initdata.p, how->initdata.n);
	return k;
}

bool kbs_attests(const struct kbs *k)
{
	return k->attester && strcmp(attest_tee(k->attester), "sev");
}

void kbs_freep(struct kbs **k)
{
	if (!*k)
		return;
	session_drop(*k);
	EVP_PKEY_free((*k)->key);
	buf_free(&(*k)->initdata);
	free((*k)->url);
	free((*k)->ca_pem);
	free((*k)->secrets);
	free((*k)->key_kind);
	free(TAKE(*k));
}

void kbs_wipe(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}

/* The bytes of an answer, which is sealed to the session's key unless a plugin answers in the clear. */
static int open_answer(
        struct kbs *k, const struct kbs_uri *uri, struct slice answer, struct buf *ret, struct err *e)
{
	if (strcmp(uri->plugin, "resource")) {
		_json_ json_t *j = jose_object(answer, KBS_ANSWER);

		if (!jose_string(j, "protected") || !jose_string(j, "ciphertext")) {
			buf_add(ret, answer.p, answer.n);
			return 0;
		}
	}
	return jwe_open(answer, k->key, rcar_versions[k->version].old_jwe, ret, e);
}

int kbs_resource(struct kbs *k, const char *uri, struct buf *ret, struct err *e)
{
	struct kbs_uri u;
	_call_ struct call c = { 0 };
	_free_ char *path = NULL;

	if (kbs_uri_parse(uri, &u, e))
		return e->code;
	if (!k->url || !kbs_attests(k)) {
		if (strcmp(u.plugin, "resource") || *u.query)
			return err_set(e, -ENODEV,
			        "%s: there is no key broker or no TEE, and injected secrets know no plugins",
			        uri);
		return injected_resource(k->secrets, u.path, ret, e);
	}
	path = xasprintf("%s/%s%s%s", u.plugin, u.path, *u.query ? "?" : "", u.query);
	if (call_begin(k, &c, e))
		return e->code;
	for (bool fresh = !k->token;; fresh = true) {
		struct http_request r = { 0 };
		int error = fresh ? session_attest(&c, e) : 0;

		error = error ?: call_request(&c, path, NULL, &r, e);
		if (!error)
			error = r.status == 200 ? open_answer(k, &u, buf_slice(&r.answer), ret, e)
			                        : call_refused(&r, "key broker", e);
		http_request_free(&r);
		/* a session that ended, or a broker that has forgotten it */
		if (error == -EKEYREJECTED && !fresh) {
			*e = (struct err){ 0 };
			continue;
		}
		if (error)
			err_wrap(e, "%s/%s", u.plugin, u.path);
		return error;
	}
}

/* A token that is good for LEFT seconds. */
static int need_token(struct kbs *k, struct err *e)
{
	_call_ struct call c = { 0 };
	int64_t now = (int64_t)time(NULL), end = k->token ? jwt_expiry(k->token) : -1;

	if (!end || end >= now + KBS_TOKEN_LEFT)
		return 0;
	if (call_begin(k, &c, e) || session_attest(&c, e))
		return e->code;
	end = jwt_expiry(k->token);
	now = (int64_t)time(NULL);
	if (!end || end > now)
		return 0;
	return err_set(e, -EKEYEXPIRED,
	        "key broker: the token that it gave ended %" PRId64 " s ago, by this guest's clock",
	        now - end);
}

int kbs_token(struct kbs *k, struct buf *ret, struct err *e)
{
	if (need_token(k, e))
		return e->code;
	buf_add(ret, k->token, strlen(k->token));
	return 0;
}

int kbs_token_pair(struct kbs *k, struct buf *ret, struct err *e)
{
	BIO *bio;
	char *pem = NULL;
	long n;

	if (need_token(k, e))
		return e->code;
	/* as kbs_protocol's TeeKeyPair::to_pem: PKCS#1 for RSA, PKCS#8 for EC */
	bio = BIO_new(BIO_s_secmem());
	if (EVP_PKEY_is_a(k->key, "RSA"))
		PEM_write_bio_PrivateKey_traditional(bio, k->key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PKCS8PrivateKey(bio, k->key, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(bio, &pem);
	if (n <= 0) {
		BIO_free(bio);
		return err_set(e, -EIO, "TEE key: libcrypto does not write it");
	}
	/* room for all of it, so that no copy is left behind */
	buf_zeros(ret, strlen(k->token) + 2 * (size_t)n + 64);
	ret->n = 0;
	buf_printf(ret, "{\"token\":\"%s\",\"tee_keypair\":\"", k->token);
	for (long i = 0; i < n; i++)
		if (pem[i] == '\n')
			buf_add(ret, "\\n", 2);
		else
			buf_add(ret, &pem[i], 1);
	buf_add(ret, "\"}", 2);
	BIO_free(bio);
	return 0;
}

void kbs_save(const void *state, struct buf *ret)
{
	const struct kbs *k = state;
	uint8_t *der = NULL;
	int n = k->key ? i2d_PrivateKey(k->key, &der) : 0;

	pb_put_uint(ret, SAVED_VERSION, k->version + 1); /* 0 would be left out, and nothing is no session */
	pb_put_uint(ret, SAVED_SHORT_NAMES, k->short_names);
	if (n > 0)
		pb_put_bytes(ret, SAVED_KEY, slice_of(der, (size_t)n));
	if (k->token)
		pb_put_str(ret, SAVED_TOKEN, k->token);
	pb_put_bytes(ret, SAVED_COOKIES, buf_slice(&k->cookies));
	OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
}

void kbs_load(void *state, struct slice saved)
{
	struct kbs *k = state;
	struct pb_field f;

	if (!saved.n) /* the job did not come so far */
		return;
	session_drop(k);
	EVP_PKEY_free(TAKE(k->key));
	k->version = k->short_names = 0;
	while (pb_next(&saved, &f) == 1) {
		const uint8_t *p = f.bytes.p;

		switch (f.number) {
		case SAVED_VERSION:
			k->version = f.value && f.value <= RCAR_VERSIONS ? (unsigned int)f.value - 1 : 0;
			break;
		case SAVED_SHORT_NAMES:
			k->short_names = f.value;
			break;
		case SAVED_KEY:
			EVP_PKEY_free(k->key);
			k->key = d2i_AutoPrivateKey(NULL, &p, (long)f.bytes.n);
			break;
		case SAVED_TOKEN:
			free(k->token);
			k->token = f.bytes.n && *f.bytes.p
			                   ? xasprintf("%.*s", (int)f.bytes.n, (const char *)f.bytes.p)
			                   : NULL;
			break;
		case SAVED_COOKIES:
			buf_add(&k->cookies, f.bytes.p, f.bytes.n);
			break;
		}
	}
	if (!k->key) /* what is sealed to it nobody would open */
		session_drop(k);
	ERR_clear_error();
}
