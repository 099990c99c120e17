/*
 * Initdata of Confidential Containers: a TOML file of a version, a digest algorithm and a map of strings,
 * whose digest the platform binds to the guest; and the two forms in which a host hands it over.
 */
#ifndef BULLA_INITDATA_H
#define BULLA_INITDATA_H
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"

enum { INITDATA_MAX = 8 << 20, INITDATA_ENTRIES = 64 }; /* bytes of the file; keys in [data] */

struct initdata {
	char *version; /* "0.1.0" */
	enum hash_alg alg;
	size_t n;
	struct initdata_entry {
		char *key;
		struct buf value;
	} v[INITDATA_ENTRIES]; /* in the order of the file */
};

/* Errors: -EBADMSG "NAME:LINE: …" of TOML, else "NAME: …". Release with _initdata_, also after an error. */
int initdata_parse(const char *name, struct slice toml, struct initdata *ret, struct err *e);
void initdata_free(struct initdata *d);
#define _initdata_ __attribute__((cleanup(initdata_free)))

enum initdata_form {
	INITDATA_TOML,
	INITDATA_IMAGE,      /* kata's disk: "initdata", u64 length, that many bytes of gzip, padding */
	INITDATA_ANNOTATION, /* kata's annotation cc_init_data: base64 of gzip; white space after it is left
	                        out */
};
/* What DATA looks like; anything that is neither of the other forms is taken for TOML. */
enum initdata_form initdata_form(struct slice data);
/* The file's bytes, exactly as they are hashed, appended to *TOML. Errors: -EBADMSG. */
int initdata_unpack(const char *name, struct slice data, struct buf *toml, struct err *e);
/* Does it look like any form of initdata? */
bool initdata_recognised(struct slice data);
#endif
