#include "log.h"
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void log_line(enum log_priority p, const char *fmt, ...)
{
	char line[512];
	struct stat st;
	va_list ap;
	int n = 0, more;

	/* /dev/kmsg takes a priority in front, and one record a write */
	if (!fstat(STDERR_FILENO, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 11))
		n = snprintf(line, sizeof(line), "<%d>", (int)p);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "bulla: agent: ");
	va_start(ap, fmt);
	more = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	n = more < 0 ? n : n + more;
	if (n > (int)sizeof(line) - 1)
		n = sizeof(line) - 1;
	line[n] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n + 1) < 0)
		return; /* there is nowhere else to say it */
}
