/* One running guest: QEMU, its consoles, and the agent's ttrpc connection. The guest dies with us. */
#ifndef BULLA_GUEST_H
#define BULLA_GUEST_H
#include "lib/buf.h"
#include "lib/err.h"

struct guest;
struct guest_config {
	const char *arch;    /* names qemu-system-ARCH */
	char *const *args;   /* NULL-terminated; file names are relative to the working directory */
	const char *accel;   /* for -accel */
	bool console;        /* the guest has a serial console */
	bool show;           /* its lines go to stderr */
	int record;          /* its bytes go to this file, -1 for none */
	bool trace;          /* QEMU's command line goes to stderr */
	bool tpm;            /* the arguments name a chardev "tpm", which is to be a software TPM's */
	const char *tpm_log; /* its commands go to this file, NULL for none */
	const char *socket;  /* the agent's is made there; NULL: in a folder of its own */
};

/* Starts it; SIGINT, SIGTERM and SIGHUP from now on are requests to stop, seen by guest_call and guest_wait.
 * A missing QEMU or swtpm gives exit status 4 and names its package. */
int guest_start(const struct guest_config *c, struct guest **ret, struct err *e);
/*
 * Asks the agent; REQUEST is empty for all that the tools need. Waits TIMEOUT seconds at most, also for the
 * agent to come up. The answer's payload is in *ret, which the caller frees. Errors: -ETIMEDOUT, -EINTR
 * (asked to stop), -ECHILD (the guest stopped), -EBADMSG (not ttrpc), -EREMOTEIO (the agent's own error).
 */
int guest_call(struct guest *g, const char *service, const char *method, double timeout, struct buf *ret,
        struct err *e);
/* Closes the connection to the agent, so that another may have it; the next call opens it again. */
void guest_hang_up(struct guest *g);
/* Passes the time (INFINITY: until the guest stops): 0, or -EINTR or -ECHILD as above. */
int guest_wait(struct guest *g, double seconds, struct err *e);
/* Did it end as a machine that was powered off or reset, rather than by an error of QEMU? */
bool guest_powered_off(const struct guest *g);
/* Asks the agent to power off, waits GRACE seconds, then ends QEMU. -ETIMEDOUT where that was needed.
 */
int guest_stop(struct guest *g, double grace, struct err *e);
/* The last N lines of its console, for an error; caller frees. */
char *guest_last_lines(const struct guest *g, unsigned n);
/* Seconds since guest_start. */
double guest_age(const struct guest *g);
/* Kills it where it still runs and removes what was made for it. */
void guest_freep(struct guest **g);
#define _guest_ __attribute__((cleanup(guest_freep)))
#endif
