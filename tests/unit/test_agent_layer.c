/* Witness: images that skopeo encrypted (vectors ocicrypt/), whose trees are compared with that of the plain
 * one as GNU tar unpacks it; gzip and zstd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "image/layer.h"
#include "shell.h"
#include "vectors.h"

struct place {
	char *dir;
	struct err e;
	unsigned int asked; /* keys */
	const char *key;    /* what is given for any of them, a vector; NULL: a wrong one */
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	*state = p;
	return io_temp_dir("/tmp/layer-", &p->dir, &p->e);
}

static int teardown(void **state)
{
	struct place *p = *state;

	io_remove_tree(p->dir, &p->e);
	free(p->dir);
	free(p);
	return 0;
}

static int get_key(void *ctx, const char *uri, struct buf *ret, struct err *e)
{
	struct place *p = ctx;

	(void)e;
	p->asked++;
	assert_memory_equal(uri, "kbs:///default/", 15);
	if (p->key)
		vector_read(p->key, ret);
	else
		memset(buf_zeros(ret, 32), 'w', 32);
	return 0;
}

static json_t *blob_json(const char *layout, const char *digest)
{
	_free_ char *name = xasprintf("agent/ocicrypt/%s/%s%s", layout,
	        digest ? "blobs/sha256/" : "index.json", digest ? digest + 7 : "");
	_buf_ struct buf text = { 0 };
	json_t *ret;

	vector_read(name, &text);
	ret = json_loadb((const char *)text.p, text.n, 0, NULL);
	assert_non_null(ret);
	return ret;
}

static const char *digest_of(const json_t *descriptor)
{
	return json_string_value(json_object_get(descriptor, "digest"));
}

static int blob_file(struct place *p, struct slice data)
{
	_free_ char *path = xasprintf("%s/blob", p->dir);
	int fd;

	assert_int_equal(io_write_file(path, data, 0600, &p->e), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

struct image {
	json_t *manifest, *config;
	const char *layout;
};

static struct image image(const char *layout)
{
	json_auto_t *index = blob_json(layout, NULL);
	struct image ret = { .layout = layout };

	ret.manifest = blob_json(layout, digest_of(json_array_get(json_object_get(index, "manifests"), 0)));
	ret.config = blob_json(layout, digest_of(json_object_get(ret.manifest, "config")));
	return ret;
}

static void image_free(struct image *i)
{
	json_decref(i->manifest);
	json_decref(i->config);
}
#define _image_ __attribute__((cleanup(image_free)))

/* Unpacks layer N to DIR/n; FLIP: the byte of the blob that is another, if any. */
static int unpack(struct place *p, const struct image *i, size_t n, long flip, const char *key_uri)
{
	_free_ char *dir = xasprintf("%s/%zu", p->dir, n), *name = NULL;
	_buf_ struct buf blob = { 0 };
	json_t *d = json_array_get(json_object_get(i->manifest, "layers"), n);
	json_t *ids = json_object_get(json_object_get(i->config, "rootfs"), "diff_ids");
	struct layer_ask ask = { .descriptor = d,
		.diff_id = json_string_value(json_array_get(ids, n)),
		.dir = dir,
		.decrypt_key_uri = key_uri };
	_close_ int fd = -1;

	name = xasprintf("agent/ocicrypt/%s/blobs/sha256/%s", i->layout, digest_of(d) + 7);
	vector_read(name, &blob);
	if (flip >= 0)
		blob.p[flip] ^= 1;
	ask.blob = fd = blob_file(p, buf_slice(&blob));
	p->e = (struct err){ 0 };
	return layer_unpack_with(&ask, get_key, p, &p->e);
}

static void nothing_left(struct place *p)
{
	shell("[ \"$(ls %s)\" = blob ]", p->dir);
}

static void unpacks_to_the_plain_tree(struct place *p, const char *layout, const char *key)
{
	_image_ struct image plain = image("plain-oci"), got = image(layout);
	const char *vectors = getenv("VECTORS");

	root_only("layers are unpacked");
	p->key = key;
	for (size_t n = 0; n < 2; n++) {
		json_t *d = json_array_get(json_object_get(plain.manifest, "layers"), n);

		if (unpack(p, &got, n, -1, "kbs:///default/key/jwe"))
			fail_msg("%s", p->e.msg);
		shell("mkdir %s/want && tar -xpzf %s/agent/ocicrypt/plain-oci/blobs/sha256/%s -C %s/want && "
		      "for t in %zu want; do tests/unit/layers/list %s/$t | grep -v '^\\. ' >%s/$t.list || "
		      "exit 1; done; "
		      "grep -q . %s/want.list && diff %s/want.list %s/%zu.list && rm -r %s/want",
		        p->dir, vectors ? vectors : "../shared/vectors", digest_of(d) + 7, p->dir, n, p->dir,
		        p->dir, p->dir, p->dir, p->dir, n, p->dir);
	}
}

static void plain_image(void **state)
{
	struct place *p = *state;

	unpacks_to_the_plain_tree(p, "plain-oci", NULL);
	assert_int_equal(p->asked, 0);
}

static void jwe_image(void **state)
{
	unpacks_to_the_plain_tree(*state, "enc-jwe-rsa-oci", "agent/ocicrypt/jwe_priv.pem");
}

static void packet_v1_gcm_image(void **state)
{
	unpacks_to_the_plain_tree(*state, "enc-kbs-gcm-oci", "agent/ocicrypt/kek.bin");
}

static void packet_v1_ctr_image(void **state)
{
	unpacks_to_the_plain_tree(*state, "enc-kbs-ctr-oci", "agent/ocicrypt/kek.bin");
}

static void packet_v2_gcm_image(void **state)
{
	unpacks_to_the_plain_tree(*state, "enc-kbs-gcmv2-oci", "agent/ocicrypt/kek.bin");
}

static void wrong_key_is_refused(void **state)
{
	static const char layouts[][20] = { "enc-jwe-rsa-oci", "enc-kbs-gcm-oci", "enc-kbs-ctr-oci",
		"enc-kbs-gcmv2-oci" };
	static const char *const keys[] = { NULL, "agent/ocicrypt/jwe_priv.pem",
		"agent/ocicrypt/upstream-keys/private_key.pem" };
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		_image_ struct image img = image(layouts[i]);

		p->key = i ? keys[0] : keys[2];
		if (unpack(p, &img, 0, -1, "kbs:///default/key/jwe") != -EKEYREJECTED)
			fail_msg("%s: %s", layouts[i], p->e.msg);
		nothing_left(p);
	}
}

static void flipped_ciphertext_is_refused_before_it_is_unpacked(void **state)
{
	static const char layouts[][20] = { "enc-kbs-gcm-oci", "enc-kbs-ctr-oci", "enc-kbs-gcmv2-oci" };
	struct place *p = *state;

	p->key = "agent/ocicrypt/kek.bin";
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
		for (long at = 0; at < 150; at += 149) {
			_image_ struct image img = image(layouts[i]);

			assert_int_equal(unpack(p, &img, 0, at, NULL), -EBADMSG);
			if (!strstr(p->e.msg, "HMAC"))
				fail_msg("%s", p->e.msg);
			nothing_left(p);
		}
}

static void jwe_without_a_key_says_so(void **state)
{
	struct place *p = *state;
	_image_ struct image img = image("enc-jwe-rsa-oci");

	assert_int_equal(unpack(p, &img, 0, -1, NULL), -ENOKEY);
	assert_non_null(strstr(p->e.msg, "image_decryption_key_uri"));
	assert_int_equal(p->asked, 0);
}

/* DIR/blob, as COMMAND makes it from DIR/layer.tar, with the diff_id of that. */
static int made(struct place *p, const char *command, uint64_t max, bool right)
{
	_free_ char *tar = xasprintf("%s/layer.tar", p->dir), *file = xasprintf("%s/blob", p->dir),
	            *dir = xasprintf("%s/got", p->dir), *id = NULL;
	json_auto_t *d = json_pack("{s:s,s:s}", "mediaType", "application/vnd.oci.image.layer.v1.tar+gzip",
	        "digest", "sha256:0123456789abcdef");
	struct layer_ask ask = { .descriptor = d, .dir = dir, .max = max };
	uint8_t h[SHA256_LEN];
	char hex[SHA256_HEX];
	_close_ int fd = -1;

	shell("cd %s && rm -rf got && %s", p->dir, command);
	assert_int_equal(io_sha256(tar, h, NULL, &p->e), 0);
	h[0] ^= !right;
	ask.diff_id = id = xasprintf("sha256:%s", hex_encode(hex, h, sizeof(h)));
	ask.blob = fd = open(file, O_RDONLY | O_CLOEXEC);
	p->e = (struct err){ 0 };
	return layer_unpack_with(&ask, get_key, p, &p->e);
}

static void gzip_zstd_and_plain_tar(void **state)
{
	static const char *const ways[] = { "cp layer.tar blob", "gzip -c layer.tar >blob",
		"gzip -1c layer.tar >blob", "zstd -qf layer.tar -o blob",
		"zstd -qf --long=27 layer.tar -o blob",
		"{ head -c 50000 layer.tar | gzip; tail -c +50001 layer.tar | gzip; } >blob",
		"{ head -c 50000 layer.tar | zstd; tail -c +50001 layer.tar | zstd; } >blob" };
	struct place *p = *state;

	root_only("layers are unpacked");
	shell("tests/unit/layers/tree %s posix && tests/unit/layers/list %s/gnu >%s/gnu.list", p->dir, p->dir,
	        p->dir);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (made(p, ways[i], 0, true))
			fail_msg("%s: %s", ways[i], p->e.msg);
		shell("tests/unit/layers/list %s/got | diff %s/gnu.list -", p->dir, p->dir);
	}
}

static void what_is_not_right_leaves_nothing(void **state)
{
	static const struct {
		const char *command, *why;
		uint64_t max;
		bool wrong;
		int code;
	} cases[] = {
		{ "gzip -c layer.tar >blob", "diff_id is sha256:", 0, true, -EBADMSG },
		{ "cp layer.tar blob", "diff_id is sha256:", 0, true, -EBADMSG },
		{ "gzip -c layer.tar | head -c 100000 >blob", "decompressed", 0, false, -EBADMSG },
		{ "zstd -c layer.tar | head -c 100000 >blob", "decompressed", 0, false, -EBADMSG },
		{ "{ gzip -c layer.tar | head -c 50000; head -c 99999 /dev/zero; } >blob", "decompressed", 0,
		        false, -EBADMSG },
		{ "head -c 100000 layer.tar >blob", "diff_id is", 0, false, -EBADMSG },
		{ "cp layer.tar blob", "layer", 2000000, false, -EFBIG },
		{ "head -c 200M /dev/zero | gzip -1 >blob", "more than 5000000 bytes", 5000000, false,
		        -EFBIG },
		{ ": >blob", "diff_id is", 0, false, -EBADMSG },
		{ "{ cat layer.tar; echo more; } | gzip >blob", "diff_id is", 0, false, -EBADMSG },
		{ "echo no tar >layer.tar; gzip -c layer.tar >blob", "tar is damaged", 0, false, -EBADMSG },
	};
	struct place *p = *state;

	root_only("layers are unpacked");
	shell("tests/unit/layers/tree %s posix", p->dir);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int k = made(p, cases[i].command, cases[i].max, !cases[i].wrong);

		if (k != cases[i].code || !strstr(p->e.msg, cases[i].why))
			fail_msg("%s: %d %s", cases[i].command, k, p->e.msg);
		shell("[ ! -e %s/got ] && [ ! -e %s/got.part ]", p->dir, p->dir);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_image, setup, teardown),
		cmocka_unit_test_setup_teardown(jwe_image, setup, teardown),
		cmocka_unit_test_setup_teardown(packet_v1_gcm_image, setup, teardown),
		cmocka_unit_test_setup_teardown(packet_v1_ctr_image, setup, teardown),
		cmocka_unit_test_setup_teardown(packet_v2_gcm_image, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_key_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		        flipped_ciphertext_is_refused_before_it_is_unpacked, setup, teardown),
		cmocka_unit_test_setup_teardown(jwe_without_a_key_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(gzip_zstd_and_plain_tar, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_right_leaves_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
