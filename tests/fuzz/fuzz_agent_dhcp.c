/* Input: an IP packet as it comes from the network. Links with AGENT_TEST_OBJ. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include "net/dhcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct dhcp_lease l;

	if (dhcp_parse(slice_of(data, size), mac, 0x669b4b21, &l) == 0 && l.type != DHCP_NAK)
		assert(l.address && l.mask && l.server && l.n_dns <= DHCP_DNS_MAX && l.renew_s < l.lease_s);
	return 0;
}
