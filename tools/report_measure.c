#include "report.h"
#include "measured.h"
#include "measuring.h"

static int measure(const char *dir, const json_t *manifest, json_t **ret, struct err *e)
{
	const struct tee *t = tee_find(json_text(manifest, "tee"), e);
	_free_ void *given = xcalloc(1, sizeof(*((struct args *)0)->given));
	struct args a = { .given = given, .n_given = 1 };
	_loaded_ struct loaded l = { 0 };
	_result_ struct result r = { .log = true };

	if (!t)
		return e->code;
	a.given[0].name = "bundle";
	a.given[0].value = dir;
	if (inputs_load(&a, t, true, &l, e))
		return e->code;
	/* the same steps once a bank would hide them from people */
	l.in.banks = 1U << HASH_SHA256;
	if (t->measure(&l.in, &r, e))
		return e->code;
	*ret = result_json(t, &l, &r, true);
	return 0;
}

static void add_step(json_t *steps, const json_t *manifest, const char *reg, const char *what,
        const char *from, uint64_t length)
{
	const char *value = json_text(json_object_get(manifest, "registers"), reg);

	if (*value)
		json_array_append_new(steps,
		        json_pack("{ss ss ss si sI ss ss}", "register", reg, "what", what, "from", from,
		                "offset", 0, "length", (json_int_t)length, "digest", value, "after", value));
}

/* The registers that no TEE has: digests of files, as they are. */
static json_t *of_files(const json_t *manifest)
{
	json_t *files = json_object_get(manifest, "files"), *registers = json_object(), *steps = json_array(),
	       *step;
	uint64_t cmdline = strlen(json_text(manifest, "cmdline"));
	size_t i;

	add_step(steps, manifest, "kernel_hashes.kernel", "vmlinuz", "kernel",
	        json_size(json_object_get(files, "vmlinuz"), "size"));
	add_step(steps, manifest, "kernel_hashes.initrd", "initrd", "initrd",
	        json_size(json_object_get(files, "initrd"), "size"));
	add_step(steps, manifest, "kernel_hashes.cmdline", "command line with its NUL", "cmdline",
	        cmdline + 1);
	add_step(steps, manifest, "roothash", "dm-verity root", "rootfs",
	        json_size(json_object_get(files, "rootfs.img"), "size"));
	json_array_foreach (steps, i, step)
		json_object_set(registers, json_text(step, "register"), json_object_get(step, "after"));
	return json_pack("{ss ss s{} s{sO sO sO sO} so s{} so}", "schema", MEASURE_SCHEMA, "tee", "files",
	        "stack", "inputs", "kernel", json_object_get(files, "vmlinuz"), "initrd",
	        json_object_get(files, "initrd"), "rootfs", json_object_get(files, "rootfs.img"), "cmdline",
	        json_object_get(manifest, "cmdline"), "registers", registers, "unknown", "steps", steps);
}

/* The manifest's registers that are measured otherwise now. */
static json_t *disagreements(const json_t *manifest, const json_t *measured)
{
	json_t *all = json_array(), *value;
	const char *name;

	json_object_foreach (json_object_get(measured, "registers"), name, value) {
		_free_ char *key = xasprintf("%s.%s", json_text(measured, "tee"), name);
		json_t *said = json_object_get(json_object_get(manifest, "registers"), key);

		if (said && !json_equal(said, value))
			json_array_append_new(all, json_string(key));
	}
	return all;
}

json_t *report_measure(const char *dir, const json_t *manifest)
{
	json_t *ret = json_pack("{s[o]}", "measured", of_files(manifest)), *m = NULL;
	struct err e = { 0 };

	if (!*json_text(manifest, "tee"))
		return ret;
	if (measure(dir, manifest, &m, &e)) {
		json_object_set_new(ret, "unmeasured", json_string(e.msg));
		return ret;
	}
	json_object_set_new(ret, "disagrees", disagreements(manifest, m));
	json_array_append_new(json_object_get(ret, "measured"), m);
	return ret;
}
