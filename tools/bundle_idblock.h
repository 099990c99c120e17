/* The ID blocks of a bundle: under them an SNP host starts exactly the launches that the bundle names, and a
 * verifier can hold the digest of one key instead of theirs. */
#ifndef BULLA_BUNDLE_IDBLOCK_H
#define BULLA_BUNDLE_IDBLOCK_H
#include "bundle_measure.h"
#include "keyset.h"

#define IDBLOCKS_FILE "id-blocks.json"
#define IDBLOCKS_SCHEMA "bulla.idblocks/1"

/*
 * Signs one block for each launch digest of M, the launch's first, with the set's keys id and author. FILE is
 * the content of id-blocks.json, SUMMARY what the manifest says of it.
 */
int bundle_idblock(const struct keyset *keys, const struct platform *p, const struct bundle_measured *m,
        json_t **file, json_t **summary, struct err *e);
#endif
