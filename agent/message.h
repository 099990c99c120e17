/* Messages of the Kata agent protocol as JSON, by tables. Pure. */
#ifndef AGENT_MESSAGE_H
#define AGENT_MESSAGE_H
#include <jansson.h>
#include "lib/err.h"
#include "lib/slice.h"

enum msg_kind { MSG_STR, MSG_BOOL, MSG_U32, MSG_I64, MSG_U64, MSG_OBJECT, MSG_MAP };

struct msg_member {
	uint8_t number;   /* of the field; 0 ends a table */
	const char *name; /* of the JSON member */
	uint8_t kind;     /* enum msg_kind; a map is one of strings */
	uint8_t flags;
	const struct msg_member *of; /* of MSG_OBJECT */
};

enum {
	MSG_MANY = 1,     /* an array */
	MSG_ALWAYS = 2,   /* a number or bool that stands there even when it is 0, which proto3 leaves out */
	MSG_PAIR = 4,     /* ... when the member before it stands there */
	MSG_OPTIONAL = 8, /* has presence: stands there when it was sent, 0 or not */
};

enum { MSG_MAX_VALUES = 65536 }; /* JSON values in one message */

/*
 * MESSAGE as a new JSON object. What TABLE does not know is left out, as a protocol that grows wants it.
 * Numbers above INT64_MAX come out negative, the same 64 bits: jansson has no others, and strtoull(3) in
 * crun reads them back. -EBADMSG: malformed, a wrong type, a single member twice, text with a NUL or that is
 * not UTF-8, too many values.
 */
int msg_json(struct slice message, const struct msg_member *table, json_t **ret, struct err *e);
#endif
