#include "treemap.h"

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* The worst ratio of sides of a row along SIDE whose areas add to SUM, the largest and least given. */
static double worst(double side, double sum, double most, double least)
{
	return larger(side * side * most / (sum * sum), sum * sum / (side * side * least));
}

/* Lays a row of areas along the shorter side of *IN, and takes it off. What is left of a side may be off by
 * what rounding leaves, and must not be left. */
static void lay(const double *areas, size_t n, double sum, struct treemap_rect *in, struct treemap_rect *ret)
{
	int upright = in->w >= in->h;
	double side = upright ? in->h : in->w, room = upright ? in->w : in->h, depth = sum / side,
	       at = upright ? in->y : in->x;

	depth = depth < room ? depth : room;
	for (size_t i = 0; i < n; i++) {
		double length = areas[i] / sum * side;

		ret[i] = upright ? (struct treemap_rect){ in->x, at, depth, length }
		                 : (struct treemap_rect){ at, in->y, length, depth };
		at += length;
	}
	if (upright) {
		in->x += depth;
		in->w -= depth;
	} else {
		in->y += depth;
		in->h -= depth;
	}
}

void treemap(const double *sizes, size_t n, struct treemap_rect in, struct treemap_rect *ret)
{
	double all = 0, scale, areas[512];

	for (size_t i = 0; i < n; i++)
		all += sizes[i];
	scale = in.w * in.h / all;
	for (size_t i = 0, row = 0; i < n; i += row) {
		double side = in.w < in.h ? in.w : in.h, sum = 0;

		for (row = 0; i + row < n && row < sizeof(areas) / sizeof(*areas); row++) {
			double a = sizes[i + row] * scale;

			if (row && worst(side, sum + a, sizes[i] * scale, a) >
			                   worst(side, sum, sizes[i] * scale, areas[row - 1]))
				break;
			areas[row] = a;
			sum += a;
		}
		lay(areas, row, sum, &in, ret + i);
	}
}
