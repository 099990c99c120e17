#include "format/efiauth.h"
#include "format/utf16.h"
#include <time.h>

enum {
	HEADER = 24, /* WIN_CERTIFICATE_UEFI_GUID: u32 length, u16 revision, u16 type, the GUID */
	WIN_CERT_REVISION = 0x0200,
	WIN_CERT_TYPE_EFI_GUID = 0x0ef1,
};

/* 4aafd29d-68df-49ee-8aa9-347d375665a7, EFI_CERT_TYPE_PKCS7_GUID */
static const uint8_t type_pkcs7[UUID_LEN] = { 0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49, 0x8a, 0xa9,
	0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7 };

void efi_time(uint8_t ret[EFI_TIME_LEN], uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	memset(ret, 0, EFI_TIME_LEN);
	put_le16(ret, (uint16_t)(tm.tm_year + 1900));
	ret[2] = (uint8_t)(tm.tm_mon + 1);
	ret[3] = (uint8_t)tm.tm_mday;
	ret[4] = (uint8_t)tm.tm_hour;
	ret[5] = (uint8_t)tm.tm_min;
	ret[6] = (uint8_t)tm.tm_sec;
}

int efi_auth(const char *name, const uint8_t guid[UUID_LEN], struct slice data, const struct pkcs7_signer *s,
        struct buf *ret, struct err *e)
{
	_buf_ struct buf content = { 0 }, sig = { 0 };
	uint8_t time[EFI_TIME_LEN], *p;

	efi_time(time, s->time);
	utf16_add(&content, slice_str(name));
	buf_add(&content, guid, UUID_LEN);
	put_le32(buf_zeros(&content, 4), EFI_ATTRIBUTES_AUTH);
	buf_add(&content, time, sizeof(time));
	buf_add(&content, data.p, data.n);
	if (pkcs7_detached(s, buf_slice(&content), &sig, e))
		return e->code;
	buf_add(ret, time, sizeof(time));
	p = buf_zeros(ret, HEADER);
	put_le32(p, (uint32_t)(HEADER + sig.n));
	put_le16(p + 4, WIN_CERT_REVISION);
	put_le16(p + 6, WIN_CERT_TYPE_EFI_GUID);
	memcpy(p + 8, type_pkcs7, UUID_LEN);
	buf_add(ret, sig.p, sig.n);
	buf_add(ret, data.p, data.n);
	return 0;
}
