#include "format/fv.h"
#include <inttypes.h>
#include <lzma.h>

enum {
	HEADER_MIN = 0x48,
	FILE_HEADER = 24,
	FILE_HEADER_LARGE = 32,
	FILE_LARGE = 0x01,         /* FFS_ATTRIB_LARGE_FILE */
	FILE_VOLUME = 0x0b,        /* EFI_FV_FILETYPE_FIRMWARE_VOLUME_IMAGE */
	SECTION_GUIDED = 0x02,     /* EFI_SECTION_GUID_DEFINED */
	SECTION_VOLUME = 0x17,     /* EFI_SECTION_FIRMWARE_VOLUME_IMAGE */
	GUIDED_HEADER = 16 + 2 + 2 /* after the section's own header */
};

/* ee4e5898-3914-4259-9d6e-dc7bd79403cf, gLzmaCustomDecompressGuid */
static const uint8_t lzma_guid[UUID_LEN] = { 0x98, 0x58, 0x4e, 0xee, 0x14, 0x39, 0x59, 0x42, 0x9d, 0x6e, 0xdc,
	0x7b, 0xd7, 0x94, 0x03, 0xcf };

static uint32_t le24(const uint8_t *p)
{
	return le16(p) | (uint32_t)p[2] << 16;
}

int fv_open(const char *name, struct slice image, uint64_t off, struct fv *ret, struct err *e)
{
	struct slice h, ext;
	uint64_t len, ext_at;

	if (!slice_at(image, off, HEADER_MIN, &h) || memcmp(h.p + 40, "_FVH", 4))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": no firmware volume, expected its signature _FVH", name, off);
	len = le64(h.p + 32);
	ret->name = name;
	if (!slice_at(image, off, len, &ret->bytes))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": a volume of 0x%" PRIx64 " bytes, expected at most 0x%zx", name,
		        off, len, (size_t)(image.n - off));
	ret->files = le16(h.p + 48);
	ext_at = le16(h.p + 52);
	if (ext_at) {
		if (!slice_at(ret->bytes, ext_at, 20, &ext))
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": extended header at 0x%" PRIx64
			        ", expected it inside the volume",
			        name, off, ext_at);
		ext_at += le32(ext.p + 16);
		ret->files = ext_at > ret->bytes.n ? ret->bytes.n + 1 : (size_t)(ext_at + 7) & ~(size_t)7;
	}
	if (ret->files < HEADER_MIN || ret->files > ret->bytes.n)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": header of 0x%zx bytes, expected 0x48 to the volume's 0x%zx", name,
		        off, ret->files, ret->bytes.n);
	return 0;
}

static bool erased(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0xff)
			return false;
	return true;
}

int fv_next(const struct fv *v, uint64_t *at, struct fv_file *ret, struct err *e)
{
	struct slice h, large;
	uint64_t off = *at ? *at : v->files, size, header = FILE_HEADER;

	if (!slice_at(v->bytes, off, FILE_HEADER, &h) || erased(h))
		return 0;
	size = le24(h.p + 20);
	if (h.p[19] & FILE_LARGE) {
		header = FILE_HEADER_LARGE;
		size = slice_at(v->bytes, off, header, &large) ? le64(large.p + 24) : 0;
	}
	if (size < header || !slice_at(v->bytes, off, size, &ret->body))
		return err_set(e, -EBADMSG,
		        "%s: volume+0x%" PRIx64 ": a file of 0x%" PRIx64 " bytes, expected 0x%" PRIx64
		        " to 0x%zx",
		        v->name, off, size, header, (size_t)(v->bytes.n - off));
	memcpy(ret->guid, h.p, UUID_LEN);
	ret->type = h.p[18];
	ret->at = off;
	ret->body = slice_of(ret->body.p + header, (size_t)(size - header));
	*at = (off + size + 7) & ~UINT64_C(7);
	return 1;
}

bool fv_has(const struct fv *v, const uint8_t guid[UUID_LEN])
{
	struct fv_file f;
	struct err e = { 0 };
	uint64_t at = 0;

	while (fv_next(v, &at, &f, &e) > 0)
		if (!memcmp(f.guid, guid, UUID_LEN))
			return true;
	return false;
}

/* The first section of TYPE at or after *AT: its body, and in *AT where the next one starts. */
static bool next_section(struct slice s, uint64_t *at, uint8_t type, struct slice *ret)
{
	struct slice h, all;

	while (slice_at(s, *at, 4, &h)) {
		uint64_t size = le24(h.p), header = 4, off = *at;

		if (size == 0xffffff) {
			if (!slice_at(s, off, 8, &h))
				return false;
			header = 8;
			size = le32(h.p + 4);
		}
		if (size < header || !slice_at(s, off, size, &all))
			return false;
		*at = (off + size + 3) & ~UINT64_C(3);
		if (h.p[3] == type) {
			*ret = slice_of(all.p + header, (size_t)(size - header));
			return true;
		}
	}
	return false;
}

/* The LZMA stream of a file that packs volumes. */
static bool packed(struct slice file, struct slice *ret)
{
	struct slice s;
	uint64_t at = 0;

	while (next_section(file, &at, SECTION_GUIDED, &s)) {
		/* DataOffset counts from the section's header, whose size shows in where the body starts */
		uint64_t data;

		if (s.n < GUIDED_HEADER || memcmp(s.p, lzma_guid, UUID_LEN))
			continue;
		data = le16(s.p + UUID_LEN);
		for (uint64_t header = 4; header <= 8; header += 4)
			if (data == header + GUIDED_HEADER)
				return slice_at(s, GUIDED_HEADER, s.n - GUIDED_HEADER, ret);
	}
	return false;
}

/* .lzma: properties, dictionary size u32, unpacked size u64, stream (LZMA SDK, lzma-specification.txt). */
static int unpack(const char *name, struct slice in, struct buf *ret, struct err *e)
{
	lzma_stream s = LZMA_STREAM_INIT;
	uint64_t size;
	lzma_ret r;

	if (in.n < 13 || (size = le64(in.p + 5)) > FV_UNPACKED_MAX)
		return err_set(e, -EBADMSG,
		        "%s: packed volumes of %zu bytes without a size, or with one above %u", name, in.n,
		        FV_UNPACKED_MAX);
	s.next_out = buf_zeros(ret, (size_t)size);
	s.avail_out = (size_t)size;
	s.next_in = in.p;
	s.avail_in = in.n;
	r = lzma_alone_decoder(&s, (uint64_t)FV_UNPACKED_MAX + (1 << 20));
	if (r == LZMA_OK)
		r = lzma_code(&s, LZMA_FINISH);
	lzma_end(&s);
	/* the stream is done at its size, whether or not an end mark follows */
	if ((r == LZMA_STREAM_END || r == LZMA_OK) && !s.avail_out)
		return 0;
	return err_set(e, -EBADMSG,
	        "%s: packed volumes: LZMA fails with %d after %" PRIu64 " of %" PRIu64 " bytes", name, (int)r,
	        size - s.avail_out, size);
}

/* The LZMA stream of the image: its volumes stand side by side; the first of them may be the variable store.
 */
static bool find_packed(const char *name, struct slice image, struct slice *ret)
{
	struct err e = { 0 };
	struct fv v;

	for (uint64_t off = 0; !fv_open(name, image, off, &v, &e); off += v.bytes.n) {
		struct fv_file f;
		uint64_t at = 0;

		while (fv_next(&v, &at, &f, &e) > 0)
			if (f.type == FILE_VOLUME && packed(f.body, ret))
				return true;
	}
	return false;
}

int fv_unpack(const char *name, struct slice image, struct buf *bytes, struct fv *pei, struct fv *dxe,
        struct err *e)
{
	struct slice lzma, s[2];
	uint64_t at = 0;

	if (!find_packed(name, image, &lzma))
		return err_set(e, -EBADMSG,
		        "%s: no file that packs PEI's and DXE's volumes by LZMA, as OVMF has", name);
	if (unpack(name, lzma, bytes, e))
		return e->code;
	for (int i = 0; i < 2; i++)
		if (!next_section(buf_slice(bytes), &at, SECTION_VOLUME, &s[i]))
			return err_set(
			        e, -EBADMSG, "%s: %d packed volumes, expected PEI's and DXE's", name, i);
	return fv_open(name, s[0], 0, pei, e) || fv_open(name, s[1], 0, dxe, e) ? e->code : 0;
}
