/* The image as UKI and as add-on, under a stub that the first byte says. */
#include "measure/tee.h"
#include <stdlib.h>

extern const struct tee tee_vtpm;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char old[] =
        "[Stack]\nKind=stub\nSummary=a\nCheckedAgainst=a\n[Stub]\nVersion=252\nStart=load-image\n"
        "Sections=.linux .osrel .cmdline .initrd .splash .dtb .pcrpkey\nNames=beginning\n"
        "Profiles=no\nTrim=end\nAddons=none\nInitrds=initrd pcrsig pcrpkey\n"
        "SmbiosCommandLine=no\nSmbiosTables=no\nConsole=as-given\nConfidentialComputing=no\n";
static const char new[] =
        "[Stack]\nKind=stub\nSummary=a\nCheckedAgainst=a\n[Stub]\nVersion=262\nStart=in-memory\n"
        "Sections=.linux .osrel .cmdline .initrd .ucode .splash .dtb .uname .sbat .pcrpkey .profile .dtbauto "
        ".hwids\nNames=whole\nProfiles=yes\nTrim=both\nAddons=cmdline dtb initrd ucode\n"
        "Initrds=ucode previous initrd pcrsig pcrpkey osrel profile boot-secret\nSmbiosCommandLine=yes\n"
        "SmbiosTables=yes\nConsole=detected\nConfidentialComputing=yes\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inputs in = { .disk_boot = true,
		.banks = 1 << HASH_SHA256,
		.no_boot_secret = true,
		.secure_boot = SECURE_BOOT_OFF };
	_result_ struct result r = { .log = true };
	struct err e = { 0 };
	bool is_new;

	if (!size)
		return 0;
	is_new = *data & 1;
	if (stack_add(&in.stack, "stub", slice_str(is_new ? new : old), &e))
		abort();
	in.uki = (struct blob){ "uki", slice_of(data + 1, size - 1), true };
	in.has_cmdline = *data & 2;
	in.cmdline = *data & 4 ? "@1 x" : "x";
	if (is_new && *data & 8)
		in.addons.v[in.addons.n++] = (struct blob){ "a.addon.efi", in.uki.data, true };
	if (is_new && *data & 16)
		in.smbios = (struct blob){ "smbios", in.uki.data, true };
	if (tee_vtpm.measure(&in, &r, &e) && (e.code >= 0 || !e.msg[0]))
		abort();
	stack_free(&in.stack);
	return 0;
}
