/* An error that gathers context as it travels up: object, place, found, expected, then at most one hint. */
#ifndef BULLA_ERR_H
#define BULLA_ERR_H

enum exit_status { /* design: one table for every verb */
	EX_OK = 0,
	EX_FAILED = 1,
	EX_USAGE = 2,
	EX_NO = 3,          /* the answer is no (verify, diff) */
	EX_MISSING = 4,     /* a tool or an input is missing or too old */
	EX_UNSUPPORTED = 5, /* not supported for this platform */
};

struct err {
	int code; /* negative errno, 0 while nothing failed */
	int exit; /* enum exit_status; 0 means EX_FAILED */
	char msg[1024];
	char hint[400];
};

/* Sets the message and returns CODE (a negative errno). A %m in FMT expands errno. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As err_set with -errno, appending ": strerror". A missing file or a denied one makes the exit status 4. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "FMT: " in front of the message there is; returns e->code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Sets the exit status of an error already set; returns e->code. */
int err_exit(struct err *e, enum exit_status status);
#endif
