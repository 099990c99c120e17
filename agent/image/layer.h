/* layer_unpack, with keys from anywhere. */
#ifndef IMAGE_LAYER_H
#define IMAGE_LAYER_H
#include "image/image.h"
#include "image/ocicrypt.h"

int layer_unpack_with(const struct layer_ask *ask, ocicrypt_get *get, void *ctx, struct err *e);
#endif
