#include "unpack.h"
#include "format/tar.h"
#include "lib/io.h"
#include "lib/map.h"
#include "lib/sink.h"
#include <sys/stat.h>
#include <zstd.h>

enum { WINDOW_LOG = 27, CHUNK = 1 << 17 }; /* the window is archive.sh's --long */

struct stream {
	const char *path;
	struct slice map;
	ZSTD_DStream *z;
	ZSTD_inBuffer in;
	bool ended;
	uint64_t n, max; /* bytes given out, and how many there may be */
};

static void stream_close(struct stream *s)
{
	ZSTD_freeDStream(s->z);
	map_free(&s->map);
}
#define _stream_ __attribute__((cleanup(stream_close)))

static int damaged(const struct stream *s, const char *why, struct err *e)
{
	err_set(e, -EBADMSG, "%s: %s", s->path, why);
	return err_exit(e, EX_NO);
}

static int stream_open(struct stream *s, const char *path, uint64_t max, struct err *e)
{
	*s = (struct stream){ .path = path, .z = ZSTD_createDStream(), .max = max };
	if (map_file(path, &s->map, e))
		return e->code;
	s->in = (ZSTD_inBuffer){ s->map.p, s->map.n, 0 };
	if (!s->z || ZSTD_isError(ZSTD_DCtx_setParameter(s->z, ZSTD_d_windowLogMax, WINDOW_LOG)))
		return err_set(e, -ENOMEM, "%s: zstd cannot start", path);
	return 0;
}

/* Exactly N bytes into P, or fewer (*GOT) where the frame ends. */
static int stream_read(struct stream *s, uint8_t *p, size_t n, size_t *got, struct err *e)
{
	ZSTD_outBuffer out = { p, n, 0 };

	while (out.pos < n && !s->ended) {
		size_t was = out.pos, r = ZSTD_decompressStream(s->z, &out, &s->in);

		if (ZSTD_isError(r))
			return damaged(s, ZSTD_getErrorName(r), e);
		s->ended = !r;
		if (r && out.pos == was && s->in.pos == s->in.size)
			return damaged(s, "ends within its zstd frame", e);
	}
	*got = out.pos;
	s->n += out.pos;
	if (s->n > s->max)
		return damaged(s, "holds more than a release may", e);
	if (s->ended && s->in.pos != s->in.size)
		return damaged(s, "goes on after its zstd frame", e);
	return 0;
}

int unpack_digest(const char *path, uint64_t max, uint8_t ret[SHA256_LEN], uint64_t *size, struct err *e)
{
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	_free_ uint8_t *chunk = xcalloc(1, CHUNK);
	_stream_ struct stream s = { 0 };
	size_t got;

	if (stream_open(&s, path, max, e))
		return e->code;
	do {
		if (stream_read(&s, chunk, CHUNK, &got, e))
			return e->code;
		hash_add(h, chunk, got);
	} while (got);
	hash_final(h, ret);
	*size = s.n;
	return 0;
}

static int read_block(struct stream *s, uint8_t *p, size_t n, struct err *e)
{
	size_t got;

	if (stream_read(s, p, n, &got, e))
		return e->code;
	return got == n ? 0 : damaged(s, "ends within an entry", e);
}

static int unpack_file(struct stream *s, const struct tar_entry *t, const char *to, struct err *e)
{
	_free_ uint8_t *chunk = xcalloc(1, CHUNK);
	_sink_ struct sink f = { .fd = -1 };

	if (io_exists(to))
		return damaged(s, "has a file twice", e);
	if (sink_open(&f, to, e))
		return e->code;
	for (uint64_t left = t->size; left;) {
		size_t n = left < CHUNK ? (size_t)left : CHUNK,
		       padded = (n + TAR_BLOCK - 1) & ~(size_t)(TAR_BLOCK - 1);

		if (read_block(s, chunk, padded, e) || sink_add(&f, slice_of(chunk, n), e))
			return e->code;
		left -= n;
	}
	return sink_commit(&f, 0644, e);
}

/* A folder must be there before what is in it, so that no name is made on the side. */
static int unpack_entry(struct stream *s, const struct tar_entry *t, const char *dir, struct err *e)
{
	_free_ char *to = xasprintf("%s/%s", dir, t->path);

	if (!t->folder)
		return unpack_file(s, t, to, e);
	if (!mkdir(to, 0755))
		return 0;
	return errno == EEXIST ? damaged(s, "has a folder twice", e) : err_errno(e, "%s", to);
}

/* After the first block of zeros there is nothing else. */
static int unpack_end(struct stream *s, struct err *e)
{
	static const uint8_t zeros[TAR_BLOCK];
	uint8_t block[TAR_BLOCK];
	size_t got;

	do {
		if (stream_read(s, block, sizeof(block), &got, e))
			return e->code;
		if (memcmp(block, zeros, got))
			return damaged(s, "goes on after its end", e);
	} while (got);
	return 0;
}

int unpack_archive(const char *path, const char *dir, uint64_t max, struct err *e)
{
	_stream_ struct stream s = { 0 };
	uint8_t block[TAR_BLOCK];
	struct tar_entry t;
	uint64_t at;
	int r;

	if (stream_open(&s, path, max, e))
		return e->code;
	do {
		at = s.n;
		if (read_block(&s, block, sizeof(block), e))
			return e->code;
		r = tar_header(path, at, block, &t, e);
		if (r < 0)
			return err_exit(e, EX_NO);
		if (r && unpack_entry(&s, &t, dir, e))
			return e->code;
	} while (r);
	return unpack_end(&s, e);
}
