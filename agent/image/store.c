#include "store.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include "http.h"
#include "lib/io.h"

enum { POLL_MS = 50 };

int store_open(const char *store, struct err *e)
{
	static const char *const folders[] = { "layers", "lock", "tmp" };

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		_free_ char *path = xasprintf("%s/%s", store, folders[i]);

		if (io_mkdirs(path, e))
			return e->code;
		/* what containers see of it are mounts */
		if (chmod(path, 0700) < 0)
			return err_errno(e, "%s", path);
	}
	return 0;
}

static int take_lock(int fd, uint64_t deadline_ms)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		const struct timespec d = { 0, POLL_MS * 1000000L };

		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (deadline_ms && http_now() >= deadline_ms)
			return -ETIMEDOUT;
		nanosleep(&d, NULL);
	}
	return 0;
}

int layer_open(const char *store, const char *chain, uint64_t deadline_ms, struct layer *ret, struct err *e)
{
	_free_ char *lock = xasprintf("%s/lock/%s", store, strchr(chain, ':') + 1);
	int r;

	*ret = (struct layer){
		.dir = xasprintf("%s/layers/%s", store, strchr(chain, ':') + 1),
		.work = xasprintf("%s/tmp/%s", store, strchr(chain, ':') + 1),
		.fresh = xasprintf("%s/tmp/%s/layer", store, strchr(chain, ':') + 1),
		.lock = -1,
	};
	/* whoever made it, it came there by a rename */
	ret->there = io_exists(ret->dir);
	if (ret->there)
		return 0;
	ret->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (ret->lock < 0)
		return err_errno(e, "%s", lock);
	r = take_lock(ret->lock, deadline_ms);
	if (r)
		return err_set(
		        e, r, "another pull that unpacks the same layer is waited for: %s", strerror(-r));
	ret->there = io_exists(ret->dir);
	if (ret->there) {
		mem_closep(&ret->lock);
		ret->lock = -1;
		return 0;
	}
	if (io_remove_tree(ret->work, e)) /* of a pull that was killed */
		return e->code;
	return mkdir(ret->work, 0700) < 0 ? err_errno(e, "%s", ret->work) : 0;
}

int layer_publish(struct layer *l, struct err *e)
{
	if (rename(l->fresh, l->dir) < 0)
		return err_errno(e, "%s", l->dir);
	l->there = true;
	return 0;
}

void layer_close(struct layer *l)
{
	struct err ignored;

	if (l->lock >= 0)
		io_remove_tree(l->work, &ignored);
	mem_closep(&l->lock);
	free(l->dir);
	free(l->work);
	free(l->fresh);
	*l = (struct layer){ .lock = -1 };
}

int store_file(const char *store, struct err *e)
{
	_free_ char *path = xasprintf("%s/tmp", store);
	int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? err_errno(e, "%s", path) : fd;
}
