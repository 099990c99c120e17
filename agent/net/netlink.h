/* rtnetlink(7): one request at a time, which the kernel answers at once. Errors are negative errnos. */
#ifndef AGENT_NETLINK_H
#define AGENT_NETLINK_H
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "lib/buf.h"

struct nl {
	int fd;
	struct buf out; /* the request that is being made */
};

int nl_open(struct nl *n);
void nl_close(struct nl *n);
#define _nl_ __attribute__((cleanup(nl_close)))

/* Begins a request whose fixed part is HEAD; NLM_F_REQUEST is understood. */
void nl_begin(struct nl *n, uint16_t type, uint16_t flags, const void *head, size_t size);
void nl_put(struct nl *n, uint16_t type, const void *value, size_t size);
void nl_put_u32(struct nl *n, uint16_t type, uint32_t value);
/* An attribute of attributes; what nl_nest returned goes to nl_nested. */
size_t nl_nest(struct nl *n, uint16_t type);
void nl_nested(struct nl *n, size_t at);

/* Sends the request, and gives each message of the answer to EACH (NULL: there is only success or not), until
 * it returns another value than 0. BODY is what follows nlmsghdr. */
int nl_run(struct nl *n, int (*each)(void *arg, uint16_t type, struct slice body), void *arg);
/* Takes the next attribute off *REST. */
bool nl_next(struct slice *rest, uint16_t *type, struct slice *value);
/* The attributes after a fixed part of SIZE bytes, which is copied to HEAD; false where there is less. */
bool nl_head(struct slice body, void *head, size_t size, struct slice *attributes);
#endif
