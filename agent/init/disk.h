/* Finds the disk that carries the sealed root, through sysfs and what the disk says of itself. */
#ifndef INIT_DISK_H
#define INIT_DISK_H
#include <stdint.h>

struct disk_part {
	char node[64]; /* /dev/NAME */
	char dev[24];  /* MAJOR:MINOR */
	uint64_t size; /* bytes */
};

struct disk_root {
	struct disk_part data, tree;
};

/*
 * One look at all disks for a GPT with the two partitions whose GUIDs are the halves of the root hash
 * (Discoverable Partitions Specification: first half the data, last half the hash tree). Returns NULL, or why
 * there is none (yet); the text is good until the next call.
 */
const char *disk_find(const uint8_t root_hash[32], struct disk_root *ret);
#endif
