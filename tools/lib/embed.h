/* A file's bytes in the command: EMBED(prefix, symbol, path) declares PREFIX_SYMBOL and its size. */
#ifndef BULLA_EMBED_H
#define BULLA_EMBED_H
#include "lib/slice.h"

/* aligned because s390x cannot address odd ones */
#define EMBED(prefix, symbol, path)                                                                          \
	__asm__(".section .rodata\n.balign 8\n" #prefix "_" #symbol ": .incbin \"" path "\"\n" #prefix       \
	        "_" #symbol "_end: .byte 0\n.balign 8\n" #prefix "_" #symbol "_size: .int " #prefix          \
	        "_" #symbol "_end - " #prefix "_" #symbol "\n.previous\n");                                  \
	extern const uint8_t prefix##_##symbol[] __attribute__((visibility("hidden")));                      \
	extern const uint32_t prefix##_##symbol##_size __attribute__((visibility("hidden")));
#define EMBEDDED(prefix, symbol) slice_of(prefix##_##symbol, prefix##_##symbol##_size)
#endif
