#include "net/client.h"
#include "lib/mem.h"
#include "log.h"
#include "net/link.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

enum { FIRST_WAIT_S = 1, MAX_WAIT_S = 16, MAX_REQUESTS = 4, RENEW_STEP_MIN_S = 60 };

enum step { SELECTING, REQUESTING, BOUND, RENEWING };

struct dhcp_client {
	struct watch w; /* packet socket; closed while BOUND */
	struct timer timer;
	struct loop *loop;
	char name[IF_NAMESIZE];
	enum step step;
	struct dhcp_ask ask;
	struct dhcp_lease lease;
	bool held;
	uint64_t begun_s, bound_s; /* since boot */
	unsigned int wait_s, tries;
	void (*changed)(void *arg);
	void *arg;
};

static uint64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec;
}

/* Only UDP to the client's port, unfragmented: nothing else is ever copied to this process. */
static int filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_CLIENT_PORT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

static int open_socket(struct dhcp_client *c)
{
	const struct sockaddr_ll at = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(c->name) };
	int k;

	if (c->w.fd >= 0)
		return 0;
	/* protocol 0: no packet arrives before the filter is there and the interface is bound */
	c->w.fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->w.fd < 0)
		return -errno;
	k = filter(c->w.fd);
	if (!k && bind(c->w.fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		k = -errno;
	if (!k)
		k = loop_add(c->loop, &c->w, EPOLLIN);
	if (k < 0)
		loop_close(c->loop, &c->w);
	return k;
}

static void send_ask(struct dhcp_client *c)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(c->name),
		.sll_halen = 6,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	uint64_t secs = now_s() - c->begun_s;
	uint8_t packet[DHCP_PACKET];

	c->ask.secs = secs < UINT16_MAX ? (uint16_t)secs : UINT16_MAX;
	dhcp_build(&c->ask, packet);
	/* one that cannot be sent (link down, no buffer) is as good as lost: the timer sends it again */
	sendto(c->w.fd, packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to));
}

static void lose(struct dhcp_client *c)
{
	if (!c->held)
		return;
	c->held = false;
	link_clear_address(c->name);
	log_line(LOG_WARNING, "%s: lost its address", c->name);
	c->changed(c->arg);
}

/* Asks anew with DHCPDISCOVER. */
static void discover(struct dhcp_client *c)
{
	uint8_t mac[6];

	memcpy(mac, c->ask.mac, sizeof(mac));
	c->ask = (struct dhcp_ask){ .type = DHCP_DISCOVER };
	memcpy(c->ask.mac, mac, sizeof(mac));
	if (getrandom(&c->ask.xid, sizeof(c->ask.xid), GRND_NONBLOCK) < 0)
		c->ask.xid = (uint32_t)now_s(); /* it tells answers apart, no more */
	c->step = SELECTING;
	c->tries = 0;
	c->begun_s = now_s();
	send_ask(c);
	timer_set(&c->timer, c->wait_s * 1000);
}

static void apply(struct dhcp_client *c, const struct dhcp_lease *l)
{
	bool same = c->held && c->lease.address == l->address && c->lease.mask == l->mask;
	int k = same ? 0 : link_set_address(c->name, l->address, l->mask);

	if (!k && l->mtu)
		k = link_set_mtu(c->name, l->mtu);
	if (!k && l->router && !(same && c->lease.router == l->router))
		k = link_set_router(c->name, l->router, l->address, l->mask);
	if (k < 0)
		log_line(LOG_WARNING, "%s: cannot apply the lease: %s", c->name, strerror(-k));
	if (!same)
		log_line(LOG_INFO, "%s: address %u.%u.%u.%u for %u s", c->name, l->address >> 24,
		        l->address >> 16 & 255, l->address >> 8 & 255, l->address & 255, l->lease_s);
	c->lease = *l;
	c->held = true;
	c->bound_s = now_s();
	c->step = BOUND;
	c->wait_s = FIRST_WAIT_S;
	loop_close(c->loop, &c->w);
	timer_set(&c->timer, l->lease_s == UINT32_MAX ? 0 : (uint64_t)l->renew_s * 1000);
	c->changed(c->arg);
}

static void on_offer(struct dhcp_client *c, const struct dhcp_lease *l)
{
	c->ask.type = DHCP_REQUEST;
	c->ask.wanted = l->address;
	c->ask.server = l->server;
	c->step = REQUESTING;
	c->tries = 1;
	send_ask(c);
	timer_set(&c->timer, FIRST_WAIT_S * 1000);
}

static void on_packet(struct watch *w, uint32_t events)
{
	struct dhcp_client *c = container_of(w, struct dhcp_client, w);
	struct dhcp_lease l;
	uint8_t packet[2048];
	ssize_t n = recv(w->fd, packet, sizeof(packet), MSG_TRUNC);

	(void)events;
	if (n <= 0 || (size_t)n > sizeof(packet) ||
	        dhcp_parse(slice_of(packet, (size_t)n), c->ask.mac, c->ask.xid, &l) < 0)
		return;
	if (c->step == SELECTING && l.type == DHCP_OFFER) {
		on_offer(c, &l);
	} else if (c->step == REQUESTING || c->step == RENEWING) {
		if (l.type == DHCP_ACK) {
			apply(c, &l);
		} else if (l.type == DHCP_NAK) {
			lose(c);
			discover(c);
		}
	}
}

/*
 * Renewal goes to everybody (RFC 2131's REBINDING form, without its unicast first try): it needs no second
 * socket, and every server that may extend the lease answers it.
 */
static void renew(struct dhcp_client *c)
{
	uint64_t gone = now_s() - c->bound_s, left;

	if (gone >= c->lease.lease_s) {
		lose(c);
		discover(c);
		return;
	}
	left = c->lease.lease_s - gone;
	if (c->step == BOUND)
		c->begun_s = now_s();
	c->step = RENEWING;
	c->ask.type = DHCP_REQUEST;
	c->ask.current = c->lease.address;
	c->ask.wanted = c->ask.server = 0;
	send_ask(c);
	if (left > 2 * RENEW_STEP_MIN_S)
		left /= 2;
	timer_set(&c->timer, left * 1000);
}

static void on_timer(struct timer *t)
{
	struct dhcp_client *c = container_of(t, struct dhcp_client, timer);
	int k = open_socket(c);

	if (k < 0) {
		log_line(LOG_WARNING, "%s: DHCP: %s", c->name, strerror(-k));
		timer_set(t, MAX_WAIT_S * 1000);
		return;
	}
	switch (c->step) {
	case REQUESTING:
		if (c->tries++ < MAX_REQUESTS) {
			send_ask(c);
			timer_set(t, (uint64_t)1000 << c->tries);
			return;
		}
		/* fall through */
	case SELECTING:
		discover(c);
		c->wait_s = c->wait_s * 2 < MAX_WAIT_S ? c->wait_s * 2 : MAX_WAIT_S;
		return;
	case BOUND:
	case RENEWING:
		renew(c);
	}
}

struct dhcp_client *dhcp_client_new(
        struct loop *l, const char *name, const uint8_t mac[6], void (*changed)(void *arg), void *arg)
{
	struct dhcp_client *c = xcalloc(1, sizeof(*c));
	int k;

	c->loop = l;
	c->w = (struct watch){ -1, on_packet };
	c->changed = changed;
	c->arg = arg;
	c->wait_s = FIRST_WAIT_S;
	snprintf(c->name, sizeof(c->name), "%s", name);
	memcpy(c->ask.mac, mac, sizeof(c->ask.mac));
	k = timer_open(l, &c->timer, on_timer);
	if (k < 0) {
		free(c);
		errno = -k;
		return NULL;
	}
	on_timer(&c->timer);
	return c;
}

void dhcp_client_free(struct dhcp_client *c)
{
	loop_close(c->loop, &c->w);
	loop_close(c->loop, &c->timer.w);
	free(c);
}

const char *dhcp_client_name(const struct dhcp_client *c)
{
	return c->name;
}

const struct dhcp_lease *dhcp_client_lease(const struct dhcp_client *c)
{
	return c->held ? &c->lease : NULL;
}
