#include "measure/stub.h"

/* The end of the structure's strings (DMTF DSP0134 3.7, 6.1.3): a NUL after the last one's own; two where
 * there are none. 0 where the table ends before. */
static size_t structure_end(struct slice s, size_t at)
{
	for (size_t i = at + s.p[at + 1]; i + 2 <= s.n; i++)
		if (!s.p[i] && !s.p[i + 1])
			return i + 2;
	return 0;
}

/*
 * src/boot/measure-smbios.c: system information (its wake-up type as 0, which differs from one kind of start
 * to another), baseboard information, and OEM strings.
 */
int stub_smbios_tables(struct stub *st, struct err *e)
{
	enum { SYSTEM = 1, BASEBOARD = 2, OEM_STRINGS = 11, END = 127, WAKE_UP = 24 };
	struct slice s = st->in->smbios.data;

	if (st->smbios_done)
		return 0;
	st->smbios_done = true;
	if (!st->in->smbios.given) {
		stub_unknown(st, PCR_PLATFORM_CONFIG, EV_EVENT_TAG, "SMBIOS structures",
		        "systemd-stub measures SMBIOS structures, which are not given (--smbios)");
		return 0;
	}
	for (size_t at = 0, end; at < s.n; at = end) {
		_buf_ struct buf copy = { 0 };
		char what[32];
		uint8_t type = s.p[at];

		if (s.n - at < 4 || s.p[at + 1] < 4 || s.p[at + 1] > s.n - at ||
		        !(end = structure_end(s, at)))
			return err_set(e, -EINVAL,
			        "%s+0x%zx: an SMBIOS structure that does not end inside of the table",
			        st->in->smbios.name, at);
		if (type == END)
			break;
		if (type != SYSTEM && type != BASEBOARD && type != OEM_STRINGS)
			continue;
		buf_add(&copy, s.p + at, end - at);
		if (type == SYSTEM && s.p[at + 1] <= WAKE_UP)
			return err_set(e, -EINVAL,
			        "%s+0x%zx: SMBIOS system information of %u bytes, expected 27",
			        st->in->smbios.name, at, s.p[at + 1]);
		if (type == SYSTEM)
			copy.p[WAKE_UP] = 0;
		snprintf(what, sizeof(what), "smbios:type%u", type);
		stub_event(st, PCR_PLATFORM_CONFIG, EV_EVENT_TAG, what, "smbios", at, buf_slice(&copy));
	}
	return 0;
}
