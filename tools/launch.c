#include "launch.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include "format/initdata.h"
#include "lib/base64.h"
#include "lib/gzip.h"
#include "lib/io.h"
#include "measure/initdata.h"

enum { SECTOR = 512 };

void launch_init(struct launch *l, const struct bundle *b)
{
	*l = (struct launch){ 0 };
	while (b->qemu[l->n])
		l->n++;
	l->argv = xcalloc(l->n + 1, sizeof(*l->argv));
	memcpy(l->argv, b->qemu, l->n * sizeof(*l->argv));
}

void launch_free(struct launch *l)
{
	for (size_t i = 0; i < l->n_own; i++)
		free(l->own[i]);
	for (size_t i = 0; i < l->n_fd; i++)
		close(l->fd[i]);
	free(l->own);
	free(l->argv);
}

/* Takes the text. */
static const char *own(struct launch *l, char *text)
{
	l->own = xrealloc(l->own, l->n_own + 1, sizeof(*l->own));
	return l->own[l->n_own++] = text;
}

/* Takes what is not NULL of an option and its value. */
static void add(struct launch *l, const char *option, char *value)
{
	l->argv = xrealloc(l->argv, l->n + 3, sizeof(*l->argv));
	l->argv[l->n++] = option;
	l->argv[l->n++] = own(l, value);
	l->argv[l->n] = NULL;
}

/* The value of an OPTION that has the text in it. */
static const char **find(struct launch *l, const char *option, const char *text)
{
	for (size_t i = 0; i + 1 < l->n; i++)
		if (!strcmp(l->argv[i], option) && strstr(l->argv[i + 1], text))
			return &l->argv[i + 1];
	return NULL;
}

void launch_override(struct launch *l, const char *option, const char *value)
{
	const char **at = find(l, option, "");

	if (!value)
		return;
	if (at)
		*at = own(l, xstrdup(value));
	else
		add(l, option, xstrdup(value));
}

static void add_disk(struct launch *l, const char *name, const char *file, const char *how)
{
	add(l, "-drive", xasprintf("file=%s,format=raw,if=none,id=%s%s", file, name, how));
	add(l, "-device", xasprintf("virtio-blk-pci,drive=%s,serial=bulla-%s", name, name));
}

/* Takes FD, which QEMU opens anew through its own /proc. */
static void add_fd(struct launch *l, const char *name, int fd, const char *how)
{
	char file[40];

	l->fd[l->n_fd++] = fd;
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	add_disk(l, name, file, how);
}

static char *base64(const uint8_t *p, size_t n)
{
	_buf_ struct buf text = { 0 };

	base64_encode(&text, slice_of(p, n));
	return xstrdup(buf_str(&text));
}

/* QEMU's own names (qapi/qom.json): host-data of sev-snp-guest, mrconfigid of tdx-guest. */
static int bind_it(struct launch *l, const struct initdata_fields *f, struct err *e)
{
	_free_ char *host = base64(f->snp_host_data, sizeof(f->snp_host_data)),
	            *config = base64(f->tdx_mrconfigid, sizeof(f->tdx_mrconfigid));
	const char **object = find(l, "-object", "sev-snp-guest,");

	if (object) {
		*object = own(l, xasprintf("%s,host-data=%s", *object, host));
	} else if ((object = find(l, "-object", "\"tdx-guest\""))) {
		json_auto_t *o = json_loads(*object, JSON_REJECT_DUPLICATES, NULL);

		if (!o || json_object_set_new(o, "mrconfigid", json_string(config)))
			return err_set(e, -EBADMSG, "manifest.json: -object %s: expected JSON", *object);
		*object = own(l, json_dumps(o, JSON_COMPACT));
	} else if (find(l, "-object", "sev-guest,")) {
		err_set(e, -ENOTSUP, "--initdata: SEV and SEV-ES have no field that binds it to a guest");
		return err_exit(e, EX_UNSUPPORTED);
	}
	return 0;
}

/* kata's disk: magic, length, gzip, zeros up to a sector. */
static void make_image(struct slice toml, struct buf *ret)
{
	size_t at;

	buf_add(ret, "initdata", 8);
	buf_zeros(ret, 8);
	at = ret->n;
	gzip_deflate(toml, ret);
	for (int i = 0; i < 8; i++)
		ret->p[8 + i] = (uint8_t)((uint64_t)(ret->n - at) >> 8 * i);
}

int launch_initdata(struct launch *l, const char *file, struct err *e)
{
	_initdata_ struct initdata d = { 0 };
	_buf_ struct buf data = { 0 }, toml = { 0 }, image = { 0 };
	struct initdata_fields f;
	int fd;

	if (io_read_file(file, INITDATA_MAX, &data, e) || initdata_unpack(file, buf_slice(&data), &toml, e) ||
	        initdata_parse(file, buf_slice(&toml), &d, e))
		return e->code;
	initdata_fields(buf_slice(&toml), d.alg, &f);
	if (bind_it(l, &f, e))
		return e->code;
	if (initdata_form(buf_slice(&data)) == INITDATA_IMAGE)
		buf_add(&image, data.p, data.n);
	else
		make_image(buf_slice(&toml), &image);
	buf_zeros(&image, (SECTOR - image.n % SECTOR) % SECTOR);
	fd = memfd_create("initdata", 0);
	if (fd < 0)
		return err_errno(e, "initdata: memfd");
	add_fd(l, "initdata", fd, ",readonly=on");
	if (write(fd, image.p, image.n) != (ssize_t)image.n)
		return err_errno(e, "initdata: memfd");
	return 0;
}

/* Bytes of "2G"; 0 for any other text. */
static off_t read_size(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	int shift = !*end ? 0 : end[1] ? 64 : *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 64;

	return *text < '0' || *text > '9' || shift == 64 || n > (1ULL << 50 >> shift) ? 0
	                                                                              : (off_t)(n << shift);
}

int launch_scratch(struct launch *l, const char *how, struct err *e)
{
	/* not in memory where that can be helped */
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
	/* what is in it is worth nothing to anyone once the guest is gone, and its key with it */
	static const char options[] = ",cache=unsafe,discard=unmap";
	_free_ char *path = realpath(how, NULL);
	off_t size = read_size(how);
	int fd;

	if (path && !size) {
		if (strchr(path, ','))
			return err_set(e, -EINVAL, "--scratch: %s: a comma in its name", path);
		add_disk(l, "scratch", path, options);
		return 0;
	}
	if (!size) {
		err_set(e, -EINVAL, "--scratch=%s: expected a size such as 2G, or a file that exists", how);
		return err_exit(e, EX_USAGE);
	}
	fd = open(tmp, O_TMPFILE | O_RDWR, 0600);
	if (fd < 0)
		return err_errno(e, "%s: an unnamed file", tmp);
	add_fd(l, "scratch", fd, options);
	return ftruncate(fd, size) ? err_errno(e, "%s: %s for scratch", tmp, how) : 0;
}

int launch_forward(struct launch *l, const char *how, struct err *e)
{
	char host[INET_ADDRSTRLEN] = "127.0.0.1", end;
	unsigned int port = 0, guest = 0;
	struct in_addr a;
	const char **net = find(l, "-netdev", "user,");

	if ((sscanf(how, "%u:%u%c", &port, &guest, &end) != 2 &&
	            sscanf(how, "%15[0-9.]:%u:%u%c", host, &port, &guest, &end) != 3) ||
	        port < 1 || port > 65535 || guest < 1 || guest > 65535 || inet_pton(AF_INET, host, &a) != 1) {
		err_set(e, -EINVAL, "--forward=%s: expected [ADDRESS:]PORT:GUESTPORT", how);
		return err_exit(e, EX_USAGE);
	}
	if (!net)
		return err_set(e, -ENOTSUP, "--forward: the bundle's guest has no network of QEMU's own");
	*net = own(l, xasprintf("%s,hostfwd=tcp:%s:%u-:%u", *net, host, port, guest));
	return 0;
}
