/* A picture of measurements: what was hashed, in order, one lane per register and one column per input. */
#ifndef BULLA_SVG_H
#define BULLA_SVG_H
#include "lib/buf.h"
#include "difference.h"

struct svg_panel {
	const struct measured *m;
	const char *caption;
	const uint8_t
	        *moved; /* enum moved by step; NULL: nothing is compared, and each input has its colour */
};

/* Appends a standalone SVG of the panels, one below the other with the same columns. Neither script, font
 * nor anything else from outside. */
void svg_waterfall(const struct svg_panel *panels, size_t n, struct buf *ret);
#endif
