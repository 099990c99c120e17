/* Big-endian numbers, as TPMs and X.509 have them. */
#ifndef BULLA_BE_H
#define BULLA_BE_H
#include <stdint.h>

static inline uint16_t be16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32_at(const uint8_t *p)
{
	return (uint32_t)be16_at(p) << 16 | be16_at(p + 2);
}
#endif
