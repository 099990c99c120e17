#include "net/host.h"
#include "net/state.h"
#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <net/if_arp.h>

enum { MTU_MIN = 68, MTU_MAX = 65535 };

static const struct msg_member ip_address[] = {
	{ 1, "family", MSG_U32, 0, NULL },
	{ 2, "address", MSG_STR, 0, NULL },
	{ 3, "mask", MSG_STR, 0, NULL },
	{ 0 },
};
static const struct msg_member interface[] = {
	{ 1, "device", MSG_STR, 0, NULL },
	{ 2, "name", MSG_STR, 0, NULL },
	{ 3, "IPAddresses", MSG_OBJECT, MSG_MANY, ip_address },
	{ 4, "mtu", MSG_U64, 0, NULL },
	{ 5, "hwAddr", MSG_STR, 0, NULL },
	{ 8, "raw_flags", MSG_U32, 0, NULL },
	{ 0 },
};
static const struct msg_member route[] = {
	{ 1, "dest", MSG_STR, 0, NULL },
	{ 2, "gateway", MSG_STR, 0, NULL },
	{ 3, "device", MSG_STR, 0, NULL },
	{ 4, "source", MSG_STR, 0, NULL },
	{ 5, "scope", MSG_U32, 0, NULL },
	{ 6, "family", MSG_U32, 0, NULL },
	{ 7, "flags", MSG_U32, 0, NULL },
	{ 8, "mtu", MSG_U32, 0, NULL },
	{ 0 },
};
static const struct msg_member routes[] = { { 1, "Routes", MSG_OBJECT, MSG_MANY, route }, { 0 } };
static const struct msg_member neighbor[] = {
	{ 1, "toIPAddress", MSG_OBJECT, 0, ip_address },
	{ 2, "device", MSG_STR, 0, NULL },
	{ 3, "lladdr", MSG_STR, 0, NULL },
	{ 4, "state", MSG_U64, 0, NULL },
	{ 5, "flags", MSG_U64, 0, NULL },
	{ 0 },
};
static const struct msg_member neighbors[] = { { 1, "ARPNeighbors", MSG_OBJECT, MSG_MANY, neighbor }, { 0 } };
const struct msg_member msg_update_interface[] = { { 1, "interface", MSG_OBJECT, 0, interface }, { 0 } };
const struct msg_member msg_update_routes[] = { { 1, "routes", MSG_OBJECT, 0, routes }, { 0 } };
const struct msg_member msg_add_neighbors[] = { { 1, "neighbors", MSG_OBJECT, 0, neighbors }, { 0 } };

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static uint32_t number(const json_t *o, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(o, name));
}

static int fails(struct err *e, int k, const char *what)
{
	return err_set(e, k, "%s: %s", what, strerror(-k));
}

/* An address that is nobody's, everybody's, or this machine's own. */
static bool is_special(const struct net_ip *ip)
{
	static const uint8_t zero[15];
	const uint8_t *b = ip->bytes;

	if (ip->family == AF_INET)
		return b[0] == 0 || b[0] == 127 || b[0] >= 224;
	return b[0] == 0xff || !memcmp(b, zero, 10); /* ::, ::1, and IPv4 in disguise */
}

/* "ADDRESS" or, with a PREFIX, "ADDRESS/LENGTH", whose length else is that of one host. */
static int parse_ip(const char *what, const char *s, bool prefix, struct net_ip *ret, struct err *e)
{
	const char *slash = prefix ? strchr(s, '/') : NULL;
	const size_t n = slash ? (size_t)(slash - s) : strlen(s);
	char alone[INET6_ADDRSTRLEN], *end = NULL;
	unsigned long length;

	*ret = (struct net_ip){ .family = strchr(s, ':') ? AF_INET6 : AF_INET };
	length = net_ip_size(ret) * 8;
	if (n >= sizeof(alone))
		return err_set(e, -EINVAL, "%s: not an address", what);
	memcpy(alone, s, n);
	alone[n] = 0;
	if (inet_pton(ret->family, alone, ret->bytes) != 1)
		return err_set(e, -EINVAL, "%s: \"%s\" is not an address", what, alone);
	ret->prefix = (uint8_t)length;
	if (slash) {
		unsigned long asked = strtoul(slash + 1, &end, 10);

		if (end == slash + 1 || *end || slash[1] < '0' || slash[1] > '9' || asked > length)
			return err_set(e, -EINVAL, "%s: bad prefix length", what);
		ret->prefix = (uint8_t)asked;
	}
	return 0;
}

static int parse_usable_ip(const char *what, const char *s, struct net_ip *ret, struct err *e)
{
	int k = parse_ip(what, s, true, ret, e);

	if (!k && is_special(ret))
		k = err_set(e, -EINVAL, "%s: %s is not for a host to give", what, s);
	return k;
}

static int parse_mac(const char *s, uint8_t ret[6], struct err *e)
{
	char end;

	if (strlen(s) == 17 && sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &ret[0], &ret[1], &ret[2],
	                               &ret[3], &ret[4], &ret[5], &end) == 6)
		return 0;
	return err_set(e, -EINVAL, "not a hardware address");
}

/* What the kernel takes (net/core/dev.c, dev_valid_name), and no pattern of names. */
static bool is_name(const char *s)
{
	return *s && strlen(s) < IFNAMSIZ && !strpbrk(s, "/:% \t\n\v\f\r") && strcmp(s, ".") &&
	       strcmp(s, "..");
}

static const struct net_link *find_mac(const struct net_link *l, size_t n, const uint8_t mac[6])
{
	for (; n--; l++)
		if (l->type == ARPHRD_ETHER && !memcmp(l->mac, mac, 6))
			return l;
	return NULL;
}

static const struct net_link *find_name(const struct net_link *l, size_t n, const char *name)
{
	for (; n--; l++)
		if (!strcmp(l->name, name))
			return l;
	return NULL;
}

static int set_address(struct nl *n, uint16_t type, int index, const struct net_ip *ip)
{
	const struct ifaddrmsg h = {
		.ifa_family = ip->family, .ifa_prefixlen = ip->prefix, .ifa_index = (uint32_t)index
	};

	nl_begin(n, type, type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0, &h, sizeof(h));
	nl_put(n, IFA_LOCAL, ip->bytes, net_ip_size(ip));
	nl_put(n, IFA_ADDRESS, ip->bytes, net_ip_size(ip));
	if (type == RTM_NEWADDR && ip->family == AF_INET6)
		nl_put_u32(n, IFA_FLAGS, IFA_F_NODAD);
	return nl_run(n, NULL, NULL);
}

static int drop_addresses(struct nl *n, int index)
{
	_buf_ struct buf all = { 0 };
	size_t count;
	int k = net_addresses(n, &all, &count);
	const struct net_address *a = (const struct net_address *)all.p;

	for (size_t i = 0; !k && i < count; i++)
		if (a[i].index == index && (a[i].ip.family == AF_INET || a[i].scope != RT_SCOPE_LINK)) {
			k = set_address(n, RTM_DELADDR, index, &a[i].ip);
			k = k == -EADDRNOTAVAIL ? 0 : k; /* went with the one that it was secondary to */
		}
	return k;
}

static int set_link(struct nl *n, int index, uint32_t flags, uint32_t change, uint32_t mtu, const char *name)
{
	const struct ifinfomsg h = { .ifi_index = index, .ifi_flags = flags, .ifi_change = change };

	nl_begin(n, RTM_NEWLINK, 0, &h, sizeof(h));
	if (mtu)
		nl_put_u32(n, IFLA_MTU, mtu);
	if (name)
		nl_put(n, IFLA_IFNAME, name, strlen(name) + 1);
	return nl_run(n, NULL, NULL);
}

/* A name is changed while the link is down; another link that has it gets out of its way, as with Kata's
 * agent. */
static int rename_link(struct nl *n, const struct net_link *l, const struct net_link *other, const char *name)
{
	char away[IFNAMSIZ];
	int k = 0;

	if (other) {
		snprintf(away, sizeof(away), "moved%d", other->index);
		k = set_link(n, other->index, 0, IFF_UP, 0, NULL);
		if (!k)
			k = set_link(n, other->index, other->flags & IFF_UP, IFF_UP, 0, away);
	}
	if (!k)
		k = set_link(n, l->index, 0, IFF_UP, 0, NULL);
	return k ? k : set_link(n, l->index, 0, 0, 0, name);
}

static int parse_addresses(const json_t *list, struct net_ip *ret, struct err *e)
{
	const json_t *a;
	size_t i;

	json_array_foreach (list, i, a) {
		_buf_ struct buf both = { 0 };
		int k;

		buf_printf(&both, "%s/%s", text(a, "address"), text(a, "mask"));
		k = parse_usable_ip("address", buf_str(&both), &ret[i], e);
		if (k)
			return err_wrap(e, "IPAddresses[%zu]", i);
	}
	return 0;
}

int host_interface(const json_t *request, void (*taking)(void *arg, int index), void *arg, struct err *e)
{
	const json_t *want = json_object_get(request, "interface"),
	             *list = json_object_get(want, "IPAddresses");
	const char *name = text(want, "name");
	const json_int_t mtu = json_integer_value(json_object_get(want, "mtu"));
	const size_t n_ips = json_array_size(list);
	const struct net_link *links, *l, *other;
	struct net_ip ips[HOST_MAX];
	_buf_ struct buf all = { 0 };
	_nl_ struct nl n = { .fd = -1 };
	uint8_t mac[6];
	size_t count;
	int k;

	if (n_ips > HOST_MAX)
		return err_set(e, -E2BIG, "more than %d addresses", HOST_MAX);
	if (parse_mac(text(want, "hwAddr"), mac, e) || parse_addresses(list, ips, e))
		return e->code;
	if (*name && !is_name(name))
		return err_set(e, -EINVAL, "not a name of an interface");
	if (mtu && (mtu < MTU_MIN || mtu > MTU_MAX))
		return err_set(e, -EINVAL, "MTU %lld: expected %d to %d", (long long)mtu, MTU_MIN, MTU_MAX);
	k = nl_open(&n);
	if (!k)
		k = net_links(&n, &all, &count);
	if (k)
		return fails(e, k, "interfaces");
	links = (const struct net_link *)all.p;
	l = find_mac(links, count, mac);
	if (!l)
		return err_set(e, -ENODEV, "no interface has the address %.17s", text(want, "hwAddr"));
	other = find_name(links, count, name);
	if (other && other->type != ARPHRD_ETHER)
		return err_set(e, -EINVAL, "%s is not for a host to give", name);
	if (other && other != l)
		taking(arg, other->index);
	taking(arg, l->index);
	k = drop_addresses(&n, l->index);
	if (!k && *name && other != l)
		k = rename_link(&n, l, other, name);
	if (!k)
		k = set_link(&n, l->index, IFF_UP | (number(want, "raw_flags") & IFF_NOARP),
		        IFF_UP | IFF_NOARP, (uint32_t)mtu, NULL);
	for (size_t i = 0; !k && i < n_ips; i++)
		k = set_address(&n, RTM_NEWADDR, l->index, &ips[i]);
	return k ? fails(e, k, *name ? name : l->name) : 0;
}

static int set_route(struct nl *n, uint16_t type, const struct net_route *r)
{
	const struct rtmsg h = {
		.rtm_family = r->family,
		.rtm_dst_len = r->to.prefix,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = type == RTM_NEWROUTE ? RTPROT_STATIC : 0,
		.rtm_scope = r->scope,
		.rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : 0,
		.rtm_flags = r->flags & RTNH_F_ONLINK,
	};

	nl_begin(n, type, type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0, &h, sizeof(h));
	if (r->to.family)
		nl_put(n, RTA_DST, r->to.bytes, net_ip_size(&r->to));
	if (r->gateway.family)
		nl_put(n, RTA_GATEWAY, r->gateway.bytes, net_ip_size(&r->gateway));
	if (r->source.family)
		nl_put(n, RTA_PREFSRC, r->source.bytes, net_ip_size(&r->source));
	if (r->index)
		nl_put_u32(n, RTA_OIF, (uint32_t)r->index);
	if (type == RTM_NEWROUTE && r->mtu) {
		size_t at = nl_nest(n, RTA_METRICS);

		nl_put_u32(n, RTAX_MTU, r->mtu);
		nl_nested(n, at);
	}
	return nl_run(n, NULL, NULL);
}

static int same_family(struct net_route *r, const struct net_ip *ip, const char *what, struct err *e)
{
	if (r->family && r->family != ip->family)
		return err_set(e, -EINVAL, "%s: of another family", what);
	r->family = ip->family;
	return 0;
}

static int parse_route(
        const json_t *o, const struct net_link *links, size_t n, struct net_route *ret, struct err *e)
{
	const char *to = text(o, "dest"), *gateway = text(o, "gateway"), *source = text(o, "source");
	const struct net_link *l = find_name(links, n, text(o, "device"));
	bool whole = !*to || !strcmp(to, "default") || !strcmp(to, "0.0.0.0/0") || !strcmp(to, "::/0");

	*ret = (struct net_route){
		.scope = (uint8_t)number(o, "scope"), .flags = number(o, "flags"), .mtu = number(o, "mtu")
	};
	if (!l || l->type != ARPHRD_ETHER)
		return err_set(e, -ENODEV, "no such device");
	ret->index = l->index;
	if ((!whole && (parse_usable_ip("dest", to, &ret->to, e) || same_family(ret, &ret->to, "dest", e))) ||
	        (*gateway && (parse_usable_ip("gateway", gateway, &ret->gateway, e) ||
	                             same_family(ret, &ret->gateway, "gateway", e))) ||
	        (*source && (parse_usable_ip("source", source, &ret->source, e) ||
	                            same_family(ret, &ret->source, "source", e))))
		return e->code;
	if (!ret->family)
		ret->family = number(o, "family") || strchr(to, ':') ? AF_INET6 : AF_INET;
	if (ret->mtu && (ret->mtu < MTU_MIN || ret->mtu > MTU_MAX))
		return err_set(e, -EINVAL, "bad MTU");
	return 0;
}

static int drop_routes(struct nl *n)
{
	_buf_ struct buf all = { 0 };
	size_t count;
	int k = net_routes(n, &all, &count);
	const struct net_route *r = (const struct net_route *)all.p;

	for (size_t i = 0; !k && i < count; i++)
		if (r[i].protocol != RTPROT_KERNEL) {
			k = set_route(n, RTM_DELROUTE, &r[i]);
			k = k == -ESRCH ? 0 : k;
		}
	return k;
}

/* Those without a gateway first: others may go through what they reach. */
static int add_routes(struct nl *n, const struct net_route *r, size_t count, struct err *e)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < count; i++) {
			int k = !r[i].gateway.family == !pass ? set_route(n, RTM_NEWROUTE, &r[i]) : 0;

			if (k)
				return err_set(e, k, "Routes[%zu]: %s", i, strerror(-k));
		}
	return 0;
}

/* What a request with a LIST of WHAT begins with: the interfaces that there are. */
static int begin(
        const json_t *list, const char *what, struct nl *n, struct buf *links, size_t *count, struct err *e)
{
	int k;

	if (json_array_size(list) > HOST_MAX)
		return err_set(e, -E2BIG, "more than %d %s", HOST_MAX, what);
	k = nl_open(n);
	if (!k)
		k = net_links(n, links, count);
	return k ? fails(e, k, "interfaces") : 0;
}

int host_routes(const json_t *request, struct err *e)
{
	const json_t *list = json_object_get(json_object_get(request, "routes"), "Routes"), *o;
	_free_ struct net_route *r = xcalloc(json_array_size(list) + 1, sizeof(*r));
	_buf_ struct buf links = { 0 };
	_nl_ struct nl n = { .fd = -1 };
	size_t i, count;
	int k;

	if (begin(list, "routes", &n, &links, &count, e))
		return e->code;
	json_array_foreach (list, i, o)
		if (parse_route(o, (const struct net_link *)links.p, count, &r[i], e))
			return err_wrap(e, "Routes[%zu]", i);
	k = drop_routes(&n);
	return k ? fails(e, k, "old routes") : add_routes(&n, r, json_array_size(list), e);
}

static int add_neighbor(
        struct nl *n, const struct net_link *links, size_t count, const json_t *o, struct err *e)
{
	const struct net_link *l = find_name(links, count, text(o, "device"));
	const uint32_t state = number(o, "state");
	struct ndmsg h = { .ndm_state = (uint16_t)(state ? state : NUD_PERMANENT),
		.ndm_flags = (uint8_t)number(o, "flags") };
	struct net_ip ip;
	uint8_t mac[6];
	int k;

	if (!l || l->type != ARPHRD_ETHER)
		return err_set(e, -ENODEV, "no such device");
	if (parse_usable_ip("toIPAddress", text(json_object_get(o, "toIPAddress"), "address"), &ip, e) ||
	        parse_mac(text(o, "lladdr"), mac, e))
		return e->code;
	h.ndm_family = ip.family;
	h.ndm_ifindex = l->index;
	nl_begin(n, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &h, sizeof(h));
	nl_put(n, NDA_DST, ip.bytes, net_ip_size(&ip));
	nl_put(n, NDA_LLADDR, mac, sizeof(mac));
	k = nl_run(n, NULL, NULL);
	return k ? fails(e, k, "the kernel") : 0;
}

int host_neighbors(const json_t *request, struct err *e)
{
	const json_t *list = json_object_get(json_object_get(request, "neighbors"), "ARPNeighbors"), *o;
	_buf_ struct buf links = { 0 };
	_nl_ struct nl n = { .fd = -1 };
	size_t i, count;

	if (begin(list, "neighbours", &n, &links, &count, e))
		return e->code;
	json_array_foreach (list, i, o)
		if (add_neighbor(&n, (const struct net_link *)links.p, count, o, e))
			return err_wrap(e, "ARPNeighbors[%zu]", i);
	return 0;
}
