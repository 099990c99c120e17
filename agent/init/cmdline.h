/* The kernel command line, the only text from outside that init reads. Pure. */
#ifndef INIT_CMDLINE_H
#define INIT_CMDLINE_H
#include <stdbool.h>
#include <stdint.h>

enum { ROOT_HASH_LEN = 32 };

/*
 * The root hash from the one word "roothash=" and 64 hex digits. Returns NULL, or what is wrong: absent,
 * malformed, given twice. Words are split as the kernel does: at white space outside double quotes.
 */
const char *cmdline_roothash(const char *cmdline, uint8_t ret[ROOT_HASH_LEN]);
/* Whether WORD stands there by itself. */
bool cmdline_has(const char *cmdline, const char *word);
#endif
