/*
 * What a Kata host says of interfaces, routes and neighbours, and what there is, through rtnetlink. All of it
 * is checked before anything is changed: no loopback or multicast address, no route to one, no more than
 * HOST_MAX of each.
 */
#ifndef AGENT_NET_HOST_H
#define AGENT_NET_HOST_H
#include <jansson.h>
#include "lib/buf.h"
#include "lib/err.h"
#include "message.h"

enum { HOST_MAX = 256 };

/* types.proto and agent.proto */
extern const struct msg_member msg_update_interface[], msg_update_routes[], msg_add_neighbors[];

/*
 * Gives the Ethernet interface whose hwAddr the request names these addresses and no others (but what IPv6
 * makes of itself), name, MTU, and brings it up. TAKING(ARG, INDEX) is called for an interface before it is
 * changed. 0, -EINVAL, -ENODEV, -errno.
 */
int host_interface(const json_t *request, void (*taking)(void *arg, int index), void *arg, struct err *e);
/* Replaces all routes of the main table that are not the kernel's own. 0, -EINVAL, -ENODEV or -errno. */
int host_routes(const json_t *request, struct err *e);
int host_neighbors(const json_t *request, struct err *e);
/* Append the messages Interfaces and Routes. */
int host_list_interfaces(struct buf *ret, struct err *e);
int host_list_routes(struct buf *ret, struct err *e);
#endif
