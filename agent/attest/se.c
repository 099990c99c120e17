/*
 * IBM Secure Execution: the ultravisor measures at the verifier's request, which comes with the challenge
 * (Linux, arch/s390/include/uapi/asm/uvdevice.h; Trustee's verifier `se`).
 */
#include "attest/attester.h"
#include "lib/base64.h"
#include "lib/io.h"
#include <fcntl.h>
#include <sys/ioctl.h>

#define DEVICE "/dev/uv"
#define GUEST "/sys/firmware/uv/prot_virt_guest"
enum {
	USER_DATA_LEN = 64,
	REQUEST_MAX = 0x100000, /* UVIO_ATT_ARCB_MAX_LEN */
	ANSWER_MAX = 0x8000,    /* UVIO_ATT_MEASUREMENT_MAX_LEN, UVIO_ATT_ADDITIONAL_MAX_LEN */
	RC_EXECUTED = 1,
};

struct uv_attest {
	uint64_t request, measurement, additional; /* addresses */
	uint8_t user_data[256];
	uint8_t config_uid[16];
	uint32_t request_len, measurement_len, additional_len;
	uint16_t user_data_len, reserved;
};

struct uv_call {
	uint32_t flags;
	uint16_t rc, rrc;
	uint64_t argument;
	uint32_t argument_len;
	uint8_t reserved[0x2c];
};
#define UV_ATTEST _IOWR('u', 1, struct uv_call)

static bool present(const struct attester *a)
{
	_free_ char *path = attester_path(a, GUEST);
	_buf_ struct buf b = { 0 };
	struct err none = { 0 };

	return !access(path, F_OK) && !io_read_file(path, 16, &b, &none) && b.n && b.p[0] == '1';
}

static int measure(const struct attester *a, struct uv_attest *u, struct err *e)
{
	_free_ char *path = attester_path(a, DEVICE);
	struct uv_call call = { .argument = (uintptr_t)u, .argument_len = sizeof(*u) };
	_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UV_ATTEST, &call) < 0)
		return err_errno(e, "%s", path);
	if (call.rc != RC_EXECUTED)
		return err_set(e, -EIO, "%s: the ultravisor refused, 0x%x/0x%x", path, call.rc, call.rrc);
	return 0;
}

static int evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	_buf_ struct buf request = { 0 }, measurement = { 0 }, additional = { 0 };
	const char *blob, *key, *request_nonce, *tags;
	struct uv_attest u = { .user_data_len = USER_DATA_LEN };
	json_t *j = nonce ? json_loads(nonce, JSON_REJECT_DUPLICATES, NULL) : NULL;
	int measurement_len, additional_len;
	int k = 0;

	memcpy(u.user_data, report_data.p, report_data.n);
	if (json_unpack(j, "{s:s, s:i, s:i, s:s, s:s, s:s}", "request_blob", &blob, "measurement_size",
	            &measurement_len, "additional_size", &additional_len, "encr_measurement_key", &key,
	            "encr_request_nonce", &request_nonce, "image_hdr_tags", &tags) < 0 ||
	        !base64_decode(&request, slice_str(blob)) || !request.n || request.n > REQUEST_MAX ||
	        measurement_len <= 0 || measurement_len > ANSWER_MAX || additional_len < 0 ||
	        additional_len > ANSWER_MAX)
		k = err_set(e, -EBADMSG, "nonce: expected an attestation request for the ultravisor");
	if (!k) {
		u.request = (uintptr_t)request.p;
		u.request_len = (uint32_t)request.n;
		u.measurement_len = (uint32_t)measurement_len;
		u.measurement = (uintptr_t)buf_zeros(&measurement, u.measurement_len);
		u.additional_len = (uint32_t)additional_len;
		u.additional = additional_len ? (uintptr_t)buf_zeros(&additional, u.additional_len) : 0;
		k = measure(a, &u, e);
	}
	if (!k) {
		*ret = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "measurement",
		        attester_base64(buf_slice(&measurement)), "additional_data",
		        attester_base64(buf_slice(&additional)), "user_data",
		        attester_base64(slice_of(u.user_data, USER_DATA_LEN)), "cuid",
		        attester_base64(slice_of(u.config_uid, sizeof(u.config_uid))), "encr_measurement_key",
		        key, "encr_request_nonce", request_nonce, "image_hdr_tags", tags);
		if (!*ret)
			k = err_set(e, -EBADMSG, "nonce: no UTF-8");
	}
	json_decref(j);
	return k;
}

/* No field of the image or of the measurement is the host's to set. */
static int bind(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e)
{
	(void)a, (void)alg, (void)digest;
	return err_set(e, -EKEYREJECTED, "initdata: Secure Execution binds none; it belongs into the image");
}

const struct attester_type attester_se = {
	.tee = "se",
	.present = present,
	.evidence = evidence,
	.bind = bind,
	.event_alg = HASH_SHA384,
	.default_pcr = 17,
};
