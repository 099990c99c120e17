/* Input: a layer's tar. Whatever it says, nothing but the layer's root changes, and nothing in it passes the
 * limit. */
#include "fuzz.h"
#include "image/beneath.h"
#include "image/untar.h"
#include "lib/io.h"
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>

enum { MAX = 1 << 20 };
static char *dir, *root;
static uint64_t total;

static void end(void)
{
	struct err e = { 0 };

	io_remove_tree(dir, &e);
	free(dir);
	free(root);
}

static int see(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)type;
	assert(strncmp(path + at->base, WHITEOUT, strlen(WHITEOUT)) != 0);
	if (S_ISREG(st->st_mode) && st->st_nlink == 1)
		total += (uint64_t)st->st_size;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct libarchive a;
	struct err e = { 0 };
	int in, fd;

	if (!dir) {
		if (archive_load(&a, &e))
			return 0; /* not on this machine */
		assert(!io_temp_dir("/tmp/fuzz-untar-", &dir, &e));
		root = xasprintf("%s/root", dir);
		atexit(end);
	}
	assert(!mkdir(root, 0755));
	in = memfd_create("layer", MFD_CLOEXEC);
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(in >= 0 && fd >= 0 && write(in, p, n) == (ssize_t)n && !lseek(in, 0, SEEK_SET));
	assert(untar(&a, in, fd, MAX, &e) == e.code && e.code <= 0);
	close(in);
	close(fd);
	total = 0;
	nftw(root, see, 16, FTW_PHYS);
	assert(total <= MAX);
	assert(!io_remove_tree(root, &e));
	assert(!rmdir(dir) && !mkdir(dir, 0700)); /* nothing was made beside it */
	return 0;
}
