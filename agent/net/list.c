#include "lib/pb.h"
#include "net/host.h"
#include "net/state.h"
#include <arpa/inet.h>

static int fails(struct err *e, int k, const char *what)
{
	return err_set(e, k, "%s: %s", what, strerror(-k));
}

static void put_addresses(struct buf *ret, int index, const struct net_address *a, size_t count)
{
	char ip[INET6_ADDRSTRLEN], mask[4];

	for (; count--; a++) {
		_buf_ struct buf one = { 0 };

		if (a->index != index)
			continue;
		snprintf(mask, sizeof(mask), "%u", a->ip.prefix);
		pb_put_uint(&one, 1, a->ip.family == AF_INET6);
		pb_put_str(&one, 2, net_ip_text(&a->ip, ip));
		pb_put_str(&one, 3, mask);
		pb_put_message(ret, 3, &one);
	}
}

int host_list_interfaces(struct buf *ret, struct err *e)
{
	_buf_ struct buf links = { 0 }, addresses = { 0 };
	_nl_ struct nl n = { .fd = -1 };
	const struct net_link *l;
	size_t n_links, n_addresses;
	int k = nl_open(&n);

	if (!k)
		k = net_links(&n, &links, &n_links);
	if (!k)
		k = net_addresses(&n, &addresses, &n_addresses);
	if (k)
		return fails(e, k, "interfaces");
	l = (const struct net_link *)links.p;
	for (; n_links--; l++) {
		_buf_ struct buf one = { 0 };
		char mac[18];

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", l->mac[0], l->mac[1], l->mac[2],
		        l->mac[3], l->mac[4], l->mac[5]);
		pb_put_str(&one, 1, l->name);
		pb_put_str(&one, 2, l->name);
		put_addresses(&one, l->index, (const struct net_address *)addresses.p, n_addresses);
		pb_put_uint(&one, 4, l->mtu);
		pb_put_str(&one, 5, mac);
		pb_put_uint(&one, 8, l->flags);
		pb_put_message(ret, 1, &one);
	}
	return 0;
}

int host_list_routes(struct buf *ret, struct err *e)
{
	_buf_ struct buf links = { 0 }, all = { 0 };
	_nl_ struct nl n = { .fd = -1 };
	const struct net_route *r;
	size_t n_links, n_routes;
	int k = nl_open(&n);

	if (!k)
		k = net_links(&n, &links, &n_links);
	if (!k)
		k = net_routes(&n, &all, &n_routes);
	if (k)
		return fails(e, k, "routes");
	r = (const struct net_route *)all.p;
	for (; n_routes--; r++) {
		_buf_ struct buf one = { 0 };
		char ip[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN + 4];
		const struct net_link *l = (const struct net_link *)links.p;
		size_t left = n_links;

		while (left && l->index != r->index) {
			l++;
			left--;
		}
		snprintf(to, sizeof(to), "%s/%u", net_ip_text(&r->to, ip), r->to.prefix);
		pb_put_str(&one, 1, r->to.family ? to : "");
		pb_put_str(&one, 2, net_ip_text(&r->gateway, ip));
		pb_put_str(&one, 3, left ? l->name : "");
		pb_put_str(&one, 4, net_ip_text(&r->source, ip));
		pb_put_uint(&one, 5, r->scope);
		pb_put_uint(&one, 6, r->family == AF_INET6);
		pb_put_uint(&one, 7, r->flags);
		pb_put_uint(&one, 8, r->mtu);
		pb_put_message(ret, 1, &one);
	}
	return 0;
}
