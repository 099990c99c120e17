/* How a registry wants to be asked (RFC 9110, section 11; distribution's token specification), and with which
 * credentials. Pure. */
#ifndef IMAGE_AUTH_H
#define IMAGE_AUTH_H
#include <jansson.h>
#include "lib/buf.h"
#include "lib/err.h"

enum auth_scheme { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

struct auth_challenge {
	enum auth_scheme scheme;
	char realm[512], service[256], scope[512]; /* of AUTH_BEARER */
};

/* What is best of the challenges in VALUE, a WWW-Authenticate header, several of which are joined by commas.
 * Malformed ones are left out; AUTH_NONE where none is left. */
void auth_challenge(const char *value, struct auth_challenge *ret);
/* Docker's config.json, of which "auths" counts. -EBADMSG. */
int auth_read(struct slice text, json_t **ret, struct err *e);
/*
 * What AUTHS (may be NULL) has for the longest match of NAME ("registry/path"): *LOGIN becomes
 * "user:password" and *REFRESH an identity token; both stay empty where there is nothing. Wipe both.
 */
void auth_find(const json_t *auths, const char *name, struct buf *login, struct buf *refresh);
#endif
