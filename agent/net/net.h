/*
 * The network of the guest: every Ethernet interface goes up and asks for an IPv4 address by DHCP, in the
 * background. IPv6 is left to the kernel's own autoconfiguration. What DHCP says comes from the host and is
 * trusted for nothing.
 */
#ifndef AGENT_NET_H
#define AGENT_NET_H
#include "agent.h"

/* Brings lo up and starts, as a->net; interfaces that appear later are taken too. 0 or -errno. */
int net_start(struct agent *a);
/* Name servers (addresses in text) that a host names: they come before those of DHCP. Others are left out. */
void net_dns(struct net *net, const json_t *servers);
/* UpdateInterface, UpdateRoutes, ListInterfaces, ListRoutes, AddARPNeighbors. DHCP leaves an interface that
 * the host has set. */
extern const struct rpc_method net_methods[];
#endif
