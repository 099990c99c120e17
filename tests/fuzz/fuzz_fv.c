/* Firmware images: files and sections of their volumes, and what they pack. */
#include "format/fv.h"
#include "fuzz.h"

static void files(const struct fv *v)
{
	static const uint8_t nobody[UUID_LEN] = { 0x5a };
	struct fv_file f;
	struct err e = { 0 };
	uint64_t at = 0, last = 0;
	int r;

	while ((r = fv_next(v, &at, &f, &e)) > 0) {
		inside(v->bytes, f.body);
		assert(at > last);
		last = at;
	}
	assert(!r || r == -EBADMSG);
	fv_has(v, nobody);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of(p, n);
	_buf_ struct buf bytes = { 0 };
	struct fv v, pei, dxe;
	struct err e = { 0 };

	if (!fv_open("fuzz", all, 0, &v, &e)) {
		inside(all, v.bytes);
		files(&v);
	}
	e = (struct err){ 0 };
	if (fv_unpack("fuzz", all, &bytes, &pei, &dxe, &e)) {
		assert(e.code == -EBADMSG);
		return 0;
	}
	assert(bytes.n <= FV_UNPACKED_MAX);
	inside(buf_slice(&bytes), pei.bytes);
	inside(buf_slice(&bytes), dxe.bytes);
	files(&pei);
	files(&dxe);
	return 0;
}
