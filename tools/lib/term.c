#include "lib/term.h"
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

bool term_is_live(enum progress p)
{
	return p == PROGRESS_AUTO && isatty(STDERR_FILENO);
}

double term_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

char *term_size(char *ret, uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	int i = 0;

	for (; v >= 1024 && i < 4; i++)
		v /= 1024;
	snprintf(ret, 16, i ? "%.1f %s" : "%.0f %s", v, unit[i]);
	return ret;
}

char *term_time(char *ret, double seconds)
{
	unsigned s = (unsigned)seconds;

	if (seconds < 10)
		snprintf(ret, 16, "%.1f s", seconds);
	else if (s < 60)
		snprintf(ret, 16, "%u s", s);
	else
		snprintf(ret, 16, "%u m %02u s", s / 60 % 100000, s % 60);
	return ret;
}

void term_redraw(const char *fmt, ...)
{
	struct winsize w = { 0 };
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || !w.ws_col)
		w.ws_col = 80;
	fprintf(stderr, "\r\033[K%.*s", w.ws_col - 1, line);
	fflush(stderr);
}

void term_line(const char *fmt, ...)
{
	va_list ap;

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}
