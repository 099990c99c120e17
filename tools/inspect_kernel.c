/* bulla inspect: what boots. */
#include "format/bzimage.h"
#include "format/pe.h"
#include "inspect.h"
#include <inttypes.h>

static void put_authenticode(json_t *o, const struct pe *pe)
{
	_pe_hashed_ struct pe_hashed h = { 0 };
	json_t *list = put_object(o, "authenticode");
	struct err e = { 0 };

	if (pe_authenticode(pe, &h, &e)) {
		put_str(list, "unknown", e.msg);
		return;
	}
	for (enum hash_alg a = 0; a < HASH_ALGS; a++) {
		_hash_ struct hash *hash = hash_new(a);
		uint8_t digest[HASH_MAX];

		pe_digest(&h, hash, digest);
		put_hex(list, hash_name(a), slice_of(digest, hash_len(a)));
	}
}

static int fill_bzimage(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct bzimage b;
	struct pe pe;
	struct err ignored;
	const char *compression;

	if (bzimage_parse(name, data, &b, e))
		return e->code;
	json_object_set_new(o, "boot_protocol", json_sprintf("%u.%02u", b.protocol >> 8, b.protocol & 0xff));
	put_text(o, "kernel_version", b.kernel_version);
	put_int(o, "setup_size", b.setup.n);
	put_int(o, "protected_mode_size", b.protected_mode.n);
	put_int(o, "payload_size", b.payload.n);
	compression = bzimage_compression(b.payload);
	put_str(o, "payload_compression", compression ? compression : "unknown");
	put_mask(o, "type_of_loader", b.type_of_loader);
	put_mask(o, "loadflags", b.loadflags);
	put_mask(o, "code32_start", b.code32_start);
	put_mask(o, "ramdisk_image", b.ramdisk_image);
	put_mask(o, "ramdisk_size", b.ramdisk_size);
	put_mask(o, "heap_end_ptr", b.heap_end_ptr);
	put_mask(o, "cmd_line_ptr", b.cmd_line_ptr);
	put_mask(o, "initrd_addr_max", b.initrd_addr_max);
	put_mask(o, "kernel_alignment", b.kernel_alignment);
	put_bool(o, "relocatable", b.relocatable);
	put_mask(o, "xloadflags", b.xloadflags);
	put_bits(o, "xloadflag_names", b.xloadflags, bzimage_xloadflag);
	put_int(o, "cmdline_size", b.cmdline_size);
	put_mask(o, "pref_address", b.pref_address);
	put_mask(o, "init_size", b.init_size);
	put_mask(o, "handover_offset", b.handover_offset);
	put_mask(o, "kernel_info_offset", b.kernel_info_offset);
	if (!pe_parse(name, data, &pe, &ignored))
		put_authenticode(o, &pe);
	return 0;
}

/* Sections of a UKI whose content is a line of text. */
static bool is_line(const char *name)
{
	return !strcmp(name, ".cmdline") || !strcmp(name, ".uname");
}

static void put_sections(json_t *o, const struct pe *pe)
{
	json_t *list = put_array(o, "sections"), *lines = json_object();

	for (unsigned i = 0; i < pe->n_sections; i++) {
		json_t *s = add_object(list);
		struct pe_section sec;
		struct slice content;
		uint8_t digest[SHA256_LEN];

		pe_section(pe, i, &sec);
		content = pe_contents(pe, &sec);
		sha256(content, digest);
		put_text(s, "name", slice_str(sec.name));
		put_mask(s, "address", sec.address);
		put_int(s, "size", sec.size);
		put_mask(s, "raw_offset", sec.raw_offset);
		put_int(s, "raw_size", sec.raw_size);
		put_hex(s, "sha256", slice_of(digest, sizeof(digest)));
		if (is_line(sec.name))
			put_text(lines, sec.name + 1, content);
	}
	if (json_object_size(lines))
		json_object_set(o, "text", lines);
	json_decref(lines);
}

static int fill_pe(const char *name, struct slice data, json_t *o, struct err *e)
{
	char program[32], version[48];
	struct pe_section sec;
	struct pe pe;

	if (pe_parse(name, data, &pe, e))
		return e->code;
	put_str(o, "format", pe.plus ? "PE32+" : "PE32");
	put_mask(o, "machine", pe.machine);
	put_int(o, "subsystem", pe.subsystem);
	put_bool(o, "uki", pe_find(&pe, ".linux", &sec));
	if (pe_sdmagic(&pe, program, version)) {
		put_text(o, "program", slice_str(program));
		put_text(o, "program_version", slice_str(version));
	}
	put_int(o, "image_size", pe.image_size);
	put_int(o, "signatures_size", pe.cert_size);
	put_authenticode(o, &pe);
	put_sections(o, &pe);
	return 0;
}

static bool is_pe(struct slice data)
{
	struct slice at;

	return data.n >= 64 && !memcmp(data.p, "MZ", 2) && slice_at(data, le32(data.p + 60), 4, &at) &&
	       !memcmp(at.p, "PE\0\0", 4);
}

const struct inspect_kind inspect_bzimage = { "bzimage", "x86 kernel", bzimage_recognised, fill_bzimage,
	NULL };
const struct inspect_kind inspect_pe = { "pe", "PE image or UKI", is_pe, fill_pe, NULL };
