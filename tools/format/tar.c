#include "format/tar.h"
#include "format/sums.h"
#include <errno.h>
#include <stdio.h>

/* Octal digits up to a NUL, a space or the field's end. */
static bool octal(const uint8_t *p, size_t n, uint64_t *ret)
{
	size_t i;

	*ret = 0;
	for (i = 0; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		*ret = *ret << 3 | (uint64_t)(p[i] - '0');
	return i && i <= 20 && (i == n || !p[i] || p[i] == ' ');
}

/* The sum of all bytes, those of the checksum's own field as spaces. */
static uint64_t checksum(const uint8_t *block)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : block[i];
	return sum;
}

int tar_header(
        const char *name, uint64_t at, const uint8_t block[TAR_BLOCK], struct tar_entry *ret, struct err *e)
{
	int prefix = (int)strnlen((const char *)block + 345, 155);
	uint64_t sum;
	size_t n;

	if (!block[0] && !memcmp(block, block + 1, TAR_BLOCK - 1))
		return 0;
	*ret = (struct tar_entry){ .folder = block[156] == '5' };
	if (memcmp(block + 257, "ustar\00000", 8))
		return err_set(e, -EBADMSG, "%s+0x%llx: not a ustar header", name, (unsigned long long)at);
	if (!octal(block + 148, 8, &sum) || sum != checksum(block))
		return err_set(e, -EBADMSG, "%s+0x%llx: checksum of the header is wrong", name,
		        (unsigned long long)at);
	n = (size_t)snprintf(ret->path, sizeof(ret->path), "%.*s%s%.100s", prefix, (const char *)block + 345,
	        prefix ? "/" : "", (const char *)block);
	if (ret->folder && n && ret->path[n - 1] == '/')
		ret->path[n - 1] = 0;
	if (!sums_path_ok(ret->path))
		return err_set(e, -EBADMSG, "%s+0x%llx: a path that is not plain and relative", name,
		        (unsigned long long)at);
	if (!ret->folder && block[156] != '0')
		return err_set(e, -EBADMSG, "%s+0x%llx: %s is of type 0x%02x, expected a file or a folder",
		        name, (unsigned long long)at, ret->path, block[156]);
	if (!octal(block + 124, 12, &ret->size) || (ret->folder && ret->size))
		return err_set(e, -EBADMSG, "%s+0x%llx: %s: its size is no number", name,
		        (unsigned long long)at, ret->path);
	return 1;
}
