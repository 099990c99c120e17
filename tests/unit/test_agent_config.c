/* Witnesses: digests and disk images of $VECTORS/agent/initdata; key names of upstream's example files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "config/internal.h"
#include "lib/base64.h"
#include "lib/io.h"
#include "vectors.h"
#include <sys/stat.h>

#define TOP "version = '0.1.0'\nalgorithm = 'sha256'\n[data]\n"

static int read_text(const char *toml, struct config *c, struct err *e)
{
	*c = (struct config){ 0 };
	*e = (struct err){ 0 };
	return config_read(slice_str(toml), c, e);
}

static void initdata_of_others_has_their_digest_and_its_rego_is_refused(void **state)
{
	static const struct {
		const char *file, *hex;
		enum hash_alg alg;
	} all[] = {
		{ "initdata-sha256", "2898ddd7eb04993a13b81f0afe3a8004f9b4a84092872d1296e90cacaf5dee9b",
		        HASH_SHA256 },
		{ "initdata-sha384",
		        "da7c6ef112c020c8e56c4555942707b0fae2b0e32f6b7be55faa4a9dbbf156b270a61ccc6c5f24a3c215"
		        "e5638bb0e223",
		        HASH_SHA384 },
		{ "init-data-with-policy", NULL, HASH_SHA256 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		_free_ char *path = xasprintf("agent/initdata/%s.toml", all[i].file);
		_buf_ struct buf b = { 0 };
		uint8_t digest[HASH_MAX];
		char hex[HASH_MAX_HEX];
		enum hash_alg alg;
		struct config c = { 0 };
		struct err e = { 0 };

		vector_read(path, &b);
		assert_int_equal(config_digest(buf_slice(&b), &alg, digest, &e), 0);
		assert_int_equal(alg, all[i].alg);
		if (all[i].hex)
			assert_string_equal(hex_encode(hex, digest, hash_len(alg)), all[i].hex);
		assert_int_equal(config_read(buf_slice(&b), &c, &e), -EOPNOTSUPP);
		assert_string_equal(e.msg, "initdata: policy.rego cannot be enforced by this agent");
		config_free(&c);
	}
}

/* every key that the agent knows, once, as upstream's example files write them */
static void settings_of_upstream_s_names_are_read(void **state)
{
	static const char toml[] = TOP
	        "\"aa.toml\" = '''\n[token_configs.kbs]\nurl = 'http://aa'\ncert = "
	        "'AA'\n[eventlog_config]\ninit_pcr = 17\n'''\n"
	        "'cdh.toml' = '''\nsocket = \"unix:///run/cdh.sock\"\n[kbc]\nname = 'cc_kbc'\nurl = "
	        "'https://kbs:8080'\n"
	        "[[credentials]]\npath = '/run/x'\n"
	        "[image]\nimage_security_policy_uri = 'kbs:///default/security-policy/test'\n"
	        "image_security_policy = '{}'\nauthenticated_registry_credentials_uri = "
	        "'kbs:///default/credential/test'\n"
	        "sigstore_config_uri = 'file:///etc/s.yaml'\nregistry_configuration_uri = 'kbs:///a/b/c'\n"
	        "max_concurrent_layer_downloads_per_image = 5\nextra_root_certificates = ['one', 'two']\n"
	        "work_dir = '/run/image-rs'\n"
	        "[image.image_pull_proxy]\nhttps_proxy = 'http://p:1'\nhttp_proxy = 'http://p:2'\nno_proxy = "
	        "'localhost'\n"
	        "[[image.registry_config.registry]]\nprefix = "
	        "'a'\n[[image.registry_config.registry.mirror]]\nlocation='b'\n"
	        "[bulla]\nimage_pull_timeout = 7\nstall_timeout = 8\nrequest_timeout = 9\nkbs_timeout = "
	        "10\nkbs_key = 'P-521'\n"
	        "image_decryption_key_uri = 'kbs:///k/k/k'\nrest_api = 'all'\n'''\n"
	        "'policy.json' = '{}'\nnotes = 'whatever'\n";
	struct config c = { 0 };
	struct err e = { 0 };

	(void)state;
	config_cmdline("agent.aa_kbc_params=cc_kbc::http://cmdline", &c);
	if (config_read(slice_str(toml), &c, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(c.kbs_url, "https://kbs:8080");
	assert_string_equal(c.kbs_ca, "AA");
	assert_string_equal(c.image.policy_uri, "kbs:///default/security-policy/test");
	assert_string_equal(c.image.policy, "{}");
	assert_string_equal(c.image.auth_uri, "kbs:///default/credential/test");
	assert_string_equal(c.image.sigstore_uri, "file:///etc/s.yaml");
	assert_string_equal(c.image.registries_uri, "kbs:///a/b/c");
	assert_string_equal(
	        c.image.registries, "{\"registry\":[{\"prefix\":\"a\",\"mirror\":[{\"location\":\"b\"}]}]}");
	assert_string_equal(c.image.https_proxy, "http://p:1");
	assert_string_equal(c.image.http_proxy, "http://p:2");
	assert_string_equal(c.image.no_proxy, "localhost");
	assert_string_equal(c.image.extra_roots, "one\ntwo\n");
	assert_int_equal(c.image.parallel, 5);
	assert_int_equal(c.image.pull_ms, 7000);
	assert_int_equal(c.image.stall_ms, 8000);
	assert_int_equal(c.image.request_ms, 9000);
	assert_int_equal(c.kbs_ms, 10000);
	assert_string_equal(c.kbs_key, "P-521");
	assert_string_equal(c.image.decrypt_key_uri, "kbs:///k/k/k");
	assert_string_equal(c.rest_api, "all");
	assert_string_equal(buf_str(&c.policy), "{}");
	assert_true(c.initdata && slice_eq(buf_slice(&c.toml), slice_str(toml)));
	config_free(&c);
}

static void wrong_settings_are_refused_by_name(void **state)
{
	static const struct {
		const char *cdh, *says;
	} bad[] = {
		{ "[bulla]\nimage_pul_timeout = 1", "cdh.toml: bulla.image_pul_timeout is unknown" },
		{ "[bulla]\nkbs_key = 'P-192'", "cdh.toml: bulla.kbs_key: expected P-256, P-521 or RSA" },
		{ "[bulla]\nkbs_timeout = 0", "cdh.toml: bulla.kbs_timeout: expected 1 to 86400 seconds" },
		{ "[bulla]\nkbs_timeout = '5'", "cdh.toml: bulla.kbs_timeout: expected 1 to 86400 seconds" },
		{ "bulla = 5", "cdh.toml: what image_pull_timeout is in: expected a table" },
		{ "[bulla]\nrest_api = 'yes'",
		        "cdh.toml: bulla.rest_api: expected resource, attestation or all" },
		{ "[kbc]\nname = 'offline_fs_kbc'", "cdh.toml: kbc.name: expected cc_kbc" },
		{ "[kbc]\nurl = 'ftp://x'", "cdh.toml: kbc.url: expected an http:// or https:// URL" },
		{ "[image]\nimage_security_policy_uri = '/etc/x'",
		        "cdh.toml: image.image_security_policy_uri: expected a kbs:/// or file:/// URI" },
		{ "[image]\nextra_root_certificates = [1]",
		        "cdh.toml: image.extra_root_certificates: expected strings" },
		{ "[image]\nregistry_config = 'x'", "cdh.toml: image.registry_config: expected a table" },
		{ "image = 1", "cdh.toml: what image_security_policy_uri is in: expected a table" },
		{ "a = ", "cdh.toml:1: expected a value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_free_ char *toml = xasprintf(TOP "'cdh.toml' = \"\"\"%s\"\"\"\n", bad[i].cdh);
		struct config c;
		struct err e;

		assert_int_equal(read_text(toml, &c, &e), -EBADMSG);
		if (strncmp(e.msg, bad[i].says, strlen(bad[i].says)))
			fail_msg("%s\n%s", e.msg, bad[i].says);
		assert_false(c.initdata);
		config_free(&c);
	}
}

static void any_policy_but_ours_is_refused(void **state)
{
	static const char *const bad[] = { "policy.rego", "policy.yaml", "policy.cedar" };
	struct config c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_free_ char *toml = xasprintf(TOP "'policy.json' = '{}'\n'%s' = ''\n", bad[i]);

		assert_int_equal(read_text(toml, &c, &e), -EOPNOTSUPP);
		config_free(&c);
	}
	assert_int_equal(read_text(TOP "'policy.json' = ''", &c, &e), -EBADMSG);
	config_free(&c);
}

static void the_command_line_is_read_as_the_kernel_splits_it(void **state)
{
	struct config c = { 0 };

	(void)state;
	config_cmdline("quiet note=\"a bulla.tee=sample b\" bulla.tee=samples agent.https_proxy=http://p "
	               "agent.guest_components_rest_api=resource agent.image_pull_timeout=60 "
	               "agent.cdh_api_timeout=5s agent.aa_kbc_params=offline_fs_kbc::null\n",
	        &c);
	assert_false(c.sample || c.debug || c.initdata);
	assert_string_equal(c.rest_api, "resource");
	assert_string_equal(c.image.https_proxy, "http://p");
	assert_null(c.kbs_url);
	assert_int_equal(c.image.pull_ms, 60000);
	assert_int_equal(c.kbs_ms, 5000);
	assert_int_equal(c.image.stall_ms, 30000);
	assert_int_equal(c.image.parallel, 3);
	config_cmdline("bulla.debug\tbulla.tee=sample agent.guest_components_rest_api=everything", &c);
	assert_true(c.sample && c.debug);
	assert_string_equal(c.rest_api, "resource");
	config_free(&c);
}

struct tree {
	char *dir;
};

static int make_tree(void **state)
{
	static struct tree t;
	struct err e = { 0 };

	if (io_temp_dir("/tmp/bulla-config", &t.dir, &e))
		return -1;
	*state = &t;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *t = *state;
	struct err e;

	io_remove_tree(t->dir, &e);
	free(t->dir);
	return 0;
}

/* A disk NAME that holds DATA. */
static void disk(const struct tree *t, const char *name, struct slice data)
{
	_free_ char *file = xasprintf("%s/dev/%s", t->dir, name),
	            *dir = xasprintf("%s/sys/block/%s", t->dir, name);
	struct err e = { 0 };

	assert_int_equal(io_mkdirs(dir, &e), 0);
	assert_int_equal(io_mkparents(file, &e), 0);
	assert_int_equal(io_write_file(file, data, 0600, &e), 0);
}

static int find(const struct tree *t, struct buf *toml, struct err *e)
{
	_free_ char *dev = xasprintf("%s/dev", t->dir), *sys = xasprintf("%s/sys", t->dir);

	*e = (struct err){ 0 };
	return config_find(dev, sys, toml, e);
}

static void initdata_is_found_on_a_disk_with_kata_s_magic(void **state)
{
	_buf_ struct buf img = { 0 }, want = { 0 }, got = { 0 };
	struct err e;

	vector_read("agent/initdata/initdata-sha384.img", &img);
	vector_read("agent/initdata/initdata-sha384.toml", &want);
	disk(*state, "vda", slice_str("some other disk"));
	disk(*state, "dm-0", buf_slice(&img));
	assert_int_equal(find(*state, &got, &e), -ENOENT);
	disk(*state, "vdb", buf_slice(&img));
	assert_int_equal(find(*state, &got, &e), 0);
	assert_true(slice_eq(buf_slice(&got), buf_slice(&want)));
	put_le64(img.p + 8, 600);
	disk(*state, "vdb", buf_slice(&img));
	assert_int_equal(find(*state, &got, &e), -EBADMSG);
	put_le64(img.p + 8, UINT64_MAX);
	disk(*state, "vdb", buf_slice(&img));
	assert_int_equal(find(*state, &got, &e), -EBADMSG);
}

/* An image made by xorriso or genisoimage, with Rock Ridge names and without. */
static void initdata_is_found_on_a_cidata_disk(void **state)
{
	static const char *const how[] = { "-R", "-J -R", "-l -allow-lowercase", "" };
	struct tree *t = *state;
	_buf_ struct buf toml = { 0 }, text = { 0 }, user = { 0 };
	_free_ char *src = xasprintf("%s/src/user-data", t->dir), *iso = xasprintf("%s/dev/sr0", t->dir);
	struct err e = { 0 };

	if (system("command -v xorriso >/dev/null 2>&1")) {
		print_message("# SKIP xorriso is missing\n");
		skip();
	}
	vector_read("agent/initdata/initdata-sha256.toml", &toml);
	vector_read("agent/initdata/initdata-sha256.annotation.txt", &text);
	buf_printf(&user,
	        "#cloud-config\nwrite_files:\n  - path: /run/peerpod/aa.toml\n    content: |\n      a\n"
	        "  - path: /run/peerpod/initdata\n    content: |\n      %s\n",
	        buf_str(&text));
	assert_int_equal(io_mkparents(src, &e), 0);
	assert_int_equal(io_write_file(src, buf_slice(&user), 0600, &e), 0);
	disk(t, "sr0", slice_str(""));
	for (size_t i = 0; i < ARRAY_LEN(how); i++) {
		_free_ char *cmd =
		        xasprintf("xorriso -as mkisofs -quiet -V cidata %s -o %s %s/src >/dev/null 2>&1",
		                how[i], iso, t->dir);
		_buf_ struct buf got = { 0 };

		assert_int_equal(unlink(iso), 0);
		assert_int_equal(system(cmd), 0);
		if (find(t, &got, &e))
			fail_msg("'%s': %s", how[i], e.msg);
		assert_true(slice_eq(buf_slice(&got), buf_slice(&toml)));
	}
}

static void user_data_of_a_cloud_is_read_in_its_forms(void **state)
{
	static const char plain[] = TOP "a = 'b'\n";
	static const char *const forms[] = {
		"%s",
		"#cloud-config\nwrite_files:\n- content: %s\n  path: /run/peerpod/initdata\n",
		"#cloud-config\nwrite_files:\n  - path: \"/run/peerpod/initdata\"\n    content: \"%s\"\n  - "
		"path: /x\n",
		"write_files:\n  -\n  - path: '/run/peerpod/initdata'\n    owner: root\n    content: |-\n    "
		"    %s\n\n",
	};
	static const char *const none[] = { "", "#cloud-config\n",
		"write_files:\n- path: /run/peerpod/initdata\n",
		"write_files:\n- path: /run/peerpod/initdata\n- content: x\n",
		"- path: /run/peerpod/initdata2\n  content: x\n" };
	_buf_ struct buf b64 = { 0 };
	struct err e = { 0 };

	(void)state;
	base64_encode(&b64, slice_str(plain));
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		_buf_ struct buf got = { 0 }, data = { 0 };

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_printf(&data, forms[i], i ? buf_str(&b64) : plain);
#pragma GCC diagnostic pop
		if (config_user_data("u", buf_slice(&data), &got, &e))
			fail_msg("%zu: %s", i, e.msg);
		assert_string_equal(buf_str(&got), plain);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		_buf_ struct buf got = { 0 };

		assert_int_equal(config_user_data("u", slice_str(none[i]), &got, &e), -ENOENT);
	}
	{
		_buf_ struct buf got = { 0 };

		assert_int_equal(
		        config_user_data(
		                "u", slice_str("- path: /run/peerpod/initdata\n  content: '!'\n"), &got, &e),
		        -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initdata_of_others_has_their_digest_and_its_rego_is_refused),
		cmocka_unit_test(settings_of_upstream_s_names_are_read),
		cmocka_unit_test(wrong_settings_are_refused_by_name),
		cmocka_unit_test(any_policy_but_ours_is_refused),
		cmocka_unit_test(the_command_line_is_read_as_the_kernel_splits_it),
		cmocka_unit_test_setup_teardown(
		        initdata_is_found_on_a_disk_with_kata_s_magic, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(initdata_is_found_on_a_cidata_disk, make_tree, remove_tree),
		cmocka_unit_test(user_data_of_a_cloud_is_read_in_its_forms),
	};

	return cmocka_run_group_tests_name("agent_config", tests, NULL, NULL);
}
