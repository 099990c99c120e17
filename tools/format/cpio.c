#include "format/cpio.h"
#include <inttypes.h>

enum { S_FOLDER = 0040000, S_FILE = 0100000 };

static void pad(struct cpio *c)
{
	buf_zeros(&c->buf, -c->buf.n & 3);
}

static void header(struct cpio *c, uint32_t inode, unsigned mode, uint32_t size, size_t name)
{
	buf_printf(
	        &c->buf, "070701%08" PRIx32 "%08x%08x%08x%08x%08x%08" PRIx32, inode, mode, 0, 0, 1, 0, size);
	buf_printf(&c->buf, "%08x%08x%08x%08x%08x%08x", 0, 0, 0, 0, (unsigned)name, 0);
}

static void folder(struct cpio *c, const char *path, size_t len, unsigned mode)
{
	header(c, ++c->inode, S_FOLDER | mode, 0, len + 1);
	buf_add(&c->buf, path, len);
	buf_zeros(&c->buf, 1);
	pad(c);
}

void cpio_folder(struct cpio *c, const char *path, unsigned mode)
{
	for (const char *p = path; (p = strchr(p, '/')); p++)
		folder(c, path, (size_t)(p - path), 0555);
	folder(c, path, strlen(path), mode);
}

int cpio_file(
        struct cpio *c, const char *in, const char *name, unsigned mode, struct slice data, struct err *e)
{
	if (data.n > UINT32_MAX)
		return err_set(e, -EFBIG, "%s: %zu bytes, expected less than 4 GiB for a cpio archive", name,
		        data.n);
	header(c, ++c->inode, S_FILE | mode, (uint32_t)data.n, strlen(in) + 1 + strlen(name) + 1);
	buf_printf(&c->buf, "%s/%s", in, name);
	buf_zeros(&c->buf, 1);
	pad(c);
	buf_add(&c->buf, data.p, data.n);
	pad(c);
	return 0;
}

/* systemd's src/boot/cpio.c writes the length of this name, and nothing else, with a capital digit. */
void cpio_end(struct cpio *c)
{
	buf_printf(&c->buf, "070701%032x%08x%048x0000000B%08xTRAILER!!!", 0, 1, 0, 0);
	buf_zeros(&c->buf, 4);
}
