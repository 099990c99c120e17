/* The DHCP client of one interface (RFC 2131, 4.4). */
#ifndef AGENT_DHCP_CLIENT_H
#define AGENT_DHCP_CLIENT_H
#include "loop.h"
#include "net/dhcp.h"

struct dhcp_client;

/* Starts on interface NAME, which is up. CHANGED is called when a lease was taken or lost. NULL with errno.
 */
struct dhcp_client *dhcp_client_new(
        struct loop *l, const char *name, const uint8_t mac[6], void (*changed)(void *arg), void *arg);
void dhcp_client_free(struct dhcp_client *c);
const char *dhcp_client_name(const struct dhcp_client *c);
/* The lease held, or NULL. */
const struct dhcp_lease *dhcp_client_lease(const struct dhcp_client *c);
#endif
