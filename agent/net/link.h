/* Interface settings through the classic socket ioctls. Addresses in host byte order; all return 0 or -errno.
 */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H
#include <stdbool.h>
#include <stdint.h>

int link_up(const char *name);
/* -ENODEV where it is no Ethernet interface. */
int link_mac(const char *name, uint8_t ret[6]);
int link_set_address(const char *name, uint32_t address, uint32_t mask);
int link_clear_address(const char *name);
int link_set_mtu(const char *name, uint16_t mtu);
/* The default route through ROUTER; one outside of the subnet (as clouds do) gets a route of its own first.
 */
int link_set_router(const char *name, uint32_t router, uint32_t address, uint32_t mask);
#endif
