/* Rectangles whose areas are in proportion to sizes, and near to squares (Bruls, Huizing, van Wijk,
 * "Squarified Treemaps", 2000). */
#ifndef BULLA_TREEMAP_H
#define BULLA_TREEMAP_H
#include <stddef.h>

struct treemap_rect {
	double x, y, w, h;
};

/* Divides IN among N sizes, each above 0 and none above the one before it; *RET takes N rectangles. */
void treemap(const double *sizes, size_t n, struct treemap_rect in, struct treemap_rect *ret);
#endif
