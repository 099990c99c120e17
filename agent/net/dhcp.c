#include "net/dhcp.h"
#include <errno.h>

enum {
	IP_LEN = 20,
	UDP_LEN = 8,
	BOOTP_LEN = 236, /* up to the magic cookie */
	SERVER_PORT = 67,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_MTU = 26,
	OPT_WANTED = 50,
	OPT_LEASE = 51,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_ASK_FOR = 55,
	OPT_MAX_SIZE = 57,
	OPT_T1 = 58,
	LEASE_MIN_S = 60,
	MTU_MIN = 576,
};

static const uint8_t cookie[4] = { 99, 130, 83, 99 };

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void put_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v);
}

/* RFC 1071, over an even number of bytes. */
static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 2)
		sum += be16(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put_headers(uint8_t *ip)
{
	uint8_t *udp = ip + IP_LEN;
	uint32_t udp_len = DHCP_PACKET - IP_LEN, sum;

	ip[0] = 0x45;
	put_be16(ip + 2, DHCP_PACKET);
	ip[8] = 64; /* TTL */
	ip[9] = 17; /* UDP */
	put_be32(ip + 16, 0xffffffff);
	put_be16(ip + 10, ~sum16(0, ip, IP_LEN) & 0xffff);
	put_be16(udp, DHCP_CLIENT_PORT);
	put_be16(udp + 2, SERVER_PORT);
	put_be16(udp + 4, udp_len);
	sum = ~sum16(17 + udp_len, ip + 12, 8 + udp_len) &
	      0xffff; /* pseudo header: addresses, protocol, length */
	put_be16(udp + 6, sum ? sum : 0xffff);
}

static uint8_t *put_option(uint8_t *p, uint8_t code, uint32_t address)
{
	if (!address)
		return p;
	p[0] = code;
	p[1] = 4;
	put_be32(p + 2, address);
	return p + 6;
}

void dhcp_build(const struct dhcp_ask *a, uint8_t ret[DHCP_PACKET])
{
	static const uint8_t ask_for[] = { OPT_MAX_SIZE, 2, 1500 >> 8, 1500 & 0xff, OPT_ASK_FOR, 6, OPT_MASK,
		OPT_ROUTER, OPT_DNS, OPT_MTU, OPT_LEASE, OPT_T1 };
	uint8_t *b = ret + IP_LEN + UDP_LEN, *p = b + BOOTP_LEN;

	memset(ret, 0, DHCP_PACKET);
	b[0] = 1; /* request */
	b[1] = 1; /* Ethernet */
	b[2] = sizeof(a->mac);
	put_be32(b + 4, a->xid);
	put_be16(b + 8, a->secs);
	put_be32(b + 12, a->current);
	memcpy(b + 28, a->mac, sizeof(a->mac));
	memcpy(p, cookie, sizeof(cookie));
	p += sizeof(cookie);
	*p++ = OPT_TYPE;
	*p++ = 1;
	*p++ = a->type;
	p = put_option(p, OPT_WANTED, a->wanted);
	p = put_option(p, OPT_SERVER, a->server);
	memcpy(p, ask_for, sizeof(ask_for));
	p[sizeof(ask_for)] = 0xff;
	put_headers(ret);
}

/* The BOOTP message in an IP packet from a DHCP server, or false. */
static bool unwrap(struct slice packet, struct slice *ret)
{
	struct slice ip, udp;
	size_t head;

	if (packet.n < IP_LEN || packet.p[0] >> 4 != 4)
		return false;
	head = (packet.p[0] & 15u) * 4;
	if (head < IP_LEN || packet.p[9] != 17 || be16(packet.p + 6) & 0x3fff /* a fragment */ ||
	        !slice_at(packet, 0, be16(packet.p + 2), &ip) || ip.n < head + UDP_LEN)
		return false;
	udp = slice_of(ip.p + head, ip.n - head);
	if (be16(udp.p) != SERVER_PORT || be16(udp.p + 2) != DHCP_CLIENT_PORT || be16(udp.p + 4) < UDP_LEN ||
	        be16(udp.p + 4) > udp.n)
		return false;
	*ret = slice_of(udp.p + UDP_LEN, be16(udp.p + 4) - (size_t)UDP_LEN);
	return true;
}

static int take_option(struct dhcp_lease *l, uint8_t code, struct slice v)
{
	static const struct {
		uint8_t code, len; /* len: exactly, or for lists a multiple */
	} known[] = { { OPT_MASK, 4 }, { OPT_ROUTER, 4 }, { OPT_DNS, 4 }, { OPT_MTU, 2 }, { OPT_LEASE, 4 },
		{ OPT_TYPE, 1 }, { OPT_SERVER, 4 }, { OPT_T1, 4 } };
	bool list = code == OPT_ROUTER || code == OPT_DNS;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].code == code && (!v.n || (list ? v.n % known[i].len != 0 : v.n != known[i].len)))
			return -EBADMSG;
	switch (code) {
	case OPT_MASK:
		l->mask = be32(v.p);
		break;
	case OPT_ROUTER:
		l->router = be32(v.p);
		break;
	case OPT_DNS:
		for (l->n_dns = 0; l->n_dns < DHCP_DNS_MAX && 4 * l->n_dns < v.n; l->n_dns++)
			l->dns[l->n_dns] = be32(v.p + (size_t)4 * l->n_dns);
		break;
	case OPT_MTU:
		l->mtu = be16(v.p);
		break;
	case OPT_LEASE:
		l->lease_s = be32(v.p);
		break;
	case OPT_TYPE:
		l->type = v.p[0];
		break;
	case OPT_SERVER:
		l->server = be32(v.p);
		break;
	case OPT_T1:
		l->renew_s = be32(v.p);
		break;
	}
	return 0;
}

static int take_options(struct dhcp_lease *l, struct slice o)
{
	size_t at = 0;

	while (at < o.n && o.p[at] != 0xff) {
		struct slice v;
		int k;

		if (!o.p[at]) {
			at++;
			continue;
		}
		if (at + 1 >= o.n || !slice_at(o, at + 2, o.p[at + 1], &v))
			return -EBADMSG;
		k = take_option(l, o.p[at], v);
		if (k < 0)
			return k;
		at += 2 + v.n;
	}
	return 0;
}

static bool is_host(uint32_t a)
{
	return a >> 24 && a >> 24 != 127 && a >> 24 < 224; /* RFC 6890 */
}

static bool is_mask(uint32_t m)
{
	return m && !(~m & (~m + 1));
}

int dhcp_parse(struct slice packet, const uint8_t mac[6], uint32_t xid, struct dhcp_lease *ret)
{
	struct slice b;
	int k;

	*ret = (struct dhcp_lease){ 0 };
	if (!unwrap(packet, &b) || b.n < BOOTP_LEN + sizeof(cookie) || b.p[0] != 2 || b.p[1] != 1 ||
	        b.p[2] != 6 || be32(b.p + 4) != xid || memcmp(b.p + 28, mac, 6) ||
	        memcmp(b.p + BOOTP_LEN, cookie, sizeof(cookie)))
		return -EAGAIN;
	ret->address = be32(b.p + 16);
	k = take_options(ret, slice_of(b.p + BOOTP_LEN + sizeof(cookie), b.n - BOOTP_LEN - sizeof(cookie)));
	if (k < 0)
		return k;
	if (ret->type == DHCP_NAK)
		return 0;
	if (ret->type != DHCP_OFFER && ret->type != DHCP_ACK)
		return -EAGAIN;
	if (!is_host(ret->address) || !is_mask(ret->mask) || !is_host(ret->server) ||
	        (ret->router && !is_host(ret->router)) || (ret->mtu && ret->mtu < MTU_MIN))
		return -EBADMSG;
	for (unsigned int i = 0; i < ret->n_dns; i++)
		if (!is_host(ret->dns[i]))
			return -EBADMSG;
	if (ret->lease_s < LEASE_MIN_S)
		ret->lease_s = LEASE_MIN_S;
	if (!ret->renew_s || ret->renew_s >= ret->lease_s)
		ret->renew_s = ret->lease_s / 2;
	return 0;
}
