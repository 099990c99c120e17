/* ENGINE is how Debian 12 reaches a token; OpenSSL 3 calls it deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "keysign.h"
#include "lib/proc.h"
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <sys/mman.h>

static EVP_PKEY *from_provider(const char *uri)
{
	OSSL_STORE_CTX *store;
	EVP_PKEY *key = NULL;

	/* beside the default one */
	if (!OSSL_PROVIDER_try_load(NULL, "pkcs11", 1))
		return NULL;
	store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
	while (store && !key && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
		if (!info && OSSL_STORE_error(store))
			break;
	}
	OSSL_STORE_close(store);
	return key;
}

static EVP_PKEY *from_engine(const char *uri, bool *loaded)
{
	ENGINE *engine = ENGINE_by_id("pkcs11");
	EVP_PKEY *key = NULL;

	*loaded = engine != NULL;
	if (engine && ENGINE_init(engine)) {
		key = ENGINE_load_private_key(engine, uri, NULL, NULL);
		ENGINE_finish(engine);
	}
	ENGINE_free(engine);
	return key;
}

int keysign_pkcs11(const char *uri, EVP_PKEY **ret, struct err *e)
{
	size_t shown = strcspn(uri, "?"); /* after it may come a PIN */
	bool loaded = false;
	char why[200];

	*ret = from_provider(uri);
	if (!*ret && OSSL_PROVIDER_available(NULL, "pkcs11"))
		loaded = true;
	else if (!*ret)
		*ret = from_engine(uri, &loaded);
	ERR_error_string_n(ERR_peek_last_error(), why, sizeof(why));
	ERR_clear_error();
	if (*ret)
		return 0;
	if (loaded)
		return err_set(e, -ENOENT, "%.*s: no such private key, or no access to it (%s)", (int)shown,
		        uri, why);
	err_set(e, -ENOENT, "%.*s: OpenSSL has neither a provider nor an engine for PKCS#11", (int)shown,
	        uri);
	err_hint(e, "Debian: pkcs11-provider or libengine-pkcs11-openssl; PKCS11_PROVIDER_MODULE= or "
	            "PKCS11_MODULE_PATH= names the token's module");
	return err_exit(e, EX_MISSING);
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
