#include "lib/gzip.h"
#include <zlib.h>

enum { CHUNK = 1 << 16, GZIP_ONLY = 16 };

static int inflate_all(const char *name, z_stream *z, size_t max, struct buf *ret, struct err *e)
{
	size_t start = ret->n;
	int r;

	do {
		uint8_t *out = buf_zeros(ret, CHUNK);

		z->next_out = out;
		z->avail_out = CHUNK;
		r = inflate(z, Z_NO_FLUSH);
		ret->n -= z->avail_out;
		if (ret->n - start > max)
			return err_set(e, -EBADMSG, "%s: inflates to more than %zu bytes", name, max);
	} while (r == Z_OK);
	if (r != Z_STREAM_END)
		return err_set(e, -EBADMSG, "%s+0x%lx: gzip is damaged: %s", name, (unsigned long)z->total_in,
		        z->msg ? z->msg : "cut short");
	if (z->avail_in)
		return err_set(e, -EBADMSG, "%s+0x%lx: %u bytes after the end of gzip", name,
		        (unsigned long)z->total_in, z->avail_in);
	return 0;
}

int gzip_inflate(const char *name, struct slice data, size_t max, struct buf *ret, struct err *e)
{
	/* zlib's interface takes no pointer to const, but does not write there */
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)data.p, .avail_in = (uInt)data.n };
	int r;

	if (data.n > UINT32_MAX / 2)
		return err_set(e, -EBADMSG, "%s: %zu bytes of gzip, expected less than 2 GiB", name, data.n);
	if (inflateInit2(&z, GZIP_ONLY + MAX_WBITS) != Z_OK)
		return err_set(e, -ENOMEM, "%s: zlib cannot start", name);
	r = inflate_all(name, &z, max, ret, e);
	inflateEnd(&z);
	return r;
}

void gzip_deflate(struct slice data, struct buf *ret)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)data.p, .avail_in = (uInt)data.n };
	size_t bound;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_ONLY + MAX_WBITS, MAX_MEM_LEVEL,
	            Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	bound = deflateBound(&z, data.n);
	z.next_out = buf_zeros(ret, bound);
	z.avail_out = (uInt)bound;
	deflate(&z, Z_FINISH);
	ret->n -= z.avail_out;
	deflateEnd(&z);
}
