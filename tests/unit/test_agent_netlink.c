/* Witness: ip(8), on interfaces of a network namespace of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <stdlib.h>
#include "lib/mem.h"
#include "lib/pb.h"
#include "net/host.h"

#define MAC "02:00:00:00:00:0a"
#define MAC2 "02:00:00:00:00:0b"

static int sh(const char *command)
{
	return system(command);
}

static int new_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0 || sh("ip link set lo up"))
		return 0;
	sh("ip link add eth0 address " MAC " type veth peer name p0 && ip link set p0 up &&"
	   "ip link add eth1 address " MAC2 " type veth peer name p1 && ip link set p1 up");
	return 0;
}

static void need_links(void)
{
	if (sh("test -e /usr/bin/jq && ip link show p1 >/dev/null 2>&1")) {
		print_message("no network namespace of our own, or no jq\n");
		skip();
	}
}

static int taken;

static void count(void *arg, int index)
{
	(void)arg;
	assert_true(index > 0);
	taken++;
}

static int update(const char *json, struct err *e)
{
	json_t *o = json_loads(json, 0, NULL);
	int k;

	assert_non_null(o);
	*e = (struct err){ 0 };
	k = host_interface(o, count, NULL, e);
	json_decref(o);
	return k;
}

static int update_routes(const char *json, struct err *e)
{
	json_t *o = json_loads(json, 0, NULL);
	int k;

	assert_non_null(o);
	*e = (struct err){ 0 };
	k = host_routes(o, e);
	json_decref(o);
	return k;
}

static void an_interface_gets_what_the_host_says_and_nothing_else_stays(void **state)
{
	struct err e;

	(void)state;
	need_links();
	sh("ip addr add 192.0.2.77/24 dev eth0; ip addr add 192.0.2.78/24 dev eth0");
	assert_int_equal(update("{\"interface\":{\"name\":\"eth0\",\"hwAddr\":\"" MAC
	                        "\",\"mtu\":1400,\"IPAddresses\":["
	                        "{\"address\":\"10.1.2.3\",\"mask\":\"16\"},{\"address\":\"fd00::5\","
	                        "\"mask\":\"64\",\"family\":1}]}}",
	                         &e),
	        0);
	assert_int_equal(taken, 1);
	assert_int_equal(
	        sh("ip -j addr show dev eth0 | jq -e '.[0].mtu == 1400 and (.[0].flags|index(\"UP\")) and "
	           "([.[0].addr_info[]|select(.scope==\"global\")|[.local,.prefixlen]] == "
	           "[[\"10.1.2.3\",16],[\"fd00::5\",64]])' >/dev/null"),
	        0);
}

static void names_are_swapped_as_the_host_wants_them(void **state)
{
	struct err e;

	(void)state;
	need_links();
	assert_int_equal(update("{\"interface\":{\"name\":\"eth0\",\"hwAddr\":\"" MAC2 "\",\"IPAddresses\":["
	                        "{\"address\":\"10.9.0.1\",\"mask\":\"24\"}]}}",
	                         &e),
	        0);
	assert_int_equal(sh("ip -j addr show dev eth0 | jq -e '.[0].address == \"" MAC2
	                    "\" and .[0].addr_info[0].local == \"10.9.0.1\"' >/dev/null"),
	        0);
	assert_int_equal(update("{\"interface\":{\"name\":\"eth1\",\"hwAddr\":\"" MAC "\",\"IPAddresses\":["
	                        "{\"address\":\"10.1.2.3\",\"mask\":\"16\"}]}}",
	                         &e),
	        0);
	assert_int_equal(sh("ip -j link show dev eth1 | jq -e '.[0].address == \"" MAC "\"' >/dev/null"), 0);
}

static void routes_are_replaced_gateways_last(void **state)
{
	struct err e;

	(void)state;
	need_links();
	sh("ip route add 198.51.100.0/24 dev eth0");
	assert_int_equal(
	        update_routes("{\"routes\":{\"Routes\":[{\"gateway\":\"172.16.0.1\",\"device\":\"eth0\"},"
	                      "{\"dest\":\"172.16.0.1/32\",\"device\":\"eth0\",\"scope\":253},"
	                      "{\"dest\":\"192.0.2.0/"
	                      "24\",\"gateway\":\"10.9.0.254\",\"device\":\"eth0\",\"mtu\":1300}]}}",
	                &e),
	        0);
	assert_int_equal(
	        sh("ip -j route | jq -e '[.[]|select(.protocol==\"static\")|[.dst,.gateway]]|sort == "
	           "[[\"172.16.0.1\",null],[\"192.0.2.0/24\",\"10.9.0.254\"],[\"default\",\"172.16.0.1\"]]' "
	           ">/dev/null"),
	        0);
	assert_int_equal(sh("ip route | grep -q 'mtu 1300' && ! ip route | grep -q 198.51"), 0);
}

static void neighbours_are_added(void **state)
{
	json_t *o =
	        json_loads("{\"neighbors\":{\"ARPNeighbors\":[{\"toIPAddress\":{\"address\":\"10.9.0.254\"},"
	                   "\"device\":\"eth0\",\"lladdr\":\"02:11:22:33:44:55\",\"state\":128}]}}",
	                0, NULL);
	struct err e = { 0 };

	(void)state;
	need_links();
	assert_int_equal(host_neighbors(o, &e), 0);
	json_decref(o);
	assert_int_equal(sh("ip -j neigh show dev eth0 | jq -e '.[]|select(.dst==\"10.9.0.254\")|"
	                    ".lladdr == \"02:11:22:33:44:55\" and .state == [\"PERMANENT\"]' >/dev/null"),
	        0);
}

/* Text of the first field NUMBER in MESSAGE, or "". */
static char *field_text(struct slice message, uint32_t number)
{
	_buf_ struct buf b = { 0 };
	struct pb_field f;

	while (pb_next(&message, &f) > 0)
		if (f.number == number && f.type == PB_BYTES) {
			buf_add(&b, f.bytes.p, f.bytes.n);
			break;
		}
	return xstrdup(buf_str(&b));
}

static void what_is_listed_is_what_was_set(void **state)
{
	_buf_ struct buf interfaces = { 0 }, routes = { 0 };
	bool eth0 = false, gateway = false;
	struct slice rest;
	struct pb_field f;
	struct err e = { 0 };

	(void)state;
	need_links();
	assert_int_equal(host_list_interfaces(&interfaces, &e), 0);
	assert_int_equal(host_list_routes(&routes, &e), 0);
	for (rest = buf_slice(&interfaces); pb_next(&rest, &f) > 0;) {
		_free_ char *name = field_text(f.bytes, 2), *mac = field_text(f.bytes, 5);
		struct slice in = f.bytes;
		struct pb_field a;

		if (strcmp(name, "eth0"))
			continue;
		assert_string_equal(mac, MAC2);
		while (pb_next(&in, &a) > 0 && a.number != 3)
			;
		_free_ char *ip = field_text(a.bytes, 2), *mask = field_text(a.bytes, 3);
		assert_string_equal(ip, "10.9.0.1");
		assert_string_equal(mask, "24");
		eth0 = true;
	}
	assert_true(eth0);
	for (rest = buf_slice(&routes); pb_next(&rest, &f) > 0;) {
		_free_ char *to = field_text(f.bytes, 1), *by = field_text(f.bytes, 2);

		gateway |= !*to && !strcmp(by, "172.16.0.1");
	}
	assert_true(gateway);
}

static void what_no_host_may_give_is_refused_before_anything_changes(void **state)
{
	static const struct {
		const char *json;
		int error;
	} bad[] = {
		{ "{\"interface\":{\"hwAddr\":\"00:00:00:00:00:00\",\"IPAddresses\":[]}}", -ENODEV }, /* lo */
		{ "{\"interface\":{\"hwAddr\":\"" MAC2 "\",\"name\":\"lo\"}}", -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"" MAC2 "\",\"name\":\"../x\"}}", -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"" MAC2 "\",\"name\":\"e%d\"}}", -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"" MAC2 "\",\"mtu\":9}}", -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"nonsense\"}}", -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"" MAC2
		  "\",\"IPAddresses\":[{\"address\":\"127.0.0.1\",\"mask\":\"8\"}]}}",
		        -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"" MAC2
		  "\",\"IPAddresses\":[{\"address\":\"::1\",\"mask\":\"128\"}]}}",
		        -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"" MAC2
		  "\",\"IPAddresses\":[{\"address\":\"::ffff:127.0.0.1\",\"mask\":\"128\"}]}}",
		        -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"" MAC2
		  "\",\"IPAddresses\":[{\"address\":\"10.0.0.1\",\"mask\":\"33\"}]}}",
		        -EINVAL },
		{ "{\"interface\":{\"hwAddr\":\"" MAC2
		  "\",\"IPAddresses\":[{\"address\":\"10.0.0.1\",\"mask\":\"\"}]}}",
		        -EINVAL },
		{ "{}", -EINVAL },
	};
	static const char *const bad_routes[] = {
		"{\"routes\":{\"Routes\":[{\"dest\":\"127.0.0.0/8\",\"device\":\"eth0\"}]}}",
		"{\"routes\":{\"Routes\":[{\"dest\":\"10.0.0.0/8\",\"device\":\"lo\"}]}}",
		"{\"routes\":{\"Routes\":[{\"dest\":\"10.0.0.0/"
		"8\",\"gateway\":\"fd00::1\",\"device\":\"eth0\"}]}}",
		"{\"routes\":{\"Routes\":[{\"dest\":\"10.0.0.0/8\",\"device\":\"nope\"}]}}",
	};
	struct err e;

	(void)state;
	need_links();
	taken = 0;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(update(bad[i].json, &e), bad[i].error);
	for (size_t i = 0; i < ARRAY_LEN(bad_routes); i++)
		assert_true(update_routes(bad_routes[i], &e) < 0);
	assert_int_equal(taken, 0);
	assert_int_equal(
	        sh("ip -j addr show dev eth0 | jq -e '.[0].addr_info[0].local == \"10.9.0.1\"' >/dev/null &&"
	           "ip route | grep -q '^default via 172.16.0.1'"),
	        0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_gets_what_the_host_says_and_nothing_else_stays),
		cmocka_unit_test(names_are_swapped_as_the_host_wants_them),
		cmocka_unit_test(routes_are_replaced_gateways_last),
		cmocka_unit_test(neighbours_are_added),
		cmocka_unit_test(what_is_listed_is_what_was_set),
		cmocka_unit_test(what_no_host_may_give_is_refused_before_anything_changes),
	};

	return cmocka_run_group_tests(tests, new_namespace, NULL);
}
