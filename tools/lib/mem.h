/* Scope-bound cleanup and moves. */
#ifndef BULLA_MEM_H
#define BULLA_MEM_H
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void mem_freep(void *p)
{
	free(*(void **)p);
}

static inline void mem_closep(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		errno = saved;
	}
}

static inline void mem_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void mem_closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _free_ __attribute__((cleanup(mem_freep)))
#define _close_ __attribute__((cleanup(mem_closep)))
#define _fclose_ __attribute__((cleanup(mem_fclosep)))
#define _closedir_ __attribute__((cleanup(mem_closedirp)))
/* Hands ownership on: yields the pointer and leaves NULL behind. */
#define TAKE(p)                                                                                              \
	({                                                                                                   \
		__typeof__(p) taken_ = (p);                                                                  \
		(p) = NULL;                                                                                  \
		taken_;                                                                                      \
	})
#define TAKE_FD(fd)                                                                                          \
	({                                                                                                   \
		int taken_ = (fd);                                                                           \
		(fd) = -1;                                                                                   \
		taken_;                                                                                      \
	})
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Allocation in a short-lived tool: success or a message and exit 1. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#endif
