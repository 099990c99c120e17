/* The digests of a folder's files. */
#ifndef BULLA_SUMTREE_H
#define BULLA_SUMTREE_H
#include "format/sums.h"

/* Adds all files below DIR with their paths there; anything but files and folders under plain names is an
 * error. */
int sums_of_tree(const char *dir, struct sums *ret, struct err *e);
#endif
