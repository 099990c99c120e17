/* bulla refvals: what verifiers compare with. */
#include "lib/conf.h"
#include "lib/mem.h"
#include "refvals_check.h"
#include "refvals_merge.h"
#include "refvals_write.h"

static const struct task {
	const char *name;
	int (*run)(const struct args *a, struct err *e);
} tasks[] = {
	{ "check", refvals_check },
	{ "merge", refvals_merge },
	{ "write", refvals_write },
};

static int run(const struct args *a, struct err *e)
{
	const char *names[ARRAY_LEN(tasks) + 1] = { 0 }, *word = a->n_rest ? a->rest[0] : "", *near;

	for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
		names[i] = tasks[i].name;
		if (!strcmp(word, names[i]) && (a->n_rest == 1 || tasks[i].run != refvals_write))
			return tasks[i].run(a, e);
	}
	near = conf_nearest(word, names);
	err_set(e, -EINVAL, "%s: expected one of check, merge, write", *word ? word : "no task");
	if (near)
		err_hint(e, "did you mean %s?", near);
	return err_exit(e, EX_USAGE);
}

static const struct opt opts[] = {
	{ "bundles", "DIR", "write: the bundles, each in a folder" },
	{ "out", "PATH", "write: the folder, which is replaced; merge: the file" },
	{ "set", "NAME=VALUE", "write: a value that only the operator knows (repeatable)" },
	{ "conf", "FILE", "write: the same as NAME=VALUE in [PLATFORM]" },
	{ "deny", "FILE", "check, merge: a set whose denied values may not be there (repeatable)" },
	{ "key", "FILE", "check: the public key, in PEM, of which signed CoRIM must be" },
	{ "unsigned", NULL, "write: CoRIM without signatures" },
	{ "keys", "DIR",
	        "write: the key set that signs (default: $BULLA_KEYS, else bulla/keys in the user's data "
	        "directory)" },
	{ "signer", "NAME", "write: who signs, as the signed CoRIM names it" },
	{ 0 },
};
const struct verb verb_refvals = { "refvals", "write, check and merge what verifiers compare with",
	"write|check FILE…|merge FILE…", opts, run };
