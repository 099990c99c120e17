/* A device path as text: what is taken gives the same bytes when its own text is read again; and the bytes of
 * any input have a text. */
#include "format/devparse.h"
#include "format/devpath.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_buf_ struct buf text = { 0 }, path = { 0 }, again = { 0 }, other = { 0 };
	struct err e = { 0 };

	devpath_text(slice_of(p, n), &other);
	buf_add(&text, p, n);
	if (devparse(buf_str(&text), &path, &e)) {
		assert(e.code == -EINVAL);
		return 0;
	}
	assert(path.n >= 4);
	devparse_last(buf_slice(&path));
	text.n = 0;
	assert(devpath_text(buf_slice(&path), &text));
	assert(!devparse(buf_str(&text), &again, &e));
	assert(slice_eq(buf_slice(&path), buf_slice(&again)));
	return 0;
}
