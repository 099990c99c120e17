#include "format/corim.h"
#include "format/cbor.h"
#include "format/cose.h"
#include "lib/mem.h"
#include "lib/text.h"
#include <inttypes.h>

enum { PATH_PARTS = 5, PART_MAX = 1024 };
enum { VENDOR, MODEL, MKEY, NAME, SERIAL };

struct reading {
	struct corim *corim;
	corim_fn *fn;
	void *arg;
	char *part[PATH_PARTS];
};

static const struct {
	enum hash_alg alg;
	int64_t id;
} algs[] = { { HASH_SHA256, 1 }, { HASH_SHA384, 7 }, { HASH_SHA512, 8 } };

bool corim_alg(enum hash_alg alg, int64_t *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (algs[i].alg == alg) {
			*ret = algs[i].id;
			return true;
		}
	return false;
}

bool corim_recognised(struct slice data)
{
	struct cb c = { .name = "", .all = data };
	struct cb_item tag;
	struct err ignored = { 0 };

	return !cb_next(&c, &tag, &ignored) && tag.kind == CB_TAG &&
	       (tag.n == 18 || (tag.n >= 500 && tag.n <= 502));
}

static void set_part(struct reading *r, unsigned part, struct slice text)
{
	_buf_ struct buf b = { 0 };

	text_ascii(&b, text);
	free(r->part[part]);
	r->part[part] = xstrdup(buf_str(&b));
}

static void clear_parts(struct reading *r, unsigned from)
{
	for (unsigned i = from; i < PATH_PARTS; i++) {
		free(r->part[i]);
		r->part[i] = NULL;
	}
}

static int hand_out(struct reading *r, struct corim_claim *c, struct err *e)
{
	_buf_ struct buf name = { 0 };

	for (unsigned i = 0; i < PATH_PARTS; i++)
		if (r->part[i])
			buf_printf(&name, "%s/", r->part[i]);
	buf_printf(&name, "%s", c->raw ? "raw_bytes" : "digests");
	c->name = buf_str(&name);
	r->corim->claims++;
	return r->fn ? r->fn(c, r->arg, e) : 0;
}

/* [alg, bytes] */
static int read_digest(struct cb *c, struct reading *r, struct err *e)
{
	struct corim_claim claim = { 0 };
	struct cb_item pair, bytes;
	size_t at = c->at;

	if (cb_want(c, CB_ARRAY, "a digest", &pair, e))
		return e->code;
	if (pair.endless || pair.n != 2)
		return cb_bad(c, at, "a digest of two elements", e);
	if (cb_key(c, &claim.alg, e) || cb_want(c, CB_BYTES, "a digest's value", &bytes, e))
		return e->code;
	if (claim.alg == INT64_MIN) { /* an algorithm by name */
		r->corim->skipped++;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (algs[i].id == claim.alg && hash_len(algs[i].alg) != bytes.s.n)
			return err_set(e, -EBADMSG, "%s+%#zx: %zu bytes, expected the %zu of %s", c->name,
			        bytes.at, bytes.s.n, hash_len(algs[i].alg), hash_name(algs[i].alg));
	claim.value = bytes.s;
	claim.at = bytes.at;
	return hand_out(r, &claim, e);
}

static int read_digests(struct cb *c, struct reading *r, struct err *e)
{
	struct cb_item list;
	uint64_t i = 0;
	int more;

	if (cb_want(c, CB_ARRAY, "digests", &list, e))
		return e->code;
	while ((more = cb_more(c, &list, &i, e)) > 0)
		if (read_digest(c, r, e))
			return e->code;
	return more;
}

/* 560(bytes); another raw value is passed over */
static int read_raw(struct cb *c, struct reading *r, struct err *e)
{
	struct corim_claim claim = { .raw = true };
	struct cb_item item;

	if (!cb_peek(c, CB_TAG, 560)) {
		r->corim->skipped++;
		return cb_skip(c, e);
	}
	if (cb_next(c, &item, e) || cb_want(c, CB_BYTES, "a raw value", &item, e))
		return e->code;
	claim.value = item.s;
	claim.at = item.at;
	return hand_out(r, &claim, e);
}

/* A map's pairs in any order: FN gets each key, and takes the value. */
typedef int pair_fn(struct cb *c, int64_t key, struct reading *r, struct err *e);

static int each_pair(struct cb *c, const char *what, pair_fn *fn, struct reading *r, struct err *e)
{
	struct cb_item map;
	uint64_t i = 0;
	int64_t key;
	int more;

	if (cb_want(c, CB_MAP, what, &map, e))
		return e->code;
	while ((more = cb_more(c, &map, &i, e)) > 0)
		if (cb_key(c, &key, e) || fn(c, key, r, e))
			return e->code;
	return more;
}

static int take_text(struct cb *c, const char *what, unsigned part, struct reading *r, struct err *e)
{
	struct cb_item text;

	if (cb_want(c, CB_TEXT, what, &text, e))
		return e->code;
	if (text.s.n > PART_MAX)
		return cb_bad(c, text.at, "a name of at most 1024 bytes", e);
	set_part(r, part, text.s);
	return 0;
}

/* First what names the values, which may follow them in the map. */
static int mval_names(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	if (key == 11)
		return take_text(c, "a measurement's name", NAME, r, e);
	if (key == 8)
		return take_text(c, "a serial number", SERIAL, r, e);
	return cb_skip(c, e);
}

static int mval_values(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	if (key == 2)
		return read_digests(c, r, e);
	if (key == 4)
		return read_raw(c, r, e);
	return cb_skip(c, e);
}

/* As Trustee spells them: a text, "claimN" of a number, a UUID in its usual form. */
static int read_mkey(struct cb *c, struct reading *r, struct err *e)
{
	struct cb_item item;
	char text[48];
	const uint8_t *u;

	if (cb_peek(c, CB_TEXT, 0))
		return take_text(c, "mkey", MKEY, r, e);
	if (cb_peek(c, CB_UINT, 0)) {
		if (cb_next(c, &item, e))
			return e->code;
		snprintf(text, sizeof(text), "claim%" PRIu64, item.n);
		set_part(r, MKEY, slice_str(text));
		return 0;
	}
	if (!cb_peek(c, CB_TAG, 37))
		return cb_skip(c, e);
	if (cb_next(c, &item, e) || cb_want(c, CB_BYTES, "a UUID", &item, e))
		return e->code;
	if (item.s.n != 16)
		return cb_bad(c, item.at, "16 bytes of a UUID", e);
	u = item.s.p;
	snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	        u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
	        u[15]);
	set_part(r, MKEY, slice_str(text));
	return 0;
}

static int measurement_names(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	if (key == 0)
		return read_mkey(c, r, e);
	return key == 1 ? each_pair(c, "a measurement", mval_names, r, e) : cb_skip(c, e);
}

static int measurement_values(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	return key == 1 ? each_pair(c, "a measurement", mval_values, r, e) : cb_skip(c, e);
}

static int read_measurement(struct cb *c, struct reading *r, struct err *e)
{
	struct cb again = *c;
	size_t before = r->corim->claims + r->corim->skipped;

	clear_parts(r, MKEY);
	if (each_pair(c, "a measurement map", measurement_names, r, e) ||
	        each_pair(&again, "a measurement map", measurement_values, r, e))
		return e->code;
	if (r->corim->claims + r->corim->skipped == before)
		r->corim->skipped++; /* flags, versions and the like */
	return 0;
}

static int class_pair(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	if (key == 1)
		return take_text(c, "a vendor", VENDOR, r, e);
	return key == 2 ? take_text(c, "a model", MODEL, r, e) : cb_skip(c, e);
}

static int environment_pair(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	return key == 0 ? each_pair(c, "a class", class_pair, r, e) : cb_skip(c, e);
}

/* [environment, [measurement…]] */
static int read_triple(struct cb *c, struct reading *r, struct err *e)
{
	struct cb_item pair, list;
	size_t at = c->at;
	uint64_t i = 0;
	int more;

	if (cb_want(c, CB_ARRAY, "a reference triple", &pair, e))
		return e->code;
	if (pair.endless || pair.n != 2)
		return cb_bad(c, at, "a reference triple of two elements", e);
	clear_parts(r, VENDOR);
	if (each_pair(c, "an environment", environment_pair, r, e) ||
	        cb_want(c, CB_ARRAY, "reference claims", &list, e))
		return e->code;
	while ((more = cb_more(c, &list, &i, e)) > 0)
		if (read_measurement(c, r, e))
			return e->code;
	return more;
}

static int triples_pair(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	struct cb_item list;
	uint64_t i = 0;
	int more;

	if (key != 0) { /* endorsements, keys, … */
		r->corim->skipped++;
		return cb_skip(c, e);
	}
	if (cb_want(c, CB_ARRAY, "reference triples", &list, e))
		return e->code;
	while ((more = cb_more(c, &list, &i, e)) > 0)
		if (read_triple(c, r, e))
			return e->code;
	return more;
}

static int comid_pair(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	return key == 4 ? each_pair(c, "triples", triples_pair, r, e) : cb_skip(c, e);
}

/* 506(bytes of a CoMID), or a tag of another kind (505: CoSWID, 508: CoTL), which is passed over. */
static int read_tag(struct cb *c, struct reading *r, struct err *e)
{
	struct cb_item item;
	struct cb inner;

	if (!cb_peek(c, CB_TAG, 506)) {
		r->corim->skipped++;
		return cb_skip(c, e);
	}
	if (cb_next(c, &item, e) || cb_want(c, CB_BYTES, "a CoMID", &item, e))
		return e->code;
	/* to the end of these bytes, so that offsets stay those of the file */
	inner = (struct cb){ .name = c->name,
		.all = slice_of(c->all.p, (size_t)(item.s.p - c->all.p) + item.s.n) };
	inner.at = (size_t)(item.s.p - c->all.p);
	if (each_pair(&inner, "a CoMID", comid_pair, r, e))
		return e->code;
	return cb_end(&inner, e);
}

static void keep_text(char *to, size_t n, struct slice text)
{
	_buf_ struct buf b = { 0 };

	text_ascii(&b, text);
	snprintf(to, n, "%s", buf_str(&b));
}

static int corim_pair(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	struct cb_item item;
	uint64_t i = 0;
	int more;

	if (key == 0 && (cb_peek(c, CB_TEXT, 0) || cb_peek(c, CB_BYTES, 0))) {
		char hex[2 * 16 + 1];

		if (cb_next(c, &item, e))
			return e->code;
		if (item.kind == CB_TEXT)
			keep_text(r->corim->id, sizeof(r->corim->id), item.s);
		else if (item.s.n == 16)
			snprintf(r->corim->id, sizeof(r->corim->id), "%s", hex_encode(hex, item.s.p, 16));
		else
			return cb_bad(c, item.at, "16 bytes of an id", e);
		return 0;
	}
	if (key != 1)
		return cb_skip(c, e);
	if (cb_want(c, CB_ARRAY, "tags", &item, e))
		return e->code;
	while ((more = cb_more(c, &item, &i, e)) > 0)
		if (read_tag(c, r, e))
			return e->code;
	return more;
}

static int read_map(struct cb *c, struct reading *r, struct err *e)
{
	struct cb_item tag;

	/* 500 and 502 are wrappings of earlier drafts */
	while (cb_peek(c, CB_TAG, 500) || cb_peek(c, CB_TAG, 501) || cb_peek(c, CB_TAG, 502))
		cb_next(c, &tag, e);
	if (each_pair(c, "a CoRIM", corim_pair, r, e))
		return e->code;
	return cb_end(c, e);
}

static int signer_pair(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	struct cb_item text;

	if (key != 0)
		return cb_skip(c, e);
	if (cb_want(c, CB_TEXT, "a signer's name", &text, e))
		return e->code;
	keep_text(r->corim->signer, sizeof(r->corim->signer), text.s);
	return 0;
}

static int meta_pair(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	return key == 0 ? each_pair(c, "a signer", signer_pair, r, e) : cb_skip(c, e);
}

static int protected_pair(struct cb *c, int64_t key, struct reading *r, struct err *e)
{
	struct cb_item item;
	struct cb meta;

	if (key == 1)
		return cb_key(c, &r->corim->alg, e);
	if (key == 3) {
		if (cb_want(c, CB_TEXT, "a content type", &item, e))
			return e->code;
		return slice_eq(item.s, slice_str(CORIM_MEDIA_TYPE))
		               ? 0
		               : cb_bad(c, item.at, CORIM_MEDIA_TYPE, e);
	}
	if (key != 8)
		return cb_skip(c, e);
	if (cb_want(c, CB_BYTES, "the CoRIM's meta map", &item, e))
		return e->code;
	meta = (struct cb){ .name = c->name, .all = item.s };
	return each_pair(&meta, "the CoRIM's meta map", meta_pair, r, e);
}

static int read_signed(struct cb *c, struct reading *r, struct err *e)
{
	struct cb header = { .name = c->name }, inner = *c;
	struct corim *k = r->corim;
	struct cose_sign1 s;

	if (cose_sign1_read(c, &s, e))
		return e->code;
	k->is_signed = true;
	k->protected = s.protected;
	k->payload = s.payload;
	k->signature = s.signature;
	header.all = s.protected;
	if (each_pair(&header, "a protected header", protected_pair, r, e))
		return e->code;
	inner.all.n = (size_t)(s.payload.p - c->all.p) + s.payload.n;
	inner.at = (size_t)(s.payload.p - c->all.p);
	return read_map(&inner, r, e);
}

int corim_read(const char *name, struct slice data, struct corim *ret, corim_fn *fn, void *arg, struct err *e)
{
	struct reading r = { .corim = ret, .fn = fn, .arg = arg };
	struct cb c = { .name = name, .all = data };
	struct cb_item tag;

	*ret = (struct corim){ 0 };
	while (cb_peek(&c, CB_TAG, 500) || cb_peek(&c, CB_TAG, 502))
		cb_next(&c, &tag, e);
	if (cb_peek(&c, CB_TAG, 18))
		read_signed(&c, &r, e);
	else if (cb_peek(&c, CB_TAG, 501))
		read_map(&c, &r, e);
	else
		cb_bad(&c, c.at, "CBOR tag 501 or 18 of a CoRIM", e);
	clear_parts(&r, 0);
	return e->code;
}
