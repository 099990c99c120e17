/* Settings, user data and the command line. */
#include "config/internal.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_buf_ struct buf toml = { 0 }, text = { 0 };
	struct config c = { 0 };
	struct err e = { 0 };
	uint8_t digest[HASH_MAX];
	enum hash_alg alg;

	buf_add(&text, p, n);
	config_cmdline(buf_str(&text), &c);
	if (config_user_data("u", slice_of(p, n), &toml, &e))
		buf_add(&toml, p, n);
	if (!config_read(buf_slice(&toml), &c, &e)) {
		assert(c.initdata && !config_digest(buf_slice(&toml), &alg, digest, &e));
		assert(alg == c.alg && !memcmp(digest, c.digest, hash_len(alg)));
		assert(c.image.pull_ms && c.image.pull_ms <= 86400000 && c.image.parallel &&
		        c.image.parallel <= 64);
	} else {
		assert(!c.initdata);
	}
	config_free(&c);
	return 0;
}
