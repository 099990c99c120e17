/*
 * The footer that makes a raw disk a fixed VHD (Microsoft, Virtual Hard Disk Image Format Specification 1.0,
 * "Hard Disk Footer Format"; [MS-VHDFF] has the same).
 */
#ifndef BULLA_VHD_H
#define BULLA_VHD_H
#include "format/uuid.h"
#include "lib/slice.h"

enum { VHD_FOOTER = 512, VHD_ALIGN = 1 << 20 };
/* Seconds from 1970 to 2000, where the format's time starts. */
#define VHD_EPOCH UINT64_C(946684800)
/* [MS-VHDFF]: a VHD holds at most this */
#define VHD_MAX (UINT64_C(2040) << 30)

/*
 * What follows a disk of SIZE bytes (a multiple of VHD_ALIGN, as Azure asks; at most VHD_MAX). EPOCH is its
 * time stamp in seconds since 1970, at least VHD_EPOCH; GUID names the disk.
 */
void vhd_footer(uint64_t size, uint64_t epoch, const uint8_t guid[UUID_LEN], uint8_t ret[VHD_FOOTER]);
#endif
