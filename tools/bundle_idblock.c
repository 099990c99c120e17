#include "bundle_idblock.h"
#include "lib/base64.h"
#include "measure/idblock.h"
#include "lib/slice.h"

#define DIGEST "snp.launch_digest"

struct signer {
	const struct keyset *keys;
	const char *role;
	struct id_signer s;
};

static int sign_with_set(const void *arg, struct slice message, uint8_t ret[ID_SIGNATURE], struct err *e)
{
	const struct signer *s = arg;
	_buf_ struct buf der = { 0 };

	if (keyset_sign(s->keys, s->role, "SHA384", message, &der, e))
		return e->code;
	return id_signature_of_der(buf_slice(&der), ret, e);
}

static int open_signer(const struct keyset *keys, const char *role, struct signer *ret, struct err *e)
{
	EVP_PKEY *public;

	*ret = (struct signer){ keys, role, { .sign = sign_with_set, .arg = ret } };
	if (keyset_public(keys, role, &public, e))
		return e->code;
	id_public_of(role, public, ret->s.public, e);
	EVP_PKEY_free(public);
	return e->code;
}

/* The policy that QEMU launches with, which an ID block has to name, too; QEMU's own where it is not said. */
static int read_policy(const struct platform *p, uint64_t *ret, struct err *e)
{
	const char *object = p->qemu ? strstr(p->qemu, "sev-snp-guest,") : NULL, *v;
	char *end;

	*ret = ID_POLICY;
	v = object ? strstr(object, ",policy=") : NULL;
	if (!v || strcspn(object, " ") < (size_t)(v - object))
		return 0;
	v += strlen(",policy=");
	*ret = strtoull(v, &end, 0);
	if (end == v || !strchr(", ", *end) || !(*ret & ID_POLICY_ONE))
		return err_set(e, -EINVAL, "%s: Launch.Qemu: policy=%.*s, expected a number with bit 17 set",
		        p->name, (int)strcspn(v, ", "), v);
	return 0;
}

static json_t *base64_json(const uint8_t *p, size_t n)
{
	_buf_ struct buf b = { 0 };

	base64_encode(&b, slice_of(p, n));
	return json_string(buf_str(&b));
}

static json_t *key_digest(const struct signer *s)
{
	uint8_t digest[SHA384_LEN];
	char hex[HASH_MAX_HEX];

	id_public_digest(s->s.public, digest);
	return json_string(hex_encode(hex, digest, sizeof(digest)));
}

/* The author's signature of the key id is the same in all blocks. */
static int repeat(const void *arg, struct slice message, uint8_t ret[ID_SIGNATURE], struct err *e)
{
	(void)message, (void)e;
	memcpy(ret, arg, ID_SIGNATURE);
	return 0;
}

static int sign_block(const struct id_signer *id, const struct id_signer *author, uint64_t policy,
        const char *digest, json_t **ret, struct err *e)
{
	struct id_block b = { .policy = policy };
	uint8_t block[ID_BLOCK], auth[ID_AUTH];

	if (!hex_decode(digest, b.launch_digest, SHA384_LEN))
		return err_set(e, -EINVAL, DIGEST " is '%s', expected 96 hex digits", digest);
	id_block_write(&b, block);
	if (id_auth_sign(block, id, author, auth, e))
		return e->code;
	*ret = json_pack("{ss s[] so so}", "launch_digest", digest, "launches", "snp_id_block",
	        base64_json(block, sizeof(block)), "snp_id_auth", base64_json(auth, sizeof(auth)));
	return 0;
}

static json_t *find_block(const json_t *blocks, const char *digest)
{
	json_t *b;
	size_t i;

	json_array_foreach ((json_t *)blocks, i, b) {
		if (!strcmp(json_string_value(json_object_get(b, "launch_digest")), digest))
			return b;
	}
	return NULL;
}

/* What sets the variant apart, without its registers. */
static json_t *launch_of(json_t *variant)
{
	json_t *ret = json_copy(variant);

	json_object_del(ret, "registers");
	return ret;
}

static int add_block(const struct id_signer *id, const struct id_signer *author, uint64_t policy,
        const json_t *registers, json_t *launch, json_t *blocks, struct err *e)
{
	const char *digest = json_string_value(json_object_get(registers, DIGEST));
	json_t *block = digest ? find_block(blocks, digest) : NULL;

	if (digest && !block) {
		if (sign_block(id, author, policy, digest, &block, e)) {
			json_decref(launch);
			return e->code;
		}
		json_array_append_new(blocks, block);
	}
	if (block && launch)
		json_array_append(json_object_get(block, "launches"), launch);
	json_decref(launch);
	return 0;
}

int bundle_idblock(const struct keyset *keys, const struct platform *p, const struct bundle_measured *m,
        json_t **file, json_t **summary, struct err *e)
{
	struct signer id = { 0 }, author = { 0 };
	json_auto_t *blocks = json_array();
	_free_ char *policy_text = NULL;
	uint8_t of_id[ID_SIGNATURE];
	struct id_signer once = { .sign = repeat, .arg = of_id };
	uint64_t policy;
	json_t *v;
	size_t i;

	if (read_policy(p, &policy, e) || open_signer(keys, "id", &id, e) ||
	        open_signer(keys, "author", &author, e) ||
	        author.s.sign(author.s.arg, slice_of(id.s.public, ID_PUBLIC), of_id, e))
		return e->code;
	memcpy(once.public, author.s.public, ID_PUBLIC);
	if (add_block(&id.s, &once, policy, m->registers, NULL, blocks, e))
		return e->code;
	json_array_foreach (m->variants, i, v) {
		if (add_block(&id.s, &once, policy, json_object_get(v, "registers"), launch_of(v), blocks, e))
			return e->code;
	}
	policy_text = xasprintf("0x%llx", (unsigned long long)policy);
	*summary = json_pack("{ss ss ss so so}", "file", IDBLOCKS_FILE, "keys", keyset_kind(keys), "policy",
	        policy_text, "id_key_digest", key_digest(&id), "author_key_digest", key_digest(&author));
	*file = json_copy(*summary);
	json_object_del(*file, "file");
	json_object_set_new(*file, "schema", json_string(IDBLOCKS_SCHEMA));
	json_object_set_new(*file, "platform", json_string(p->name));
	json_object_set(*file, "blocks", blocks);
	return 0;
}
