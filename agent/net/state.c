#include "net/state.h"
#include <arpa/inet.h>

const char *net_ip_text(const struct net_ip *ip, char *ret)
{
	*ret = 0;
	if (ip->family)
		inet_ntop(ip->family, ip->bytes, ret, INET6_ADDRSTRLEN);
	return ret;
}

static void copy(void *ret, size_t size, struct slice v)
{
	if (v.n)
		memcpy(ret, v.p, v.n < size ? v.n : size);
}

static void copy_ip(struct net_ip *ret, uint8_t family, uint8_t prefix, struct slice v)
{
	*ret = (struct net_ip){ .family = family, .prefix = prefix };
	copy(ret->bytes, sizeof(ret->bytes), v);
}

static int take_link(void *arg, uint16_t type, struct slice body)
{
	struct net_link l = { 0 };
	struct ifinfomsg h;
	struct slice rest, v;

	if (type != RTM_NEWLINK || !nl_head(body, &h, sizeof(h), &rest))
		return 0;
	l.index = h.ifi_index;
	l.type = h.ifi_type;
	l.flags = h.ifi_flags;
	while (nl_next(&rest, &type, &v))
		switch (type) {
		case IFLA_IFNAME:
			copy(l.name, sizeof(l.name) - 1, v);
			break;
		case IFLA_MTU:
			copy(&l.mtu, sizeof(l.mtu), v);
			break;
		case IFLA_ADDRESS:
			copy(l.mac, sizeof(l.mac), v);
		}
	buf_add(arg, &l, sizeof(l));
	return 0;
}

static int take_address(void *arg, uint16_t type, struct slice body)
{
	struct net_address a = { 0 };
	struct ifaddrmsg h;
	struct slice rest, v;
	bool local = false;

	if (type != RTM_NEWADDR || !nl_head(body, &h, sizeof(h), &rest) ||
	        (h.ifa_family != AF_INET && h.ifa_family != AF_INET6))
		return 0;
	a.index = (int)h.ifa_index;
	a.scope = h.ifa_scope;
	while (nl_next(&rest, &type, &v))
		if (type == IFA_LOCAL || (type == IFA_ADDRESS && !local)) {
			local = type == IFA_LOCAL; /* of a point-to-point link ADDRESS is the other end */
			copy_ip(&a.ip, h.ifa_family, h.ifa_prefixlen, v);
		}
	buf_add(arg, &a, sizeof(a));
	return 0;
}

static void take_metrics(struct net_route *r, struct slice rest)
{
	struct slice v;
	uint16_t type;

	while (nl_next(&rest, &type, &v))
		if (type == RTAX_MTU)
			copy(&r->mtu, sizeof(r->mtu), v);
}

static int take_route(void *arg, uint16_t type, struct slice body)
{
	struct net_route r = { 0 };
	struct rtmsg h;
	struct slice rest, v;
	uint32_t table;

	if (type != RTM_NEWROUTE || !nl_head(body, &h, sizeof(h), &rest) || h.rtm_type != RTN_UNICAST ||
	        (h.rtm_family != AF_INET && h.rtm_family != AF_INET6))
		return 0;
	table = h.rtm_table;
	r.family = h.rtm_family;
	r.scope = h.rtm_scope;
	r.protocol = h.rtm_protocol;
	r.flags = h.rtm_flags & 0xff; /* RTNH_F_* */
	while (nl_next(&rest, &type, &v))
		switch (type) {
		case RTA_TABLE:
			copy(&table, sizeof(table), v);
			break;
		case RTA_DST:
			copy_ip(&r.to, h.rtm_family, h.rtm_dst_len, v);
			break;
		case RTA_GATEWAY:
			copy_ip(&r.gateway, h.rtm_family, 0, v);
			break;
		case RTA_PREFSRC:
			copy_ip(&r.source, h.rtm_family, 0, v);
			break;
		case RTA_OIF:
			copy(&r.index, sizeof(r.index), v);
			break;
		case RTA_METRICS:
			take_metrics(&r, v);
		}
	if (table == RT_TABLE_MAIN)
		buf_add(arg, &r, sizeof(r));
	return 0;
}

static int list(struct nl *n, uint16_t type, const void *head, size_t size,
        int (*take)(void *arg, uint16_t type, struct slice body), struct buf *ret, size_t each, size_t *count)
{
	int k;

	nl_begin(n, type, NLM_F_DUMP, head, size);
	k = nl_run(n, take, ret);
	*count = ret->n / each;
	return k;
}

int net_links(struct nl *n, struct buf *ret, size_t *count)
{
	const struct ifinfomsg h = { .ifi_family = AF_UNSPEC };

	return list(n, RTM_GETLINK, &h, sizeof(h), take_link, ret, sizeof(struct net_link), count);
}

int net_addresses(struct nl *n, struct buf *ret, size_t *count)
{
	const struct ifaddrmsg h = { .ifa_family = AF_UNSPEC };

	return list(n, RTM_GETADDR, &h, sizeof(h), take_address, ret, sizeof(struct net_address), count);
}

int net_routes(struct nl *n, struct buf *ret, size_t *count)
{
	const struct rtmsg h = { .rtm_family = AF_UNSPEC };

	return list(n, RTM_GETROUTE, &h, sizeof(h), take_route, ret, sizeof(struct net_route), count);
}
