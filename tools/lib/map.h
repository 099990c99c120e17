/* A whole file as a slice, without copying it. */
#ifndef BULLA_MAP_H
#define BULLA_MAP_H
#include "lib/err.h"
#include "lib/slice.h"

/* Maps PATH read-only; an empty file gives an empty slice. Release with _map_. A missing file makes the exit
 * status 4.
 */
int map_file(const char *path, struct slice *ret, struct err *e);
void map_free(struct slice *s);
#define _map_ __attribute__((cleanup(map_free)))
#endif
