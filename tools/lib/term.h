/* What a person sees while waiting: on a terminal a bar that is redrawn, in a pipe plain lines, with -q
 * nothing. */
#ifndef BULLA_TERM_H
#define BULLA_TERM_H
#include <stdbool.h>
#include <stdint.h>

enum progress { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_NONE };

/* Resolves AUTO: true where stderr is a terminal to draw on. */
bool term_is_live(enum progress p);
/* Monotonic seconds. */
double term_now(void);
/* "12.3 MiB" and the like into a caller's buffer of at least 16 bytes; returns it. */
char *term_size(char *ret, uint64_t bytes);
/* "1 m 02 s" and the like into a caller's buffer of at least 16 bytes; returns it. */
char *term_time(char *ret, double seconds);
/* Redraws one line on stderr, cut to the terminal's width; an empty text clears it. */
void term_redraw(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A finished line on stderr, after clearing a drawn one. */
void term_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#endif
