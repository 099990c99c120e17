/* ENGINE is how Debian 12 reaches a token; OpenSSL 3 calls it deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "keysign.h"
#include "lib/proc.h"
#include <openssl/conf.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <sys/mman.h>

bool keysign_libcrypto(
        OSSL_LIB_CTX *lib, EVP_PKEY *key, const char *digest, struct slice data, struct buf *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 0, at = sig->n;
	bool ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, digest, lib, NULL, key, NULL) == 1 &&
	          EVP_DigestSign(ctx, NULL, &n, data.p, data.n) == 1 &&
	          EVP_DigestSign(ctx, buf_zeros(sig, n), &n, data.p, data.n) == 1;

	sig->n = ok ? at + n : at;
	EVP_MD_CTX_free(ctx);
	return ok;
}

/*
 * A library context of its own: a token's module may itself use libcrypto's default one (SoftHSM does), and
 * would wait for itself when it found the provider there.
 */
struct token {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *base, *pkcs11;
	EVP_PKEY *key;
	bool loaded; /* OpenSSL knows how to reach tokens */
};

static void token_free(struct token *t)
{
	EVP_PKEY_free(t->key);
	if (t->pkcs11)
		OSSL_PROVIDER_unload(t->pkcs11);
	if (t->base)
		OSSL_PROVIDER_unload(t->base);
	OSSL_LIB_CTX_free(t->lib);
	ERR_clear_error();
}
#define _token_ __attribute__((cleanup(token_free)))

static void find_by_provider(struct token *t, const char *uri)
{
	char *conf = CONF_get1_default_config_file();
	OSSL_STORE_CTX *store;

	t->lib = OSSL_LIB_CTX_new();
	/* it may say which module to take; PKCS11_PROVIDER_MODULE does without */
	if (t->lib && conf)
		OSSL_LIB_CTX_load_config(t->lib, conf);
	OPENSSL_free(conf);
	t->base = t->lib ? OSSL_PROVIDER_load(t->lib, "default") : NULL;
	t->pkcs11 = t->base ? OSSL_PROVIDER_load(t->lib, "pkcs11") : NULL;
	t->loaded = t->pkcs11 != NULL;
	if (!t->loaded)
		return;
	store = OSSL_STORE_open_ex(uri, t->lib, NULL, NULL, NULL, NULL, NULL, NULL);
	while (store && !t->key && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			t->key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
		if (!info && OSSL_STORE_error(store))
			break;
	}
	OSSL_STORE_close(store);
}

static void find_by_engine(struct token *t, const char *uri)
{
	ENGINE *engine = ENGINE_by_id("pkcs11");

	t->loaded = engine != NULL;
	if (engine && ENGINE_init(engine)) {
		t->key = ENGINE_load_private_key(engine, uri, NULL, NULL);
		ENGINE_finish(engine);
	}
	ENGINE_free(engine);
}

static int no_key(const struct token *t, const char *uri, struct err *e)
{
	int shown = (int)strcspn(uri, "?"); /* after it may come a PIN */
	char why[200];

	ERR_error_string_n(ERR_peek_last_error(), why, sizeof(why));
	if (t->loaded)
		return err_set(
		        e, -ENOENT, "%.*s: no such private key, or no access to it (%s)", shown, uri, why);
	err_set(e, -ENOENT, "%.*s: OpenSSL has neither a provider nor an engine for PKCS#11", shown, uri);
	err_hint(e, "Debian: pkcs11-provider or libengine-pkcs11-openssl; PKCS11_PROVIDER_MODULE= or "
	            "PKCS11_MODULE_PATH= names the token's module");
	return err_exit(e, EX_MISSING);
}

int keysign_pkcs11(const char *uri, const char *digest, struct slice data, struct buf *sig, struct err *e)
{
	_token_ struct token t = { 0 };

	find_by_provider(&t, uri);
	if (!t.loaded)
		find_by_engine(&t, uri);
	if (!t.key)
		return no_key(&t, uri, e);
	/* an engine's key belongs to the default context */
	if (!keysign_libcrypto(t.pkcs11 ? t.lib : NULL, t.key, digest, data, sig))
		return err_set(e, -EIO, "%.*s: the token could not sign with %s", (int)strcspn(uri, "?"), uri,
		        digest);
	return 0;
}

int keysign_command(const char *line, const char *role, const char *digest, struct slice data,
        unsigned seconds, struct buf *ret, struct err *e)
{
	_close_ int fd =
	        memfd_create("bulla-sign", 0); /* stays open in the command, which reads it from its start */
	_free_ char *script = xasprintf("exec </dev/fd/%d\n%s", fd, line), *limit = xasprintf("%u", seconds);
	_free_ char *role_env = xasprintf("BULLA_ROLE=%s", role),
	            *digest_env = xasprintf("BULLA_DIGEST=%s", digest);
	char *argv[] = { (char *)"timeout", (char *)"--kill-after=5", limit, (char *)"sh", (char *)"-c",
		script, NULL };
	char *env[] = { role_env, digest_env, NULL };

	if (fd < 0)
		return err_errno(e, "memfd_create");
	while (data.n) {
		ssize_t n = write(fd, data.p, data.n);

		if (n < 0)
			return err_errno(e, "memfd");
		data = slice_of(data.p + n, data.n - (size_t)n);
	}
	if (!proc_capture(argv, env, ret, e))
		return 0;
	err_wrap(e, "command:"); /* not the line: it may hold a secret */
	err_hint(e, "timeout's status 124 says that %u s were over", seconds);
	return e->code;
}
