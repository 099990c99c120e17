/* A measurement or a bundle as it was written to a file: what diff compares and svg draws. */
#ifndef BULLA_MEASURED_H
#define BULLA_MEASURED_H
#include "lib/err.h"
#include "lib/slice.h"
#include <jansson.h>

#define MEASURE_SCHEMA "bulla.measure/1"

struct measured_input { /* a file where sha256 is set, else a text */
	const char *name, *sha256, *text;
	uint64_t size; /* of the file, or the text, in bytes */
};

struct measured_register {
	const char *name;
	const char *value;   /* hex, NULL where it is unknown */
	const char *unknown; /* why */
};

struct measured_step {
	size_t reg;                    /* index of the register */
	const char *what, *from, *gpa; /* from: "" for a constant; gpa: "" where it is not measured */
	uint64_t offset, length;
	uint32_t type;
	unsigned count;
	const char *digest, *after; /* hex, NULL where unknown */
};

struct measured {             /* all strings are of json, or of texts */
	char *name;           /* what errors and pictures call it */
	const char *platform; /* the TEE, or the bundle's platform */
	bool bundle;
	struct measured_input *stack, *inputs; /* by name */
	size_t n_stack, n_inputs;
	struct measured_register *registers; /* by name, with numbers in their order */
	size_t n_registers;
	struct measured_step *steps; /* in the order of the launch */
	size_t n_steps;
	json_t *json;
	char **texts;
	size_t n_texts;
};

/* Takes J over (schema bulla.measure/1). Strict: what the schema does not have, or has otherwise, is an
 * error. */
int measured_of(const char *name, json_t *j, struct measured **ret, struct err *e);
/* The same from a file's text, which may also be a bundle's manifest. */
int measured_parse(const char *name, struct slice text, struct measured **ret, struct err *e);
/* PATH is a file of either kind, or a bundle's folder. */
int measured_read(const char *path, struct measured **ret, struct err *e);
/* How many steps from the I-th on are alike but for their names: the same bytes into the same register, as
 * vCPUs have them. */
size_t measured_run(const struct measured *m, size_t i);
void measured_freep(struct measured **m);
#define _measured_ __attribute__((cleanup(measured_freep)))
#endif
