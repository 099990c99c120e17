/* Witnesses: npm jose and Debian's jose (in vectors/agent/kbs), skopeo's ocicrypt, and jose again as it runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include "jwk.h"
#include "kbs/jose.h"
#include "kbs/kbs.h"
#include "vectors.h"

static json_t *vector_json(const char *name)
{
	_buf_ struct buf b = { 0 };
	_free_ char *path = xasprintf("agent/%s", name);
	json_t *j;

	vector_read(path, &b);
	j = json_loadb((const char *)b.p, b.n, 0, NULL);
	assert_non_null(j);
	return j;
}

static EVP_PKEY *vector_key(const char *name)
{
	_free_ char *path = xasprintf("kbs/%s", name);
	_json_ json_t *jwk = vector_json(path);
	EVP_PKEY *key = jwk_private(jwk);

	assert_non_null(key);
	return key;
}

static int open_json(const json_t *jwe, EVP_PKEY *key, bool legacy, struct buf *ret)
{
	_free_ char *text = json_dumps(jwe, JSON_COMPACT);
	struct err e = { 0 };
	int r = jwe_open(slice_str(text), key, legacy, ret, &e);

	if (r)
		print_message("%s\n", e.msg);
	return r;
}

static void opens_what_key_brokers_answer(void **state)
{
	_json_ json_t *all = vector_json("kbs/resource-responses.json");
	json_t *v;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(all), 7);
	json_array_foreach (all, i, v) {
		const char *plain = jose_string(v, "plaintext"), *alg = jose_string(v, "alg");
		bool fails = jose_string(v, "expect") != NULL;
		_pkey_ EVP_PKEY *key = vector_key(jose_string(v, "key"));
		_buf_ struct buf out = { 0 }, none = { 0 };

		print_message("%s\n", jose_string(v, "id"));
		assert_int_equal(open_json(json_object_get(v, "response"), key, true, &out),
		        fails ? -EKEYREJECTED : 0);
		assert_int_equal(out.n, fails ? 0 : strlen(plain));
		if (!fails)
			assert_memory_equal(out.p, plain, out.n);
		if (!strcmp(alg, "RSA1_5"))
			assert_true(open_json(json_object_get(v, "response"), key, false, &none) < 0);
	}
}

static void opens_what_skopeo_wrapped(void **state)
{
	static const char dir[] = "agent/ocicrypt/";
	_buf_ struct buf pem = { 0 }, index = { 0 }, manifest = { 0 };
	_json_ json_t *i = NULL, *m = NULL;
	_pkey_ EVP_PKEY *key = NULL;
	_free_ char *path = NULL;
	json_t *layer;
	BIO *bio;
	size_t at;

	(void)state;
	vector_read("agent/ocicrypt/jwe_priv.pem", &pem);
	vector_read("agent/ocicrypt/enc-jwe-rsa-oci/index.json", &index);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(key);
	i = json_loadb((const char *)index.p, index.n, 0, NULL);
	path = xasprintf("%senc-jwe-rsa-oci/blobs/sha256/%s", dir,
	        strchr(jose_string(json_array_get(json_object_get(i, "manifests"), 0), "digest"), ':') + 1);
	vector_read(path, &manifest);
	m = json_loadb((const char *)manifest.p, manifest.n, 0, NULL);
	assert_true(json_array_size(json_object_get(m, "layers")) > 0);
	json_array_foreach (json_object_get(m, "layers"), at, layer) {
		const char *b64 = jose_string(
		        json_object_get(layer, "annotations"), "org.opencontainers.image.enc.keys.jwe");
		_buf_ struct buf jwe = { 0 }, out = { 0 };
		_json_ json_t *options = NULL;
		struct err e = { 0 };

		assert_true(base64_decode(&jwe, slice_str(b64)));
		assert_int_equal(jwe_open(buf_slice(&jwe), key, false, &out, &e), 0);
		options = json_loadb((const char *)out.p, out.n, 0, NULL);
		assert_int_equal(strlen(jose_string(options, "symkey")), 44);
		jwe.p[jwe.n / 2] ^= 1;
		assert_true(jwe_open(buf_slice(&jwe), key, false, &out, &e) < 0);
	}
}

static void opens_what_jose_seals(void **state)
{
	/* jose 11 wraps for no RSA key over OpenSSL 3 */
	static const char *const crv[][2] = { { "P-256", NULL }, { "P-521", NULL }, { "P-256", "P-256" },
		{ "P-521", "P-256" } };

	(void)state;
	if (system("command -v jose >/dev/null")) {
		print_message("# SKIP jose(1) is missing\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(crv); i++) {
		_buf_ struct buf out = { 0 }, command = { 0 };
		char *jwe, *line, chunk[4096];
		size_t n;
		FILE *f;

		buf_printf(&command, "d=$(mktemp -d); set --;");
		for (size_t k = 0; k < 2 && crv[i][k]; k++)
			buf_printf(&command,
			        "jose jwk gen -i '{\"kty\":\"EC\",\"crv\":\"%s\"}' >$d/k%zu; cat $d/k%zu; "
			        "echo;"
			        "set -- \"$@\" -r '{\"header\":{\"alg\":\"ECDH-ES+A256KW\"}}' -k $d/k%zu;",
			        crv[i][k], k, k, k);
		buf_printf(&command,
		        "printf 'the secret' | jose jwe enc -i '{\"protected\":{\"enc\":\"A256GCM\"}}'"
		        " -I - \"$@\"; s=$?; rm -r $d; exit $s");
		f = popen(buf_str(&command), "r");
		assert_non_null(f);
		while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
			buf_add(&out, chunk, n);
		assert_int_equal(pclose(f), 0);
		jwe = strrchr(buf_str(&out), '\n') + 1;
		line = (char *)out.p;
		for (size_t k = 0; k < 2 && crv[i][k]; k++) {
			char *end = strchr(line, '\n');
			_json_ json_t *jwk = json_loadb(line, (size_t)(end - line), 0, NULL);
			_pkey_ EVP_PKEY *key = jwk_private(jwk);
			_buf_ struct buf plain = { 0 };
			struct err e = { 0 };

			if (jwe_open(slice_str(jwe), key, false, &plain, &e))
				print_error("%s, key %zu: %s\n", crv[i][k], k, e.msg);
			assert_string_equal(buf_str(&plain), "the secret");
			line = end + 1;
		}
	}
}

static void opens_the_compact_form(void **state)
{
	_json_ json_t *all = vector_json("kbs/resource-responses.json");
	json_t *v = json_array_get(all, 0), *r = json_object_get(v, "response");
	_pkey_ EVP_PKEY *key = vector_key("tee-key-p256.jwk.json");
	_free_ char *text =
	        xasprintf("%s.%s.%s.%s.%s", jose_string(r, "protected"), jose_string(r, "encrypted_key"),
	                jose_string(r, "iv"), jose_string(r, "ciphertext"), jose_string(r, "tag"));
	_buf_ struct buf out = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(jwe_open(slice_str(text), key, false, &out, &e), 0);
	assert_string_equal(buf_str(&out), jose_string(v, "plaintext"));
}

static void refuses_what_is_no_jwe(void **state)
{
	static const char *const bad[] = { "", "{", "{}", "[]", "a.b.c.d", "a.b.c.d.e", "....", "a.b.c.d.e.f",
		"{\"protected\":\"e30\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"\",\"tag\":"
		"\"AAAAAAAAAAAAAAAAAAAAAA\",\"encrypted_key\":\"\"}",
		"{\"protected\":\"e30\",\"protected\":\"e30\"}", "{\"protected\":1}",
		"{\"protected\":\"{}\"}" };
	static const char *const edits[][2] = { { "iv", "AAAA" }, { "tag", "AAAA" }, { "tag", "" },
		{ "ciphertext", "*" }, { "encrypted_key", "AAAA" }, { "encrypted_key", "=" },
		{ "aad", "AAAA" } };
	_json_ json_t *all = vector_json("kbs/resource-responses.json");
	_pkey_ EVP_PKEY *key = vector_key("tee-key-p256.jwk.json"), *rsa = vector_key("tee-key-rsa.jwk.json");
	json_t *good = json_object_get(json_array_get(all, 0), "response");
	_buf_ struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = { 0 };

		assert_true(jwe_open(slice_str(bad[i]), key, true, &out, &e) < 0);
		assert_true(jwe_open(slice_str(bad[i]), rsa, true, &out, &e) < 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		_json_ json_t *j = json_copy(good);

		json_object_set_new(j, edits[i][0], json_string(edits[i][1]));
		assert_true(open_json(j, key, true, &out) < 0);
	}
	assert_int_equal(open_json(good, rsa, true, &out), -EKEYREJECTED);
	assert_int_equal(out.n, 0);
}

/* The keys of the vectors, whose JWK the cases have as a broker takes it. */
static void writes_its_key_as_brokers_take_it(void **state)
{
	static const char *const names[][2] = { { "v0.4.0-p256", "tee-key-p256.jwk.json" },
		{ "v0.4.0-p521", "tee-key-p521.jwk.json" },
		{ "v0.4.0-rsa-oaep256", "tee-key-rsa.jwk.json" } };
	_json_ json_t *all = vector_json("kbs/rcar-cases.json");
	json_t *v;
	size_t i, seen = 0;

	(void)state;
	json_array_foreach (json_object_get(all, "cases"), i, v) {
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			_pkey_ EVP_PKEY *key = NULL;
			_buf_ struct buf text = { 0 };
			json_t *want = json_object_get(v, "pubkey");
			_free_ char *canonical = NULL;

			if (strcmp(jose_string(v, "id"), names[k][0]))
				continue;
			key = vector_key(names[k][1]);
			assert_true(jose_jwk(key, jose_string(want, "alg"), &text));
			canonical = json_dumps(want, JSON_COMPACT | JSON_SORT_KEYS);
			assert_string_equal(buf_str(&text), canonical);
			seen++;
		}
	}
	assert_int_equal(seen, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_key_brokers_answer),
		cmocka_unit_test(opens_what_skopeo_wrapped),
		cmocka_unit_test(opens_what_jose_seals),
		cmocka_unit_test(opens_the_compact_form),
		cmocka_unit_test(refuses_what_is_no_jwe),
		cmocka_unit_test(writes_its_key_as_brokers_take_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
