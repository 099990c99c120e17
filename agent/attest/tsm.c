#include "attest/tsm.h"
#include "lib/io.h"
#include <fcntl.h>
#include <inttypes.h>

#define REPORTS "/sys/kernel/config/tsm/report"
enum { BLOB_MAX = 1 << 20, TEXT_MAX = 64 };

/* A folder there is one request; removed with request_end. */
static int request_start(const struct attester *a, char **ret, struct err *e)
{
	_free_ char *reports = attester_path(a, REPORTS);
	_free_ char *prefix = xasprintf("%s/bulla", reports);

	if (access(reports, F_OK) < 0)
		return err_set(e, -ENODEV, "%s: no reports", reports);
	return io_temp_dir(prefix, ret, e);
}

static void request_end(char **dir)
{
	if (*dir)
		rmdir(*dir);
	free(*dir);
}
#define _request_ __attribute__((cleanup(request_end)))

static int read_blob(const char *dir, const char *name, struct buf *ret, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", dir, name);

	return io_read_file(path, BLOB_MAX, ret, e);
}

static int read_text(const char *dir, const char *name, char ret[TEXT_MAX], struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", dir, name);
	_buf_ struct buf b = { 0 };
	int k = io_read_file(path, TEXT_MAX - 1, &b, e);

	if (k < 0)
		return k;
	snprintf(ret, TEXT_MAX, "%.*s", (int)strcspn(buf_str(&b), "\n"), buf_str(&b));
	return 0;
}

static int write_blob(const char *dir, const char *name, struct slice s, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", dir, name);
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, s.p, s.n) != (ssize_t)s.n)
		return err_errno(e, "%s", path);
	return 0;
}

bool tsm_has(const struct attester *a, const char *provider)
{
	_request_ char *dir = NULL;
	char found[TEXT_MAX];
	struct err none = { 0 };

	return !request_start(a, &dir, &none) && !read_text(dir, "provider", found, &none) &&
	       !strcmp(found, provider);
}

/* Under a paravisor of the guest's own choice less privileged levels report; the kernel says from which on.
 */
static int set_level(const char *dir, unsigned int *writes, struct err *e)
{
	_free_ char *floor_path = xasprintf("%s/privlevel_floor", dir);
	char level[TEXT_MAX];
	int k;

	if (access(floor_path, F_OK) < 0)
		return 0;
	k = read_text(dir, "privlevel_floor", level, e);
	if (k < 0 || !strcmp(level, "0"))
		return k;
	*writes += 1;
	return write_blob(dir, "privlevel", slice_str(level), e);
}

int tsm_report(const struct attester *a, const char *provider, struct slice data, struct buf *ret,
        struct buf *aux, struct err *e)
{
	uint8_t inblob[TSM_INBLOB_LEN] = { 0 };
	_request_ char *dir = NULL;
	char found[TEXT_MAX], *end;
	unsigned int writes = 1;
	int k = request_start(a, &dir, e);

	memcpy(inblob, data.p, data.n < sizeof(inblob) ? data.n : sizeof(inblob));
	if (!k)
		k = read_text(dir, "provider", found, e);
	if (k < 0)
		return k;
	if (strcmp(found, provider))
		return err_set(e, -ENODEV, "%s: provider is %s, expected %s", dir, found, provider);
	k = set_level(dir, &writes, e);
	if (!k)
		k = write_blob(dir, "inblob", slice_of(inblob, sizeof(inblob)), e);
	if (!k)
		k = read_blob(dir, "outblob", ret, e);
	if (!k && aux)
		k = read_blob(dir, "auxblob", aux, e);
	if (!k)
		k = read_text(dir, "generation", found, e);
	if (k < 0)
		return k;
	if (!*found || strtoull(found, &end, 10) != writes || *end)
		return err_set(e, -EBUSY, "%s: generation %s, expected %u: another request came between", dir,
		        found, writes);
	return 0;
}
