#include "enroll.h"
#include "efisign.h"
#include "format/authenticode.h"
#include "format/efivars.h"
#include "format/siglist.h"
#include "format/varstore.h"
#include "lib/base64.h"
#include "lib/io.h"
#include "lib/map.h"
#include <jansson.h>

/* The attributes of SecureBootEnable: non-volatile, boot services. */
enum { NV_BS = 3 };
/* f0a30bc7-af08-4556-99c4-001009c93a44, gEfiSecureBootEnableDisableGuid */
static const uint8_t secure_boot_enable[UUID_LEN] = { 0xc7, 0x0b, 0xa3, 0xf0, 0x08, 0xaf, 0x56, 0x45, 0x99,
	0xc4, 0x00, 0x10, 0x09, 0xc9, 0x3a, 0x44 };

enum { PK, KEK, DB, LISTS };
static const char *const names[LISTS] = { "PK", "KEK", "db" };

struct lists {
	struct buf esl[LISTS]; /* as the variables have them */
};

static void lists_free(struct lists *l)
{
	for (size_t i = 0; i < LISTS; i++)
		buf_free(&l->esl[i]);
}
#define _lists_ __attribute__((cleanup(lists_free)))

static const uint8_t *guid_of(size_t i)
{
	return i == DB ? efivars_image_security : efivars_global;
}

static int put(const struct enroll *r, const char *name, const char *suffix, const char *ext,
        struct slice data, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s%s.%s", r->dir, name, suffix, ext);

	return io_write_file(path, data, 0644, e);
}

static int put_json(const struct enroll *r, const char *name, const char *suffix, json_t *j, struct err *e)
{
	_free_ char *text = json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2));
	_buf_ struct buf b = { 0 };

	json_decref(j);
	if (!text)
		return err_set(e, -ENOMEM, "%s.json: jansson could not write it", name);
	buf_printf(&b, "%s\n", text);
	return put(r, name, suffix, "json", buf_slice(&b), e);
}

/* Our own certificate of the role, also as a file. */
static int own_list(const struct enroll *r, size_t i, struct buf *esl, struct err *e)
{
	_efi_signer_ struct efi_signer s = { 0 };
	_buf_ struct buf cert = { 0 };
	uint8_t owner[UUID_LEN];

	keyset_owner(r->keys, owner);
	if (efi_signer_open(&s, r->keys, names[i], r->time, e) || efi_signer_cert(&s, &cert, e))
		return e->code;
	siglist_add_cert(esl, owner, buf_slice(&cert));
	return put(r, names[i], "", "cer", buf_slice(&cert), e);
}

/* Who may change a variable: PK itself and KEK, KEK db (UEFI 2.10, 8.2.2 and 32.3). */
static int put_list(const struct enroll *r, size_t i, const char *suffix, struct slice esl, struct err *e)
{
	_efi_signer_ struct efi_signer s = { 0 };
	_buf_ struct buf auth = { 0 };

	if (efi_signer_open(&s, r->by, names[i == DB ? KEK : PK], r->time, e) ||
	        efi_auth(names[i], guid_of(i), esl, &s.pkcs7, &auth, e))
		return e->code;
	return put(r, names[i], suffix, "esl", esl, e) ||
	                       put(r, names[i], suffix, "auth", buf_slice(&auth), e)
	               ? e->code
	               : 0;
}

/* The certificates of a list in base64. */
static json_t *certs(struct slice esl)
{
	struct siglist_place at = { 0 };
	json_t *ret = json_array();
	struct err ignored = { 0 };
	const uint8_t *type;
	struct slice entry;

	/* the lists are our own, and hold nothing but certificates */
	while (siglist_next("", esl, &at, &type, &entry, &ignored) > 0) {
		_buf_ struct buf text = { 0 };

		base64_encode(&text, slice_of(entry.p + SIGLIST_OWNER, entry.n - SIGLIST_OWNER));
		json_array_append_new(ret, json_string(buf_str(&text)));
	}
	return ret;
}

/* The part of an image's description that gcloud fills from --platform-key-file and so on (Compute Engine
 * API, images, InitialStateConfig). */
static json_t *gcp(const struct lists *l)
{
	json_t *v[LISTS], *pk;

	for (size_t i = 0; i < LISTS; i++) {
		json_t *all = certs(buf_slice(&l->esl[i])), *c;
		size_t n;

		v[i] = json_array();
		json_array_foreach (all, n, c)
			json_array_append_new(v[i], json_pack("{sOss}", "content", c, "fileType", "X509"));
		json_decref(all);
	}
	pk = json_incref(json_array_get(v[PK], 0));
	json_decref(v[PK]);
	return json_pack(
	        "{s{sososo}}", "shieldedInstanceInitialState", "pk", pk, "keks", v[KEK], "dbs", v[DB]);
}

/* The securityProfile of a gallery's image version, all default keys replaced (Azure, "Secure Boot UEFI
 * keys"). */
static json_t *azure(const struct lists *l)
{
	json_t *v[LISTS];

	for (size_t i = 0; i < LISTS; i++)
		v[i] = json_pack("{ssso}", "type", "x509", "value", certs(buf_slice(&l->esl[i])));
	return json_pack("{s{s{s[s]s{sos[o]s[o]}}}}", "securityProfile", "uefiSettings",
	        "signatureTemplateNames", "NoSignatureTemplate", "additionalSignatures", "pk", v[PK], "kek",
	        v[KEK], "db", v[DB]);
}

static int put_stores(const struct enroll *r, const char *suffix, const struct lists *l, struct err *e)
{
	static const uint8_t on = 1;
	struct varstore_var v[LISTS + 1];
	_buf_ struct buf aws = { 0 }, text = { 0 }, store = { 0 };
	_map_ struct slice template = { 0 };

	for (size_t i = 0; i < LISTS; i++)
		v[i] = (struct varstore_var){ names[i], guid_of(i), EFI_ATTRIBUTES_AUTH,
			buf_slice(&l->esl[i]) };
	v[LISTS] = (struct varstore_var){ "SecureBootEnable", secure_boot_enable, NV_BS, slice_of(&on, 1) };
	varstore_aws(v, LISTS, r->time, &aws);
	base64_encode(&text, buf_slice(&aws));
	if (put(r, "aws", suffix, "uefi-data", buf_slice(&text), e))
		return e->code;
	if (!r->vars)
		return 0;
	if (map_file(r->vars, &template, e) ||
	        varstore_set(r->vars, template, v, ARRAY_LEN(v), r->time, &store, e))
		return e->code;
	return put(r, "vars", suffix, "fd", buf_slice(&store), e);
}

static int put_all(const struct enroll *r, const char *suffix, const struct lists *l, struct err *e)
{
	/* PK and KEK are the same in each variant */
	for (size_t i = *suffix ? DB : 0; i < LISTS; i++)
		if (put_list(r, i, suffix, buf_slice(&l->esl[i]), e))
			return e->code;
	if (put_json(r, "gcp", suffix, gcp(l), e) || put_json(r, "azure", suffix, azure(l), e))
		return e->code;
	return put_stores(r, suffix, l, e);
}

/* Appends those certificates of the store's db that allow the shim to start, and no others. */
static int add_allowing(const struct enroll *r, struct buf *esl, struct err *e)
{
	_map_ struct slice image = { 0 }, shim = { 0 };
	struct siglist_place at = { 0 };
	struct efivars store;
	struct efivar db;
	const uint8_t *type;
	struct slice entry, found;
	size_t before = esl->n;
	struct pe pe;
	int n;

	if (map_file(r->ms, &image, e) || map_file(r->shim, &shim, e) ||
	        efivars_open(r->ms, image, &store, e) || pe_parse(r->shim, shim, &pe, e))
		return e->code;
	n = efivars_find(&store, efivars_image_security, "db", &db, e);
	while (n > 0 && (n = siglist_next(r->ms, db.data, &at, &type, &entry, e)) > 0) {
		_buf_ struct buf one = { 0 };
		enum authority authority;
		uint8_t owner[UUID_LEN];

		if (memcmp(type, siglist_x509, UUID_LEN))
			continue;
		uuid_swap(owner, entry.p);
		siglist_add_cert(&one, owner, slice_of(entry.p + SIGLIST_OWNER, entry.n - SIGLIST_OWNER));
		if (authenticode_authority(&pe, buf_slice(&one), (struct slice){ 0 }, &authority, &found, e))
			return e->code;
		if (authority == AUTHORITY_DB)
			buf_add(esl, one.p, one.n);
	}
	if (n < 0)
		return e->code;
	return esl->n > before
	               ? 0
	               : err_set(e, -ENOENT, "%s: no certificate in db that allows %s", r->ms, r->shim);
}

int enroll(const struct enroll *r, struct err *e)
{
	_lists_ struct lists l = { 0 };

	if (io_mkdirs(r->dir, e))
		return e->code;
	for (size_t i = 0; i < LISTS; i++)
		if (own_list(r, i, &l.esl[i], e))
			return e->code;
	if (put_all(r, "", &l, e))
		return e->code;
	if (!r->shim)
		return 0;
	return add_allowing(r, &l.esl[DB], e) ? e->code : put_all(r, "-shim", &l, e);
}
