/* Witness: $VECTORS/agent/sealed-secret, sealed by npm's jose; the keys are injected, so no broker is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "lib/base64.h"
#include "lib/io.h"
#include "policy/policy.h"
#include "run/unseal.h"

#define SECRETS "/run/secrets"
#define BUNDLE "/run/bundle"
#define VOLUME POLICY_SHARED "c-0123-secret"

struct world {
	char *sealed;
	struct kbs *kbs;
};

static void put(const char *path, const char *text, mode_t mode)
{
	struct err e = { 0 };

	assert_int_equal(io_mkparents(path, &e), 0);
	assert_int_equal(io_write_file(path, slice_str(text), mode, &e), 0);
}

static void add_key(json_t *all, const char *name, struct slice value)
{
	_buf_ struct buf b = { 0 };

	base64_encode(&b, value);
	json_object_set_new(all, name, json_string(buf_str(&b)));
}

static int prepare(void **state)
{
	const char *dir = getenv("VECTORS");
	_free_ char *base = xasprintf("%s/agent/sealed-secret", dir ? dir : "../shared/vectors");
	_free_ char *cases = xasprintf("%s/cases.json", base), *text = NULL;
	_free_ char *signer = xasprintf("%s/signing-key-public.jwk.json", base);
	const struct kbs_how how = { .secrets = SECRETS };
	struct world *w = xcalloc(1, sizeof(*w));
	json_t *v = json_load_file(cases, 0, NULL), *keys = json_object();
	_buf_ struct buf jwk = { 0 };
	struct err e = { 0 };

	*state = w;
	if (!v || io_read_file(signer, 0, &jwk, &e) < 0 || geteuid() || unshare(CLONE_NEWNS) < 0 ||
	        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	        mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0)
		return 0;
	w->sealed = xstrdup(json_string_value(json_object_get(json_array_get(v, 0), "sealed")));
	add_key(keys, "default/signing-key/sealed-secret", buf_slice(&jwk));
	add_key(keys, "default/type/tag", slice_str("the secret"));
	text = json_dumps(keys, 0);
	put(SECRETS "/e6f5a162-d67f-4750-a67c-5d065f2a9910", text, 0600);
	json_decref(keys);
	json_decref(v);
	w->kbs = kbs_new(&how, NULL);
	put(BUNDLE "/x", "", 0600);
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	kbs_freep(&w->kbs);
	free(w->sealed);
	free(w);
	return 0;
}

static struct world *needed(void **state)
{
	struct world *w = *state;

	if (!w->kbs) {
		print_message("the vectors are missing, or this is not root\n");
		skip();
	}
	return w;
}

static void test_env(void **state)
{
	const struct world *w = needed(state);
	_free_ char *value = xasprintf("S=%s", w->sealed), *broken = xasprintf("S=%s", w->sealed);
	json_t *spec = json_pack("{s:{s:[s,s,s]}}", "process", "env", "A=sealed", value, "B=x=sealed.y");
	json_t *env = json_object_get(json_object_get(spec, "process"), "env");
	struct err e = { 0 };

	assert_int_equal(unseal_env(w->kbs, spec, &e), 0);
	assert_string_equal(json_string_value(json_array_get(env, 0)), "A=sealed");
	assert_string_equal(json_string_value(json_array_get(env, 1)), "S=the secret");
	assert_string_equal(json_string_value(json_array_get(env, 2)), "B=x=sealed.y");
	broken[strlen(broken) - 1] ^= 'A' ^ 'Q';
	json_array_set_new(env, 1, json_string(broken));
	assert_true(unseal_env(w->kbs, spec, &e) < 0);
	assert_int_equal(strncmp(e.msg, "env S: ", 7), 0);
	assert_null(strstr(e.msg, w->sealed));
	json_decref(spec);
}

static void is_file(const char *path, const char *text, mode_t mode)
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	struct stat st;

	assert_int_equal(io_read_file(path, 0, &b, &e), 0);
	assert_string_equal(buf_str(&b), text);
	assert_return_code(stat(path, &st), errno);
	assert_int_equal(st.st_mode & 07777, mode);
}

static json_t *mounts(const char *source)
{
	return json_pack("{s:[{s:s,s:s},{s:s,s:s}]}", "mounts", "destination", "/proc", "source", "proc",
	        "destination", "/secret", "source", source);
}

static const char *source(const json_t *spec)
{
	return json_string_value(
	        json_object_get(json_array_get(json_object_get(spec, "mounts"), 1), "source"));
}

/* Kubernetes writes secrets below a folder of a new name, which ..data links to. */
static void test_mounts(void **state)
{
	const struct world *w = needed(state);
	json_t *spec = mounts(VOLUME), *one = mounts(VOLUME "/..1/plain");
	_free_ char *line = xasprintf("%s\n", w->sealed);
	struct err e = { 0 };
	char target[64] = "";

	put(VOLUME "/..1/password", line, 0640);
	put(VOLUME "/..1/plain", "nothing sealed. here", 0644);
	assert_return_code(symlink("..1", VOLUME "/..data"), errno);
	assert_return_code(symlink("..data/password", VOLUME "/password"), errno);
	assert_int_equal(unseal_mounts(w->kbs, spec, BUNDLE, &e), 0);
	assert_string_equal(source(spec), BUNDLE "/secrets/1");
	is_file(BUNDLE "/secrets/1/password", "the secret", 0640);
	is_file(BUNDLE "/secrets/1/..1/plain", "nothing sealed. here", 0644);
	assert_true(readlink(BUNDLE "/secrets/1/..data", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "..1");
	is_file(VOLUME "/..1/password", line, 0640);
	/* what is not sealed stays where it is */
	assert_int_equal(unseal_mounts(w->kbs, one, BUNDLE, &e), 0);
	assert_string_equal(source(one), VOLUME "/..1/plain");
	json_decref(spec);
	json_decref(one);
}

static void test_mounts_refused(void **state)
{
	const struct world *w = needed(state);
	json_t *spec = mounts(VOLUME "2");
	struct err e = { 0 };

	put(VOLUME "2/password", "sealed.x.y.z", 0600);
	assert_true(unseal_mounts(w->kbs, spec, BUNDLE "/..", &e) < 0);
	assert_int_equal(strncmp(e.msg, "mounts[1]: password: ", 21), 0);
	json_decref(spec);
	/* a link is followed nowhere */
	spec = mounts(VOLUME "3");
	assert_return_code(symlink("/etc", VOLUME "3"), errno);
	assert_int_equal(unseal_mounts(w->kbs, spec, BUNDLE, &e), -ELOOP);
	json_decref(spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_mounts_refused),
	};

	return cmocka_run_group_tests(tests, prepare, end);
}
