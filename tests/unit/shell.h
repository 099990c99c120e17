/* Tests that other programs make things for. After cmocka.h. */
#ifndef TESTS_UNIT_SHELL_H
#define TESTS_UNIT_SHELL_H
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Runs a command, which must succeed. */
__attribute__((format(printf, 1, 2), unused)) static void shell(const char *fmt, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		fail_msg("%s", command);
}

/* Ends the test as skipped for other users. WHAT is what only root does. */
__attribute__((unused)) static void root_only(const char *what)
{
	if (geteuid() == 0)
		return;
	print_message("# SKIP %s only by root\n", what);
	skip();
}
#endif
