/* Intel TDX: the quote through configfs-tsm; what the module itself says, through sysfs or the guest driver.
 */
#include "attest/tsm.h"
#include "format/tdx_quote.h"
#include "lib/io.h"
#include <fcntl.h>
#include <sys/ioctl.h>

#define PROVIDER "tdx_guest"
#define MEASUREMENTS "/sys/devices/virtual/misc/tdx_guest/measurements" /* Linux 6.16 and later */

/* linux/tdx-guest.h, which Debian 12 does not have yet */
struct report_request {
	uint8_t data[64];
	uint8_t report[TDREPORT_LEN];
};
#define GET_REPORT0 _IOWR('T', 1, struct report_request)

static bool present(const struct attester *a)
{
	_free_ char *device = attester_path(a, "/dev/tdx_guest");

	return !access(device, F_OK) || tsm_has(a, PROVIDER);
}

static bool extends(const struct attester *a)
{
	_free_ char *dir = attester_path(a, MEASUREMENTS);

	return !access(dir, F_OK);
}

static int evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	_buf_ struct buf quote = { 0 }, log = { 0 };
	int k = tsm_report(a, PROVIDER, report_data, &quote, NULL, e);

	(void)nonce;
	/* events that no register holds would make the log a lie */
	if (!k)
		k = attester_eventlog(a, extends(a), &log, e);
	if (k < 0)
		return k;
	*ret = json_pack("{s:o, s:o}", "cc_eventlog", log.n ? attester_base64(buf_slice(&log)) : json_null(),
	        "quote", attester_base64(buf_slice(&quote)));
	return *ret ? 0 : err_set(e, -ENOMEM, "tdx evidence: no memory");
}

/* The quote comes by way of the host, so it is not asked; the TDX module answers the guest alone. */
static int mrconfigid(const struct attester *a, uint8_t ret[SHA384_LEN], struct err *e)
{
	_free_ char *file = attester_path(a, MEASUREMENTS "/mrconfigid");
	_free_ char *device = attester_path(a, "/dev/tdx_guest");
	struct report_request r = { 0 };
	struct tdx_report report;
	int k;

	if (!access(file, F_OK)) {
		_buf_ struct buf b = { 0 };

		k = io_read_file(file, SHA384_LEN, &b, e);
		if (!k && b.n != SHA384_LEN)
			k = err_set(e, -EBADMSG, "%s: %zu bytes, expected %d", file, b.n, SHA384_LEN);
		if (!k)
			memcpy(ret, b.p, SHA384_LEN);
		return k;
	}
	_close_ int fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, GET_REPORT0, &r) < 0)
		return err_errno(e, "%s", device);
	k = tdx_report_parse("TDREPORT", slice_of(r.report, sizeof(r.report)), &report, e);
	if (!k)
		memcpy(ret, report.tdx.mrconfigid.p, SHA384_LEN);
	return k;
}

static int bind(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e)
{
	uint8_t found[SHA384_LEN];
	int k = mrconfigid(a, found, e);

	(void)alg;
	return k < 0 ? k : attester_compare("MRCONFIGID", slice_of(found, sizeof(found)), digest, e);
}

static int extend(const struct attester *a, int pcr, struct slice digest, struct err *e)
{
	_free_ char *name = xasprintf(MEASUREMENTS "/rtmr%u:sha384", attester_cc_index(pcr) - 1);
	_free_ char *path = attester_path(a, name);

	if (!extends(a))
		return err_set(e, -EOPNOTSUPP, "%s: none; kernels before 6.16 extend no RTMR", path);
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, digest.p, digest.n) != (ssize_t)digest.n)
		return err_errno(e, "%s", path);
	return 0;
}

const struct attester_type attester_tdx = {
	.tee = "tdx",
	.present = present,
	.evidence = evidence,
	.bind = bind,
	.event_alg = HASH_SHA384,
	.default_pcr = 17,
	.extend = extend,
};
