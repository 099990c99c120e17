#include "keygen.h"
#include "keyset.h"
#include "lib/io.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

/* Fixed, so that no key set tells when it was made; UTCTime ends with 2049 (RFC 5280, 4.1.2.5). */
#define NOT_BEFORE "20250101000000Z"
#define NOT_AFTER "20491231235959Z"

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

/* The serial number comes from the key: unlike a random one it adds nothing to keep. */
static bool set_serial(X509 *cert, EVP_PKEY *key)
{
	uint8_t *der = NULL, digest[SHA256_LEN];
	int n = i2d_PUBKEY(key, &der);
	BIGNUM *bn;
	bool ok;

	if (n <= 0)
		return false;
	sha256(slice_of(der, (size_t)n), digest);
	OPENSSL_free(der);
	digest[0] = (digest[0] & 0x7f) | 0x40; /* positive, always 16 bytes */
	bn = BN_bin2bn(digest, 16, NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert));
	BN_free(bn);
	return ok;
}

/*
 * Self-signed and no CA: what Secure Boot enrols is the signer itself. EDK2 and shim check neither purpose
 * nor time (edk2 CryptoPkg/Library/BaseCryptLib/Pk/CryptPkcs7VerifyCommon.c), OpenSSL's verifiers do.
 */
static X509 *certify(const char *role, EVP_PKEY *key)
{
	_free_ char *cn = xasprintf("bulla DEVELOPMENT %s", role);
	X509 *cert = X509_new();
	X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;

	if (name && X509_set_version(cert, X509_VERSION_3) && set_serial(cert, key) &&
	        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0) &&
	        X509_set_issuer_name(cert, name) &&
	        ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), NOT_BEFORE) &&
	        ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), NOT_AFTER) &&
	        X509_set_pubkey(cert, key) &&
	        add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	        add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	        add_extension(cert, NID_subject_key_identifier, "hash") && X509_sign(cert, key, EVP_sha256()))
		return cert;
	X509_free(cert);
	return NULL;
}

static int write_pem(
        const char *dir, const char *role, const char *suffix, BIO *bio, mode_t mode, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s.%s", dir, role, suffix);
	char *text;
	long n = BIO_get_mem_data(bio, &text);

	return io_write_file(path, slice_of(text, (size_t)n), mode, e);
}

static int write_pair(const char *dir, const struct key_role *role, EVP_PKEY *key, struct err *e)
{
	BIO *private = BIO_new(BIO_s_secmem()), *public = BIO_new(BIO_s_mem());
	X509 *cert = role->certified ? certify(role->name, key) : NULL;
	bool ok = private && public && PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) &&
	          (role->certified ? cert && PEM_write_bio_X509(public, cert)
	                           : PEM_write_bio_PUBKEY(public, key));
	int r = ok ? 0 : err_set(e, -EIO, "libcrypto could not write the key %s", role->name);

	if (!r && !(r = write_pem(dir, role->name, "key", private, 0600, e)))
		r = write_pem(dir, role->name, role->certified ? "crt" : "pub", public, 0644, e);
	X509_free(cert);
	BIO_free(private);
	BIO_free(public);
	ERR_clear_error();
	return r;
}

static int make_pair(const char *dir, const struct key_role *role, struct err *e)
{
	EVP_PKEY *key = role->curve ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", role->curve)
	                            : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	int r = key ? write_pair(dir, role, key, e)
	            : err_set(e, -EIO, "libcrypto could not make the key %s", role->name);

	EVP_PKEY_free(key);
	return r;
}

/* Written last: a folder without it is no key set. */
static int write_conf(const char *dir, struct err *e)
{
	_free_ char *path = xasprintf("%s/keyset.conf", dir);
	uint8_t owner[UUID_LEN];
	char text[UUID_TEXT];
	_buf_ struct buf b = { 0 };

	if (RAND_bytes(owner, sizeof(owner)) != 1)
		return err_set(e, -EIO, "libcrypto has no random numbers");
	owner[6] = (owner[6] & 0x0f) | 0x40;
	owner[8] = (owner[8] & 0x3f) | 0x80;
	buf_printf(&b,
	        "# DEVELOPMENT keys of bulla: never trust what they sign on a machine that matters "
	        "(docs/keys.md).\n"
	        "[KeySet]\nKind=development\n# who signature lists say that their entries come "
	        "from\nOwner=%s\n\n[Keys]\n",
	        uuid_text(text, owner));
	for (const struct key_role *r = key_roles; r->name; r++)
		buf_printf(&b, "# %s\n%s=file:%s.key\n", r->what, r->name, r->name);
	return io_write_file(path, buf_slice(&b), 0644, e);
}

/* rename() replaces an empty folder, and nothing else that is there. */
static int put_in_place(const char *tmp, const char *dir, struct err *e)
{
	if (!io_commit(tmp, dir, e))
		return 0;
	if (e->code != -ENOTEMPTY && e->code != -EEXIST && e->code != -ENOTDIR)
		return e->code;
	err_set(e, -EEXIST, "%s: is there already, and keys are never overwritten", dir);
	err_hint(e, "--out= names another folder; docs/keys.md tells how to replace keys");
	return e->code;
}

int keygen(const char *dir, struct err *e)
{
	_free_ char *path = xstrdup(dir), *prefix = NULL, *tmp = NULL;
	int r = 0;

	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = 0;
	prefix = xasprintf("%s.new", path);
	if (io_mkparents(path, e) || io_temp_dir(prefix, &tmp, e))
		return e->code;
	for (const struct key_role *role = key_roles; !r && role->name; role++)
		r = make_pair(tmp, role, e);
	if (!r && !(r = write_conf(tmp, e)))
		r = put_in_place(tmp, path, e);
	if (r) {
		struct err ignored = { 0 };

		io_remove_tree(tmp, &ignored);
	}
	return r;
}
