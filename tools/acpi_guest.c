#include "acpi_guest.h"
#include "acpi_image.h"
#include "format/fwcfg.h"
#include "lib/io.h"
#include "lib/proc.h"
#include "swtpm.h"
#include "lib/term.h"
#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

static const struct {
	const char *fw_cfg, *name;
} blobs[ACPI_BLOBS] = {
	{ "etc/acpi/tables", "tables" },
	{ "etc/acpi/rsdp", "rsdp" },
	{ "etc/table-loader", "loader" },
	{ "etc/tpm/log", "tpm-log" },
	{ "etc/smbios/smbios-tables", "smbios" },
	{ "etc/smbios/smbios-anchor", "smbios-anchor" },
	{ "small items", "fw-cfg" },
};

const char *acpi_blob_fw_cfg(size_t i)
{
	return i < ACPI_BLOBS ? blobs[i].fw_cfg : NULL;
}

const char *acpi_blob_name(size_t i)
{
	return i < ACPI_BLOBS ? blobs[i].name : NULL;
}

struct session {
	const char *program;
	char *dir; /* ours; it holds the following, and the TPM's state */
	char *kernel, *firmware, *vars, *errors;
	pid_t pid, tpm;
	sigset_t before; /* signals that were blocked */
	int signals;
	bool stopped;
	int pidfd, qmp, qtest;
	double end;
	struct buf line[2]; /* what came from qmp and qtest, not yet a whole line */
};

static void end_child(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void session_free(struct session *s)
{
	struct err ignored = { 0 };

	end_child(s->pid);
	end_child(s->tpm);
	mem_closep(&s->pidfd);
	mem_closep(&s->signals);
	mem_closep(&s->qmp);
	mem_closep(&s->qtest);
	if (s->dir)
		io_remove_tree(s->dir, &ignored);
	/* asked to stop, it does, and says so first */
	if (!s->stopped)
		sigprocmask(SIG_SETMASK, &s->before, NULL);
	free(s->dir);
	free(s->kernel);
	free(s->firmware);
	free(s->vars);
	free(s->errors);
	buf_free(&s->line[0]);
	buf_free(&s->line[1]);
}

/* QEMU has ended: its last line on stderr says why. */
static int ended(struct session *s, struct err *e)
{
	_buf_ struct buf said = { 0 };
	struct err ignored = { 0 };
	char *text, *nl;
	int status = 0;

	waitpid(s->pid, &status, 0);
	s->pid = 0;
	io_read_file(s->errors, 0, &said, &ignored);
	while (said.n && said.p[said.n - 1] == '\n')
		said.p[--said.n] = 0;
	text = buf_str(&said);
	nl = strrchr(text, '\n');
	text = nl ? nl + 1 : text;
	for (char *c = text; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	if (WIFSIGNALED(status))
		return err_set(e, -ECHILD, "%s: killed by signal %d%s%.500s", s->program, WTERMSIG(status),
		        *text ? ": " : "", text);
	return err_set(e, -ECHILD, "%s: exited with status %d%s%.500s", s->program, WEXITSTATUS(status),
	        *text ? ": " : "", text);
}

/* The next line from the monitor (which 0) or the qtest socket (1), into *RET, without its end. */
static int get_line(struct session *s, int which, struct buf *ret, struct err *e)
{
	int fd = which ? s->qtest : s->qmp;
	struct buf *in = &s->line[which];
	char chunk[65536];

	for (;;) {
		struct pollfd p[] = { { fd, POLLIN, 0 }, { s->pidfd, POLLIN, 0 }, { s->signals, POLLIN, 0 } };
		uint8_t *nl = in->n ? memchr(in->p, '\n', in->n) : NULL;
		double left = s->end - term_now();
		ssize_t n;

		if (nl) {
			size_t len = (size_t)(nl - in->p);

			ret->n = 0;
			buf_add(ret, in->p, len);
			memmove(in->p, nl + 1, in->n - len - 1);
			in->n -= len + 1;
			return 0;
		}
		if (left <= 0) {
			err_set(e, -ETIMEDOUT, "%s: the firmware did not start our guest in time",
			        s->program);
			err_hint(e, "Secure Boot keeps it from that, and so does a firmware that wants a TD; "
			            "take one "
			            "without keys, for any guest: it sets up PCI alike");
			return e->code;
		}
		if (poll(p, ARRAY_LEN(p), (int)(left * 1e3) + 1) < 0 && errno != EINTR)
			return err_errno(e, "poll");
		if (p[2].revents) {
			s->stopped = true;
			return err_set(e, -EINTR, "asked to stop");
		}
		if (!p[0].revents && p[1].revents)
			return ended(s, e);
		if (!p[0].revents)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			return ended(s, e);
		buf_add(in, chunk, (size_t)n);
	}
}

static int put(struct session *s, int fd, const char *text, struct err *e)
{
	size_t n = strlen(text);

	return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : ended(s, e);
}

/* One qtest command (docs/devel/testing of QEMU); *RET is what follows "OK". */
static int qtest(struct session *s, struct buf *ret, struct err *e, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
static int qtest(struct session *s, struct buf *ret, struct err *e, const char *fmt, ...)
{
	char command[160];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(command, sizeof(command) - 1, fmt, ap);
	va_end(ap);
	command[n] = '\n';
	command[n + 1] = 0;
	if (put(s, s->qtest, command, e))
		return e->code;
	do
		if (get_line(s, 1, ret, e))
			return e->code;
	while (!strncmp(buf_str(ret), "IRQ ", 4));
	if (strncmp(buf_str(ret), "OK", 2))
		return err_set(e, -EPROTO, "%s: qtest says '%.60s'", s->program, buf_str(ret));
	return 0;
}

static int in_byte(struct session *s, unsigned port, uint8_t *ret, struct err *e)
{
	_buf_ struct buf b = { 0 };

	if (qtest(s, &b, e, "inb 0x%x", port))
		return e->code;
	*ret = (uint8_t)strtoul(buf_str(&b) + 2, NULL, 0);
	return 0;
}

/* docs/specs/fw_cfg of QEMU: select by port 0x510, bytes from 0x511, DMA by 0x514 with a descriptor in
 * memory. Memory is ours: the guest never goes on. */
enum {
	FW_SELECT = 0x510,
	FW_DATA = 0x511,
	FW_DMA_HIGH = 0x514,
	FW_DMA_LOW = 0x518,
	FW_DIR = 0x19,
	FW_ENTRY = 64
};
enum { DMA_AT = 0x100000, DATA_AT = 0x200000, DMA_READ = 2, DMA_SELECT = 8, BLOB_MAX = 16 << 20 };

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Item KEY, N bytes. */
static int fw_cfg_read(struct session *s, uint16_t key, uint32_t n, struct buf *ret, struct err *e)
{
	uint8_t d[16] = { 0 };
	char hex[33];
	_buf_ struct buf b = { 0 };
	uint8_t *to;

	put_be32(d, (uint32_t)key << 16 | DMA_SELECT | DMA_READ);
	put_be32(d + 4, n);
	put_be32(d + 12, DATA_AT);
	/* the address is written in big-endian order */
	if (qtest(s, &b, e, "write 0x%x 16 0x%s", DMA_AT, hex_encode(hex, d, sizeof(d))) ||
	        qtest(s, &b, e, "outl 0x%x 0", FW_DMA_HIGH) ||
	        qtest(s, &b, e, "outl 0x%x 0x%x", FW_DMA_LOW, (unsigned)__builtin_bswap32(DMA_AT)) ||
	        qtest(s, &b, e, "read 0x%x 0x%x", DMA_AT, 4))
		return e->code;
	if (strcmp(buf_str(&b), "OK 0x00000000"))
		return err_set(
		        e, -EIO, "%s: fw_cfg item 0x%x: DMA ends with '%s'", s->program, key, buf_str(&b));
	if (qtest(s, &b, e, "read 0x%x 0x%x", DATA_AT, (unsigned)n))
		return e->code;
	to = buf_zeros(ret, n);
	if (b.n != 5 + 2 * (size_t)n || !hex_decode(buf_str(&b) + 5, to, n))
		return err_set(e, -EPROTO, "%s: qtest gives no %u bytes", s->program, (unsigned)n);
	return 0;
}

/* Those that a firmware may measure one by one; QEMU has no file for the first. */
static const char *const small[] = { "BootMenu", "etc/extra-pci-roots", "etc/boot-menu-wait",
	"etc/reserved-memory-end", "opt/ovmf/X-PciMmio64Mb", "bootorder" };
enum { FW_BOOT_MENU = 0xe, SMALL = ACPI_BLOBS - 1 };

static int read_small(
        struct session *s, const char *name, uint16_t key, uint32_t n, struct buf *ret, struct err *e)
{
	_buf_ struct buf data = { 0 };

	if (fw_cfg_read(s, key, n, &data, e))
		return e->code;
	fwcfg_add(ret, name, buf_slice(&data));
	return 0;
}

static int read_blobs(struct session *s, struct buf ret[ACPI_BLOBS], struct err *e)
{
	_buf_ struct buf count = { 0 }, dir = { 0 };
	uint32_t n;

	if (fw_cfg_read(s, FW_DIR, 4, &count, e))
		return e->code;
	n = be32(count.p);
	if (n > 10000)
		return err_set(e, -EPROTO, "%s: fw_cfg has %u files, expected at most 10000", s->program,
		        (unsigned)n);
	if (fw_cfg_read(s, FW_DIR, 4 + n * FW_ENTRY, &dir, e))
		return e->code;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *f = dir.p + 4 + i * FW_ENTRY;
		uint32_t size = be32(f);
		uint16_t key = (uint16_t)(f[4] << 8 | f[5]);

		for (size_t k = 0; k < ACPI_BLOBS; k++) {
			if (strncmp((const char *)f + 8, blobs[k].fw_cfg, FW_ENTRY - 8) || !size)
				continue;
			if (size > BLOB_MAX)
				return err_set(e, -EFBIG, "%s: fw_cfg %s has %u bytes, expected at most %d",
				        s->program, blobs[k].fw_cfg, (unsigned)size, BLOB_MAX);
			if (fw_cfg_read(s, key, size, &ret[k], e))
				return e->code;
		}
		for (size_t k = 1; k < ARRAY_LEN(small); k++)
			if (!strncmp((const char *)f + 8, small[k], FW_ENTRY - 8) && size &&
			        size <= BLOB_MAX && read_small(s, small[k], key, size, &ret[SMALL], e))
				return e->code;
	}
	return read_small(s, small[0], FW_BOOT_MENU, 2, &ret[SMALL], e);
}

/* Waits until the guest has stopped, and tells our stop from another. */
static int wait_for_stop(struct session *s, struct err *e)
{
	_buf_ struct buf line = { 0 };
	uint8_t mark[2];

	if (put(s, s->qmp, "{\"execute\":\"qmp_capabilities\"}\n", e))
		return e->code;
	for (bool stopped = false; !stopped;) {
		json_t *j;
		const char *event = NULL;

		if (get_line(s, 0, &line, e))
			return e->code;
		j = json_loads(buf_str(&line), 0, NULL);
		if (j)
			json_unpack(j, "{s:s}", "event", &event);
		stopped = event && !strcmp(event, "STOP");
		json_decref(j);
	}
	for (unsigned i = 0; i < 2; i++)
		if (qtest(s, &line, e, "outb 0x70 0x%x", ACPI_MARK_AT + i) || in_byte(s, 0x71, &mark[i], e))
			return e->code;
	if (mark[0] != ACPI_MARK_0 || mark[1] != ACPI_MARK_1)
		return err_set(e, -ECANCELED,
		        "%s: the firmware reset the machine before it started our guest", s->program);
	return 0;
}

/* Taken through a descriptor, so that what we made is removed. */
static int hold_signals(struct session *s, struct err *e)
{
	sigset_t asking;

	sigemptyset(&asking);
	sigaddset(&asking, SIGINT);
	sigaddset(&asking, SIGTERM);
	sigaddset(&asking, SIGHUP);
	sigprocmask(SIG_BLOCK, &asking, &s->before);
	s->signals = signalfd(-1, &asking, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? err_errno(e, "signalfd") : 0;
}

/* Connected sockets: *OURS, which no child gets, and *THEIRS. */
static int make_pair(int *ours, int *theirs, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return err_errno(e, "socketpair");
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

static int start_qemu(struct session *s, const struct acpi_guest *g, int log, const int fds[3], struct err *e)
{
	_free_ char *qmp = xasprintf("socket,id=bulla-qmp,fd=%d", fds[0]),
	            /* QEMU looks for this one by the name "qtest" (softmmu/qtest.c) */
	        *qt = xasprintf("socket,id=qtest,fd=%d", fds[1]),
	            *tpm = xasprintf("socket,id=bulla-tpm,fd=%d", fds[2]),
	            *device = xasprintf("%s,tpmdev=bulla-tpm", g->tpm ? g->tpm : ""),
	            *code = xasprintf("if=pflash,format=raw,unit=0,readonly=on,file=%s", s->firmware),
	            *vars = xasprintf("if=pflash,format=raw,unit=1,file=%s", s->vars);
	const char *tcg[] = { "-accel", "tcg", NULL }; /* the first one counts */
	const char *ours[] = { "-display", "none", "-no-reboot", "-no-shutdown", "-kernel", s->kernel,
		"-chardev", qmp, "-mon", "chardev=bulla-qmp,mode=control", "-chardev", qt, "-qtest",
		"chardev:qtest", "-qtest-log", "none", NULL };
	const char *bios[] = { "-bios", s->firmware, NULL };
	const char *flash[] = { "-drive", code, "-drive", vars, NULL };
	const char *const *firmware = g->vars.n ? flash : g->firmware.n ? bios : NULL;
	const char *with_tpm[] = { "-chardev", tpm, "-tpmdev", "emulator,id=bulla-tpm,chardev=bulla-tpm",
		"-device", device, NULL };
	const char *const *parts[] = { tcg, g->args, firmware, g->tpm ? with_tpm : NULL, ours };
	_free_ const char **argv = xcalloc(2, sizeof(*argv));
	size_t n = 1;
	int r;

	argv[0] = s->program;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (size_t k = 0; parts[i] && parts[i][k]; k++) {
			argv = xrealloc(argv, n + 2, sizeof(*argv));
			argv[n++] = parts[i][k];
		}
	argv[n] = NULL;
	r = proc_start((char *const *)argv, NULL, log, log, &s->pid, e);
	if (!r) {
		s->pidfd = pidfd_open(s->pid, 0);
		return s->pidfd < 0 ? err_errno(e, "%s: pidfd", s->program) : 0;
	}
	s->pid = 0;
	if (r == -ENOENT) {
		err_hint(e, "it is in the Debian package qemu-system-x86");
		err_exit(e, EX_MISSING);
	}
	return r;
}

static int start(struct session *s, const struct acpi_guest *g, struct err *e)
{
	_close_ int log = open(s->errors, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
	int ours[2] = { -1, -1 }, theirs[3] = { -1, -1, -1 }, r = 0;

	if (log < 0)
		return err_errno(e, "%s", s->errors);
	for (int i = 0; !r && i < 2; i++)
		r = make_pair(&ours[i], &theirs[i], e);
	s->qmp = ours[0];
	s->qtest = ours[1];
	if (!r && g->tpm)
		r = swtpm_start(s->dir, NULL, log, &s->tpm, &theirs[2], e);
	if (!r)
		r = start_qemu(s, g, log, theirs, e);
	for (int i = 0; i < 3; i++)
		mem_closep(&theirs[i]);
	return r;
}

static int write_copy(const char *path, struct slice image, struct err *e)
{
	_buf_ struct buf copy = { 0 };

	buf_add(&copy, image.p, image.n);
	acpi_forget_variables(copy.p, copy.n);
	return io_write_file(path, buf_slice(&copy), 0600, e);
}

static int write_inputs(struct session *s, const struct acpi_guest *g, struct err *e)
{
	_buf_ struct buf kernel = { 0 };

	acpi_image(&kernel);
	return io_write_file(s->kernel, buf_slice(&kernel), 0600, e) ||
	                       (g->firmware.n && write_copy(s->firmware, g->firmware, e)) ||
	                       (g->vars.n && write_copy(s->vars, g->vars, e))
	               ? e->code
	               : 0;
}

int acpi_guest_run(const struct acpi_guest *g, struct buf ret[ACPI_BLOBS], struct err *e)
{
	__attribute__((cleanup(session_free))) struct session s = {
		.program = g->program, .pidfd = -1, .qmp = -1, .qtest = -1, .end = term_now() + g->seconds
	};

	if (hold_signals(&s, e) || io_run_dir("acpi", &s.dir, e))
		return e->code;
	s.kernel = xasprintf("%s/guest", s.dir);
	s.firmware = xasprintf("%s/firmware", s.dir);
	s.vars = xasprintf("%s/vars", s.dir);
	s.errors = xasprintf("%s/stderr", s.dir);
	if (write_inputs(&s, g, e) || start(&s, g, e) || wait_for_stop(&s, e) || read_blobs(&s, ret, e))
		return e->code;
	if (!ret[0].n)
		return err_set(e, -ENOENT, "%s: fw_cfg has no %s", g->program, blobs[0].fw_cfg);
	return 0;
}
