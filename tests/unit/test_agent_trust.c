/*
 * Who may say of an image that it is to be run. Witnesses: cosign 2.5.0's and skopeo's signatures in
 * $VECTORS/agent, openssl's (pkeyutl -rawin, dgst -sha256) below, and gnupg 2.2.40's in tests/golden/openpgp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "image/auth.h"
#include "image/lookaside.h"
#include "image/mirrors.h"
#include "image/openpgp.h"
#include "image/sig.h"
#include "image/trust.h"
#include "lib/base64.h"
#include "lib/gzip.h"
#include "tests/unit/vectors.h"

#define DIGEST "sha256:24e2f0bc246930f1a9d8f91faf702dce0434776f37fb127c9c641978a813bbba"
#define OTHER_DIGEST "sha256:0089c70241b280588219a2cc0ae0d8107ca9838b9ea9c081dc542746814f53f4"
#define COSIGN "agent/cosign/"
#define PAYLOAD COSIGN "blob-875960697fd3a84966acf4f6785dc8cc82c32be4395d60ff40bce697ef3e8467"
/* of blob-0089c702…, cosign's manifest */
#define SIGNATURE                                                                                            \
	"MEQCID/HaQc/1Fhz9KRPuVDCHcK4ACzarHNx8J5cKNpVjFcJAiA1eKAsg4ajeWu82Jnx8YRsUq+77DZldYmS5UJ/AjomYQ=="

static const char our_payload[] =
        "{\"critical\":{\"identity\":{\"docker-reference\":\"registry.example/a/b\"},\"image\":"
        "{\"docker-manifest-digest\":\"" DIGEST
        "\"},\"type\":\"cosign container image signature\"},\"optional\":null}";
static const char ed25519_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                  "MCowBQYDK2VwAyEApeOi5gRFbavMnKk5mOE7dWIdYo2GReqWUW16PbKEDDw=\n"
                                  "-----END PUBLIC KEY-----\n";
static const char ed25519_sig[] =
        "wRylcnNVhQ/NfkGjBfJARNJP3hcwIDAxIbzEQZ4EZ52XYjEtAjrIUulXqkJvXg5h9PQanVlCAUs+GZ0ELOzjDQ==";
static const char rsa_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr8eXIM+wgLHa1dda7d8K\n"
                              "qf7G3AeaoqXjM6EoJF2Nu+KN7GzuHibD57jMc+h7UoEWgunNG9FASE2kMZgD51Xq\n"
                              "wTRzCd0YFVZ4Jjv+b8d4wnjhOxf88fqN4tKKiDXvZ1/YpHShlNL89CN2dfQuYaBw\n"
                              "1CuUa66QObsIpUxfIgpS3j1dwyVaDujO3BPgXgEXFmzzCGIZ0DHg4gOp10RQZc7K\n"
                              "5TUpTZI+nxWa/OO1XDpKGhX4WeaOwO/74FDvv64auuDG8xrRsZ6raZiu8YWU39Uz\n"
                              "CxscRLHH9zpEwPhUbS04GBQKXOwcya5Y643+k42CmsK3ygbOuNmaqklCGQlfno9w\n"
                              "ywIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";
static const char rsa_sig[] =
        "dYzfxKY91ciEgrqgHgvgYMNJ3Hmd2Ywk5cY+9kJdNZw1B/g5v2toa9LQ92WwuQ1U0HRgTWWUgKYMb9egydNc/IXs"
        "NlIftttLZixOHKJZGZA+fr3bLIuwhkOB8742a4DqZ74EGpJSBppZsXkFj71hx01eJjbS9iV5OGVKY6UFVyt3xji/"
        "y+foSAboGJaCDpPoZx389Tk72xuIjIgKyPhOtoRxBdXMzHBBlnPJSv356N8C+J2ELQPLOF2fM6TYJ1iNJZF8YRBX"
        "N/T2Kkq4T1vWTWjSEw+kn7Lfi2Q89g9iFDdeAgjykhuyvgH+4D4cGDaFMcN0LRuSFB0EPWeefC7joA==";
static const char rsa1024_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                  "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCwstOZ8wRdDj1FF04631R34xWM\n"
                                  "PS1IrV+r5T+GZvI1L2olbgTjFzy8Wno7koaTv09A8/wa6JfoBQgCc+k5x7YagQg/\n"
                                  "QwBaM/Fuh06BIDNCkUZ/Gfp4zG/KTRBhGwca4SaERJQIHJzETKpZQ03lLLGxeYtx\n"
                                  "tye3eM3mDfkzM+GH3QIDAQAB\n"
                                  "-----END PUBLIC KEY-----\n";
static const char secp256k1_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE8EZUQlb+w6VzPCfciNlqwbo0ByNVMrIx\n"
                                    "uQzQshWzY5EELsVfWs7L/fh6valH454/783/l9ZkKxGdEmMvzQ9krQ==\n"
                                    "-----END PUBLIC KEY-----\n";

static void golden_read(const char *name, struct buf *ret)
{
	_free_ char *path = xasprintf("tests/golden/openpgp/%s", name);
	struct err e;

	assert_int_equal(io_read_file(path, 0, ret, &e), 0);
}

/* What a registry and a broker give: one key, whatever it is asked by, and signatures. */
struct given {
	struct slice key;
	bool cosign;
	const char *digest;
	size_t n;
	struct {
		struct slice payload;
		const char *signature;
	} v[3];
	size_t asked;
};

static int give_key(void *ctx, const char *path, struct buf *ret, struct err *e)
{
	struct given *g = ctx;

	if (!strcmp(path, "kbs:///missing/key/1"))
		return err_set(e, -ENOENT, "%s: not there", path);
	buf_add(ret, g->key.p, g->key.n);
	return 0;
}

static int give_signature(void *ctx, bool cosign, const char *digest, size_t i, struct buf *payload,
        struct buf *signature, struct err *e)
{
	struct given *g = ctx;

	g->asked++;
	if (cosign != g->cosign || strcmp(digest, g->digest) || i >= g->n)
		return err_set(e, -ENOENT, "no more");
	if (!g->v[i].payload.p)
		return err_set(e, -EBADMSG, "it cannot be read");
	buf_add(payload, g->v[i].payload.p, g->v[i].payload.n);
	buf_printf(signature, "%s", g->v[i].signature);
	return 0;
}

/* The outcome of POLICY for IMAGE, and the message or what was met in E. */
static int judge(const char *policy, const char *image, struct given *g, struct err *e)
{
	const struct trust_source from = { give_key, give_signature, g };
	_free_ char *by = NULL;
	json_auto_t *j = NULL;
	struct image_ref r;

	if (trust_read(slice_str(policy), &j, e))
		return e->code;
	assert_int_equal(ref_parse(image, &r, e), 0);
	if (trust_judge(j, &r, DIGEST, NULL, &from, &by, e))
		return e->code;
	snprintf(e->msg, sizeof(e->msg), "%s", by);
	return 0;
}

#define POLICY(requirement)                                                                                  \
	"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"127.0.0.1:5000/"                 \
	"test\":[" requirement "],\"registry.example\":[" requirement "]}}}"
#define SIGSTORE(more) "{\"type\":\"sigstoreSigned\",\"keyPath\":\"kbs:///default/key/1\"" more "}"
#define SIGNED_BY(more)                                                                                      \
	"{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"kbs:///default/key/1\"" more "}"
#define HELLO "127.0.0.1:5000/test/hello:v1"

static void cosigns_signature_is_accepted_and_none_other(void **state)
{
	_buf_ struct buf key = { 0 }, other = { 0 }, payload = { 0 };
	struct given g = { .cosign = true, .digest = DIGEST };
	struct err e = { 0 };

	(void)state;
	vector_read(COSIGN "cosign.pub", &key);
	vector_read("agent/image-rs/signature/cosign/cosign1.pub", &other);
	vector_read(PAYLOAD, &payload);
	g.key = buf_slice(&key);
	assert_int_equal(judge(POLICY(SIGSTORE("")), HELLO, &g, &e), -EKEYREJECTED);
	assert_non_null(strstr(e.msg, "the image is not signed"));

	g.n = 1;
	g.v[0].payload = buf_slice(&payload);
	g.v[0].signature = SIGNATURE;
	assert_int_equal(judge(POLICY(SIGSTORE("")), HELLO, &g, &e), 0);
	assert_string_equal(e.msg, "transports.docker.\"127.0.0.1:5000/test\"[0] sigstoreSigned");
	assert_int_equal(judge(POLICY(SIGSTORE("")), "127.0.0.1:5000/test/hello@" DIGEST, &g, &e), 0);

	g.key = buf_slice(&other);
	assert_int_equal(judge(POLICY(SIGSTORE("")), HELLO, &g, &e), -EKEYREJECTED);
	assert_non_null(strstr(e.msg, "no valid signature among 1: the signature is not of that key"));

	/* under another name, or below it */
	g.key = buf_slice(&key);
	assert_int_equal(judge(POLICY(SIGSTORE("")), "127.0.0.1:5000/test/hello2:v1", &g, &e), -EKEYREJECTED);
	assert_non_null(strstr(e.msg, "for the name '127.0.0.1:5000/test/hello'"));
	assert_int_equal(judge(POLICY(SIGSTORE("")), "127.0.0.1:5000/test/hello/x", &g, &e), -EKEYREJECTED);

	for (size_t i = 0; i < payload.n; i += 7) { /* a changed payload */
		payload.p[i] ^= 1;
		assert_int_equal(judge(POLICY(SIGSTORE("")), HELLO, &g, &e), -EKEYREJECTED);
		payload.p[i] ^= 1;
	}
}

static void any_one_valid_signature_suffices(void **state)
{
	_buf_ struct buf key = { 0 }, payload = { 0 };
	struct given g = { .cosign = true, .digest = DIGEST, .n = 3 };
	struct err e = { 0 };

	(void)state;
	vector_read(COSIGN "cosign.pub", &key);
	vector_read(PAYLOAD, &payload);
	g.key = buf_slice(&key);
	g.v[1].payload = slice_str("junk");
	g.v[1].signature = "!";
	g.v[2].payload = buf_slice(&payload);
	g.v[2].signature = SIGNATURE;
	assert_int_equal(judge(POLICY(SIGSTORE("")), HELLO, &g, &e), 0);
	g.n = 2;
	assert_int_equal(judge(POLICY(SIGSTORE("")), HELLO, &g, &e), -EKEYREJECTED);
	assert_non_null(strstr(e.msg, "no valid signature among 2: it cannot be read"));
}

static void a_signature_of_another_image_is_none(void **state)
{
	_buf_ struct buf key = { 0 }, payload = { 0 };
	struct given g = { .cosign = true, .digest = OTHER_DIGEST, .n = 1 };
	const struct trust_source from = { give_key, give_signature, &g };
	_free_ char *by = NULL;
	json_auto_t *j = NULL;
	struct err e = { 0 };
	struct image_ref r;

	(void)state;
	vector_read(COSIGN "cosign.pub", &key);
	vector_read(PAYLOAD, &payload);
	g.key = buf_slice(&key);
	g.v[0].payload = buf_slice(&payload);
	g.v[0].signature = SIGNATURE;
	assert_int_equal(trust_read(slice_str(POLICY(SIGSTORE(""))), &j, &e), 0);
	assert_int_equal(ref_parse(HELLO, &r, &e), 0);
	assert_int_equal(trust_judge(j, &r, OTHER_DIGEST, NULL, &from, &by, &e), -EKEYREJECTED);
	assert_non_null(strstr(e.msg, "the signature is valid, but for another image, " DIGEST));
	/* that of the index counts for its manifests */
	g.digest = DIGEST;
	assert_int_equal(trust_judge(j, &r, OTHER_DIGEST, DIGEST, &from, &by, &e), 0);
}

static void rsa_and_ed25519_keys_are_taken(void **state)
{
	static const struct {
		const char *pem, *sig;
		int error;
	} cases[] = {
		{ ed25519_pem, ed25519_sig, 0 },
		{ rsa_pem, rsa_sig, 0 },
		{ rsa_pem, ed25519_sig, -EKEYREJECTED },
		{ ed25519_pem, rsa_sig, -EKEYREJECTED },
		{ rsa1024_pem, rsa_sig, -EOPNOTSUPP },
		{ secp256k1_pem, rsa_sig, -EOPNOTSUPP },
		{ "-----BEGIN PUBLIC KEY-----\n", rsa_sig, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct given g = { slice_str(cases[i].pem), true, DIGEST, 1,
			{ { slice_str(our_payload), cases[i].sig } }, 0 };
		struct err e = { 0 };

		if (judge(POLICY(SIGSTORE("")), "registry.example/a/b:v1", &g, &e) != cases[i].error)
			fail_msg("case %zu: %s", i, e.msg);
	}
}

static void simple_signing_is_verified(void **state)
{
	_buf_ struct buf ring = { 0 }, message = { 0 }, other = { 0 };
	struct given g = { .digest = DIGEST, .n = 1 };
	struct err e = { 0 };

	(void)state;
	vector_read("agent/simple-signing/pubkey.gpg", &ring);
	vector_read("agent/simple-signing/signature-1", &message);
	golden_read("ring.gpg", &other);
	g.key = buf_slice(&ring);
	g.v[0].payload = buf_slice(&message);
	g.v[0].signature = "";
	if (judge(POLICY(SIGNED_BY("")), HELLO, &g, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(judge(POLICY(SIGNED_BY("")), "127.0.0.1:5000/test/hello@" DIGEST, &g, &e), 0);
	assert_int_equal(judge(POLICY(SIGNED_BY("")), "127.0.0.1:5000/test/hello:v2", &g, &e), -EKEYREJECTED);
	assert_non_null(strstr(e.msg, "for the name '127.0.0.1:5000/test/hello:v1'"));
	assert_int_equal(judge(POLICY(SIGSTORE("")), HELLO, &g, &e), -EBADMSG); /* its key is no PEM */

	for (size_t i = 0; i < message.n; i++) {
		message.p[i] ^= 4;
		if (!judge(POLICY(SIGNED_BY("")), HELLO, &g, &e)) {
			/* what is not signed: packet framing, the literal's name and time, the one-pass
			 * packet */
			_buf_ struct buf content = { 0 };
			struct pgp_ring *r;

			assert_int_equal(pgp_ring_read(g.key, &r, &e), 0);
			assert_int_equal(pgp_verify(r, buf_slice(&message), &content, &e), 0);
			assert_int_equal(content.n, 284);
			pgp_ring_free(r);
		}
		message.p[i] ^= 4;
	}
	g.key = buf_slice(&other);
	assert_int_equal(judge(POLICY(SIGNED_BY("")), HELLO, &g, &e), -EKEYREJECTED);
	assert_non_null(
	        strstr(e.msg, "by key e94d20cff1439b07709df1177d5def5d245667e1 is of none in the key ring"));
}

static int verify(const struct buf *ring, const struct buf *message, struct err *e)
{
	_buf_ struct buf content = { 0 };
	struct pgp_ring *r;
	int got;

	if (pgp_ring_read(buf_slice(ring), &r, e))
		return e->code;
	got = pgp_verify(r, buf_slice(message), &content, e);
	pgp_ring_free(r);
	assert_true(got || content.n);
	return got;
}

static void gnupgs_keys_and_messages_are_read(void **state)
{
	static const struct {
		const char *ring, *message, *why;
		int error;
	} cases[] = {
		{ "ring.gpg", "good", NULL, 0 },
		{ "ring.asc", "good", NULL, 0 },
		{ "ring.gpg", "plain", NULL, 0 },
		{ "ring.gpg", "zlib", NULL, 0 },
		{ "ring.gpg", "late", "was made when that key was not valid", -EKEYREJECTED },
		{ "extended.gpg", "late", NULL, 0 },
		{ "revoked.gpg", "good", "no key in it may sign", -EOPNOTSUPP },
		{ "ring.gpg", "text", "binary data", -EOPNOTSUPP },
		{ "ring.gpg", "ring.gpg", "no signed OpenPGP message", -EBADMSG },
		{ "good", "good", "no key in it may sign", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf ring = { 0 }, message = { 0 };
		struct err e = { 0 };

		golden_read(cases[i].ring, &ring);
		golden_read(cases[i].message, &message);
		if (verify(&ring, &message, &e) != cases[i].error ||
		        (cases[i].why && !strstr(e.msg, cases[i].why)))
			fail_msg("%s with %s: %s", cases[i].message, cases[i].ring, e.msg);
	}
}

static void the_signatures_of_others_are_judged(void **state)
{
	_buf_ struct buf ring = { 0 }, old_ring = { 0 }, old = { 0 }, packed = { 0 }, tar = { 0 };
	struct err e = { 0 };
	size_t seen = 0;

	(void)state;
	/* made with SHA-1 */
	vector_read("agent/image-rs/signature/pubring.gpg", &old_ring);
	vector_read("agent/image-rs/signature/signatures/signature-1", &old);
	assert_int_equal(verify(&old_ring, &old, &e), -EKEYREJECTED);
	assert_non_null(strstr(e.msg, "SHA-1"));
	/* a key that expired in 2022, which signed in 2021; and one that is not in the ring */
	vector_read("agent/image-rs/simple-signing-scheme/pubkey.gpg", &ring);
	vector_read("agent/image-rs/simple-signing-scheme/signatures.tar", &packed);
	assert_int_equal(gzip_inflate("tar", buf_slice(&packed), 1 << 20, &tar, &e), 0);
	for (size_t at = 0; at + 512 <= tar.n && tar.p[at];) {
		size_t n = strtoul((const char *)tar.p + at + 124, NULL, 8);
		_buf_ struct buf message = { 0 };

		if (tar.p[at + 156] == '0') {
			bool ours = strstr((const char *)tar.p + at, "febcf61c");

			buf_add(&message, tar.p + at + 512, n);
			assert_int_equal(verify(&ring, &message, &e), ours ? 0 : -EKEYREJECTED);
			seen++;
		}
		at += 512 + (n + 511) / 512 * 512;
	}
	assert_int_equal(seen, 2);
}

static void every_policy_of_others_is_read(void **state)
{
	static const struct {
		const char *file, *image, *scope, *type;
	} cases[] = {
		{ "policy/accept-all.json", "registry.example/a", "default", "insecureAcceptAnything" },
		{ "policy/reject-all.json", "registry.example/a", "default", "reject" },
		{ "policy/cosign-kbs.json", "registry.example/signed:v1",
		        "transports.docker.\"registry.example/signed\"", "sigstoreSigned" },
		{ "policy/cosign-kbs.json", "registry.example/open",
		        "transports.docker.\"registry.example/open\"", "insecureAcceptAnything" },
		{ "policy/cosign-kbs.json", "registry.example/opener", "transports.docker.\"\"", "reject" },
		{ "policy/cosign-skopeo-style.json", HELLO, "transports.docker.\"127.0.0.1:5000/test\"",
		        "sigstoreSigned" },
		{ "policy/simple-kbs.json", "quay.io/kata-containers/x:y",
		        "transports.docker.\"quay.io/kata-containers\"", "signedBy" },
		{ "image-rs/signature/policy.json", "a.access.redhat.com/x",
		        "transports.docker.\"*.access.redhat.com\"", "signedBy" },
		{ "image-rs/signature/policy.json", "registry.access.redhat.com/x",
		        "transports.docker.\"registry.access.redhat.com\"", "signedBy" },
		{ "image-rs/signature/policy.json", "b.redhat.com:5000/x",
		        "transports.docker.\"*.redhat.com\"", "signedBy" },
		{ "image-rs/signature/policy.json", "c.com/x", "transports.docker.\"*.com\"", "signedBy" },
		{ "image-rs/signature/policy.json", "c.org/x", "default", "reject" },
		{ "image-rs/simple-signing-scheme/security_policy.json",
		        "quay.io/kata-containers/confidential-containers:cosign-signed",
		        "transports.docker.\"quay.io/kata-containers/confidential-containers:cosign-signed\"",
		        "sigstoreSigned" },
		{ "image-rs/simple-signing-scheme/security_policy.json",
		        "quay.io/kata-containers/confidential-containers:signed",
		        "transports.docker.\"quay.io/kata-containers/confidential-containers\"", "signedBy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *path = xasprintf("agent/%s", cases[i].file);
		_buf_ struct buf text = { 0 };
		char scope[REF_TEXT + 32];
		json_auto_t *j = NULL;
		const json_t *list;
		struct image_ref r;
		struct err e;

		vector_read(path, &text);
		if (trust_read(buf_slice(&text), &j, &e))
			fail_msg("%s: %s", cases[i].file, e.msg);
		assert_int_equal(ref_parse(cases[i].image, &r, &e), 0);
		list = trust_select(j, &r, scope);
		assert_string_equal(scope, cases[i].scope);
		assert_string_equal(
		        json_string_value(json_object_get(json_array_get(list, 0), "type")), cases[i].type);
		assert_int_equal(
		        trust_hopeless(j, &r, &e), strcmp(cases[i].type, "reject") ? 0 : -EKEYREJECTED);
	}
}

/* containers-policy.json(5), "signedIdentity" */
static void identities_match_as_the_manual_says(void **state)
{
	static const struct {
		const char *identity, *image, *signed_as;
		bool match;
	} cases[] = {
		{ "{\"type\":\"matchExact\"}", "r.example/a:v1", "r.example/a:v1", true },
		{ "{\"type\":\"matchExact\"}", "r.example/a:v1", "r.example/a:v2", false },
		{ "{\"type\":\"matchExact\"}", "r.example/a:v1", "r.example/a", false },
		{ "{\"type\":\"matchExact\"}", "r.example/a", "r.example/a", false },
		{ "{\"type\":\"matchExact\"}", "r.example/a@" DIGEST, "r.example/a:v1", false },
		{ "{\"type\":\"matchRepoDigestOrExact\"}", "r.example/a@" DIGEST, "r.example/a:v1", true },
		{ "{\"type\":\"matchRepoDigestOrExact\"}", "r.example/a@" DIGEST, "r.example/a", false },
		{ "{\"type\":\"matchRepoDigestOrExact\"}", "r.example/a:v1", "r.example/a:v1", true },
		{ "{\"type\":\"matchRepoDigestOrExact\"}", "r.example/a:v1", "r.example/a:v2", false },
		{ "{\"type\":\"matchRepository\"}", "r.example/a:v1", "r.example/a:v2", true },
		{ "{\"type\":\"matchRepository\"}", "r.example/a:v1", "r.example/a", true },
		{ "{\"type\":\"matchRepository\"}", "r.example/a:v1", "r.example/a/b:v1", false },
		{ "{\"type\":\"exactReference\",\"dockerReference\":\"r.example/x:v1\"}", "r.example/a",
		        "r.example/x:v1", true },
		{ "{\"type\":\"exactReference\",\"dockerReference\":\"r.example/x:v1\"}", "r.example/a",
		        "r.example/a:v1", false },
		{ "{\"type\":\"exactRepository\",\"dockerRepository\":\"r.example/x\"}", "r.example/a",
		        "r.example/x:v9", true },
		{ "{\"type\":\"exactRepository\",\"dockerRepository\":\"r.example/x\"}", "r.example/a",
		        "r.example/a:v9", false },
		{ "{\"type\":\"remapIdentity\",\"prefix\":\"mirror.example\",\"signedPrefix\":\"r.example/"
		  "up\"}",
		        "mirror.example/a:v1", "r.example/up/a:v1", true },
		{ "{\"type\":\"remapIdentity\",\"prefix\":\"mirror.example\",\"signedPrefix\":\"r.example/"
		  "up\"}",
		        "mirror.example/a:v1", "mirror.example/a:v1", false },
		{ "{\"type\":\"remapIdentity\",\"prefix\":\"mirror.exam\",\"signedPrefix\":\"r.example/up\"}",
		        "mirror.example/a:v1", "mirror.example/a:v1", true },
		{ "{\"type\":\"matchRepository\"}", "r.example/a:v1", "no reference!", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *text = xasprintf(
		        "{\"default\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\","
		        "\"signedIdentity\":%s}]}",
		        cases[i].identity);
		json_auto_t *j = NULL;
		struct image_ref r;
		struct err e;

		if (trust_read(slice_str(text), &j, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(ref_parse(cases[i].image, &r, &e), 0);
		if (trust_identity(json_array_get(json_object_get(j, "default"), 0), &r,
		            cases[i].signed_as) != cases[i].match)
			fail_msg(
			        "%s: %s signed as %s", cases[i].identity, cases[i].image, cases[i].signed_as);
	}
}

static void a_policy_that_is_not_understood_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{}", "default" },
		{ "[]", "no object" },
		{ "{\"default\":[]}", "default is no array of 1 to 16" },
		{ "{\"default\":[{\"type\":\"reject\"}],\"more\":1}", "'more'" },
		{ "{\"default\":[{\"type\":\"reject\",\"more\":1}]}", "default[0]: member 'more'" },
		{ "{\"default\":[{\"type\":\"signedBaseLayer\"}]}", "'signedBaseLayer'" },
		{ "{\"default\":[{\"type\":\"reject\"},{\"type\":\"reject\",\"type\":"
		  "\"insecureAcceptAnything\"}]}",
		        "duplicate" },
		{ POLICY("{\"type\":\"sigstoreSigned\"}"), "0 of keyPath" },
		{ POLICY(SIGSTORE(",\"keyData\":\"\"")), "2 of keyPath" },
		{ POLICY(SIGSTORE(",\"fulcio\":{}")), "member 'fulcio'" },
		{ POLICY(SIGSTORE(",\"rekorPublicKeyPath\":\"/x\"")), "member 'rekorPublicKeyPath'" },
		{ POLICY("{\"type\":\"sigstoreSigned\",\"keyPath\":1}"), "keyPath is no string" },
		{ POLICY("{\"type\":\"sigstoreSigned\",\"keyPaths\":[]}"), "keyPaths is no array" },
		{ POLICY("{\"type\":\"signedBy\",\"keyType\":\"X509Certificates\",\"keyPath\":\"/x\"}"),
		        "X509" },
		{ POLICY(SIGSTORE(",\"signedIdentity\":{\"type\":\"matchAll\"}")), "signedIdentity" },
		{ POLICY(SIGSTORE(",\"signedIdentity\":\"matchExact\"")), "signedIdentity" },
		{ POLICY(SIGSTORE(",\"signedIdentity\":{\"type\":\"exactReference\"}")), "dockerReference" },
		{ POLICY(SIGSTORE(",\"signedIdentity\":{\"type\":\"matchExact\",\"prefix\":\"x\"}")),
		        "prefix" },
		{ "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"atomic\":{\"\":[{\"type\":\"x\"}]}}"
		  "}",
		        "transports.atomic" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };
		json_t *j = NULL;

		assert_true(trust_read(slice_str(cases[i].text), &j, &e) < 0);
		if (!strstr(e.msg, cases[i].why) || j)
			fail_msg("%s: '%s' expected", e.msg, cases[i].why);
	}
}

static void what_is_refused_or_accepted_whatever_it_is_asks_for_nothing(void **state)
{
	struct given g = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(judge(POLICY("{\"type\":\"insecureAcceptAnything\"}"), HELLO, &g, &e), 0);
	assert_int_equal(judge(POLICY(SIGSTORE("")), "other.example/a", &g, &e), -EKEYREJECTED);
	assert_string_equal(e.msg, "image other.example/a:latest is rejected by policy.json, default[0]");
	/* all of a list must be met */
	assert_int_equal(judge(POLICY(SIGSTORE("") ",{\"type\":\"reject\"}"), HELLO, &g, &e), -EKEYREJECTED);
	assert_int_equal(g.asked, 0);
	assert_int_equal(judge(POLICY("{\"type\":\"sigstoreSigned\",\"keyPath\":\"kbs:///missing/key/1\"}"),
	                         HELLO, &g, &e),
	        -ENOENT);
	assert_non_null(strstr(e.msg, "[0], sigstoreSigned: kbs:///missing/key/1: not there"));
}

/* What image-rs's tests get from their broker, as it is. */
static void the_settings_of_others_are_read(void **state)
{
	static const char *const keys[] = { "cosign1.pub", "cosign2.pub", "cosign3.pub", "nv.pub" };
	static const char *const names[] = { "default/security-policy/test", "default/gpg-public-key/test",
		"default/cosign-public-key/test", "default/credential/test",
		"default/registry-configuration/test", "default/sigstore-config/test" };
	_buf_ struct buf text = { 0 };
	struct buf v[ARRAY_LEN(names)] = { 0 };
	json_auto_t *all = NULL, *policy = NULL, *auths = NULL, *registries = NULL;
	__attribute__((cleanup(sig_key_freep))) EVP_PKEY *key = NULL;
	_buf_ struct buf login = { 0 }, refresh = { 0 };
	struct pgp_ring *ring = NULL;
	char base[LOOKASIDE_URL];
	struct err e = { 0 };
	struct image_ref r;

	(void)state;
	vector_read("agent/image-rs/offline-fs-kbc/aa-offline_fs_kbc-resources.json", &text);
	all = json_loadb((const char *)text.p, text.n, 0, NULL);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *s = json_string_value(json_object_get(all, names[i]));

		assert_true(s && base64_decode(&v[i], slice_str(s)));
	}
	assert_int_equal(trust_read(buf_slice(&v[0]), &policy, &e), 0);
	assert_int_equal(pgp_ring_read(buf_slice(&v[1]), &ring, &e), 0);
	assert_int_equal(sig_key(buf_slice(&v[2]), &key, &e), 0);
	assert_int_equal(auth_read(buf_slice(&v[3]), &auths, &e), 0);
	auth_find(auths, "docker.io/library/busybox", &login, &refresh);
	assert_non_null(strchr(buf_str(&login), ':'));
	assert_int_equal(mirrors_read(buf_slice(&v[4]), &registries, &e), 0);
	assert_int_equal(ref_parse("quay.io/kata-containers/confidential-containers:signed", &r, &e), 0);
	assert_int_equal(lookaside_find(buf_slice(&v[5]), &r, base, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		buf_free(&v[i]);
	pgp_ring_free(ring);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		_free_ char *path = xasprintf("agent/image-rs/signature/cosign/%s", keys[i]);
		__attribute__((cleanup(sig_key_freep))) EVP_PKEY *k = NULL;
		_buf_ struct buf pem = { 0 };

		vector_read(path, &pem);
		if (sig_key(buf_slice(&pem), &k, &e))
			fail_msg("%s: %s", keys[i], e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cosigns_signature_is_accepted_and_none_other),
		cmocka_unit_test(any_one_valid_signature_suffices),
		cmocka_unit_test(a_signature_of_another_image_is_none),
		cmocka_unit_test(rsa_and_ed25519_keys_are_taken),
		cmocka_unit_test(simple_signing_is_verified),
		cmocka_unit_test(gnupgs_keys_and_messages_are_read),
		cmocka_unit_test(the_signatures_of_others_are_judged),
		cmocka_unit_test(every_policy_of_others_is_read),
		cmocka_unit_test(the_settings_of_others_are_read),
		cmocka_unit_test(identities_match_as_the_manual_says),
		cmocka_unit_test(a_policy_that_is_not_understood_is_refused),
		cmocka_unit_test(what_is_refused_or_accepted_whatever_it_is_asks_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
