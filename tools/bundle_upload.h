/* How a bundle's image is registered where it runs. */
#ifndef BULLA_BUNDLE_UPLOAD_H
#define BULLA_BUNDLE_UPLOAD_H
#include "lib/conf.h"
#include <jansson.h>

/*
 * From the sections Upload and Facts of a platform's file: {"cloud", "file", "keys", "facts", "commands",
 * "sources"}; a fact is a text, or with blanks an array of its words. NULL where there is no such section.
 */
json_t *bundle_upload(const struct conf *c);
#endif
