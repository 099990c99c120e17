/* out/bundles/PLATFORM: what a platform boots, and manifest.json, which says what it is (schema
 * bulla.bundle/1). */
#ifndef BULLA_BUNDLE_H
#define BULLA_BUNDLE_H
#include "lib/err.h"
#include "lib/hash.h"
#include <jansson.h>

#define BUNDLE_SCHEMA "bulla.bundle/1"

struct bundle_file {
	const char *name; /* in the bundle's folder */
	uint64_t size;    /* bytes */
	const char *sha256;
};

struct bundle_register {
	const char *name, *value; /* value in hex */
};

struct bundle { /* all strings are the bundle's */
	char *dir;
	const char *platform, *arch, *profile, *boot;
	const char *cmdline, *roothash;
	const char *machine, *cpu, *memory;
	unsigned vcpus;
	const char **qemu; /* QEMU's arguments but for -accel and the agent's -chardev; NULL-terminated */
	struct bundle_file *files; /* by name */
	size_t n_files;
	struct bundle_register *registers; /* by name */
	size_t n_registers;
	json_t *json;
};

/*
 * Reads a manifest's text; NAME is what errors call it. Strict: another schema, a key that is missing,
 * unknown or of a wrong type, and parts that contradict each other (command line, its digest, its root hash,
 * -append) are errors.
 */
int bundle_parse(const char *name, struct slice text, struct bundle **ret, struct err *e);
/* Reads DIR/manifest.json. */
int bundle_read(const char *dir, struct bundle **ret, struct err *e);
/* Are the files in b->dir those that the manifest names? If not, an error with exit status 3. */
int bundle_check(const struct bundle *b, struct err *e);
void bundle_freep(struct bundle **b);
#define _bundle_ __attribute__((cleanup(bundle_freep)))
#endif
