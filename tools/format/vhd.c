#include "format/vhd.h"

enum { FIXED = 2 };

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * (3 - i));
}

static void put_be64(uint8_t *p, uint64_t v)
{
	put_be32(p, (uint32_t)(v >> 32));
	put_be32(p + 4, (uint32_t)v);
}

void vhd_footer(uint64_t size, uint64_t epoch, const uint8_t guid[UUID_LEN], uint8_t ret[VHD_FOOTER])
{
	uint32_t sum = 0;

	memset(ret, 0, VHD_FOOTER);
	memcpy(ret, "conectix", 8);
	put_be32(ret + 8, 2);           /* a reserved bit that is always set */
	put_be32(ret + 12, 0x00010000); /* version */
	put_be64(ret + 16, UINT64_MAX); /* no further header */
	put_be32(ret + 24, (uint32_t)(epoch - VHD_EPOCH));
	memcpy(ret + 28, "bula", 4); /* creator, its version, its system */
	put_be32(ret + 32, 0x00010000);
	memcpy(ret + 36, "Wi2k", 4);
	put_be64(ret + 40, size); /* original */
	put_be64(ret + 48, size); /* current */
	/* The largest geometry. Of any other, QEMU (block/vpc.c) takes the product for the size, unless it
	 * knows the creator; whole MiB are no such product. Azure and Hyper-V go by the size. */
	memcpy(ret + 56, "\xff\xff\x10\xff", 4);
	put_be32(ret + 60, FIXED);
	memcpy(ret + 68, guid, UUID_LEN);
	for (int i = 0; i < VHD_FOOTER; i++)
		sum += ret[i];
	put_be32(ret + 64, ~sum);
}
