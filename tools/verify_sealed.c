/* What of a bundle is signed by itself: the ID blocks of SNP guests, the UKIs of disks. */
#include "certs.h"
#include "format/authenticode.h"
#include "format/siglist.h"
#include "lib/base64.h"
#include "lib/io.h"
#include "lib/map.h"
#include "measure/idblock.h"
#include "verify_release.h"

/* SEV-SNP firmware ABI 56860, tables 75 (ID block), 76 (ID authentication), and chapter 10 */
enum {
	BLOCK_POLICY = 88,
	AUTH_BLOCK_SIGNATURE = 64,
	AUTH_KEY = 576,
	AUTH_KEY_SIGNATURE = 1664,
	AUTH_AUTHOR = 2176,
	NUMBER_STORED = 72, /* little endian */
	P384 = 48
};

static int no(struct err *e, const char *object, const char *why)
{
	err_set(e, -EBADMSG, "%s: %s", object, why);
	return err_exit(e, EX_NO);
}

static void number(uint8_t ret[P384], const uint8_t *stored)
{
	for (size_t i = 0; i < P384; i++)
		ret[i] = stored[P384 - 1 - i];
}

/* NULL where it is no point of the curve. */
static EVP_PKEY *public_key(const uint8_t stored[ID_PUBLIC])
{
	/* SubjectPublicKeyInfo of P-384 up to X and Y (RFC 5480, 2) */
	static const uint8_t head[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 };
	uint8_t der[sizeof(head) + 2 * P384];
	const uint8_t *p = der;

	memcpy(der, head, sizeof(head));
	number(der + sizeof(head), stored + 4);
	number(der + sizeof(head) + P384, stored + 4 + NUMBER_STORED);
	return le32(stored) == 2 ? d2i_PUBKEY(NULL, &p, sizeof(der)) : NULL;
}

static bool holds(const uint8_t key[ID_PUBLIC], const uint8_t signature[ID_SIGNATURE], struct slice data)
{
	_pkey_ EVP_PKEY *k = public_key(key);
	uint8_t r[P384], s[P384];

	number(r, signature);
	number(s, signature + NUMBER_STORED);
	return k && ecdsa_holds(k, "SHA384", slice_of(r, P384), slice_of(s, P384), data);
}

static bool is_digest(const uint8_t key[ID_PUBLIC], json_t *want)
{
	uint8_t digest[SHA384_LEN];
	char hex[HASH_MAX_HEX];

	id_public_digest(key, digest);
	return json_is_string(want) &&
	       !strcmp(json_string_value(want), hex_encode(hex, digest, sizeof(digest)));
}

static bool decode(json_t *j, const char *key, size_t n, struct buf *ret)
{
	const char *text = json_string_value(json_object_get(j, key));

	return text && base64_decode(ret, slice_str(text)) && ret->n == n;
}

/* One block: of a launch that was measured (a key of DIGESTS, which it is taken off), signed all the way up.
 */
static int check_block(json_t *block, json_t *summary, json_t *digests, struct err *e)
{
	const char *digest = json_string_value(json_object_get(block, "launch_digest")),
	           *policy = json_string_value(json_object_get(summary, "policy"));
	_buf_ struct buf id = { 0 }, auth = { 0 };
	char hex[HASH_MAX_HEX];

	if (!digest || !decode(block, "snp_id_block", ID_BLOCK, &id) ||
	        !decode(block, "snp_id_auth", ID_AUTH, &auth))
		return no(e, "an ID block", "is not whole");
	if (strcmp(hex_encode(hex, id.p, SHA384_LEN), digest))
		return no(e, digest, "its ID block is of another launch");
	if (json_object_del(digests, digest))
		return no(e, digest, "has an ID block, but none of the launches has it");
	if (!policy || strtoull(policy, NULL, 0) != le64(id.p + BLOCK_POLICY))
		return no(e, digest, "its ID block is of another policy");
	if (le32(auth.p) != 1 || le32(auth.p + 4) != 1 ||
	        !holds(auth.p + AUTH_KEY, auth.p + AUTH_BLOCK_SIGNATURE, buf_slice(&id)))
		return no(e, digest, "its ID block is not signed by the key beside it");
	if (!holds(auth.p + AUTH_AUTHOR, auth.p + AUTH_KEY_SIGNATURE, slice_of(auth.p + AUTH_KEY, ID_PUBLIC)))
		return no(e, digest, "the key of its ID block is not signed by the author's");
	if (!is_digest(auth.p + AUTH_KEY, json_object_get(summary, "id_key_digest")) ||
	        !is_digest(auth.p + AUTH_AUTHOR, json_object_get(summary, "author_key_digest")))
		return no(e, digest, "the keys of its ID block are not those of manifest.json");
	return 0;
}

/* The launch digests of the manifest, which were measured by now, as keys. */
static json_t *launch_digests(const struct bundle *b)
{
	json_t *ret = json_object(), *v;
	size_t i;

	for (i = 0; i < b->n_registers; i++)
		if (!strcmp(b->registers[i].name, "snp.launch_digest"))
			json_object_set_new(ret, b->registers[i].value, json_true());
	json_array_foreach (json_object_get(b->json, "variants"), i, v) {
		const char *hex = json_string_value(
		        json_object_get(json_object_get(v, "registers"), "snp.launch_digest"));

		if (hex)
			json_object_set_new(ret, hex, json_true());
	}
	return ret;
}

static int check_id_blocks(const struct bundle *b, json_t *summary, size_t *n, struct err *e)
{
	const char *file = json_string_value(json_object_get(summary, "file"));
	_free_ char *path = xasprintf("%s/%s", b->dir, file ? file : "");
	json_auto_t *digests = launch_digests(b), *j = NULL;
	_buf_ struct buf text = { 0 };
	json_t *block;
	size_t i;

	if (!file || !bundle_file(b, file))
		return no(e, "id_block", "names no file of the bundle");
	if (io_read_file(path, 1 << 26, &text, e))
		return e->code;
	j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	json_array_foreach (json_object_get(j, "blocks"), i, block) {
		if (check_block(block, summary, digests, e))
			return e->code;
	}
	*n = i;
	return json_object_size(digests) ? no(e, file, "lacks launches of manifest.json") : 0;
}

static int check_uki(const struct releasing *v, const struct bundle *b, struct err *e)
{
	static const uint8_t owner[UUID_LEN];
	_free_ char *path = xasprintf("%s/uki.efi", b->dir);
	_buf_ struct buf db = { 0 };
	enum authority authority;
	_map_ struct slice image = { 0 };
	unsigned char *der = NULL;
	struct slice entry;
	struct pe pe;
	int n = i2d_X509(v->db, &der);

	if (n > 0)
		siglist_add_cert(&db, owner, slice_of(der, (size_t)n));
	OPENSSL_free(der);
	if (map_file(path, &image, e) || pe_parse("uki.efi", image, &pe, e) ||
	        authenticode_authority(&pe, buf_slice(&db), slice_of(NULL, 0), &authority, &entry, e))
		return err_exit(e, EX_NO);
	return authority == AUTHORITY_DB ? 0 : no(e, "uki.efi", "is not signed by the certificate");
}

void verify_sealed(struct releasing *v, const struct bundle *b)
{
	json_t *summary = json_object_get(b->json, "id_block");
	struct err e = { 0 };
	size_t n = 0;
	int r;

	if (summary) {
		r = check_id_blocks(b, summary, &n, &e);
		release_check(v, "id-blocks", b->platform, r, &e, "%zu, one for each launch digest", n);
	}
	if (!bundle_file(b, "uki.efi"))
		return;
	if (!v->db) {
		release_unchecked(v, "uki", b->platform, "no --db");
		return;
	}
	e = (struct err){ 0 };
	r = check_uki(v, b, &e);
	release_check(v, "uki", b->platform, r, &e, "uki.efi is signed by the certificate");
}
