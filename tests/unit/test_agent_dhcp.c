/* Witness: dnsmasq leases an address to the client, over a veth pair in a network namespace of the test's
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "lib/mem.h"
#include "net/client.h"
#include "net/link.h"

enum { LIMIT_MS = 20000 };

static bool write_file(const char *path, const char *text)
{
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Becomes root of a new network namespace, also where the user is not root. */
static bool new_namespace(void)
{
	char map[40];

	snprintf(map, sizeof(map), "0 %u 1\n", (unsigned int)getuid());
	return !unshare(CLONE_NEWUSER | CLONE_NEWNET) && write_file("/proc/self/uid_map", map);
}

static bool run(const char *command)
{
	return !system(command);
}

struct test {
	struct loop *loop;
	struct dhcp_client *client;
	struct timer limit;
};

static void changed(void *arg)
{
	struct test *t = arg;

	loop_stop(t->loop, 0);
}

static void too_late(struct timer *limit)
{
	loop_stop(container_of(limit, struct test, limit)->loop, 1);
}

/* 0 as expected; 77 something needed is missing; else the number of the check that failed. */
static int in_namespace(void)
{
	static const char interfaces[] =
	        "ip link add s0 type veth peer name c0 && ip link set lo up && "
	        "ip addr add 10.9.8.1/24 dev s0 && ip link set s0 up && ip link set c0 up";
	struct test t = { 0 };
	const struct dhcp_lease *l;
	uint8_t mac[6];
	pid_t server;

	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (!run("command -v dnsmasq >/dev/null && command -v ip >/dev/null") || !new_namespace() ||
	        !run(interfaces))
		return 77;
	server = fork();
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
		        "--interface=s0", "--bind-interfaces", "--user=root", "--group=", "--no-ping",
		        "--leasefile-ro", "--pid-file=", "--log-facility=/dev/null",
		        "--dhcp-range=10.9.8.50,10.9.8.50,255.255.255.0,2h", "--dhcp-option=3,10.9.8.9",
		        "--dhcp-option=6,10.9.8.2,10.9.8.3", "--dhcp-option=26,1400", NULL);
		_exit(127);
	}
	t.loop = loop_new();
	if (link_mac("c0", mac) < 0 || timer_open(t.loop, &t.limit, too_late) < 0)
		return 1;
	timer_set(&t.limit, LIMIT_MS);
	t.client = dhcp_client_new(t.loop, "c0", mac, changed, &t);
	if (!t.client || loop_run(t.loop))
		return 2;
	kill(server, SIGKILL);
	l = dhcp_client_lease(t.client);
	if (!l || l->address != 0x0a090832 || l->mask != 0xffffff00 || l->router != 0x0a090809)
		return 3;
	if (l->n_dns != 2 || l->dns[0] != 0x0a090802 || l->dns[1] != 0x0a090803 || l->mtu != 1400)
		return 4;
	if (l->lease_s != 7200 || l->renew_s != 3600 || l->server != 0x0a090801)
		return 5;
	if (!run("ip -4 addr show dev c0 | grep -q 'inet 10.9.8.50/24'") ||
	        !run("ip route show default | grep -q 'default via 10.9.8.9 dev c0'") ||
	        !run("ip link show dev c0 | grep -q 'mtu 1400'"))
		return 6;
	return 0;
}

static void dnsmasq_gives_an_address_which_is_set_with_its_route_and_mtu(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(in_namespace());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("dnsmasq, ip or the right to make a network namespace is missing\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

enum { PACKET = 328, OPTIONS = 28 + 236 + 4, XID = 0x669b4b21 };
static const uint8_t mac_there[6] = { 2, 0, 0, 0, 0, 2 };

/* What dnsmasq 2.90 sent in the setting above, as captured on the wire. */
static void read_offer(uint8_t ret[PACKET])
{
	_close_ int fd = open("tests/fuzz/corpus/agent_dhcp/offer", O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, ret, PACKET), PACKET);
}

static void a_captured_offer_is_read_and_only_by_whom_it_is_for(void **state)
{
	uint8_t p[PACKET], other[6] = { 2, 0, 0, 0, 0, 3 };
	struct dhcp_lease l;

	(void)state;
	read_offer(p);
	assert_int_equal(dhcp_parse(slice_of(p, PACKET), mac_there, XID, &l), 0);
	assert_int_equal(l.type, DHCP_OFFER);
	assert_int_equal(l.address, 0x0a090832);
	assert_int_equal(l.server, 0x0a090801);
	assert_int_equal(l.router, 0x0a090809);
	assert_int_equal(l.lease_s, 7200);
	assert_int_equal(l.renew_s, 3600);
	assert_int_equal(dhcp_parse(slice_of(p, PACKET), mac_there, XID + 1, &l), -EAGAIN);
	assert_int_equal(dhcp_parse(slice_of(p, PACKET), other, XID, &l), -EAGAIN);
}

static void an_offer_cut_anywhere_is_not_taken(void **state)
{
	uint8_t p[PACKET];
	struct dhcp_lease l;

	(void)state;
	read_offer(p);
	for (size_t n = 0; n < PACKET; n++) {
		_free_ uint8_t *cut = xcalloc(1, n);

		memcpy(cut, p, n);
		assert_int_equal(dhcp_parse(slice_of(cut, n), mac_there, XID, &l), -EAGAIN);
		/* the headers may agree with the cut and the options still run out */
		if (n <= OPTIONS)
			continue;
		cut[2] = (uint8_t)(n >> 8);
		cut[3] = (uint8_t)n;
		cut[24] = (uint8_t)((n - 20) >> 8);
		cut[25] = (uint8_t)(n - 20);
		if (dhcp_parse(slice_of(cut, n), mac_there, XID, &l) == 0)
			assert_true(l.address && l.mask && l.server);
	}
}

static void an_offer_that_no_client_can_use_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		int want;
	} bad[] = {
		{ 0, 0x65, -EAGAIN },                     /* IPv6 */
		{ 0, 0x44, -EAGAIN },                     /* header shorter than a header */
		{ 6, 0x20, -EAGAIN },                     /* first fragment */
		{ 9, 6, -EAGAIN },                        /* TCP */
		{ 21, 66, -EAGAIN },                      /* not from a server */
		{ 24, 2, -EAGAIN },                       /* UDP longer than its packet */
		{ 28, 1, -EAGAIN },                       /* a request */
		{ 28 + 16, 127, -EBADMSG },               /* your address: loopback */
		{ 28 + 16, 224, -EBADMSG },               /* multicast */
		{ OPTIONS + 1, 2, -EBADMSG },             /* message type of two bytes */
		{ OPTIONS + 2, 9, -EAGAIN },              /* message type unknown */
		{ OPTIONS + 4, 3, -EBADMSG },             /* server of three bytes */
		{ OPTIONS + 5, 0, -EBADMSG },             /* server 0.x */
		{ OPTIONS + 30, 0xfd, -EBADMSG },         /* mask with a hole */
		{ PACKET - 1 - 6 - 10 - 2, 0, -EBADMSG }, /* MTU of 120 */
		{ PACKET - 1 - 5, 5, -EBADMSG },          /* a router of five bytes */
	};
	uint8_t p[PACKET];
	struct dhcp_lease l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		read_offer(p);
		p[bad[i].at] = bad[i].byte;
		assert_int_equal(dhcp_parse(slice_of(p, PACKET), mac_there, XID, &l), bad[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dnsmasq_gives_an_address_which_is_set_with_its_route_and_mtu),
		cmocka_unit_test(a_captured_offer_is_read_and_only_by_whom_it_is_for),
		cmocka_unit_test(an_offer_cut_anywhere_is_not_taken),
		cmocka_unit_test(an_offer_that_no_client_can_use_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
