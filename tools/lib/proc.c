#include "lib/proc.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static _Noreturn void child(
        char *const argv[], char *const env[], int out, int err_fd, int report, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	if (err_fd >= 0)
		dup2(err_fd, STDERR_FILENO);
	for (; env && *env; env++)
		putenv(*env);
	execvp(argv[0], argv);
	int saved = errno;

	if (write(report, &saved, sizeof(saved)) < 0)
		_exit(126);
	_exit(127);
}

int proc_start(char *const argv[], char *const env[], int out, int err_fd, pid_t *ret, struct err *e)
{
	int pipefd[2], failed = 0;
	pid_t parent = getpid(), pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return err_errno(e, "pipe");
	pid = fork();
	if (pid == 0)
		child(argv, env, out, err_fd, pipefd[1], parent);
	int saved = errno;

	close(pipefd[1]);
	errno = saved;
	if (pid > 0 && read(pipefd[0], &failed, sizeof(failed)) == (ssize_t)sizeof(failed)) {
		waitpid(pid, NULL, 0);
		pid = -1;
		errno = failed;
	}
	saved = errno;
	close(pipefd[0]);
	errno = saved;
	if (pid < 0)
		return err_errno(e, "%s: cannot be run", argv[0]);
	*ret = pid;
	return 0;
}

int proc_wait(pid_t pid, const char *what, struct err *e)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, "%s: wait", what);
	if (WIFSIGNALED(st))
		return err_set(e, -ECHILD, "%s: killed by signal %d (%s)", what, WTERMSIG(st),
		        strsignal(WTERMSIG(st)));
	if (WEXITSTATUS(st)) {
		err_set(e, -ECHILD, "%s: exited with status %d", what, WEXITSTATUS(st));
		/* what shells say of a command that is not there (POSIX, Shell Command Language 2.8.2) */
		return WEXITSTATUS(st) == 127 ? err_exit(e, EX_MISSING) : e->code;
	}
	return 0;
}

int proc_capture(char *const argv[], char *const env[], struct buf *ret, struct err *e)
{
	_buf_ struct buf b = { 0 };
	int pipefd[2];
	uint8_t chunk[65536];
	ssize_t n;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return err_errno(e, "pipe");
	int r = proc_start(argv, env, pipefd[1], -1, &pid, e);

	close(pipefd[1]);
	while (!r && ((n = read(pipefd[0], chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			buf_add(&b, chunk, (size_t)n);
	close(pipefd[0]);
	if (r || proc_wait(pid, argv[0], e))
		return e->code;
	buf_add(&b, "", 0);
	*ret = b;
	b = (struct buf){ 0 };
	return 0;
}
