#include "measure/sev.h"
#include "measure/launch_hmac.h"
#include "measure/vcpu.h"
#include "lib/mem.h"
#include <inttypes.h>

int sev_firmware(const struct inputs *in, struct ovmf *ret, struct err *e)
{
	if (!in->firmware.given) {
		err_set(e, -EINVAL, "the firmware is needed: its bytes are measured");
		err_hint(e, "give the OVMF image that the VMM loads with --firmware");
		return err_exit(e, EX_USAGE);
	}
	if (!in->firmware.data.n || in->firmware.data.n % OVMF_PAGE)
		return err_set(e, -EBADMSG, "%s: firmware of %zu bytes, expected a multiple of %d",
		        in->firmware.name, in->firmware.data.n, OVMF_PAGE);
	return ovmf_parse(in->firmware.name, in->firmware.data, ret, e);
}

int sev_need_hash_table(const struct ovmf *o, struct err *e)
{
	if (!o->hash_table_gpa) {
		err_set(e, -ENOENT,
		        "%s: no SEV hash-table area, so this firmware does not check kernel, "
		        "initrd and command line",
		        o->name);
		err_hint(e, "use the AmdSev build of OVMF: OVMF.amdsev.fd of package ovmf-amdsev, or edk2's "
		            "OvmfPkg/AmdSev/AmdSevX64.dsc");
		return err_exit(e, EX_MISSING);
	}
	/* without the GUID table the size is not known */
	if (o->has_table && o->hash_table_size < KERNEL_HASHES_LEN)
		return err_set(e, -EBADMSG,
		        "%s: SEV hash-table area of %" PRIu32 " bytes at 0x%" PRIx32 ", expected at least %d",
		        o->name, o->hash_table_size, o->hash_table_gpa, KERNEL_HASHES_LEN);
	return 0;
}

int sev_reset_eip(
        const struct ovmf *o, const struct stack_sev *s, unsigned vcpus, uint32_t *ret, struct err *e)
{
	*ret = s->ap_reset_from_bsp ? SEV_BSP_EIP : o->reset_eip;
	if (vcpus < 2 || s->ap_reset_from_bsp || (o->has_reset && o->reset_eip))
		return 0;
	err_set(e, -ENOENT, "%s: no SEV-ES reset vector, where vCPUs 1 to %u start", o->name, vcpus - 1);
	err_hint(e, "use OVMF of edk2 2020.11 or later, or one vCPU");
	return err_exit(e, EX_MISSING);
}

int sev_vcpus(const struct inputs *in, struct err *e)
{
	if (in->vcpus)
		return 0;
	err_set(e, -EINVAL, "the number of vCPUs is needed: the registers of each are measured");
	err_hint(e, "give what QEMU has as -smp with --vcpus");
	return err_exit(e, EX_USAGE);
}

void sev_vmsa(const struct stack_sev *s, uint32_t eip, bool boot, uint32_t signature, uint64_t features,
        struct vmsa *ret)
{
	*ret = (struct vmsa){
		.efer = 0x1000, /* SVME, which KVM keeps set */
		.cr4 = 0x40,    /* MCE, likewise */
		.cr0 = 0x10,
		.dr7 = 0x400,
		.dr6 = 0xffff0ff0,
		.rflags = 2,
		.rip = eip & 0xffff,
		.g_pat = s->g_pat,
		.rdx = s->rdx_is_signature ? signature : s->rdx,
		.sev_features = features,
		.xcr0 = 1,
		.mxcsr = s->mxcsr,
		.x87_fcw = s->fcw,
	};
	for (unsigned i = 0; i < VMSA_SEGS; i++)
		ret->seg[i] = (struct vmsa_seg){ .attrib = 0x93, .limit = 0xffff };
	ret->seg[VMSA_CS] =
	        (struct vmsa_seg){ 0xf000, boot ? s->cs_bsp : s->cs_ap, 0xffff, eip & 0xffff0000 };
	ret->seg[VMSA_SS].attrib = s->ss;
	ret->seg[VMSA_GDTR].attrib = ret->seg[VMSA_IDTR].attrib = 0;
	ret->seg[VMSA_LDTR].attrib = 0x82;
	ret->seg[VMSA_TR].attrib = s->tr;
}

/* A running SHA-256 that every part goes into. */
static void add(struct result *r, unsigned reg, struct hash *h, const struct step *s, struct slice data)
{
	struct step logged = *s;

	hash_add(h, data.p, data.n);
	if (!r->log)
		return;
	logged.reg = reg;
	logged.length = data.n;
	logged.count = 1;
	sha256(data, logged.digest);
	hash_peek(h, logged.after);
	result_log(r, &logged);
}

static int add_vmsas(const struct inputs *in, const struct ovmf *o, struct result *r, unsigned reg,
        struct hash *h, struct err *e)
{
	uint64_t features = in->has_guest_features ? in->guest_features : 0;
	uint32_t eip, signature = 0;

	if (features & VMSA_SNP_ACTIVE) {
		err_set(e, -EINVAL,
		        "guest features 0x%" PRIx64 ": bit 0 is set, which is SNP active, in an SEV-ES guest",
		        features);
		err_hint(e, "leave it out; 0x20 where kvm_amd has debug_swap=1");
		return err_exit(e, EX_USAGE);
	}
	if (sev_vcpus(in, e) || sev_reset_eip(o, &in->stack.sev, in->vcpus, &eip, e) ||
	        (in->stack.sev.rdx_is_signature && vcpu_of(in, &signature, e)))
		return e->code;
	for (unsigned i = 0; i < in->vcpus; i++) {
		uint8_t page[VMSA_PAGE];
		struct vmsa vmsa;
		struct step s = { 0 };

		sev_vmsa(&in->stack.sev, i ? eip : SEV_BSP_EIP, !i, signature, features, &vmsa);
		if (in->stack.sev.es_without_fpu)
			vmsa.mxcsr = vmsa.x87_fcw = 0;
		vmsa_write(&vmsa, page);
		snprintf(s.what, sizeof(s.what), "VMSA of vCPU %u", i);
		add(r, reg, h, &s, slice_of(page, sizeof(page)));
	}
	return 0;
}

int sev_measure(const struct inputs *in, bool es, struct result *ret, struct err *e)
{
	static const struct step firmware = { .what = "firmware", .from = "firmware" },
	                         hashes = { .what = "kernel hashes", .from = "kernel, initrd, cmdline" };
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	uint8_t table[KERNEL_HASHES_LEN], digest[SHA256_LEN];
	struct kernel_hashes kernel;
	struct ovmf o;
	unsigned reg;

	if (kernel_check(in, e) || sev_firmware(in, &o, e) ||
	        (kernel_given(in) && sev_need_hash_table(&o, e)))
		return e->code;
	reg = result_reg(ret, "launch_digest", HASH_SHA256);
	add(ret, reg, h, &firmware, in->firmware.data);
	if (kernel_given(in)) {
		kernel_hashes_of(in, &kernel);
		kernel_hashes_table(&kernel, table);
		add(ret, reg, h, &hashes, slice_of(table, sizeof(table)));
	}
	if (es && add_vmsas(in, &o, ret, reg, h, e))
		return e->code;
	hash_final(h, digest);
	result_set(ret, reg, digest);
	return launch_hmac_add(in, digest, ret, e);
}
