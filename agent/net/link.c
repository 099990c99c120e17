#include "net/link.h"
#include "lib/mem.h"
#include <arpa/inet.h>
#include <net/if_arp.h>
#include <net/if.h>
#include <net/route.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int request(unsigned long what, struct ifreq *r, const char *name)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	memcpy(r->ifr_name, name, strlen(name) + 1);
	return fd < 0 || ioctl(fd, what, r) < 0 ? -errno : 0;
}

static void put_address(struct sockaddr *ret, uint32_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };

	memcpy(ret, &in, sizeof(*ret));
}

int link_up(const char *name)
{
	struct ifreq r = { 0 };
	int k = request(SIOCGIFFLAGS, &r, name);

	if (k < 0)
		return k;
	r.ifr_flags |= IFF_UP;
	return request(SIOCSIFFLAGS, &r, name);
}

int link_mac(const char *name, uint8_t ret[6])
{
	struct ifreq r = { 0 };
	int k = request(SIOCGIFHWADDR, &r, name);

	if (k < 0)
		return k;
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -ENODEV;
	memcpy(ret, r.ifr_hwaddr.sa_data, 6);
	return 0;
}

int link_set_address(const char *name, uint32_t address, uint32_t mask)
{
	struct ifreq r = { 0 };
	int k;

	put_address(&r.ifr_addr, address);
	k = request(SIOCSIFADDR, &r, name);
	if (k < 0)
		return k;
	put_address(&r.ifr_netmask, mask);
	return request(SIOCSIFNETMASK, &r, name);
}

int link_clear_address(const char *name)
{
	struct ifreq r = { 0 };

	put_address(&r.ifr_addr, 0);
	return request(SIOCSIFADDR, &r, name);
}

int link_set_mtu(const char *name, uint16_t mtu)
{
	struct ifreq r = { .ifr_mtu = mtu };

	return request(SIOCSIFMTU, &r, name);
}

static int add_route(const char *name, uint32_t to, uint32_t mask, uint32_t router)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct rtentry r = { .rt_flags = RTF_UP, .rt_dev = (char *)name };

	put_address(&r.rt_dst, to);
	put_address(&r.rt_genmask, mask);
	put_address(&r.rt_gateway, router);
	if (router)
		r.rt_flags |= RTF_GATEWAY;
	if (mask == UINT32_MAX)
		r.rt_flags |= RTF_HOST;
	if (fd < 0 || (ioctl(fd, SIOCADDRT, &r) < 0 && errno != EEXIST))
		return -errno;
	return 0;
}

int link_set_router(const char *name, uint32_t router, uint32_t address, uint32_t mask)
{
	int k = (router & mask) == (address & mask) ? 0 : add_route(name, router, UINT32_MAX, 0);

	return k < 0 ? k : add_route(name, 0, 0, router);
}
