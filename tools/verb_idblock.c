/* bulla idblock: the signed identity under which an SNP guest of one launch digest may start. */
#include "lib/base64.h"
#include "lib/io.h"
#include "lib/map.h"
#include "measure/idblock.h"
#include "measuring.h"

static int usage(struct err *e, const char *option, const char *value, const char *expected)
{
	err_set(e, -EINVAL, "--%s=%s: expected %s", option, value, expected);
	return err_exit(e, EX_USAGE);
}

static int get_number(const struct args *a, const char *option, uint64_t max, uint64_t *ret, struct err *e)
{
	const char *v = args_get(a, option);
	char *end;

	if (!v)
		return 0;
	errno = 0;
	*ret = strtoull(v, &end, 0);
	if (errno || *end || *v < '0' || *v > '9' || *ret > max)
		return usage(e, option, v, "a number that fits, decimal or 0x…");
	return 0;
}

static int get_name(const struct args *a, const char *option, uint8_t ret[ID_NAME], struct err *e)
{
	const char *v = args_get(a, option);

	return v && !hex_decode(v, ret, ID_NAME) ? usage(e, option, v, "32 hex digits") : 0;
}

/* From the options of `bulla measure snp`. The policy is ours: it is not part of that digest. */
static int compute_digest(const struct args *a, uint8_t ret[SHA384_LEN], struct err *e)
{
	_free_ void *given = xcalloc(a->n_given + 1, sizeof(*a->given));
	const struct tee *t = tee_find("snp", e);
	_loaded_ struct loaded l = { 0 };
	_result_ struct result r = { 0 };
	struct args rest = *a;

	if (!t)
		return e->code;
	rest.given = given;
	rest.n_given = 0;
	for (size_t i = 0; i < a->n_given; i++)
		if (strcmp(a->given[i].name, "policy"))
			rest.given[rest.n_given++] = a->given[i];
	if (inputs_load(&rest, t, false, &l, e) || t->measure(&l.in, &r, e))
		return err_wrap(e, "the launch digest");
	memcpy(ret, result_find(&r, "launch_digest")->value, SHA384_LEN);
	return 0;
}

/* A digest stands for all that it is computed from. */
static int only_digest(const struct args *a, struct err *e)
{
#define X(name, arg, help) name,
	static const char *const options[] = { INPUT_OPTIONS(X) };
#undef X

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (args_get(a, options[i]) && strcmp(options[i], "policy")) {
			err_set(e, -EINVAL, "--%s means nothing beside --launch-digest", options[i]);
			return err_exit(e, EX_USAGE);
		}
	return 0;
}

static int read_block(const struct args *a, struct id_block *ret, struct err *e)
{
	const char *digest = args_get(a, "launch-digest");
	uint64_t svn = 0;

	*ret = (struct id_block){ .policy = ID_POLICY };
	if (get_name(a, "family-id", ret->family_id, e) || get_name(a, "image-id", ret->image_id, e) ||
	        get_number(a, "guest-svn", UINT32_MAX, &svn, e) ||
	        get_number(a, "policy", UINT64_MAX, &ret->policy, e))
		return e->code;
	ret->guest_svn = (uint32_t)svn;
	if (!(ret->policy & ID_POLICY_ONE))
		return usage(e, "policy", args_get(a, "policy"),
		        "bit 17 (0x20000) to be set, as the platform does");
	if (!digest)
		return compute_digest(a, ret->launch_digest, e);
	if (only_digest(a, e))
		return e->code;
	return hex_decode(digest, ret->launch_digest, SHA384_LEN)
	               ? 0
	               : usage(e, "launch-digest", digest, "96 hex digits");
}

/* The key's text is mapped, so that no copy of it stays. */
static int read_key(const char *path, struct id_key **ret, struct err *e)
{
	_map_ struct slice pem = { 0 };

	return map_file(path, &pem, e) ? e->code : id_key_load(path, pem, ret, e);
}

/* DIR/NAME.bin, and DIR/NAME.b64 as QEMU's and Kata's options take it. */
static int write_both(const char *dir, const char *name, const void *p, size_t n, struct err *e)
{
	_free_ char *raw = xasprintf("%s/%s.bin", dir, name), *text = xasprintf("%s/%s.b64", dir, name);
	_buf_ struct buf b = { 0 };

	base64_encode(&b, slice_of(p, n));
	if (io_write_file(raw, slice_of(p, n), 0644, e) || io_write_file(text, buf_slice(&b), 0644, e))
		return e->code;
	return 0;
}

static void print(
        const struct args *a, const struct id_block *b, const struct id_key *id, const struct id_key *author)
{
	uint8_t digest[SHA384_LEN];
	char launch[2 * SHA384_LEN + 1], own[2 * SHA384_LEN + 1], theirs[2 * SHA384_LEN + 1] = "";

	hex_encode(launch, b->launch_digest, SHA384_LEN);
	id_key_digest(id, digest);
	hex_encode(own, digest, SHA384_LEN);
	if (author) {
		id_key_digest(author, digest);
		hex_encode(theirs, digest, SHA384_LEN);
	}
	if (a->json) {
		json_t *j = json_pack("{ss ss ss}", "schema", "bulla.idblock/1", "launch_digest", launch,
		        "id_key_digest", own);

		if (author)
			json_object_set_new(j, "author_key_digest", json_string(theirs));
		json_print(j);
		return;
	}
	printf("snp.launch_digest=%s\nsnp.id_key_digest=%s\n", launch, own);
	if (author)
		printf("snp.author_key_digest=%s\n", theirs);
}

static int run(const struct args *a, struct err *e)
{
	_id_key_ struct id_key *id = NULL, *author = NULL;
	uint8_t block[ID_BLOCK], auth[ID_AUTH];
	const char *id_path, *dir, *author_path = args_get(a, "author-key");
	struct id_block b;

	if (args_need(a, "id-key", &id_path, e) || args_need(a, "out", &dir, e) || read_block(a, &b, e) ||
	        read_key(id_path, &id, e) || (author_path && read_key(author_path, &author, e)))
		return e->code;
	id_block_write(&b, block);
	if (id_auth_write(block, id, author, auth, e) || io_mkdirs(dir, e) ||
	        write_both(dir, "id-block", block, sizeof(block), e) ||
	        write_both(dir, "id-auth", auth, sizeof(auth), e))
		return e->code;
	print(a, &b, id, author);
	return 0;
}

static const struct opt opts[] = {
	{ "id-key", "FILE", "private key on P-384 that signs, in PEM" },
	{ "author-key", "FILE", "private key that vouches for it" },
	{ "out", "DIR", "where id-block and id-auth go: raw (.bin) and in base64 (.b64)" },
	{ "launch-digest", "HEX", "what is signed; or the options of `bulla measure snp`" },
	{ "family-id", "HEX", "16 bytes (default: zeros)" },
	{ "image-id", "HEX", "16 bytes (default: zeros)" },
	{ "guest-svn", "N", "security version (default: 0)" },
	INPUT_OPTIONS(INPUT_OPT){ 0 },
};
const struct verb verb_idblock = { "idblock",
	"sign the identity of an SNP guest: ID block and ID authentication", "", opts, run };
