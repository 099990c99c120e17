/* Child processes. */
#ifndef BULLA_PROC_H
#define BULLA_PROC_H
#include <sys/types.h>
#include "lib/buf.h"
#include "lib/err.h"

/*
 * Starts ARGV (found on PATH) with stdin from /dev/null and stdout and stderr to OUT and ERR (-1: inherited).
 * ENV holds further "K=V" settings, NULL-terminated, or is NULL. The child dies with its parent.
 * A program that is not there gives -ENOENT and exit status 4.
 */
int proc_start(char *const argv[], char *const env[], int out, int err_fd, pid_t *ret, struct err *e);
/* Waits; a non-zero exit or a signal is an error that names WHAT; status 127, a missing command, is exit
 * status 4. */
int proc_wait(pid_t pid, const char *what, struct err *e);
/* Runs to the end with stdout captured. */
int proc_capture(char *const argv[], char *const env[], struct buf *ret, struct err *e);
#endif
