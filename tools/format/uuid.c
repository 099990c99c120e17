#include "format/uuid.h"
#include "lib/buf.h"

char *uuid_text(char *ret, const uint8_t uuid[UUID_LEN])
{
	char hex[2 * UUID_LEN + 1];

	hex_encode(hex, uuid, UUID_LEN);
	snprintf(ret, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return ret;
}

char *guid_text(char *ret, const uint8_t guid[UUID_LEN])
{
	static const uint8_t order[UUID_LEN] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t text[UUID_LEN];

	for (size_t i = 0; i < UUID_LEN; i++)
		text[i] = guid[order[i]];
	return uuid_text(ret, text);
}

void uuid_of_digest(const uint8_t digest[SHA256_LEN], uint8_t ret[UUID_LEN])
{
	memcpy(ret, digest, UUID_LEN);
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x80);
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
}

void uuid_swap(uint8_t ret[UUID_LEN], const uint8_t uuid[UUID_LEN])
{
	static const uint8_t order[UUID_LEN] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < UUID_LEN; i++)
		ret[i] = uuid[order[i]];
}
