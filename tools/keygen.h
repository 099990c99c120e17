/* Makes a development key set. */
#ifndef BULLA_KEYGEN_H
#define BULLA_KEYGEN_H
#include "lib/err.h"

/*
 * Makes a key set with new keys in DIR, which appears whole or not at all; one that is there is never touched
 * (-EEXIST). The folder's mode is 0700, that of keys 0600.
 */
int keygen(const char *dir, struct err *e);
#endif
