#include "net/net.h"
#include "lib/mem.h"
#include "log.h"
#include "net/client.h"
#include "net/link.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
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

static void drop_missing(struct net *net)
{
	char path[300];

	for (size_t i = 0; i < net->n;) {
		snprintf(path, sizeof(path), INTERFACES "/%s", dhcp_client_name(net->clients[i]));
		if (!access(path, F_OK)) {
			i++;
			continue;
		}
		dhcp_client_free(net->clients[i]);
		memmove(&net->clients[i], &net->clients[i + 1], (--net->n - i) * sizeof(*net->clients));
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

int net_start(struct loop *l)
{
	const struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	struct net *net = xcalloc(1, sizeof(*net));
	int k = link_up("lo");

	if (k < 0)
		log_line(LOG_WARNING, "lo: %s", strerror(-k));
	*net = (struct net){ .w = { socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on_change },
		.loop = l };
	k = net->w.fd < 0 || bind(net->w.fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	if (!k)
		k = loop_add(l, &net->w, EPOLLIN);
	if (k < 0) {
		loop_close(l, &net->w);
		free(net);
		return k;
	}
	scan(net);
	write_resolv_conf(net);
	return 0;
}
