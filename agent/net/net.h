/*
 * The network of the guest: every Ethernet interface goes up and asks for an IPv4 address by DHCP, in the
 * background. IPv6 is left to the kernel's own autoconfiguration. What DHCP says comes from the host and is
 * trusted for nothing.
 */
#ifndef AGENT_NET_H
#define AGENT_NET_H
#include "loop.h"

/* Brings lo up and starts; interfaces that appear later are taken too. 0 or -errno. */
int net_start(struct loop *l);
#endif
