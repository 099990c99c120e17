#include "keyset.h"
#include "keysign.h"
#include "lib/conf.h"
#include "lib/ecdsa.h"
#include "lib/io.h"
#include <ctype.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

enum { PEM_MAX = 1 << 16, COMMAND_SECONDS = 120 };

const struct key_role key_roles[] = {
	{ "PK", "owns the machine's Secure Boot: signs KEK", NULL, true },
	{ "KEK", "signs changes of db and dbx", NULL, true },
	{ "db", "signs what the firmware starts", NULL, true },
	{ "pcr", "signs PCR policies", NULL, false },
	{ "id", "signs ID blocks of SNP guests", "P-384", false },
	{ "author", "vouches for the key of ID blocks", "P-384", false },
	{ "release", "signs releases and reference values", "P-256", false },
	{ 0 },
};

struct keyset {
	char *dir;
	struct conf *conf;
	uint8_t owner[UUID_LEN];
	unsigned seconds; /* how long a command: may take */
};

const struct key_role *key_role_find(const char *name, struct err *e)
{
	const char *names[ARRAY_LEN(key_roles)] = { 0 }, *near;

	for (size_t i = 0; key_roles[i].name; i++) {
		names[i] = key_roles[i].name;
		if (!strcmp(name, names[i]))
			return &key_roles[i];
	}
	near = conf_nearest(name, names);
	err_set(e, -EINVAL, "%s: no role of a key", name);
	if (near)
		err_hint(e, "did you mean %s?", near);
	err_exit(e, EX_USAGE);
	return NULL;
}

char *keyset_default_dir(void)
{
	const char *s;

	if ((s = getenv("BULLA_KEYS")) && *s)
		return xstrdup(s);
	if ((s = getenv("XDG_DATA_HOME")) && *s)
		return xasprintf("%s/bulla/keys", s);
	s = getenv("HOME");
	return xasprintf("%s/.local/share/bulla/keys", s && *s ? s : "/root");
}

static bool parse_uuid(const char *text, uint8_t ret[UUID_LEN])
{
	char hex[2 * UUID_LEN + 1], again[UUID_TEXT];
	size_t n = 0;

	for (const char *c = text; *c && n < 2 * UUID_LEN; c++)
		if (*c != '-')
			hex[n++] = *c;
	hex[n] = 0;
	return hex_decode(hex, ret, UUID_LEN) && !strcasecmp(uuid_text(again, ret), text);
}

static int check_conf(struct keyset *k, const char *path, struct err *e)
{
	const char *kind = conf_get(k->conf, "KeySet.Kind"), *owner = conf_get(k->conf, "KeySet.Owner"),
	           *seconds = conf_get(k->conf, "KeySet.CommandSeconds");

	k->seconds = COMMAND_SECONDS;

	if (!kind || (strcmp(kind, "development") && strcmp(kind, "release")))
		return err_set(
		        e, -EINVAL, "%s: Kind=%s, expected development or release", path, kind ? kind : "");
	if (!owner || !parse_uuid(owner, k->owner))
		return err_set(e, -EINVAL, "%s: Owner=%s, expected a GUID", path, owner ? owner : "");
	if (seconds) {
		char *end;
		unsigned long n = strtoul(seconds, &end, 10);

		if (*end || !n || n > 86400)
			return err_set(
			        e, -EINVAL, "%s: CommandSeconds=%s, expected 1 to 86400", path, seconds);
		k->seconds = (unsigned)n;
	}
	return 0;
}

int keyset_open(const char *dir, struct keyset **ret, struct err *e)
{
	static const char *const known[] = { "KeySet.Kind", "KeySet.Owner", "KeySet.CommandSeconds",
		"Keys.PK", "Keys.KEK", "Keys.db", "Keys.pcr", "Keys.id", "Keys.author", "Keys.release",
		NULL };
	_keyset_ struct keyset *k = xcalloc(1, sizeof(*k));
	_free_ char *path = NULL;

	k->dir = dir ? xstrdup(dir) : keyset_default_dir();
	path = xasprintf("%s/keyset.conf", k->dir);
	if (conf_read(path, known, &k->conf, e)) {
		if (e->code == -ENOENT)
			err_hint(e, "`bulla sign keygen` makes a development key set; BULLA_KEYS= or --keys "
			            "names another folder");
		return e->code;
	}
	if (check_conf(k, path, e))
		return e->code;
	*ret = TAKE(k);
	return 0;
}

void keyset_freep(struct keyset **k)
{
	if (!*k)
		return;
	conf_freep(&(*k)->conf);
	free((*k)->dir);
	free(*k);
	*k = NULL;
}

const char *keyset_dir(const struct keyset *k)
{
	return k->dir;
}

const char *keyset_kind(const struct keyset *k)
{
	return conf_get(k->conf, "KeySet.Kind");
}

void keyset_owner(const struct keyset *k, uint8_t ret[UUID_LEN])
{
	memcpy(ret, k->owner, UUID_LEN);
}

/* The role's line without its kind. */
static int find_key(
        const struct keyset *k, const char *role, enum key_kind *kind, const char **rest, struct err *e)
{
	static const char *const prefix[] = {
		[KEY_FILE] = "file:", [KEY_PKCS11] = "pkcs11:", [KEY_COMMAND] = "command:"
	};
	_free_ char *key = xasprintf("Keys.%s", role);
	const char *line = conf_get(k->conf, key);

	if (!key_role_find(role, e))
		return e->code;
	if (!line) {
		err_set(e, -ENOENT, "%s/keyset.conf: no key for %s=", k->dir, role);
		return err_exit(e, EX_MISSING);
	}
	for (size_t i = 0; i < ARRAY_LEN(prefix); i++)
		if (!strncmp(line, prefix[i], strlen(prefix[i]))) {
			*kind = (enum key_kind)i;
			/* the URI keeps its scheme */
			*rest = i == KEY_PKCS11 ? line : line + strlen(prefix[i]);
			return 0;
		}
	/* not the rest of the line: it may hold a secret */
	return err_set(e, -EINVAL, "%s/keyset.conf: %s=%.*s…: expected file:, pkcs11: or command:", k->dir,
	        role, (int)strcspn(line, ":"), line);
}

int keyset_held(const struct keyset *k, const char *role, enum key_kind *ret, struct err *e)
{
	const char *rest;

	return find_key(k, role, ret, &rest, e);
}

static char *path_in(const struct keyset *k, const char *name)
{
	return *name == '/' ? xstrdup(name) : xasprintf("%s/%s", k->dir, name);
}

/* As ssh does: a key that others may read is no secret any more. */
static int open_private(const char *path, int *ret, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > PEM_MAX)
		return err_set(e, -EINVAL, "%s: not a file of at most %d bytes", path, PEM_MAX);
	if (st.st_mode & 077) {
		err_set(e, -EPERM,
		        "%s: private key of mode %04o, expected one that nobody but its owner may read", path,
		        (unsigned)(st.st_mode & 07777));
		err_hint(e, "chmod 600 %s; a key that others could read should be replaced", path);
		return e->code;
	}
	*ret = TAKE_FD(fd);
	return 0;
}

int keyset_key_file(const struct keyset *k, const char *role, char **ret, struct err *e)
{
	_free_ char *path = NULL;
	_close_ int fd = -1;
	enum key_kind kind;
	const char *rest;

	if (find_key(k, role, &kind, &rest, e))
		return e->code;
	if (kind != KEY_FILE) {
		err_set(e, -EOPNOTSUPP, "%s/keyset.conf: %s is held elsewhere, expected a file:", k->dir,
		        role);
		return err_exit(e, EX_UNSUPPORTED);
	}
	path = path_in(k, rest);
	if (open_private(path, &fd, e))
		return e->code;
	*ret = TAKE(path);
	return 0;
}

/* Nobody is asked for a passphrase. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

static int read_private(const char *path, EVP_PKEY **ret, struct err *e)
{
	_close_ int fd = -1;
	uint8_t *text;
	ssize_t n;
	BIO *bio;

	if (open_private(path, &fd, e))
		return e->code;
	text = xcalloc(1, PEM_MAX);
	n = read(fd, text, PEM_MAX);
	bio = n > 0 ? BIO_new_mem_buf(text, (int)n) : NULL;
	*ret = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	OPENSSL_cleanse(text, PEM_MAX);
	free(text);
	ERR_clear_error();
	return *ret ? 0 : err_set(e, -EINVAL, "%s: no private key in PEM, or one with a passphrase", path);
}

/* OpenSSL's name of a digest. */
static bool digest_by_name(const char *name, enum hash_alg *ret)
{
	_free_ char *lower = xstrdup(name);

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return hash_by_name(lower, ret);
}

/* With EC, too, the same each time. */
static int sign_by_file(
        const char *path, const char *digest, struct slice data, struct buf *sig, struct err *e)
{
	EVP_PKEY *key = NULL;
	enum hash_alg alg;
	bool ok;

	if (read_private(path, &key, e))
		return e->code;
	ok = EVP_PKEY_is_a(key, "EC") ? digest_by_name(digest, &alg) && ecdsa_sign(key, alg, data, sig)
	                              : keysign_libcrypto(NULL, key, digest, data, sig);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok ? 0 : err_set(e, -EIO, "%s: libcrypto could not sign with %s", path, digest);
}

/* A certificate or signature of another key must not leave the house. */
static int check_signature(const struct keyset *k, const char *role, const char *digest, struct slice data,
        struct slice sig, struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *pub = NULL;
	int r = keyset_public(k, role, &pub, e);

	if (!r && (!ctx || EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, pub, NULL) != 1 ||
	                  EVP_DigestVerify(ctx, sig.p, sig.n, data.p, data.n) != 1))
		r = err_set(e, -EBADMSG,
		        "the signature of %zu bytes does not verify with the public half in %s", sig.n,
		        k->dir);
	EVP_PKEY_free(pub);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

static int sign_by_kind(const struct keyset *k, enum key_kind kind, const char *rest, const char *role,
        const char *digest, struct slice data, struct buf *sig, struct err *e)
{
	_free_ char *path = kind == KEY_FILE ? path_in(k, rest) : NULL;

	if (kind == KEY_COMMAND)
		return keysign_command(rest, role, digest, data, k->seconds, sig, e);
	if (kind == KEY_PKCS11)
		return keysign_pkcs11(rest, digest, data, sig, e);
	return sign_by_file(path, digest, data, sig, e);
}

int keyset_sign(const struct keyset *k, const char *role, const char *digest, struct slice data,
        struct buf *sig, struct err *e)
{
	_buf_ struct buf out = { 0 };
	enum key_kind kind;
	const char *rest;

	if (find_key(k, role, &kind, &rest, e))
		return e->code;
	if (sign_by_kind(k, kind, rest, role, digest, data, &out, e) ||
	        check_signature(k, role, digest, data, buf_slice(&out), e))
		return err_wrap(e, "key %s", role);
	buf_add(sig, out.p, out.n);
	return 0;
}

static int check_public(const struct key_role *role, const char *path, EVP_PKEY *key, struct err *e)
{
	char curve[80] = "";

	if (!role->curve)
		return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 2048
		               ? 0
		               : err_set(e, -EINVAL, "%s: expected RSA of 2048 bits or more", path);
	if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1 ||
	        OBJ_txt2nid(curve) != EC_curve_nist2nid(role->curve))
		return err_set(e, -EINVAL, "%s: key on curve %s, expected %s", path, *curve ? curve : "none",
		        role->curve);
	return 0;
}

/* Either of *CERT and *KEY is set. */
static int read_public(
        const struct keyset *k, const struct key_role *role, X509 **cert, EVP_PKEY **key, struct err *e)
{
	_free_ char *crt = xasprintf("%s/%s.crt", k->dir, role->name),
	            *pub = xasprintf("%s/%s.pub", k->dir, role->name);
	bool certified = role->certified || io_exists(crt);
	const char *path = certified ? crt : pub;
	_buf_ struct buf b = { 0 };
	EVP_PKEY *found;
	BIO *bio;

	if (io_read_file(path, PEM_MAX, &b, e))
		return e->code;
	bio = BIO_new_mem_buf(b.p, (int)b.n);
	if (bio && certified)
		*cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	else if (bio)
		*key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	found = *cert ? X509_get0_pubkey(*cert) : *key;
	if (!found)
		return err_set(
		        e, -EINVAL, "%s: no %s in PEM", path, certified ? "certificate" : "public key");
	return check_public(role, path, found, e);
}

static int load_public(const struct keyset *k, const char *name, X509 **cert, EVP_PKEY **key, struct err *e)
{
	const struct key_role *role = key_role_find(name, e);

	*cert = NULL;
	*key = NULL;
	if (!role)
		return e->code;
	if (read_public(k, role, cert, key, e)) {
		X509_free(*cert);
		EVP_PKEY_free(*key);
		return e->code;
	}
	return 0;
}

int keyset_public(const struct keyset *k, const char *role, EVP_PKEY **ret, struct err *e)
{
	EVP_PKEY *key;
	X509 *cert;

	if (load_public(k, role, &cert, &key, e))
		return e->code;
	*ret = cert ? X509_get_pubkey(cert) : key;
	X509_free(cert);
	return 0;
}

int keyset_cert(const struct keyset *k, const char *role, X509 **ret, struct err *e)
{
	EVP_PKEY *key;

	if (load_public(k, role, ret, &key, e))
		return e->code;
	EVP_PKEY_free(key);
	return *ret ? 0 : err_set(e, -ENODATA, "%s/%s.crt: no certificate for this role", k->dir, role);
}
