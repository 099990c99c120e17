/* Keys of maps in ascending order, heads as short as they can be: the deterministic encoding of RFC
 * 8949, 4.2.1. */
#include "format/cbor.h"
#include "format/corim.h"

/* {class: {vendor, model}} and [{mkey, mval: {digests}}] */
static void put_triple(struct buf *b, const struct corim_value *v)
{
	int64_t alg = 0;

	corim_alg(v->alg, &alg);
	cb_put_array(b, 2);
	cb_put_map(b, 1);
	cb_put_int(b, 0); /* class */
	cb_put_map(b, 2);
	cb_put_int(b, 1); /* vendor */
	cb_put_text(b, v->vendor);
	cb_put_int(b, 2); /* model */
	cb_put_text(b, v->model);
	cb_put_array(b, 1);
	cb_put_map(b, 2);
	cb_put_int(b, 0); /* mkey */
	cb_put_text(b, v->mkey);
	cb_put_int(b, 1); /* mval */
	cb_put_map(b, 1);
	cb_put_int(b, 2); /* digests */
	cb_put_array(b, 1);
	cb_put_array(b, 2);
	cb_put_int(b, alg);
	cb_put_bytes(b, slice_of(v->value, hash_len(v->alg)));
}

static void put_comid(struct buf *b, const char *tag_id, const struct corim_value *v, size_t n)
{
	cb_put_map(b, 2);
	cb_put_int(b, 1); /* tag-identity */
	cb_put_map(b, 1);
	cb_put_int(b, 0); /* tag-id */
	cb_put_text(b, tag_id);
	cb_put_int(b, 4); /* triples */
	cb_put_map(b, 1);
	cb_put_int(b, 0); /* reference-triples */
	cb_put_array(b, n);
	for (size_t i = 0; i < n; i++)
		put_triple(b, &v[i]);
}

void corim_write(struct buf *to, const char *id, const char *tag_id, const struct corim_value *v, size_t n)
{
	_buf_ struct buf comid = { 0 };

	put_comid(&comid, tag_id, v, n);
	cb_put_tag(to, 501); /* unsigned-corim-map */
	cb_put_map(to, 2);
	cb_put_int(to, 0); /* id */
	cb_put_text(to, id);
	cb_put_int(to, 1); /* tags */
	cb_put_array(to, 1);
	cb_put_tag(to, 506); /* concise-mid-tag */
	cb_put_bytes(to, buf_slice(&comid));
}

void corim_protected(struct buf *to, int64_t alg, struct slice kid, const char *signer)
{
	_buf_ struct buf meta = { 0 };

	cb_put_map(&meta, 1);
	cb_put_int(&meta, 0); /* signer */
	cb_put_map(&meta, 1);
	cb_put_int(&meta, 0); /* signer-name */
	cb_put_text(&meta, signer);
	cb_put_map(to, 4);
	cb_put_int(to, 1); /* alg */
	cb_put_int(to, alg);
	cb_put_int(to, 3); /* content type */
	cb_put_text(to, CORIM_MEDIA_TYPE);
	cb_put_int(to, 4); /* kid */
	cb_put_bytes(to, kid);
	cb_put_int(to, 8); /* corim-meta */
	cb_put_bytes(to, buf_slice(&meta));
}
