/* out/bundles/PLATFORM: what a platform boots, and manifest.json, which says what it is (schema
 * bulla.bundle/1). */
#ifndef BULLA_BUNDLE_H
#define BULLA_BUNDLE_H
#include "lib/err.h"
#include "lib/hash.h"
#include <jansson.h>

#define BUNDLE_SCHEMA "bulla.bundle/1"

/* What a variant of a launch may set, as its keys in the manifest. */
enum { BUNDLE_VARIES = 3 };
extern const char *const bundle_varies[BUNDLE_VARIES];

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
	const char *tee, *attester; /* what is measured, and what its guests attest with; NULL: nothing */
	const char *cmdline, *roothash;
	const char *machine, *cpu, *memory; /* NULL, and vcpus 0, where a cloud launches it */
	unsigned vcpus;
	bool secure_boot;          /* on, by what the cloud is given with the image */
	const char *vmm;           /* the profile that the registers hold for, or NULL */
	const char **qemu;         /* QEMU's arguments but for -accel and the -chardevs agent and tpm;
	                            * NULL-terminated.	 NULL where a cloud launches it */
	struct bundle_file *files; /* by name */
	size_t n_files;
	struct bundle_register *registers; /* by name; at the launch settings */
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
/* The file of that name, or NULL. */
const struct bundle_file *bundle_file(const struct bundle *b, const char *name);
/* Are the files in b->dir those that the manifest names? If not, an error with exit status 3. */
int bundle_check(const struct bundle *b, struct err *e);
void bundle_freep(struct bundle **b);
#define _bundle_ __attribute__((cleanup(bundle_freep)))
#endif
