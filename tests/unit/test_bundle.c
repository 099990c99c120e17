#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "bundle.h"
#include "lib/io.h"

#define ROOTHASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CMDLINE "quiet roothash=" ROOTHASH
/* FIPS 180-4 examples: SHA-256 of "abc" and of nothing */
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
/* sha256sum of CMDLINE */
#define SHA_CMDLINE "e8127415a2ed7027af86506c8ddedba77ff2aec1cde69625d45d164ffe4e7cd5"

static json_t *manifest(void)
{
	json_t *j = json_pack("{ss ss ss ss ss ss ss s{s{sI ss} s{sI ss} s{sI ss} s{sI ss}} s{s{sI ss}}"
	                      "s{ss ss ss sI} s[ss] s{ss} s[ss] sn ss s{} s{} s[] s{}}",
	        "schema", "bulla.bundle/1", "platform", "sample", "arch", "x86_64", "profile", "release",
	        "boot", "direct", "cmdline", CMDLINE, "roothash", ROOTHASH, "files", "vmlinuz", "size",
	        (json_int_t)3, "sha256", SHA_ABC, "initrd", "size", (json_int_t)0, "sha256", SHA_NOTHING,
	        "rootfs.img", "size", (json_int_t)3, "sha256", SHA_ABC, "cmdline", "size",
	        (json_int_t)strlen(CMDLINE), "sha256", SHA_CMDLINE, "inputs", "recipes/cmdline", "size",
	        (json_int_t)0, "sha256", SHA_NOTHING, "launch", "machine", "q35", "cpu", "max", "memory",
	        "512M", "vcpus", (json_int_t)2, "varies", "cpu", "memory", "registers", "roothash", ROOTHASH,
	        "qemu", "-append", CMDLINE, "tee", "attester", "sample", "stack", "unknown", "variants",
	        "holds_for");

	assert_non_null(j);
	return j;
}

static struct bundle *parse(const json_t *j, struct err *e)
{
	_free_ char *text = json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2));
	struct bundle *b = NULL;

	*e = (struct err){ 0 };
	bundle_parse("m.json", slice_str(text), &b, e);
	return b;
}

/* J has been spoilt: it is refused, and the message has WHY. */
static void refused(json_t *j, const char *why)
{
	struct err e;

	assert_null(parse(j, &e));
	if (!strstr(e.msg, why) || strncmp(e.msg, "m.json", 6))
		fail_msg("'%s' does not say '%s'", e.msg, why);
	json_decref(j);
}

static json_t *with(const char *path, const char *key, json_t *value)
{
	json_t *j = manifest();

	json_object_set_new(path ? json_object_get(j, path) : j, key, value);
	return j;
}

static void a_good_manifest_gives_everything_it_says(void **state)
{
	json_auto_t *j = manifest();
	struct err e;
	_bundle_ struct bundle *b = parse(j, &e);

	(void)state;
	assert_non_null(b);
	assert_string_equal(b->platform, "sample");
	assert_string_equal(b->cmdline, CMDLINE);
	assert_string_equal(b->memory, "512M");
	assert_int_equal(b->vcpus, 2);
	assert_int_equal(b->n_files, 4);
	assert_string_equal(b->files[0].name, "cmdline");
	assert_string_equal(b->files[3].name, "vmlinuz");
	assert_string_equal(b->files[3].sha256, SHA_ABC);
	assert_int_equal(b->files[3].size, 3);
	assert_string_equal(b->registers[0].name, "roothash");
	assert_string_equal(b->qemu[1], CMDLINE);
	assert_null(b->qemu[2]);
}

static void every_key_is_needed_and_no_other_is_taken(void **state)
{
	static const char *const objects[] = { NULL, "launch" };
	json_auto_t *good = manifest();
	const char *key;
	json_t *value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		json_object_foreach (objects[i] ? json_object_get(good, objects[i]) : good, key, value) {
			json_t *j = manifest();

			json_object_del(objects[i] ? json_object_get(j, objects[i]) : j, key);
			refused(j, key);
		}
		refused(with(objects[i], "kernel_args", json_string("x")), "kernel_args");
	}
	json_object_foreach (json_object_get(good, "files"), key, value) {
		json_t *j = manifest();

		json_object_del(json_object_get(j, "files"), key);
		refused(j, key);
	}
}

static void another_schema_is_refused(void **state)
{
	(void)state;
	refused(with(NULL, "schema", json_string("bulla.bundle/2")),
	        "schema is bulla.bundle/2, expected bulla.bundle/1");
	refused(json_array(), "schema is missing");
}

static void values_out_of_range_are_refused(void **state)
{
	(void)state;
	refused(with(NULL, "profile", json_string("releas")), "profile is 'releas'");
	refused(with(NULL, "boot", json_string("uki")), "boot is 'uki', expected direct or disk");
	refused(with(NULL, "tee", json_true()), "tee: expected a text or null");
	refused(with(NULL, "attester", json_integer(1)), "attester: expected a text or null");
	refused(with(NULL, "upload", json_array()), "upload: expected an object");
	refused(with("stack", "vmm", json_integer(1)), "stack: vmm: expected a text");
	refused(with("holds_for", "qemu", json_null()), "holds_for: qemu: expected a text");
	refused(with("stack", "vmm", json_string("a\nb")), "stack: vmm: expected a text");
	refused(with("registers", "a\033b", json_string("00")), "registers: a name has control characters");
	refused(with("unknown", "a\rb", json_string("x")), "unknown: a name has control characters");
	refused(with("files", "a\nb", json_pack("{siss}", "size", 0, "sha256", SHA_NOTHING)),
	        "a file's name has control characters");
	refused(with("unknown", "roothash", json_string("why")), "unknown: roothash has a value");
	refused(with(NULL, "roothash", json_string("00")), "roothash is '00'");
	refused(with(NULL, "varies", json_array()), "varies");
	refused(with(NULL, "qemu", json_pack("[si]", "-smp", 2)), "qemu[1]");
	refused(with("launch", "vcpus", json_integer(0)), "vcpus is 0");
	refused(with("launch", "vcpus", json_integer(INT64_C(1) << 32)), "vcpus is 4294967296");
	refused(with("registers", "pcr4", json_string("0g")), "pcr4");
	refused(with("files", "../x", json_pack("{siss}", "size", 0, "sha256", SHA_NOTHING)),
	        "'../x' is no plain");
	refused(with("files", "vmlinuz", json_pack("{sisssi}", "size", 0, "sha256", SHA_NOTHING, "x", 1)),
	        "vmlinuz");
	refused(with("files", "vmlinuz", json_pack("{siss}", "size", -1, "sha256", SHA_NOTHING)), "size -1");
	refused(with("inputs", "x", json_pack("{siss}", "size", 1, "sha256", "AB")), "x: size 1");
}

static void refused_variant(json_t *variant, const char *why)
{
	refused(with(NULL, "variants", json_pack("[o]", variant)), why);
}

static void a_variant_sets_what_it_may_and_no_more(void **state)
{
	struct err e;
	json_auto_t *j = with(NULL, "variants",
	        json_pack("[{sissss s{ss}s{ss}}]", "vcpus", 4, "cpu", "EPYC-v4", "memory", "2G", "stack",
	                "vmm", "qemu-10.2", "registers", "snp.launch_digest", "00ff"));
	_bundle_ struct bundle *b = parse(j, &e);

	(void)state;
	assert_non_null(b);
	refused_variant(json_pack("{sis{}}", "vcpus", 0, "registers"), "vcpus is 0");
	refused_variant(json_pack("{si}", "vcpus", 1), "registers");
	refused_variant(json_pack("{s{ss}}", "registers", "x", "xyz"), "x: expected hex digits");
	refused_variant(json_pack("{s{}si}", "registers", "cpus", 1), "cpus");
	refused_variant(json_pack("{s{}ss}", "registers", "cpu", "\033[2J"), "control characters");
	refused_variant(json_pack("{s{}s{si}}", "registers", "stack", "vmm", 1), "vmm: expected a text");
}

/* A disk has its command line within; what a cloud launches has no arguments. */
static void a_disk_needs_no_arguments_where_a_cloud_launches_it(void **state)
{
	struct err e;
	json_auto_t *j = with(NULL, "boot", json_string("disk"));
	_bundle_ struct bundle *qemu, *cloud;

	(void)state;
	json_object_set_new(j, "qemu", json_pack("[ss]", "-m", "1G"));
	qemu = parse(j, &e);
	assert_non_null(qemu);
	assert_string_equal(qemu->machine, "q35");
	json_object_set_new(j, "launch", json_pack("{sb}", "secure_boot", 1));
	refused(json_incref(j), "qemu: but launch has no machine");
	json_object_del(j, "qemu");
	cloud = parse(j, &e);
	assert_non_null(cloud);
	assert_true(cloud->secure_boot);
	assert_null(cloud->qemu);
	assert_null(cloud->machine);
	json_object_set_new(j, "launch", json_pack("{si}", "vcpus", 2));
	refused(json_incref(j), "launch");
}

static void a_command_line_that_contradicts_itself_is_refused(void **state)
{
	(void)state;
	refused(with(NULL, "roothash", json_string(SHA_ABC)), "cmdline: expected one roothash=ba78");
	refused(with(NULL, "cmdline", json_string("quiet")), "cmdline: expected one");
	refused(with(NULL, "cmdline", json_string(CMDLINE " roothash=" ROOTHASH)), "cmdline: expected one");
	refused(with(NULL, "cmdline", json_string("x" CMDLINE)), "of the file cmdline");
	refused(with(NULL, "qemu", json_pack("[ss]", "-append", "init=/bin/sh")),
	        "-append is not the cmdline");
	refused(with(NULL, "qemu", json_pack("[s]", "-append")), "-append is not the cmdline");
}

static void a_key_given_twice_is_refused(void **state)
{
	struct bundle *b = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_not_equal(
	        bundle_parse("m.json", slice_str("{\n\"schema\":\"a\",\n\"schema\":\"b\"}"), &b, &e), 0);
	assert_non_null(strstr(e.msg, "m.json:3: duplicate"));
}

static void write_text(const char *dir, const char *name, const char *text)
{
	_free_ char *path = xasprintf("%s/%s", dir, name);
	struct err e = { 0 };

	assert_int_equal(io_write_file(path, slice_str(text), 0644, &e), 0);
}

static void a_file_that_is_not_the_manifest_s_is_named(void **state)
{
	char dir[] = "/tmp/bulla-test-XXXXXX";
	json_auto_t *j = manifest();
	_free_ char *text = json_dumps(j, 0), *path = NULL;
	_bundle_ struct bundle *b = NULL;
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_text(dir, "manifest.json", text);
	write_text(dir, "vmlinuz", "abc");
	write_text(dir, "initrd", "");
	write_text(dir, "rootfs.img", "abc");
	write_text(dir, "cmdline", CMDLINE);
	assert_int_equal(bundle_read(dir, &b, &e), 0);
	assert_int_equal(bundle_check(b, &e), 0);
	write_text(dir, "rootfs.img", "abd");
	assert_int_not_equal(bundle_check(b, &e), 0);
	assert_int_equal(e.exit, EX_NO);
	assert_non_null(strstr(e.msg, "rootfs.img: sha256 "));
	write_text(dir, "rootfs.img", "abcd");
	assert_int_not_equal(bundle_check(b, &e), 0);
	assert_non_null(strstr(e.msg, "rootfs.img: size 4, expected 3"));
	path = xasprintf("%s/rootfs.img", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_not_equal(bundle_check(b, &e), 0);
	assert_int_equal(e.exit, EX_MISSING);
	assert_int_equal(symlink("vmlinuz", path), 0);
	assert_int_not_equal(bundle_check(b, &e), 0);
	assert_non_null(strstr(e.msg, "not a regular file"));
	assert_int_equal(io_remove_tree(dir, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_manifest_gives_everything_it_says),
		cmocka_unit_test(every_key_is_needed_and_no_other_is_taken),
		cmocka_unit_test(another_schema_is_refused),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(a_variant_sets_what_it_may_and_no_more),
		cmocka_unit_test(a_disk_needs_no_arguments_where_a_cloud_launches_it),
		cmocka_unit_test(a_command_line_that_contradicts_itself_is_refused),
		cmocka_unit_test(a_key_given_twice_is_refused),
		cmocka_unit_test(a_file_that_is_not_the_manifest_s_is_named),
	};

	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
