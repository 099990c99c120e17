/* Names, manifests and credentials of images. Witnesses: tests/golden/image_ref.tsv, and $VECTORS/agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "image/auth.h"
#include "image/lookaside.h"
#include "image/manifest.h"
#include "image/mirrors.h"
#include "image/ref.h"
#include "tests/unit/vectors.h"

static void references_are_read_as_docker_reads_them(void **state)
{
	_fclose_ FILE *f = fopen("tests/golden/image_ref.tsv", "re");
	char line[2048];
	size_t rows = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *save, *text, *want, *host, *scopes, got[REF_TEXT];
		_buf_ struct buf all = { 0 };
		struct image_ref r;
		struct err e;

		if (line[0] == '#')
			continue;
		text = strtok_r(line, "\t\n", &save);
		want = strtok_r(NULL, "\t\n", &save);
		rows++;
		if (!strcmp(want, "-")) {
			if (ref_parse(text, &r, &e) != -EINVAL)
				fail_msg("%s is taken", text);
			continue;
		}
		host = strtok_r(NULL, "\t\n", &save);
		scopes = strtok_r(NULL, "\t\n", &save);
		if (ref_parse(text, &r, &e))
			fail_msg("%s", e.msg);
		assert_string_equal(ref_text(&r, got), want);
		assert_int_equal(r.host, strlen(host));
		assert_memory_equal(r.name, host, r.host);
		for (size_t i = 1; ref_scope(&r, i, got); i++)
			buf_printf(&all, "%s%s", i > 1 ? " " : "", got);
		assert_string_equal(buf_str(&all), scopes);
	}
	assert_true(rows > 45);
}

#define COSIGN "agent/cosign/blob-"
#define MANIFEST "24e2f0bc246930f1a9d8f91faf702dce0434776f37fb127c9c641978a813bbba"
#define CONFIG "804caf5d31df6c6458b6235caa85753b5aeab4cad915609b0323c0094e4bb34b"

static void a_manifest_and_its_config_are_read(void **state)
{
	_buf_ struct buf manifest = { 0 }, config = { 0 };
	json_auto_t *m = NULL, *c = NULL;
	char digest[DIGEST_TEXT], chain[DIGEST_TEXT];
	enum manifest_kind kind;
	struct err e = { 0 };
	bool encrypted;

	(void)state;
	vector_read(COSIGN MANIFEST, &manifest);
	vector_read(COSIGN CONFIG, &config);
	digest_of(buf_slice(&manifest), digest);
	assert_string_equal(digest, "sha256:" MANIFEST);
	assert_int_equal(manifest_read(buf_slice(&manifest), NULL, &kind, &m, &e), 0);
	assert_int_equal(kind, MANIFEST_IMAGE);
	assert_string_equal(descriptor_digest(json_object_get(m, "config")), "sha256:" CONFIG);
	assert_true(descriptor_size(json_object_get(m, "config")) == config.n);
	assert_true(manifest_layer(json_array_get(json_object_get(m, "layers"), 0), &encrypted));
	assert_false(encrypted);
	assert_int_equal(manifest_config(buf_slice(&config), m, "amd64", &c, &e), 0);
	/* printf %s "$DIFF_ID_0 $DIFF_ID_1" | sha256sum */
	manifest_chain(c, 0, chain);
	assert_string_equal(chain, "sha256:061f12bb37ba2213cb0ddc016fe3360a9e43dc360f09dc6a5bff36f1f0109a23");
	manifest_chain(c, 1, chain);
	assert_string_equal(chain, "sha256:2cee3605cd06a0a1990b37528763e22aea23682607f7ccb20859327b754bd13e");
	json_decref(c);
	c = NULL;
	assert_int_equal(manifest_config(buf_slice(&config), m, "s390x", &c, &e), -EOPNOTSUPP);
	assert_string_equal(e.msg, "image config: the image is for linux/amd64, this is linux/s390x");
}

static void an_encrypted_image_of_skopeo_is_read(void **state)
{
	_buf_ struct buf index = { 0 }, manifest = { 0 };
	json_auto_t *j = NULL, *m = NULL;
	_free_ char *name = NULL;
	enum manifest_kind kind;
	struct err e = { 0 };
	bool encrypted;

	(void)state;
	vector_read("agent/ocicrypt/enc-kbs-gcm-oci/index.json", &index);
	assert_int_equal(
	        manifest_read(buf_slice(&index), "application/vnd.oci.image.index.v1+json", &kind, &j, &e),
	        0);
	assert_int_equal(kind, MANIFEST_INDEX);
	name = xasprintf("agent/ocicrypt/enc-kbs-gcm-oci/blobs/sha256/%s",
	        descriptor_digest(json_array_get(json_object_get(j, "manifests"), 0)) + 7);
	vector_read(name, &manifest);
	assert_int_equal(manifest_read(buf_slice(&manifest), NULL, &kind, &m, &e), 0);
	assert_true(manifest_layer(json_array_get(json_object_get(m, "layers"), 1), &encrypted));
	assert_true(encrypted);
}

#define D64 "0000000000000000000000000000000000000000000000000000000000000000"
#define DESC(type) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" D64 "\",\"size\":1}"
#define OCI "application/vnd.oci.image."
#define ENTRY(os, arch, more, n)                                                                             \
	"{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"sha256:" D64 "\",\"size\":" n               \
	",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"" more "}}"

static void the_platforms_manifest_is_chosen(void **state)
{
	static const char text[] = "{\"schemaVersion\":2,\"manifests\":[" ENTRY(
	        "unknown", "unknown", "", "1") "," ENTRY("windows", "amd64", "", "2") "," ENTRY("linux",
	        "amd64", ",\"variant\":\"v3\"", "3") "," ENTRY("linux", "amd64", "", "4") "," ENTRY("linux",
	        "arm64", ",\"variant\":\"v8\"", "5") "]}";
	json_auto_t *j = NULL;
	enum manifest_kind kind;
	const json_t *d;
	struct err e;

	(void)state;
	assert_int_equal(
	        manifest_read(slice_str(text), OCI "index.v1+json; charset=utf-8", &kind, &j, &e), 0);
	assert_int_equal(manifest_select(j, "amd64", &d, &e), 0);
	assert_true(descriptor_size(d) == 4);
	assert_int_equal(manifest_select(j, "arm64", &d, &e), 0);
	assert_true(descriptor_size(d) == 5);
	assert_int_equal(manifest_select(j, "s390x", &d, &e), -ENOENT);
	assert_non_null(strstr(
	        e.msg, "no image for linux/s390x, but for unknown/unknown, windows/amd64, linux/amd64/v3"));
}

static void odd_manifests_are_refused(void **state)
{
	static const struct {
		const char *text, *type, *why;
		int error;
	} cases[] = {
		{ "{\"schemaVersion\":1,\"mediaType\":\"" OCI "manifest.v1+json\"}", NULL, "schemaVersion",
		        -EOPNOTSUPP },
		{ "{\"schemaVersion\":2}", NULL, "media type", -EBADMSG },
		{ "{\"schemaVersion\":2}", "text/html", "text/html", -EOPNOTSUPP },
		{ "{\"schemaVersion\":2,\"mediaType\":\"a\\u001b[31m\"}", NULL, "nothing says", -EBADMSG },
		{ "{\"schemaVersion\":2}", "text/\033[31m", "'text/' is none", -EOPNOTSUPP },
		{ "{\"a\":\033[31m", NULL, "near '?", -EBADMSG },
		{ "{\"schemaVersion\":2,\"schemaVersion\":2}", OCI "index.v1+json", "duplicate", -EBADMSG },
		{ "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", OCI "index.v1+json", "both",
		        -EBADMSG },
		{ "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[],\"config\":" DESC("x") "}",
		        OCI "manifest.v1+json", "both", -EBADMSG },
		{ "{\"schemaVersion\":2,\"config\":" DESC("x") "}", OCI "manifest.v1+json", "layers",
		        -EBADMSG },
		{ "{\"schemaVersion\":2,\"layers\":[{}],\"config\":" DESC("x") "}", OCI "manifest.v1+json",
		        "layers[0]", -EBADMSG },
		{ "{\"schemaVersion\":2,\"layers\":[],\"config\":{\"mediaType\":\"x\",\"digest\":\"md5:00\","
		  "\"size\":1}}",
		        OCI "manifest.v1+json", "digest", -EBADMSG },
		{ "{\"schemaVersion\":2,\"layers\":[],\"config\":{\"mediaType\":\"x\",\"digest\":"
		  "\"sha256:" D64 "\",\"size\":-1}}",
		        OCI "manifest.v1+json", "size", -EBADMSG },
		{ "{\"schemaVersion\":2,\"layers\":[],\"config\":{\"mediaType\":\"x\",\"digest\":"
		  "\"sha256:" D64 "\",\"size\":1,\"annotations\":{\"a\":1}}}",
		        OCI "manifest.v1+json", "annotation", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum manifest_kind kind;
		struct err e = { 0 };
		json_t *j = NULL;

		assert_int_equal(manifest_read(slice_str(cases[i].text), cases[i].type, &kind, &j, &e),
		        cases[i].error);
		assert_null(j);
		if (!strstr(e.msg, cases[i].why))
			fail_msg("%s: '%s' expected", e.msg, cases[i].why);
	}
}

static void a_manifest_is_bounded(void **state)
{
	_buf_ struct buf many = { 0 }, deep = { 0 };
	enum manifest_kind kind;
	struct err e = { 0 };
	json_t *j = NULL;

	(void)state;
	buf_printf(&many, "{\"schemaVersion\":2,\"config\":%s,\"layers\":[", DESC("x"));
	for (int i = 0; i <= MANIFEST_LAYERS; i++)
		buf_printf(&many, "%s%s", i ? "," : "", DESC("y"));
	buf_printf(&many, "]}");
	assert_int_equal(manifest_read(buf_slice(&many), OCI "manifest.v1+json", &kind, &j, &e), -EFBIG);
	assert_string_equal(e.msg, "manifest: it has 128 layers, at most 127 are taken");
	memset(buf_zeros(&deep, 60000), '[', 60000);
	assert_int_equal(manifest_read(buf_slice(&deep), OCI "manifest.v1+json", &kind, &j, &e), -EBADMSG);
	memset(buf_zeros(&deep, 60000), ',', 60000);
	assert_int_equal(manifest_read(buf_slice(&deep), OCI "manifest.v1+json", &kind, &j, &e), -EFBIG);
	buf_zeros(&deep, MANIFEST_MAX);
	assert_int_equal(manifest_read(buf_slice(&deep), OCI "manifest.v1+json", &kind, &j, &e), -EFBIG);
}

static void a_config_must_fit_its_manifest(void **state)
{
	static const char manifest[] =
	        "{\"schemaVersion\":2,\"config\":" DESC("x") ",\"layers\":[" DESC("y") "]}";
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "diff_ids" },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
		  "[]}}",
		        "0 diff_ids, the manifest 1 layers" },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
		  "[\"../x\"]}}",
		        "diff_ids[0]" },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":[],\"rootfs\":{\"type\":"
		  "\"layers\",\"diff_ids\":"
		  "[\"sha256:" D64 "\"]}}",
		        "config is no object" },
	};
	json_auto_t *m = NULL;
	enum manifest_kind kind;
	struct err e = { 0 };
	json_t *j = NULL;

	(void)state;
	assert_int_equal(manifest_read(slice_str(manifest), OCI "manifest.v1+json", &kind, &m, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(manifest_config(slice_str(cases[i].text), m, "amd64", &j, &e), -EBADMSG);
		assert_non_null(strstr(e.msg, cases[i].why));
	}
}

static void challenges_are_read(void **state)
{
	struct auth_challenge c;

	(void)state;
	/* RFC 6750, section 3, and distribution's token specification */
	auth_challenge("Bearer realm=\"https://auth.example/token\",service=\"registry.example\","
	               "scope=\"repository:samalba/my-app:pull,push\"",
	        &c);
	assert_int_equal(c.scheme, AUTH_BEARER);
	assert_string_equal(c.realm, "https://auth.example/token");
	assert_string_equal(c.service, "registry.example");
	assert_string_equal(c.scope, "repository:samalba/my-app:pull,push");
	/* RFC 9110, section 11.6.1 */
	auth_challenge(
	        "Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\"",
	        &c);
	assert_int_equal(c.scheme, AUTH_BASIC);
	auth_challenge("Newauth realm=\"apps\", Basic realm=\"simple\" , bearer REALM = \"https://a/t\"", &c);
	assert_int_equal(c.scheme, AUTH_BEARER);
	assert_string_equal(c.realm, "https://a/t");
	auth_challenge("Bearer realm=\"unended", &c);
	assert_int_equal(c.scheme, AUTH_NONE);
	auth_challenge("Bearer service=\"x\"", &c);
	assert_int_equal(c.scheme, AUTH_NONE);
	auth_challenge("Negotiate abc==", &c);
	assert_int_equal(c.scheme, AUTH_NONE);
	auth_challenge("", &c);
	assert_int_equal(c.scheme, AUTH_NONE);
}

static void the_narrowest_credentials_count(void **state)
{
	static const char text[] =
	        "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"aHViOnB3\"},"
	        "\"registry.example\":{\"auth\":\"aG9zdDpwdw==\"},"
	        "\"registry.example/team\":{\"username\":\"team\",\"password\":\"p:w\"},"
	        "\"token.example:5000\":{\"auth\":\"MDAwOg==\",\"identitytoken\":\"abc.def\"}}}";
	static const struct {
		const char *name, *login, *refresh;
	} cases[] = {
		{ "docker.io/library/busybox", "hub:pw", "" },
		{ "registry.example/other/app", "host:pw", "" },
		{ "registry.example/team/app", "team:p:w", "" },
		{ "registry.example/teams/app", "host:pw", "" },
		{ "registry.example.org/a", "", "" },
		{ "token.example:5000/a", "000:", "abc.def" },
		{ "token.example/a", "", "" },
	};
	json_auto_t *j = NULL;
	struct err e;

	(void)state;
	assert_int_equal(auth_read(slice_str(text), &j, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf login = { 0 }, refresh = { 0 };

		auth_find(j, cases[i].name, &login, &refresh);
		assert_string_equal(buf_str(&login), cases[i].login);
		assert_string_equal(buf_str(&refresh), cases[i].refresh);
	}
}

/* Where the vector's registries config sends IMAGE, as words. */
static void locations(const json_t *config, const char *image, struct buf *ret)
{
	struct location at[LOCATIONS_MAX];
	struct image_ref r;
	struct err e = { 0 };
	size_t n;

	assert_int_equal(ref_parse(image, &r, &e), 0);
	if (mirrors_locate(config, &r, at, &n, &e))
		buf_printf(ret, "%s", e.msg);
	else
		for (size_t i = 0; i < n; i++)
			buf_printf(
			        ret, "%s%s%s", i ? ", " : "", at[i].name, at[i].insecure ? " insecure" : "");
}

/* Expected: containers-registries.conf(5) */
static void mirrors_come_before_the_registry(void **state)
{
	static const char more[] = "{\"registry\":["
	                           "{\"prefix\":\"*.wild.example\",\"location\":\"here.example/ns\"},"
	                           "{\"prefix\":\"r.example\",\"mirror\":[{\"location\":\"m1.example/"
	                           "x\"},{\"location\":\"m2.example:5000\","
	                           "\"insecure\":true,\"pull-from-mirror\":\"digest-only\"},{\"location\":"
	                           "\"m3.example\",\"pull-from-mirror\":"
	                           "\"tag-only\"}]},"
	                           "{\"prefix\":\"r.example/deep\",\"location\":\"deep.example/a\"},"
	                           "{\"prefix\":\"odd.example\",\"location\":\"odd/a\"}]}";
	static const struct {
		bool vector;
		const char *image, *where;
	} cases[] = {
		{ true, "example.com/banned/app",
		        "image example.com/banned/app is blocked by the registries config" },
		{ true, "example.com/bannedapp", "example.com/bannedapp" },
		{ true, "mirror-test.com/a/b:v1", "127.0.0.1:5000/a/b insecure, mirror-test.com/a/b" },
		{ true, "remapping-test.com/a/b:v1", "127.0.0.1:5000/a/b insecure" },
		{ true, "127.0.0.1:5000/a", "127.0.0.1:5000/a insecure" },
		{ true, "127.0.0.1:5001/a", "127.0.0.1:5001/a" },
		{ true, "busybox", "docker.io/library/busybox" },
		{ false, "r.example/a:v1", "m1.example/x/a, m3.example/a, r.example/a" },
		{ false, "r.example/a@sha256:" MANIFEST,
		        "m1.example/x/a, m2.example:5000/a insecure, r.example/a" },
		{ false, "r.example/deep/b", "deep.example/a/b" },
		{ false, "r.example/deeper/b",
		        "m1.example/x/deeper/b, m3.example/deeper/b, r.example/deeper/b" },
		{ false, "a.b.wild.example/c", "here.example/ns/c" },
		{ false, "wild.example/c", "wild.example/c" },
		{ false, "odd.example/c", "registries config: 'odd/a/c' is no place of an image" },
	};
	_buf_ struct buf text = { 0 };
	json_auto_t *vector = NULL, *ours = NULL;
	struct err e = { 0 };
	json_t *j = NULL;

	(void)state;
	vector_read("agent/image-rs/registry-configuration.toml", &text);
	assert_int_equal(mirrors_read(buf_slice(&text), &vector, &e), 0);
	assert_int_equal(mirrors_read(slice_str(more), &ours, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf got = { 0 };

		locations(cases[i].vector ? vector : ours, cases[i].image, &got);
		assert_string_equal(buf_str(&got), cases[i].where);
	}
	assert_int_equal(mirrors_read(slice_str("[[registry]]\ninsecure = true\n"), &j, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "registry[0] has neither prefix nor location"));
	assert_int_equal(mirrors_read(slice_str("registry = 1\n"), &j, &e), -EBADMSG);
}

static void the_narrowest_place_of_signatures_counts(void **state)
{
	static const char ours[] = "# comment\r\n---\n"
	                           "default-docker:\n"
	                           "  sigstore: https://all.example/sigs  # the rest\n"
	                           "docker:\n"
	                           "  registry.example:\n"
	                           "      sigstore: 'file:///old'\n"
	                           "      lookaside: \"https://new.example\"\n"
	                           "      lookaside-staging: file:///staging\n"
	                           "  registry.example/a/b:\n"
	                           "      use-sigstore-attachments: true\n"
	                           "      sigstore: file:///b\n"
	                           "other:\n"
	                           "  registry.example/a:\n"
	                           "      sigstore: file:///no\n";
	static const struct {
		const char *file, *image, *base;
	} cases[] = {
		{ NULL, "registry.example/a/b/c", "file:///b" },
		{ NULL, "registry.example/a/c", "https://new.example" },
		{ NULL, "registry.example:5000/a", "https://all.example/sigs" },
		{ "simple-signing-scheme/sigstore_config.yaml",
		        "quay.io/kata-containers/confidential-containers:x",
		        "file:///etc/containers/quay_verification/signatures" },
		{ "simple-signing-scheme/sigstore_config.yaml", "quay.io/kata-containers/other", NULL },
		{ "signature/sigstore_config/get_base_url/res.yaml", "example1.com/a",
		        "file:///var/lib/containers/sigstore" },
		{ "signature/sigstore_config/get_base_url/res.yaml", "other.com/a",
		        "file:///default/sigstore" },
		{ "signature/sigstore_config/test_case_2/2.yaml", "example.com/a",
		        "file:///var/lib/containers/sigstore" },
		{ "signature/sigstore_config/test_case_2/2.yaml", "other.com/a", NULL },
	};
	static const char *const broken[] = { "a", "- a: b\n", "docker:\n  x: [1]\n",
		"docker:\n  x:\n    sigstore: |\n", "docker:\n  x.example:\n    sigstore:\n", "\"a: b\n",
		"docker: {}\n", "docker:\n\ta: b\n", "default-docker:\n sigstore: \"a\": b\n" };
	struct image_ref r;
	char base[LOOKASIDE_URL];
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *path = xasprintf("agent/image-rs/%s", cases[i].file ? cases[i].file : "");
		_buf_ struct buf text = { 0 };

		if (cases[i].file)
			vector_read(path, &text);
		else
			buf_printf(&text, "%s", ours);
		assert_int_equal(ref_parse(cases[i].image, &r, &e), 0);
		assert_int_equal(lookaside_find(buf_slice(&text), &r, base, &e), cases[i].base ? 0 : -ENOENT);
		if (cases[i].base)
			assert_string_equal(base, cases[i].base);
	}
	assert_int_equal(ref_parse("x.example/a", &r, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		assert_int_equal(lookaside_find(slice_str(broken[i]), &r, base, &e), -EBADMSG);
}

/* Witness: what image-rs merges the files into. */
static void files_of_one_folder_may_follow_one_another(void **state)
{
	static const char *const names[] = { "example.com/a", "example1.com/a", "example2.com/a",
		"other.com/a" };
	struct image_ref r;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		_buf_ struct buf both = { 0 }, merged = { 0 };
		_free_ char *path =
		        xasprintf("agent/image-rs/signature/sigstore_config/merged_result/res%d.yaml", i);

		vector_read(path, &merged);
		for (int k = 1; k <= 2; k++) {
			_free_ char *part = xasprintf(
			        "agent/image-rs/signature/sigstore_config/test_case_%d/%d.yaml", i, k);

			_buf_ struct buf text = { 0 };

			vector_read(part, &text);
			buf_printf(&both, "%s\n", buf_str(&text));
		}
		for (size_t n = 0; n < ARRAY_LEN(names); n++) {
			char ours[LOOKASIDE_URL] = "", theirs[LOOKASIDE_URL] = "";
			struct err e = { 0 };

			assert_int_equal(ref_parse(names[n], &r, &e), 0);
			assert_int_equal(lookaside_find(buf_slice(&both), &r, ours, &e),
			        lookaside_find(buf_slice(&merged), &r, theirs, &e));
			assert_string_equal(ours, theirs);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_are_read_as_docker_reads_them),
		cmocka_unit_test(a_manifest_and_its_config_are_read),
		cmocka_unit_test(an_encrypted_image_of_skopeo_is_read),
		cmocka_unit_test(the_platforms_manifest_is_chosen),
		cmocka_unit_test(odd_manifests_are_refused),
		cmocka_unit_test(a_manifest_is_bounded),
		cmocka_unit_test(a_config_must_fit_its_manifest),
		cmocka_unit_test(challenges_are_read),
		cmocka_unit_test(the_narrowest_credentials_count),
		cmocka_unit_test(mirrors_come_before_the_registry),
		cmocka_unit_test(the_narrowest_place_of_signatures_counts),
		cmocka_unit_test(files_of_one_folder_may_follow_one_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
