/* DHCPv4 messages (RFC 2131, 2132) with their IP and UDP headers. Pure. Addresses are in host byte order. */
#ifndef AGENT_DHCP_H
#define AGENT_DHCP_H
#include "lib/slice.h"

enum {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_DNS_MAX = 3,
	DHCP_PACKET =
	        28 + 300, /* what dhcp_build writes; 300 is the least that BOOTP relays pass (RFC 1542) */
	DHCP_CLIENT_PORT = 68,
};

struct dhcp_ask {
	uint8_t type;
	uint8_t mac[6];
	uint16_t secs;
	uint32_t xid;
	uint32_t current; /* ciaddr: the address held, 0 while there is none */
	uint32_t wanted;  /* option 50, 0: none */
	uint32_t server;  /* option 54, 0: none */
};

struct dhcp_lease {
	uint8_t type; /* DHCP_OFFER, DHCP_ACK or DHCP_NAK */
	uint32_t address, mask, router, server;
	uint32_t dns[DHCP_DNS_MAX];
	unsigned int n_dns;
	uint32_t lease_s; /* UINT32_MAX: for ever */
	uint32_t renew_s; /* T1 */
	uint16_t mtu;     /* 0: not said */
};

/* An IP packet to everybody. */
void dhcp_build(const struct dhcp_ask *a, uint8_t ret[DHCP_PACKET]);
/*
 * Reads an IP packet. Returns 0; -EAGAIN where it is no DHCP answer to (MAC, XID); -EBADMSG where it is one
 * and says something that no client can use. UDP checksums are not checked: the host's offloading leaves them
 * undone.
 */
int dhcp_parse(struct slice packet, const uint8_t mac[6], uint32_t xid, struct dhcp_lease *ret);
#endif
