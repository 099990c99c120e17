#include "efisign.h"
#include "format/authenticode.h"
#include "format/pesign.h"
#include "format/siglist.h"
#include "lib/io.h"
#include "lib/map.h"
#include "lib/proc.h"
#include <inttypes.h>
#include <sys/stat.h>

static int sign(void *ctx, struct slice data, struct buf *sig, struct err *e)
{
	const struct efi_signer *s = ctx;

	return keyset_sign(s->keys, s->role, "SHA256", data, sig, e);
}

int efi_signer_open(
        struct efi_signer *s, const struct keyset *k, const char *role, uint64_t time, struct err *e)
{
	*s = (struct efi_signer){
		.pkcs7 = { .time = time, .ctx = s, .sign = sign }, .keys = k, .role = role
	};
	return keyset_cert(k, role, &s->pkcs7.cert, e);
}

void efi_signer_free(struct efi_signer *s)
{
	X509_free(s->pkcs7.cert);
	s->pkcs7.cert = NULL;
}

int efi_signer_cert(const struct efi_signer *s, struct buf *ret, struct err *e)
{
	uint8_t *der = NULL;
	int n = i2d_X509(s->pkcs7.cert, &der);

	if (n <= 0)
		return err_set(e, -EIO, "libcrypto could not write the certificate of %s", s->role);
	buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}

/* NAME is what errors call the program. With the signer's certificate in db and nothing in dbx, the firmware
 * would start it. */
static int check(const struct efi_signer *s, const char *name, const char *path, struct err *e)
{
	static const uint8_t owner[UUID_LEN];
	_map_ struct slice image = { 0 };
	_buf_ struct buf cert = { 0 }, db = { 0 };
	enum authority authority;
	struct slice entry;
	struct pe pe;

	if (efi_signer_cert(s, &cert, e))
		return e->code;
	siglist_add_cert(&db, owner, buf_slice(&cert));
	if (map_file(path, &image, e) || pe_parse(name, image, &pe, e) ||
	        authenticode_authority(&pe, buf_slice(&db), (struct slice){ 0 }, &authority, &entry, e))
		return e->code;
	return authority == AUTHORITY_DB
	               ? 0
	               : err_set(e, -EBADMSG, "%s: the signature does not verify with the certificate of %s",
	                         name, s->role);
}

/* sbsign and sbverify of the toolchain; only the latter where KEY is "-". */
static int run_sbsign(const struct efi_signer *s, const char *builder, const char *key, const char *in,
        const char *out, struct err *e)
{
	_free_ char *cert = xasprintf("%s/%s.crt", keyset_dir(s->keys), s->role);
	_free_ char *time = xasprintf("%" PRIu64, s->pkcs7.time);
	char *argv[] = { (char *)"tools/sbsign.sh", (char *)builder, time, (char *)key, cert, (char *)in,
		(char *)out, NULL };
	_buf_ struct buf said = { 0 };

	return proc_capture(argv, NULL, &said, e);
}

static int sign_ourselves(const struct efi_signer *s, const char *in, const char *out, struct err *e)
{
	_map_ struct slice image = { 0 };
	_buf_ struct buf b = { 0 };

	if (map_file(in, &image, e) || pe_sign(in, image, &s->pkcs7, &b, e))
		return e->code;
	return io_write_file(out, buf_slice(&b), 0644, e);
}

static int sign_into(
        const struct efi_signer *s, const char *builder, const char *in, const char *out, struct err *e)
{
	_free_ char *key = NULL;
	enum key_kind kind;

	if (keyset_held(s->keys, s->role, &kind, e))
		return e->code;
	if (builder && kind == KEY_FILE) {
		if (keyset_key_file(s->keys, s->role, &key, e) || run_sbsign(s, builder, key, in, out, e))
			return e->code;
	} else if (sign_ourselves(s, in, out, e) || (builder && run_sbsign(s, builder, "-", in, out, e))) {
		return e->code;
	}
	return check(s, in, out, e);
}

int efi_sign(const struct efi_signer *s, const char *builder, const char *in, const char *out, struct err *e)
{
	_free_ char *tmp = xasprintf("%s.tmp.%d", out, (int)getpid());

	if (sign_into(s, builder, in, tmp, e) || (chmod(tmp, 0644) && err_errno(e, "%s", tmp)) ||
	        io_commit(tmp, out, e)) {
		unlink(tmp);
		return e->code;
	}
	return 0;
}
