/*
 * PID 1 of the sealed root: mounts what the kernel offers, keeps the agent running, reaps, powers off. It
 * never ends; of what the host says it reads the command line and nothing else.
 */
#include "backoff.h"
#include "cmdline.h"
#include "init.h"
#include "sys.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	POWER_BUTTON = 38, /* CONFIG_ACPI_TINY_POWER_BUTTON_SIGNAL of our kernel */
	GRACE_MS = 2000,
};

struct state {
	sigset_t awaited;
	struct backoff backoff;
	uint64_t start_at_ms; /* when to start the agent, while it does not run */
	pid_t agent;          /* 0: not running */
	bool debug;
	char stages[512];
};

static uint64_t now_ms(void)
{
	return sys_boottime() / 1000000;
}

static bool is_mounted(const char *at)
{
	struct stat here, above;
	char up[64];

	snprintf(up, sizeof(up), "%s/..", at);
	return !stat(at, &here) && !stat(up, &above) && here.st_dev != above.st_dev;
}

static void mount_all(void)
{
	enum { LOCKED = MS_NOSUID | MS_NODEV | MS_NOEXEC };
	static const struct {
		const char *type, *at, *options;
		unsigned long flags;
		bool may_lack;
	} mounts[] = {
		{ "devtmpfs", "/dev", NULL, MS_NOSUID | MS_NOEXEC, false },
		{ "proc", "/proc", NULL, LOCKED, false },
		{ "sysfs", "/sys", NULL, LOCKED, false },
		{ "devpts", "/dev/pts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC, false },
		{ "tmpfs", "/dev/shm", "mode=1777", LOCKED, false },
		{ "tmpfs", "/run", "mode=0755,size=50%", MS_NOSUID | MS_NODEV, false },
		{ "tmpfs", "/tmp", "mode=1777,size=25%", LOCKED, false },
		{ "cgroup2", "/sys/fs/cgroup", NULL, LOCKED, false },
		{ "securityfs", "/sys/kernel/security", NULL, LOCKED, true },
		{ "configfs", "/sys/kernel/config", NULL, LOCKED, true },
		{ "efivarfs", "/sys/firmware/efi/efivars", NULL, LOCKED | MS_RDONLY, true },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		int k;

		if (is_mounted(mounts[i].at))
			continue;
		k = sys_mount(
		        mounts[i].type, mounts[i].at, mounts[i].type, mounts[i].flags, mounts[i].options);
		errno = -k;
		if (k < 0 && !mounts[i].may_lack)
			sys_fatal("%s: cannot mount: %m", mounts[i].at);
	}
}

static void null_stdio(void)
{
	int fd = open("/dev/null", O_RDWR);

	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

_Noreturn static void be_agent(const struct state *s)
{
	char *argv[] = { (char *)"bulla-agent", NULL };
	char *envp[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)s->stages, NULL };
	int log = -1;
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (s->debug)
		log = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (log < 0) /* the kernel limits the rate there */
		log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	execve(AGENT_PATH, argv, envp);
	sys_log(3, AGENT_PATH ": %m");
	_exit(AGENT_FAILED);
}

static void start_agent(struct state *s)
{
	pid_t pid = fork();

	if (!pid)
		be_agent(s);
	if (pid > 0)
		s->agent = pid;
	else
		s->start_at_ms = now_ms() + BACKOFF_MAX_MS;
}

/* Waits for a signal at most MS milliseconds, forever if negative; 0 when none came. */
static int wait_signal(const struct state *s, int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	int sig = ms < 0 ? sigwaitinfo(&s->awaited, NULL) : sigtimedwait(&s->awaited, NULL, &t);

	return sig > 0 ? sig : 0;
}

_Noreturn static void end_everything(const struct state *s)
{
	uint64_t end = now_ms() + GRACE_MS;
	pid_t pid;

	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	while (((pid = waitpid(-1, NULL, WNOHANG)) >= 0 || errno == EINTR) && now_ms() < end)
		if (!pid)
			wait_signal(s, (int64_t)(end - now_ms()));
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	sys_power_off();
}

static void agent_ended(struct state *s, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	int delay;

	s->agent = 0;
	if (code == AGENT_POWER_OFF)
		end_everything(s);
	if (code == AGENT_SEAL_BROKEN)
		sys_fatal("the agent says that the seal of the root is broken");
	delay = backoff_failed(&s->backoff, now_ms());
	if (delay < 0)
		sys_fatal("the agent failed %d times within %d s, last with status %d", BACKOFF_FAILURES,
		        BACKOFF_WINDOW_MS / 1000, code);
	sys_log(4, "the agent ended with status %d; starting it again in %d ms", code, delay);
	s->start_at_ms = now_ms() + (uint64_t)delay;
}

static void reap(struct state *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == s->agent)
			agent_ended(s, status);
}

_Noreturn static void keep(struct state *s)
{
	for (;;) {
		uint64_t now = now_ms();
		int64_t wait = -1;

		if (!s->agent && now >= s->start_at_ms)
			start_agent(s);
		if (!s->agent)
			wait = s->start_at_ms > now ? (int64_t)(s->start_at_ms - now) : 0;
		switch (wait_signal(s, wait)) {
		case SIGTERM:
		case POWER_BUTTON:
			end_everything(s);
		case SIGCHLD:
			reap(s);
		}
	}
}

static void read_cmdline(struct state *s)
{
	char line[8192];
	long n = sys_read("/proc/cmdline", line, sizeof(line));

	s->debug = n > 0 && cmdline_has(line, "bulla.debug");
}

static void end(int sig)
{
	(void)sig;
	_exit(0);
}

/* The first process of a pod's pause container: holds its namespaces, and ends when it is told to. */
_Noreturn static void hold_pod(void)
{
	signal(SIGTERM, end);
	signal(SIGINT, end);
	signal(SIGCHLD, SIG_IGN); /* the kernel reaps what is left to it */
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	static struct state s;
	const struct rlimit no_core = { 0, 0 };
	const char *stages = getenv(STAGES_ENV);
	sigset_t all;

	if (argc == 1 && !strcmp(argv[0], "/pause"))
		hold_pod();
	if (getpid() != 1) {
		fputs("bulla-init: runs as PID 1 only\n", stderr);
		return 2;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&s.awaited);
	sigaddset(&s.awaited, SIGCHLD);
	sigaddset(&s.awaited, SIGTERM);
	sigaddset(&s.awaited, POWER_BUTTON);
	reboot(RB_DISABLE_CAD);
	umask(022);
	setrlimit(RLIMIT_CORE, &no_core);
	snprintf(s.stages, sizeof(s.stages), STAGES_ENV "=%.400s%sinit=%llu", stages ? stages : "",
	        stages && *stages ? "," : "", (unsigned long long)sys_boottime());
	mount_all();
	null_stdio();
	read_cmdline(&s);
	if (sethostname("bulla", 5) < 0)
		sys_log(4, "hostname: %m");
	keep(&s);
}
