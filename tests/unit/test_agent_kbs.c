/* Witnesses: the vectors of agent/kbs, agent/ear and agent/sealed-secret, made with npm's jose and
 * canonicalize. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "jwk.h"
#include "kbs/kbs.h"
#include "kbs/rcar.h"
#include "kbs/sealed.h"
#include "kbs/session.h"
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

static void reads_resource_uris(void **state)
{
	static const struct {
		const char *uri, *plugin, *path, *query;
	} v[] = {
		{ "kbs:///default/key/one", "resource", "default/key/one", "" },
		{ "kbs://kbs.example.org:8080/default/key/one", "resource", "default/key/one", "" },
		{ "kbs://[::1]:8080/a/b/c.d_e-f~1", "resource", "a/b/c.d_e-f~1", "" },
		{ "kbs:///a/b/.hidden", "resource", "a/b/.hidden", "" },
		{ "kbs:///a/b/...", "resource", "a/b/...", "" },
		{ "kbs:///a/b/c?x=1", "resource", "a/b/c", "x=1" },
		{ "kbs+resource:///a/b/c", "resource", "a/b/c", "" },
		{ "kbs+nebula-ca:///credential?ip=10.0.0.1/24&name=pod%201", "nebula-ca", "credential",
		        "ip=10.0.0.1/24&name=pod%201" },
		{ "kbs+p:///a/b/c/d", "p", "a/b/c/d", "" },
	};
	static const char *const bad[] = { "", "kbs", "kbs:", "kbs:/a/b/c", "http:///a/b/c", "KBS:///a/b/c",
		"kbs://", "kbs:///", "kbs:///a/b", "kbs:///a/b/c/d", "kbs:///a/b/", "kbs:////b/c",
		"kbs:///a//c", "kbs:///a/../c", "kbs:///../../etc", "kbs:///a/./c", "kbs:///a/b/..",
		"kbs:///a/b/%2e%2e", "kbs:///a/b/c%2fd", "kbs:///a/b/c#d", "kbs:///a/b/c d", "kbs:///a/b/c\n",
		"kbs:///a\\b/c/d", "kbs:///a/b/\xc3\xa4", "kbs://host\r\nX:/a/b/c", "kbs://user@host/a/b/c",
		"kbs+:///a/b/c", "kbs+../x:///a/b/c", "kbs+a/b:///a/b/c", "kbs+p:///", "kbs+p:///a/../b",
		"kbs+p:///a?x=%", "kbs+p:///a?x=%0g", "kbs+p:///a?x y", "kbs+p:///a?x#y", "kbs+p:///a?x=%2",
		"kbs+p:///a?\xff" };
	struct kbs_uri u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		struct err e = { 0 };

		if (kbs_uri_parse(v[i].uri, &u, &e))
			fail_msg("%s: %s", v[i].uri, e.msg);
		assert_string_equal(u.plugin, v[i].plugin);
		assert_string_equal(u.path, v[i].path);
		assert_string_equal(u.query, v[i].query);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = { 0 };

		if (kbs_uri_parse(bad[i], &u, &e) != -EINVAL)
			fail_msg("%s is taken", bad[i]);
	}
}

static void refuses_long_uris(void **state)
{
	static const char *const form[][2] = { { "kbs:///a/b/", "" }, { "kbs+", ":///a" },
		{ "kbs+p:///", "" }, { "kbs+p:///a?", "" } };
	char many[600];

	(void)state;
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = 0;
	for (size_t i = 0; i < ARRAY_LEN(form); i++) {
		_free_ char *uri = xasprintf("%s%s%s", form[i][0], many, form[i][1]);
		struct kbs_uri u;
		struct err e = { 0 };

		assert_int_equal(kbs_uri_parse(uri, &u, &e), -EINVAL);
	}
}

static void is_json(const char *text, json_t *want)
{
	_json_ json_t *got = json_loads(text, 0, NULL);

	assert_non_null(got);
	if (!json_equal(got, want))
		fail_msg("%s", text);
}

/* Requests, what is hashed, and attestations of all versions, byte for byte but for the order of members. */
static void speaks_every_version_of_the_protocol(void **state)
{
	static const struct {
		const char *kty, *crv, *file;
	} keys[] = { { "EC", "P-256", "kbs/tee-key-p256.jwk.json" },
		{ "EC", "P-521", "kbs/tee-key-p521.jwk.json" }, { "RSA", NULL, "kbs/tee-key-rsa.jwk.json" } };
	_json_ json_t *all = vector_json("kbs/rcar-cases.json");
	json_t *c;
	size_t i, seen = 0;

	(void)state;
	json_array_foreach (json_object_get(all, "cases"), i, c) {
		json_t *pub = json_object_get(c, "pubkey");
		const char *crv = jose_string(pub, "crv"), *hex = jose_string(c, "sha384_hex");
		const struct rcar_version *v = NULL;
		_free_ struct rcar_challenge *ch = xcalloc(1, sizeof(*ch));
		_free_ char *challenge = json_dumps(json_object_get(c, "challenge"), 0), *request = NULL,
		            *attestation = NULL;
		_buf_ struct buf jwk = { 0 };
		uint8_t data[HASH_MAX];
		char got[HASH_MAX_HEX];
		size_t n;
		struct err e = { 0 };

		print_message("%s\n", jose_string(c, "id"));
		for (size_t k = 0; k < RCAR_VERSIONS; k++)
			if (!strcmp(rcar_versions[k].name, jose_string(c, "version")) &&
			        rcar_versions[k].joined == !!strstr(jose_string(c, "id"), "concat"))
				v = &rcar_versions[k];
		assert_non_null(v);
		request = rcar_request(v, "sample");
		is_json(request, json_object_get(c, "request"));
		assert_int_equal(rcar_challenge(slice_str(challenge), ch, &e), 0);
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			if (!strcmp(keys[k].kty, jose_string(pub, "kty")) &&
			        (!crv || !strcmp(crv, keys[k].crv ?: ""))) {
				_json_ json_t *private = vector_json(keys[k].file);
				_pkey_ EVP_PKEY *key = jwk_private(private);

				assert_true(jose_jwk(key, jose_string(pub, "alg"), &jwk));
			}
		n = rcar_report_data(v, ch, buf_str(&jwk), data);
		assert_int_equal(n, 48);
		assert_string_equal(hex_encode(got, data, n), hex);
		attestation = rcar_attestation(v, ch, buf_str(&jwk),
		        json_deep_copy(json_object_get(c, "sample_evidence")), slice_of(NULL, 0));
		if (!v->text_evidence) {
			is_json(attestation, json_object_get(c, "attestation"));
		} else {
			_json_ json_t *a = json_loads(attestation, 0, NULL);

			is_json(jose_string(a, "tee-evidence"), json_object_get(c, "sample_evidence"));
		}
		seen++;
	}
	assert_int_equal(seen, 8);
}

static void sends_initdata_along(void **state)
{
	struct rcar_challenge ch = { .nonce = "AAAA" };
	_free_ char *text = rcar_attestation(
	                    &rcar_versions[0], &ch, "{}", json_object(), slice_str("version = \"0.1.0\"\n")),
	            *bad = NULL;
	_json_ json_t *j = json_loads(text, 0, NULL);

	(void)state;
	assert_string_equal(jose_string(json_object_get(j, "init-data"), "format"), "toml");
	assert_string_equal(jose_string(json_object_get(j, "init-data"), "body"), "version = \"0.1.0\"\n");
	bad = rcar_attestation(&rcar_versions[0], &ch, "{}", json_object(), slice_str("\xff"));
	assert_null(bad);
}

static void refuses_odd_challenges(void **state)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"nonce\":1}", "{\"nonce\":\"\"}",
		"{\"nonce\":\"a\",\"nonce\":\"b\"}",
		"{\"nonce\":\"a\",\"extra-params\":{\"selected-hash-algorithm\":\"sha1\"}}",
		"{\"nonce\":\"a\",\"extra-params\":{\"selected-hash-algorithm\":\"md5\"}}" };
	_buf_ struct buf big = { 0 };
	_free_ struct rcar_challenge *c = xcalloc(1, sizeof(*c));
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(rcar_challenge(slice_str(bad[i]), c, &e), -EBADMSG);
	buf_printf(&big, "{\"nonce\":\"%0*d\"}", (int)sizeof(c->nonce), 0);
	assert_int_equal(rcar_challenge(buf_slice(&big), c, &e), -EBADMSG);
	assert_int_equal(rcar_challenge(slice_str("{\"nonce\":\"a\\\"\",\"extra-params\":{\"selected-hash-"
	                                          "algorithm\":\"sha512\"}}"),
	                         c, &e),
	        0);
	assert_int_equal(c->alg, HASH_SHA512);
}

static void reads_tokens_and_when_they_end(void **state)
{
	static const char *const bad[] = { "", "a.b.c", "e30.e30", "e30.e30.", "e30.e30.e30.e30",
		"e30.W10.AA", "e30.e30.A" };
	_buf_ struct buf ear = { 0 };
	_json_ json_t *answer = vector_json("kbs/attest-response.json");
	_free_ char *text = json_dumps(answer, 0), *token = rcar_token(slice_str(text));

	(void)state;
	vector_read("agent/ear/sample-ear.jwt", &ear);
	while (ear.n && ear.p[ear.n - 1] == '\n')
		ear.p[--ear.n] = 0;
	assert_true(jwt_expiry(buf_str(&ear)) == 1767225900);
	assert_string_equal(token, jose_string(answer, "token"));
	assert_true(jwt_expiry(token) == 1767225900);
	assert_true(jwt_expiry("e30.e30.AA") == 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_free_ char *body = xasprintf("{\"token\":\"%s\"}", bad[i]);

		if (jwt_expiry(bad[i]) != -1)
			fail_msg("%s is a token", bad[i]);
		assert_null(rcar_token(slice_str(body)));
	}
}

static void says_why_a_broker_refuses(void **state)
{
	_json_ json_t *all = vector_json("kbs/errors.json");
	static const char *const types[] = { "TokenNotFound", "PolicyDeny", "PluginNotFound" };
	struct rcar_error r;
	json_t *v;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(all), ARRAY_LEN(types));
	json_array_foreach (all, i, v) {
		_free_ char *text = json_dumps(json_object_get(v, "body"), 0);

		rcar_error(slice_str(text), &r);
		assert_string_equal(r.type, types[i]);
		assert_string_equal(r.detail, jose_string(json_object_get(v, "body"), "detail"));
	}
	rcar_error(slice_str("{\"detail\":\"a\\u001b[31m\\nb\"}"), &r);
	assert_string_equal(r.detail, "a?[31m?b");
	rcar_error(slice_str("<html>"), &r);
	assert_string_equal(r.detail, "");
}

static void unseals_what_was_signed(void **state)
{
	_json_ json_t *all = vector_json("sealed-secret/cases.json");
	_buf_ struct buf jwk = { 0 };
	json_t *v;
	size_t i;

	(void)state;
	vector_read("agent/sealed-secret/signing-key-public.jwk.json", &jwk);
	assert_int_equal(json_array_size(all), 3);
	json_array_foreach (all, i, v) {
		const char *text = jose_string(v, "sealed"), *kek = jose_string(v, "kek_hex"), *uri = NULL;
		_sealed_ struct sealed s;
		_buf_ struct buf out = { 0 };
		uint8_t key[32];
		bool envelope = false;
		struct err e = { 0 };

		assert_true(kbs_is_sealed(text));
		if (!strcmp(jose_string(v, "id"), "unsigned-legacy")) {
			assert_true(sealed_parse(text, &s, &e) < 0);
			continue;
		}
		assert_int_equal(sealed_parse(text, &s, &e), 0);
		assert_string_equal(s.kid, "kbs:///default/signing-key/sealed-secret");
		assert_int_equal(sealed_verify(&s, buf_slice(&jwk), &e), 0);
		assert_int_equal(sealed_where(&s, &uri, &envelope, &e), 0);
		assert_string_equal(uri, kek ? "kbs:///default/sealing/kek" : "kbs:///default/type/tag");
		assert_int_equal(envelope, kek != NULL);
		if (kek) {
			assert_true(hex_decode(kek, key, 32));
			assert_int_equal(sealed_open(&s, slice_of(key, 32), &out, &e), 0);
			assert_string_equal(buf_str(&out), jose_string(v, "plaintext"));
			key[0] ^= 1;
			assert_int_equal(sealed_open(&s, slice_of(key, 32), &out, &e), -EKEYREJECTED);
			assert_int_equal(sealed_open(&s, slice_of(key, 16), &out, &e), -EKEYREJECTED);
		}
	}
}

static void refuses_sealed_secrets_that_were_changed(void **state)
{
	_json_ json_t *all = vector_json("sealed-secret/cases.json"),
	              *other = vector_json("kbs/tee-key-p256.jwk.json");
	const char *good = jose_string(json_array_get(all, 0), "sealed");
	_free_ char *foreign = json_dumps(other, 0);
	_buf_ struct buf jwk = { 0 };
	size_t taken = 0;

	(void)state;
	vector_read("agent/sealed-secret/signing-key-public.jwk.json", &jwk);
	for (size_t i = strlen("sealed."); i < strlen(good); i++) {
		_free_ char *text = xstrdup(good);
		_sealed_ struct sealed s;
		struct err e = { 0 };

		text[i] = text[i] == 'A' ? 'B' : 'A';
		taken += sealed_parse(text, &s, &e) == 0 && sealed_verify(&s, buf_slice(&jwk), &e) == 0;
	}
	assert_int_equal(taken, 0);
	{
		_sealed_ struct sealed s;
		struct err e = { 0 };

		assert_int_equal(sealed_parse(good, &s, &e), 0);
		assert_int_equal(sealed_verify(&s, slice_str(foreign), &e), -EKEYREJECTED);
		assert_int_equal(sealed_verify(&s, slice_str("{}"), &e), -EBADMSG);
	}
}

static void finds_injected_secrets(void **state)
{
	_free_ char *root = NULL, *dir = NULL, *file = NULL;
	struct attester *sev = NULL;
	struct err e = { 0 };
	struct kbs *k;
	struct buf out = { 0 };

	(void)state;
	/* keys as base64, as guest-components' offline_fs_kbc and offline_sev_kbc had them */
	assert_int_equal(io_temp_dir("/tmp/kbs-test", &root, &e), 0);
	dir = xasprintf("%s/sys/kernel/security/secrets/coco", root);
	assert_int_equal(io_mkdirs(dir, &e), 0);
	file = xasprintf("%s/e6f5a162-d67f-4750-a67c-5d065f2a9910", dir);
	assert_int_equal(
	        io_write_file(file,
	                slice_of("{\"default/key/one\":\"b25lIHNlY3JldA==\",\"default/key/two\":\"*\"}\0\0",
	                        63),
	                0600, &e),
	        0);
	/* a TEE without evidence does not ask the broker that there is */
	assert_int_equal(attest_open(root, false, &sev, &e), 0);
	assert_string_equal(attest_tee(sev), "sev");
	k = kbs_new(&(struct kbs_how){ .url = "http://127.0.0.1:1", .secrets = dir }, sev);
	assert_int_equal(kbs_resource(k, "kbs:///default/key/one", &out, &e), 0);
	assert_string_equal(buf_str(&out), "one secret");
	assert_int_equal(kbs_token(k, &out, &e), -ENODEV);
	kbs_freep(&k);
	attest_freep(&sev);
	kbs_wipe(&out);
	k = kbs_new(&(struct kbs_how){ .secrets = dir }, NULL);
	assert_int_equal(kbs_resource(k, "kbs:///default/key/one", &out, &e), 0);
	assert_string_equal(buf_str(&out), "one secret");
	kbs_wipe(&out);
	assert_null(out.p);
	assert_int_equal(kbs_resource(k, "kbs:///default/key/two", &out, &e), -EBADMSG);
	assert_int_equal(kbs_resource(k, "kbs:///default/key/three", &out, &e), -ENOENT);
	assert_int_equal(kbs_resource(k, "kbs+plugin:///default/key/one", &out, &e), -ENODEV);
	assert_int_equal(kbs_resource(k, "kbs:///../key/one", &out, &e), -EINVAL);
	assert_int_equal(kbs_token(k, &out, &e), -ENODEV);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(kbs_resource(k, "kbs:///default/key/one", &out, &e), -ENOENT);
	kbs_freep(&k);
	kbs_wipe(&out);
	io_remove_tree(root, &e);
}

static void loads_no_session_that_is_damaged(void **state)
{
	struct kbs *k = kbs_new(&(struct kbs_how){ .url = "http://127.0.0.1:1//", .ms = 200 }, NULL),
	           *l = kbs_new(&(struct kbs_how){ 0 }, NULL);
	_buf_ struct buf saved = { 0 };

	(void)state;
	assert_string_equal(k->url, "http://127.0.0.1:1");
	k->version = 1;
	k->token = xstrdup("e30.e30.AA");
	buf_printf(&k->cookies, "a=b");
	kbs_save(k, &saved);
	kbs_load(l, buf_slice(&saved));
	assert_int_equal(l->version, 1);
	assert_null(l->token); /* there was no key */
	assert_int_equal(l->cookies.n, 0);
	for (size_t i = 0; i < saved.n; i++) {
		saved.p[i] ^= 0xff;
		kbs_load(l, slice_of(saved.p, i));
		kbs_load(l, buf_slice(&saved));
		assert_true(l->version < RCAR_VERSIONS);
		assert_null(l->token);
	}
	kbs_freep(&k);
	kbs_freep(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_resource_uris),
		cmocka_unit_test(refuses_long_uris),
		cmocka_unit_test(speaks_every_version_of_the_protocol),
		cmocka_unit_test(sends_initdata_along),
		cmocka_unit_test(refuses_odd_challenges),
		cmocka_unit_test(reads_tokens_and_when_they_end),
		cmocka_unit_test(says_why_a_broker_refuses),
		cmocka_unit_test(unseals_what_was_signed),
		cmocka_unit_test(refuses_sealed_secrets_that_were_changed),
		cmocka_unit_test(finds_injected_secrets),
		cmocka_unit_test(loads_no_session_that_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
