/* bulla inspect: the variables of a store such as OVMF_VARS. */
#include "format/efivars.h"
#include "format/siglist.h"
#include "inspect.h"
#include <openssl/err.h>
#include <openssl/x509.h>

static bool recognised(struct slice data)
{
	struct efivars v;
	struct err ignored = { 0 };

	return !efivars_open("", data, &v, &ignored);
}

/* Names are of ASCII in practice; any other character is shown as its number. */
static void add_name(struct buf *b, struct slice utf16)
{
	for (size_t i = 0; i + 1 < utf16.n && le16(utf16.p + i); i += 2) {
		uint16_t c = le16(utf16.p + i);

		if (c >= ' ' && c < 0x7f)
			buf_add(b, &(uint8_t){ (uint8_t)c }, 1);
		else
			buf_printf(b, "\\u%04x", c);
	}
}

static void add_certificate(struct buf *b, struct slice der)
{
	const uint8_t *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.n);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n = 0;

	/* RFC 2253 escapes what is not printable */
	if (cert && bio && X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		buf_add(b, text, (size_t)n);
	else
		buf_printf(b, "broken certificate");
	BIO_free(bio);
	X509_free(cert);
	ERR_clear_error();
}

/* Signature lists: subjects of certificates, and how many digests. */
static void add_lists(struct buf *b, struct slice lists)
{
	struct siglist_place at = { 0 };
	struct err e = { 0 };
	const uint8_t *type;
	struct slice entry;
	size_t others = 0;
	int r;

	while ((r = siglist_next("lists", lists, &at, &type, &entry, &e)) > 0) {
		if (memcmp(type, siglist_x509, UUID_LEN)) {
			others++;
			continue;
		}
		buf_printf(b, "%s", b->n ? "; " : "");
		add_certificate(b, slice_of(entry.p + SIGLIST_OWNER, entry.n - SIGLIST_OWNER));
	}
	if (others)
		buf_printf(b, "%s%zu digest%s", b->n ? "; " : "", others, others == 1 ? "" : "s");
	if (r < 0)
		buf_printf(b, "%s%s", b->n ? "; " : "", e.msg);
}

static bool has_lists(const char *name, struct slice guid)
{
	if (!memcmp(guid.p, efivars_image_security, UUID_LEN))
		return !strcmp(name, "db") || !strcmp(name, "dbx") || !strcmp(name, "dbt") ||
		       !strcmp(name, "dbr");
	return !memcmp(guid.p, efivars_global, UUID_LEN) && (!strcmp(name, "PK") || !strcmp(name, "KEK"));
}

static int fill(const char *name, struct slice data, json_t *o, struct err *e)
{
	json_t *list = put_array(o, "variables");
	struct efivars store;
	struct efivar v;
	uint64_t at = 0;
	int r;

	if (efivars_open(name, data, &store, e))
		return e->code;
	while ((r = efivars_next(&store, &at, &v, e)) > 0) {
		_buf_ struct buf text = { 0 }, content = { 0 };
		json_t *row = add_object(list);
		char guid[UUID_TEXT];

		add_name(&text, v.name);
		put_str(row, "name", buf_str(&text));
		put_str(row, "guid", guid_text(guid, v.guid.p));
		put_mask(row, "attributes", v.attributes);
		put_int(row, "size", v.data.n);
		if (v.being_deleted)
			buf_printf(&content, "being deleted");
		else if (has_lists(buf_str(&text), v.guid))
			add_lists(&content, v.data);
		else if (v.data.n <= 8)
			for (size_t i = 0; i < v.data.n; i++)
				buf_printf(&content, "%02x", v.data.p[i]);
		put_text(row, "content", buf_slice(&content));
	}
	return r;
}

const struct inspect_kind inspect_vars = { "vars", "store of UEFI variables", recognised, fill, NULL };
