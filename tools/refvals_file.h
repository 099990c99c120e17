/* Files that hold reference values, of this project and of others. */
#ifndef BULLA_REFVALS_FILE_H
#define BULLA_REFVALS_FILE_H
#include "format/corim.h"
#include "lib/args.h"
#include "refvals.h"
#include "rvps.h"

enum refvals_kind {
	REFVALS_SET,    /* schema bulla.refvals/1 */
	REFVALS_RVPS,   /* a register message of Trustee's RVPS */
	REFVALS_VALUES, /* {name: value} without the message around */
	REFVALS_CORIM,
};

struct refvals_file {
	const char *path;
	enum refvals_kind kind;
	struct refvals *set; /* of REFVALS_SET alone */
	json_t *names;       /* of the others: {name: value}; of CoRIM the names that Trustee gives them */
	struct buf data;
	struct corim corim; /* of REFVALS_CORIM; borrows from data */
	json_t *problems;   /* texts */
};

/* Reads PATH, whichever it is. */
int refvals_file_read(const char *path, struct refvals_file *ret, struct err *e);
void refvals_file_free(struct refvals_file *f);
#define _refvals_file_ __attribute__((cleanup(refvals_file_free)))
/* The lists of --deny, read; *RET has room for N. Release each with refvals_freep. */
int refvals_deny_lists(const struct args *a, struct refvals ***ret, size_t *n, struct err *e);
/* The first of F's values that one of LISTS denies, with its NAME (or register) in *NAME; NULL for none. */
const struct refval *refvals_file_denied(
        const struct refvals_file *f, struct refvals *const *lists, size_t n, const char **name);
/* Two values of one launch, register and stack from the same inputs: the second's place in S->values, or 0
 * for none. */
size_t refvals_contradiction(const struct refvals *s, size_t from);
#endif
