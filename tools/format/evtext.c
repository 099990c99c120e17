#include "format/evtext.h"
#include "format/devpath.h"
#include "format/gptread.h"
#include "lib/text.h"
#include <inttypes.h>

enum { VARIABLE = 32, TAG = 8, AAEL = 0x4141454c };
static const char EXIT_FAILURE_TEXT[] = "Exit Boot Services Returned with Failure";

/* UEFI_VARIABLE_DATA: GUID, u64 characters, u64 bytes, name, data. */
struct variable {
	const uint8_t *guid;
	struct slice name, value;
};

static bool read_variable(struct slice d, struct variable *v)
{
	if (d.n < VARIABLE || le64(d.p + 16) > d.n / 2)
		return false;
	v->guid = d.p;
	return slice_at(d, VARIABLE, 2 * le64(d.p + 16), &v->name) &&
	       slice_at(d, VARIABLE + 2 * le64(d.p + 16), le64(d.p + 24), &v->value);
}

static bool name_is(struct slice utf16, const char *name)
{
	_buf_ struct buf text = { 0 };

	text_utf16(&text, utf16);
	return !strcmp(buf_str(&text), name);
}

/* EFI_LOAD_OPTION: u32 attributes, u16 path length, description with its NUL, device path. */
static bool put_load_option(struct buf *to, struct slice v)
{
	size_t end = 6;
	struct slice path;

	while (end + 2 <= v.n && le16(v.p + end))
		end += 2;
	if (v.n < 8 || !slice_at(v, end + 2, le16(v.p + 4), &path))
		return false;
	buf_printf(to, " \"");
	text_utf16(to, slice_of(v.p + 6, end - 6));
	buf_printf(to, "\" ");
	devpath_text(path, to);
	return true;
}

static bool is_boot_option(struct slice name)
{
	_buf_ struct buf text = { 0 };
	const char *s;

	text_utf16(&text, name);
	s = buf_str(&text);
	return text.n == 8 && !strncmp(s, "Boot", 4) && strspn(s + 4, "0123456789ABCDEF") == 4;
}

static void put_variable(struct buf *to, struct slice d)
{
	struct variable v;
	char guid[UUID_TEXT];

	if (!read_variable(d, &v))
		return;
	text_utf16(to, v.name);
	if (name_is(v.name, "SecureBoot")) {
		buf_printf(to, v.value.n == 1 && v.value.p[0] == 1 ? " on" : " off");
	} else if (name_is(v.name, "BootOrder")) {
		for (size_t i = 0; i + 2 <= v.value.n; i += 2)
			buf_printf(to, "%s%04X", i ? "," : " ", le16(v.value.p + i));
	} else if (!is_boot_option(v.name) || !put_load_option(to, v.value)) {
		buf_printf(to, ", %zu bytes, of %s", v.value.n, guid_text(guid, v.guid));
	}
}

/* UEFI_IMAGE_LOAD_EVENT: u64 address, u64 length, u64 link address, u64 path length, device path. */
static void put_image(struct buf *to, struct slice d)
{
	struct slice path;

	if (d.n < 32 || !slice_at(d, 32, le64(d.p + 24), &path))
		return;
	if (path.n) {
		devpath_text(path, to);
		buf_printf(to, ", ");
	}
	buf_printf(to, "%" PRIu64 " bytes", le64(d.p + 8));
}

static void put_guid(struct buf *to, const uint8_t *guid)
{
	char text[UUID_TEXT];

	buf_printf(to, "%s", guid_text(text, guid));
}

static void put_area(struct buf *to, const uint8_t *p)
{
	buf_printf(to, "%" PRIu64 " bytes at 0x%" PRIx64, le64(p + 8), le64(p));
}

/* Description with its length in front, then an area or GUIDed tables. */
static void put_described(struct buf *to, struct slice d, bool tables)
{
	struct slice name, rest;

	if (!d.n || !slice_at(d, 1, d.p[0], &name))
		return;
	rest = slice_of(name.p + name.n, d.n - 1 - name.n);
	text_ascii(to, text_trim(name));
	buf_printf(to, ", ");
	if (!tables && rest.n >= 16)
		put_area(to, rest.p);
	else if (tables && rest.n >= 8)
		buf_printf(to, "%" PRIu64 " table%s", le64(rest.p), le64(rest.p) == 1 ? "" : "s");
}

static void put_gpt(struct buf *to, struct slice d)
{
	struct gptread_entry en;
	struct gptread g;
	struct err e;
	char guid[UUID_TEXT];
	uint32_t pos = 0;

	if (gptread_event_parse("", d, &g, &e))
		return;
	buf_printf(to, "disk %s, %zu partition%s:", guid_text(guid, g.disk_guid), g.n_used,
	        g.n_used == 1 ? "" : "s");
	while (gptread_next(&g, &pos, &en)) {
		buf_printf(to, " \"");
		text_utf16(to, en.name);
		buf_printf(to, "\"");
	}
}

static void put_text(struct buf *to, struct slice d)
{
	if (text_is_ascii(d))
		text_ascii(to, text_trim(d));
	else if (text_is_utf16(d))
		text_utf16(to, d);
	/* td-shim: a name, u32 length, and that many bytes of text padded with zeros */
	else if (d.n > 20 && le32(d.p + 16) == d.n - 20) {
		text_ascii(to, text_trim(slice_of(d.p, 16)));
		if (text_is_ascii(slice_of(d.p + 20, d.n - 20))) {
			buf_printf(to, ": ");
			text_ascii(to, text_trim(slice_of(d.p + 20, d.n - 20)));
		}
	}
	/* GRUB leaves a byte of its heap after the NUL */
	else if (d.n > 2 && !d.p[d.n - 2] && text_is_ascii(slice_of(d.p, d.n - 1)))
		text_ascii(to, text_trim(slice_of(d.p, d.n - 1)));
	/* OVMF's names of fw_cfg files are padded to 56 bytes and may hold an address after that */
	else if (d.n >= 8 && memchr(d.p, 0, d.n) && text_is_ascii(slice_of(d.p, strlen((const char *)d.p))))
		text_ascii(to, slice_of(d.p, strlen((const char *)d.p)));
}

static bool read_tag(struct slice d, struct slice *value)
{
	return d.n >= TAG && slice_at(d, TAG, le32(d.p + 4), value);
}

static void put_tag(struct buf *to, struct slice d)
{
	struct slice value;

	if (!read_tag(d, &value))
		return;
	if (le32(d.p) == AAEL)
		buf_printf(to, "AAEL: ");
	else
		buf_printf(to, "tag 0x%08" PRIx32 ": ", le32(d.p));
	put_text(to, value);
}

static void put_separator(struct buf *to, struct slice d)
{
	static const char *const meaning[] = { "the operating system takes over", "an error" };

	if (d.n != 4)
		return;
	if (le32(d.p) == 0 || le32(d.p) == 0xffffffff)
		buf_printf(to, "%s", meaning[0]);
	else
		buf_printf(to, "%s: 0x%" PRIx32, meaning[1], le32(d.p));
}

static void put_no_action(struct buf *to, struct slice d)
{
	if (d.n == 17 && !memcmp(d.p, "StartupLocality", 16))
		buf_printf(to, "StartupLocality %u", d.p[16]);
	else if (d.n >= 16)
		text_ascii(to, slice_of(d.p, strnlen((const char *)d.p, 16)));
}

/* GCE: "GCE NonHostInfo", 0, a byte that names the technology. */
static void put_nonhost(struct buf *to, struct slice d)
{
	static const char *const tech[] = { "none", "SEV", "SEV-ES", "TDX", "SEV-SNP" };

	if (d.n == 32 && !memcmp(d.p, "GCE NonHostInfo", 16) && d.p[16] < ARRAY_LEN(tech))
		buf_printf(to, "GCE NonHostInfo: %s", tech[d.p[16]]);
	else
		put_text(to, d);
}

bool event_is_exit_failure(const struct eventlog_event *ev)
{
	return ev->type == EV_EFI_ACTION && slice_eq(text_trim(ev->data), slice_str(EXIT_FAILURE_TEXT));
}

bool event_aael(const struct eventlog_event *ev, struct slice *ret)
{
	return ev->type == EV_EVENT_TAG && read_tag(ev->data, ret) && le32(ev->data.p) == AAEL;
}

void event_text(const struct eventlog_event *ev, struct buf *to)
{
	struct slice d = ev->data;

	switch (ev->type) {
	case EV_NO_ACTION:
		put_no_action(to, d);
		break;
	case EV_SEPARATOR:
		put_separator(to, d);
		break;
	case EV_EVENT_TAG:
		put_tag(to, d);
		break;
	case EV_S_CRTM_VERSION:
		if (d.n == UUID_LEN && !text_is_utf16(d))
			put_guid(to, d.p);
		else
			put_text(to, d);
		break;
	case EV_NONHOST_INFO:
		put_nonhost(to, d);
		break;
	case EV_EFI_VARIABLE_DRIVER_CONFIG:
	case EV_EFI_VARIABLE_BOOT:
	case EV_EFI_VARIABLE_BOOT2:
	case EV_EFI_VARIABLE_AUTHORITY:
		put_variable(to, d);
		break;
	case EV_EFI_BOOT_SERVICES_APPLICATION:
	case EV_EFI_BOOT_SERVICES_DRIVER:
	case EV_EFI_RUNTIME_SERVICES_DRIVER:
		put_image(to, d);
		break;
	case EV_EFI_GPT_EVENT:
		put_gpt(to, d);
		break;
	case EV_POST_CODE:
	case EV_EFI_PLATFORM_FIRMWARE_BLOB:
		if (d.n == 16)
			put_area(to, d.p);
		else
			put_text(to, d);
		break;
	case EV_EFI_HANDOFF_TABLES:
		if (d.n >= 8)
			buf_printf(to, "%" PRIu64 " table%s", le64(d.p), le64(d.p) == 1 ? "" : "s");
		break;
	case EV_EFI_PLATFORM_FIRMWARE_BLOB2:
		put_described(to, d, false);
		break;
	case EV_EFI_HANDOFF_TABLES2:
		put_described(to, d, true);
		break;
	default:
		put_text(to, d);
	}
	if (event_is_exit_failure(ev))
		buf_printf(to, " (a retry follows)");
}

static bool digest_is(const struct eventlog *log, const struct eventlog_event *ev, struct slice s)
{
	for (size_t b = 0; b < log->n_banks; b++) {
		uint8_t digest[HASH_MAX];

		if (!log->bank[b].known || ev->digest[b].n != log->bank[b].len)
			continue;
		hash_of(log->bank[b].alg, s, digest);
		return !memcmp(digest, ev->digest[b].p, ev->digest[b].n);
	}
	return false;
}

/* A name in UTF-16 is measured as ASCII by systemd-stub. */
static bool digest_is_name(const struct eventlog *log, const struct eventlog_event *ev)
{
	_buf_ struct buf name = { 0 };

	if (!text_is_utf16(ev->data))
		return false;
	text_utf16(&name, ev->data);
	return digest_is(log, ev, slice_of(buf_str(&name), name.n + 1));
}

/* GRUB logs "grub_cmd: COMMAND" and measures COMMAND, likewise kernel_cmdline and module_cmdline. */
static bool digest_is_command(const struct eventlog *log, const struct eventlog_event *ev)
{
	struct slice d = text_trim(ev->data);
	const uint8_t *at = d.n ? memchr(d.p, ' ', d.n) : NULL;

	return at && digest_is(log, ev, slice_of(at + 1, (size_t)(d.p + d.n - at - 1)));
}

const char *event_digest_of(const struct eventlog *log, const struct eventlog_event *ev)
{
	struct variable v;
	struct slice value;

	if (digest_is(log, ev, ev->data))
		return "data";
	if (digest_is(log, ev, text_trim(ev->data)))
		return "text";
	if (read_variable(ev->data, &v) && digest_is(log, ev, v.value))
		return "value";
	if (ev->type == EV_EVENT_TAG && read_tag(ev->data, &value) && digest_is(log, ev, value))
		return "value";
	if (digest_is_name(log, ev))
		return "name";
	return digest_is_command(log, ev) ? "command" : NULL;
}
