#include "swtpm.h"
#include "lib/mem.h"
#include "lib/proc.h"
#include <fcntl.h>
#include <sys/socket.h>

enum { LOG_COMMANDS = 20 };

int swtpm_start(const char *dir, const char *log, int errors, pid_t *pid, int *fd, struct err *e)
{
	_free_ char *state = xasprintf("dir=%s", dir), *ctrl = NULL, *to = NULL;
	const char *argv[] = { "swtpm", "socket", "--tpm2", "--tpmstate", state, "--ctrl", NULL, NULL, NULL,
		NULL };
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return err_errno(e, "socketpair");
	/* swtpm must not hold QEMU's end, or it would never see QEMU go */
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	argv[6] = ctrl = xasprintf("type=unixio,clientfd=%d", pair[1]);
	if (log) {
		argv[7] = "--log";
		argv[8] = to = xasprintf("file=%s,level=%d,truncate", log, LOG_COMMANDS);
	}
	r = proc_start((char *const *)argv, NULL, errors, errors, pid, e);
	close(pair[1]);
	if (r) {
		close(pair[0]);
		if (r == -ENOENT)
			err_hint(e, "it is in the Debian package swtpm");
		return r;
	}
	fcntl(pair[0], F_SETFD, 0);
	*fd = pair[0];
	return 0;
}
