#include "net/net.h"
#include "lib/mem.h"
#include "log.h"
#include "net/client.h"
#include "net/host.h"
#include "net/link.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define INTERFACES "/sys/class/net"
#define RESOLV_CONF "/run/bulla/resolv.conf"
enum { MAX_INTERFACES = 16 };

struct net {
	struct watch w; /* netlink: something about the links has changed */
	struct loop *loop;
	struct dhcp_client *clients[MAX_INTERFACES];
	size_t n;
	int fixed[MAX_INTERFACES]; /* indexes of those that the host has set */
	size_t n_fixed;
	char dns[3][INET6_ADDRSTRLEN]; /* of the host */
	size_t n_dns;
};

/* The name servers of all leases, in the order in which the interfaces came; resolvers read the first three.
 */
static void write_resolv_conf(void *arg)
{
	const struct net *net = arg;
	_fclose_ FILE *f = fopen(RESOLV_CONF ".new", "we");

	if (!f) {
		log_line(LOG_WARNING, RESOLV_CONF ": %s", strerror(errno));
		return;
	}
	for (size_t i = 0; i < net->n_dns; i++)
		fprintf(f, "nameserver %s\n", net->dns[i]);
	for (size_t i = 0; i < net->n; i++) {
		const struct dhcp_lease *l = dhcp_client_lease(net->clients[i]);

		for (unsigned int k = 0; l && k < l->n_dns; k++)
			fprintf(f, "nameserver %u.%u.%u.%u\n", l->dns[k] >> 24, l->dns[k] >> 16 & 255,
			        l->dns[k] >> 8 & 255, l->dns[k] & 255);
	}
	if (fclose(TAKE(f)) || rename(RESOLV_CONF ".new", RESOLV_CONF) < 0)
		log_line(LOG_WARNING, RESOLV_CONF ": %s", strerror(errno));
}

static bool is_known(const struct net *net, const char *name)
{
	for (size_t i = 0; i < net->n; i++)
		if (!strcmp(dhcp_client_name(net->clients[i]), name))
			return true;
	for (size_t i = 0; i < net->n_fixed; i++)
		if (net->fixed[i] == (int)if_nametoindex(name))
			return true;
	return false;
}

static void take_interface(struct net *net, const char *name)
{
	struct dhcp_client *c;
	uint8_t mac[6];
	int k;

	if (is_known(net, name) || link_mac(name, mac) < 0)
		return;
	k = link_up(name);
	c = k < 0 ? NULL : dhcp_client_new(net->loop, name, mac, write_resolv_conf, net);
	if (c)
		net->clients[net->n++] = c;
	else
		log_line(LOG_WARNING, "%s: %s", name, strerror(k < 0 ? -k : errno));
}

static void drop_client(struct net *net, size_t i)
{
	dhcp_client_free(net->clients[i]);
	memmove(&net->clients[i], &net->clients[i + 1], (--net->n - i) * sizeof(*net->clients));
}

static void drop_missing(struct net *net)
{
	char path[300];

	for (size_t i = 0; i < net->n;) {
		snprintf(path, sizeof(path), INTERFACES "/%s", dhcp_client_name(net->clients[i]));
		if (!access(path, F_OK)) {
			i++;
			continue;
		}
		drop_client(net, i);
	}
}

/* Hardware only: bridges and veth pairs of containers have no device of their own. */
static bool is_hardware(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), INTERFACES "/%s/device", name);
	return !access(path, F_OK);
}

static void scan(struct net *net)
{
	_closedir_ DIR *dir = opendir(INTERFACES);
	struct dirent *d;

	drop_missing(net);
	while (dir && (d = readdir(dir)) && net->n < MAX_INTERFACES)
		if (d->d_name[0] != '.' && is_hardware(d->d_name))
			take_interface(net, d->d_name);
}

/* What the message says does not matter: sysfs is read again. */
static void on_change(struct watch *w, uint32_t events)
{
	char drop[4096];

	(void)events;
	while (recv(w->fd, drop, sizeof(drop), MSG_DONTWAIT) > 0)
		;
	scan(container_of(w, struct net, w));
}

void net_dns(struct net *net, const json_t *servers)
{
	const json_t *one;
	uint8_t address[16];
	size_t i;

	net->n_dns = 0;
	json_array_foreach (servers, i, one) {
		const char *s = json_string_value(one);

		if (s && net->n_dns < ARRAY_LEN(net->dns) &&
		        (inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1))
			snprintf(net->dns[net->n_dns++], sizeof(*net->dns), "%s", s);
	}
	write_resolv_conf(net);
}

/* DHCP has nothing to say to the interface INDEX any more; it goes by its name as long as it has it. */
static void fix(void *arg, int index)
{
	struct net *net = arg;
	char name[IFNAMSIZ];

	for (size_t i = 0; if_indextoname((unsigned int)index, name) && i < net->n; i++)
		if (!strcmp(dhcp_client_name(net->clients[i]), name)) {
			drop_client(net, i);
			break;
		}
	for (size_t i = 0; i < net->n_fixed; i++)
		if (net->fixed[i] == index)
			return;
	if (net->n_fixed == MAX_INTERFACES) /* the oldest has most likely gone */
		memmove(net->fixed, net->fixed + 1, --net->n_fixed * sizeof(*net->fixed));
	net->fixed[net->n_fixed++] = index;
	write_resolv_conf(net);
}

static void update_interface(struct rpc_call *c, struct slice payload, void *agent)
{
	const struct agent *a = agent;
	struct slice rest = payload;
	struct err e = { 0 };
	json_t *request = NULL;
	struct pb_field f;
	int k = msg_json(payload, msg_update_interface, &request, &e);

	if (!k)
		k = host_interface(request, fix, a->net, &e);
	json_decref(request);
	if (k) {
		rpc_fail_err(c, &e);
		return;
	}
	while (pb_next(&rest, &f) > 0 && f.number != 1)
		;
	rpc_answer(c, f.bytes); /* the interface as it was asked for */
}

static void list(struct rpc_call *c, int (*of)(struct buf *ret, struct err *e))
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };

	if (of(&b, &e))
		rpc_fail_err(c, &e);
	else
		rpc_answer(c, buf_slice(&b));
}

static void update_routes(struct rpc_call *c, struct slice payload, void *agent)
{
	struct err e = { 0 };
	json_t *request = NULL;
	int k = msg_json(payload, msg_update_routes, &request, &e);

	(void)agent;
	if (!k)
		k = host_routes(request, &e);
	json_decref(request);
	if (k)
		rpc_fail_err(c, &e);
	else
		list(c, host_list_routes);
}

static void add_neighbors(struct rpc_call *c, struct slice payload, void *agent)
{
	struct err e = { 0 };
	json_t *request = NULL;
	int k = msg_json(payload, msg_add_neighbors, &request, &e);

	(void)agent;
	if (!k)
		k = host_neighbors(request, &e);
	json_decref(request);
	if (k)
		rpc_fail_err(c, &e);
	else
		rpc_answer(c, slice_of(NULL, 0));
}

static void list_interfaces(struct rpc_call *c, struct slice payload, void *agent)
{
	(void)payload;
	(void)agent;
	list(c, host_list_interfaces);
}

static void list_routes(struct rpc_call *c, struct slice payload, void *agent)
{
	(void)payload;
	(void)agent;
	list(c, host_list_routes);
}

const struct rpc_method net_methods[] = {
	{ "grpc.AgentService", "UpdateInterface", update_interface, .early = true },
	{ "grpc.AgentService", "UpdateRoutes", update_routes, .early = true },
	{ "grpc.AgentService", "ListInterfaces", list_interfaces, .early = true },
	{ "grpc.AgentService", "ListRoutes", list_routes, .early = true },
	{ "grpc.AgentService", "AddARPNeighbors", add_neighbors, .early = true },
	{ 0 },
};

int net_start(struct agent *a)
{
	const struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	struct net *net = xcalloc(1, sizeof(*net));
	int k = link_up("lo");

	if (k < 0)
		log_line(LOG_WARNING, "lo: %s", strerror(-k));
	*net = (struct net){ .w = { socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on_change },
		.loop = a->loop };
	k = net->w.fd < 0 || bind(net->w.fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	if (!k)
		k = loop_add(a->loop, &net->w, EPOLLIN);
	if (k < 0) {
		loop_close(a->loop, &net->w);
		free(net);
		return k;
	}
	a->net = net;
	scan(net);
	write_resolv_conf(net);
	return 0;
}
