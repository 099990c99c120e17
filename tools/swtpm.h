/* A software TPM 2.0 for one run of a guest: swtpm, with all its banks active. */
#ifndef BULLA_SWTPM_H
#define BULLA_SWTPM_H
#include "lib/err.h"
#include <sys/types.h>

/*
 * Starts one whose state is new and in DIR. *FD is QEMU's end of its control channel, for `-chardev
 * socket,fd=`, which children get; the caller closes it. What swtpm says goes to ERRORS (-1: inherited), each
 * command and response to the file LOG unless that is NULL. It dies with us; the caller ends and reaps it. A
 * missing swtpm is exit status 4.
 */
int swtpm_start(const char *dir, const char *log, int errors, pid_t *pid, int *fd, struct err *e);
#endif
