/*
 * A software TPM behind a pseudo terminal, which to its user is a device that carries raw commands, as
 * /dev/tpmrm0 is one; and tpm2-tools on the same. A test without these programs is skipped with a message.
 */
#ifndef BULLA_SWTPM_H
#define BULLA_SWTPM_H
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include "lib/io.h"

struct swtpm {
	const char *front; /* a Python program that is given the folder and swtpm's command line, or NULL */
	char *root;        /* of an attester: dev/tpmrm0 and run/bulla are in it */
	char device[64];
	int held; /* keeps the terminal up between commands */
	pid_t pid;
};

static inline bool swtpm_have(const char *program)
{
	_free_ char *line = xasprintf("command -v %s >/dev/null 2>&1", program);

	if (!system(line))
		return true;
	print_message("# SKIP %s is missing\n", program);
	return false;
}

static inline void swtpm_start(struct swtpm *t)
{
	struct termios raw;
	struct err e = { 0 };
	int master;

	if (!swtpm_have("swtpm"))
		skip();
	assert_int_equal(io_temp_dir("/tmp/attest-", &t->root, &e), 0);
	master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master) &&
	            !ptsname_r(master, t->device, sizeof(t->device)));
	t->held = open(t->device, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(t->held >= 0 && !tcgetattr(t->held, &raw));
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(t->held, TCSANOW, &raw), 0);

	_free_ char *dev = xasprintf("%s/dev/tpmrm0", t->root);
	_free_ char *run = xasprintf("%s/run/bulla", t->root);
	_free_ char *state = xasprintf("dir=%s", t->root);
	_free_ char *fd = xasprintf("%d", master);
	assert_int_equal(io_mkparents(dev, &e), 0);
	assert_int_equal(io_mkdirs(run, &e), 0);
	assert_int_equal(symlink(t->device, dev), 0);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (!t->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		const char *argv[] = { "python3", t->front, t->root, "swtpm", "chardev", "--tpm2", "--fd", fd,
			"--tpmstate", state, "--flags", "not-need-init,startup-clear", "--log", "level=0",
			NULL };
		const char **from = argv + (t->front ? 0 : 3);

		execvp(*from, (char **)from);
		_exit(127);
	}
	close(master);
	alarm(120);
}

static inline void swtpm_stop(struct swtpm *t)
{
	struct err e = { 0 };

	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	close(t->held);
	assert_int_equal(io_remove_tree(t->root, &e), 0);
	free(t->root);
}

/* Runs the command line with tpm2-tools on this TPM, in its folder; what it says on stdout is *OUT. */
static inline int swtpm_tool(const struct swtpm *t, struct buf *out, const char *line)
{
	_free_ char *all =
	        xasprintf("cd %s && export TPM2TOOLS_TCTI=device:%s TSS2_LOG=all+NONE && { %s; } 2>tool.err",
	                t->root, t->device, line);
	FILE *f = popen(all, "re");
	char chunk[4096];
	size_t n;
	int status;

	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(out, chunk, n);
	status = pclose(f);
	if (status)
		print_message("# %s: status 0x%x\n", line, status);
	return status;
}
#endif
