/* The loop reaps what it was told of and what it was not, and tells of the former. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "loop.h"

struct seen {
	struct loop *loop;
	struct child a, b, unwatched;
	struct timer timer;
	int status_a, status_b, n;
};

static void ended_a(struct child *c, int status)
{
	struct seen *s = container_of(c, struct seen, a);

	s->status_a = status;
	s->n++;
}

static void ended_b(struct child *c, int status)
{
	struct seen *s = container_of(c, struct seen, b);

	s->status_b = status;
	s->n++;
}

static void ended_never(struct child *c, int status)
{
	(void)c;
	(void)status;
	abort();
}

/* Ends once nothing is left to reap. */
static void look(struct timer *t)
{
	struct seen *s = container_of(t, struct seen, timer);
	siginfo_t si;

	if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
		loop_stop(s->loop, 7);
	else
		timer_set(t, 5);
}

static pid_t start(struct loop *l, int status)
{
	pid_t pid = loop_fork(l);

	if (!pid)
		_exit(status);
	assert_true(pid > 0);
	return pid;
}

static void test_children(void **state)
{
	struct seen s = { 0 };
	pid_t pid;

	(void)state;
	alarm(20);
	assert_return_code(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), errno);
	s.loop = loop_new();
	assert_non_null(s.loop);
	s.a = (struct child){ start(s.loop, 3), ended_a, NULL };
	loop_child(s.loop, &s.a);
	pid = loop_fork(s.loop);
	if (!pid) {
		sigset_t blocked;

		sigprocmask(SIG_SETMASK, NULL, &blocked);
		if (sigismember(&blocked, SIGCHLD))
			_exit(1);
		if (!fork()) /* an orphan, which comes to us */
			_exit(5);
		raise(SIGKILL);
	}
	s.b = (struct child){ pid, ended_b, NULL };
	loop_child(s.loop, &s.b);
	start(s.loop, 4);
	s.unwatched = (struct child){ start(s.loop, 6), ended_never, NULL };
	loop_child(s.loop, &s.unwatched);
	loop_forget(s.loop, &s.unwatched);
	assert_int_equal(timer_open(s.loop, &s.timer, look), 0);
	timer_set(&s.timer, 5);
	assert_int_equal(loop_run(s.loop), 7);
	assert_int_equal(s.n, 2);
	assert_true(WIFEXITED(s.status_a) && WEXITSTATUS(s.status_a) == 3);
	assert_true(WIFSIGNALED(s.status_b) && WTERMSIG(s.status_b) == SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
