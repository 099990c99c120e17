#include "lib/sink.h"
#include "lib/io.h"
#include <fcntl.h>
#include <sys/stat.h>

int sink_open(struct sink *s, const char *path, struct err *e)
{
	*s = (struct sink){ .path = xstrdup(path), .fd = -1 };
	s->tmp = xasprintf("%s.tmp.%d", path, (int)getpid());
	s->fd = open(s->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return s->fd < 0 ? err_errno(e, "%s", s->tmp) : 0;
}

int sink_add(struct sink *s, struct slice data, struct err *e)
{
	while (data.n) {
		/* Linux writes at most 2 GiB a call anyway */
		ssize_t n = write(s->fd, data.p, data.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "%s", s->path);
		s->n += (uint64_t)n;
		data = slice_of(data.p + n, data.n - (size_t)n);
	}
	return 0;
}

int sink_zeros_to(struct sink *s, uint64_t end, struct err *e)
{
	static const uint8_t zeros[65536];

	while (s->n < end) {
		uint64_t n = end - s->n;

		if (sink_add(s, slice_of(zeros, n < sizeof(zeros) ? (size_t)n : sizeof(zeros)), e))
			return e->code;
	}
	return 0;
}

int sink_hole_to(struct sink *s, uint64_t end, struct err *e)
{
	if (end <= s->n)
		return 0;
	if (ftruncate(s->fd, (off_t)end) || lseek(s->fd, (off_t)end, SEEK_SET) < 0)
		return err_errno(e, "%s", s->path);
	s->n = end;
	return 0;
}

int sink_sparse(struct sink *s, struct slice data, struct err *e)
{
	enum { BLOCK = 4096 };
	static const uint8_t zeros[BLOCK];

	while (data.n) {
		size_t n = data.n < BLOCK ? data.n : BLOCK;

		if (memcmp(data.p, zeros, n) ? sink_add(s, slice_of(data.p, n), e)
		                             : sink_hole_to(s, s->n + n, e))
			return e->code;
		data = slice_of(data.p + n, data.n - n);
	}
	return 0;
}

int sink_commit(struct sink *s, mode_t mode, struct err *e)
{
	if (fchmod(s->fd, mode))
		return err_errno(e, "%s", s->path);
	if (io_commit(s->tmp, s->path, e))
		return e->code;
	free(TAKE(s->tmp));
	return 0;
}

void sink_free(struct sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->tmp)
		unlink(s->tmp);
	free(s->tmp);
	free(s->path);
	*s = (struct sink){ .fd = -1 };
}
