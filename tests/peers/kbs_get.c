/*
 * The agent's client of key brokers by hand, with sample evidence:
 *     kbs_get [ms=N] [ca=FILE] [initdata=FILE] [key=P-521] URL STEP…
 * where a STEP is get:URI, unseal:TEXT, token, pair or locked. Each works with the session that the one
 * before it saved, as the agent's jobs do.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include "kbs/kbs.h"
#include "lib/io.h"

static int step(struct kbs *k, const char *what, struct buf *out, struct err *e)
{
	if (!strncmp(what, "get:", 4))
		return kbs_resource(k, what + 4, out, e);
	if (!strncmp(what, "unseal:", 7))
		return kbs_unseal(k, what + 7, out, e);
	if (!strcmp(what, "token"))
		return kbs_token(k, out, e);
	if (!strcmp(what, "pair"))
		return kbs_token_pair(k, out, e);
	buf_printf(out, "%s", CRYPTO_secure_used() ? "locked" : "not locked");
	return 0;
}

int main(int argc, char **argv)
{
	struct kbs_how how = { 0 };
	_buf_ struct buf ca = { 0 }, initdata = { 0 }, session = { 0 };
	struct attester *a = NULL;
	struct err e = { 0 };
	int i = 1;

	for (; i < argc && strchr(argv[i], '=') && strncmp(argv[i], "http", 4); i++) {
		const char *value = strchr(argv[i], '=') + 1;

		if (*argv[i] == 'm') {
			how.ms = strtoul(value, NULL, 10);
		} else if (*argv[i] == 'k') {
			how.key = value;
		} else if (io_read_file(value, 0, *argv[i] == 'c' ? &ca : &initdata, &e)) {
			goto failed;
		}
	}
	how.url = i < argc ? argv[i++] : NULL;
	how.ca_pem = ca.n ? buf_str(&ca) : NULL;
	how.initdata = buf_slice(&initdata);
	if (attest_open("/", true, &a, &e))
		goto failed;
	for (; i < argc; i++) {
		struct kbs *k = kbs_new(&how, a);
		struct buf out = { 0 };

		kbs_load(k, buf_slice(&session));
		kbs_wipe(&session);
		step(k, argv[i], &out, &e);
		kbs_save(k, &session);
		fwrite(out.p, 1, out.n, stdout);
		putchar('\n');
		kbs_wipe(&out);
		kbs_freep(&k);
		if (e.code)
			goto failed;
	}
	kbs_wipe(&session);
	attest_freep(&a);
	return 0;
failed:
	fprintf(stderr, "kbs_get: %s (%s)\n", e.msg, strerrorname_np(-e.code));
	attest_freep(&a);
	return 1;
}
