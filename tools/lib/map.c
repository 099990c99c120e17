#include "lib/map.h"
#include "lib/mem.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int map_file(const char *path, struct slice *ret, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		return err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s: not a regular file", path);
	*ret = (struct slice){ 0 };
	if (!st.st_size)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_errno(e, "%s: map", path);
	*ret = slice_of(p, (size_t)st.st_size);
	return 0;
}

void map_free(struct slice *s)
{
	if (s->n)
		munmap((void *)(uintptr_t)s->p, s->n);
	*s = (struct slice){ 0 };
}
