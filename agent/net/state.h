/* The kernel's links, addresses and routes, as rtnetlink lists them. */
#ifndef AGENT_NET_STATE_H
#define AGENT_NET_STATE_H
#include <net/if.h>
#include "net/netlink.h"

struct net_link {
	int index;
	uint16_t type; /* ARPHRD_* */
	uint32_t flags, mtu;
	uint8_t mac[6];
	char name[IFNAMSIZ];
};

struct net_ip {         /* an address, or a network */
	uint8_t family; /* AF_INET, AF_INET6; 0: none */
	uint8_t prefix;
	uint8_t bytes[16]; /* in network order */
};

struct net_address {
	int index;
	uint8_t scope;
	struct net_ip ip;
};

struct net_route {
	int index;
	uint8_t family, scope, protocol;
	uint32_t flags, mtu;               /* RTNH_F_*; 0: not said */
	struct net_ip to, gateway, source; /* to: family 0 for the default route */
};

/* Each appends what there is to *RET as an array of its structs, *N of them. 0 or -errno. */
int net_links(struct nl *n, struct buf *ret, size_t *count);
int net_addresses(struct nl *n, struct buf *ret, size_t *count);
/* Unicast routes of the main table. */
int net_routes(struct nl *n, struct buf *ret, size_t *count);

/* IP in text, without its prefix length; RET holds 46 characters. Returns RET. */
const char *net_ip_text(const struct net_ip *ip, char *ret);
static inline size_t net_ip_size(const struct net_ip *ip)
{
	return ip->family == AF_INET6 ? 16 : 4;
}
#endif
