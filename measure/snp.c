#include "measure/snp.h"
#include "measure/lanes.h"
#include "measure/vcpu.h"
#include "lib/mem.h"
#include <inttypes.h>

#define FOUR_GIB (UINT64_C(1) << 32)

void snp_chain_start(struct snp_chain *c, struct hash *h, const uint8_t *ld)
{
	*c = (struct snp_chain){ .h = h };
	if (ld)
		memcpy(c->info, ld, SHA384_LEN);
	put_le16(c->info + 0x60, SNP_PAGE_INFO);
}

void snp_chain_page(struct snp_chain *c, enum snp_page type, uint64_t gpa, const uint8_t *contents)
{
	if (contents)
		memcpy(c->info + 0x30, contents, SHA384_LEN);
	else
		memset(c->info + 0x30, 0, SHA384_LEN);
	c->info[0x62] = (uint8_t)type;
	put_le64(c->info + 0x68, gpa);
	hash_add(c->h, c->info, sizeof(c->info));
	hash_final(c->h, c->info);
}

/* One launch while it is measured. */
struct launch {
	const struct inputs *in;
	struct result *out;
	unsigned reg;
	struct snp_chain chain;
};

static void log_pages(struct launch *l, const struct step *s, enum snp_page type, uint64_t gpa,
        uint64_t pages, const uint8_t *digest)
{
	struct step logged = *s;

	logged.reg = l->reg;
	logged.type = type;
	logged.gpa = gpa;
	logged.length = pages * OVMF_PAGE;
	logged.count = (uint32_t)pages;
	if (digest)
		memcpy(logged.digest, digest, SHA384_LEN);
	memcpy(logged.after, snp_chain_ld(&l->chain), SHA384_LEN);
	result_log(l->out, &logged);
}

/* SHA-384 of each page. Padding is hashed once: a page that repeats the one before has its digest. */
static uint8_t *page_digests(struct slice image)
{
	_lanes_ struct lanes *l = lanes_new(HASH_SHA384, LANES_BEST);
	size_t pages = image.n / OVMF_PAGE, from = 0;
	uint8_t *ret = xcalloc(pages, SHA384_LEN);

	while (from < pages) {
		size_t to = from + 1;
		const uint8_t *p = image.p + to * OVMF_PAGE;

		for (; to < pages && memcmp(p, p - OVMF_PAGE, OVMF_PAGE); to++)
			p += OVMF_PAGE;
		lanes_hash(l, image.p + from * OVMF_PAGE, to - from, OVMF_PAGE, ret + from * SHA384_LEN);
		for (; to < pages && !memcmp(p, p - OVMF_PAGE, OVMF_PAGE); to++) {
			memcpy(ret + to * SHA384_LEN, ret + (to - 1) * SHA384_LEN, SHA384_LEN);
			p += OVMF_PAGE;
		}
		from = to;
	}
	return ret;
}

/* An image of whole pages, as normal pages. */
static void add_image(struct launch *l, const char *what, const char *from, uint64_t gpa, struct slice image)
{
	_free_ uint8_t *digests = page_digests(image);
	size_t pages = image.n / OVMF_PAGE;
	uint8_t digest[SHA384_LEN];
	struct step s = { 0 };

	for (size_t i = 0; i < pages; i++)
		snp_chain_page(&l->chain, SNP_NORMAL, gpa + i * OVMF_PAGE, digests + i * SHA384_LEN);
	if (!l->out->log)
		return;
	snprintf(s.what, sizeof(s.what), "%s", what);
	snprintf(s.from, sizeof(s.from), "%s", from);
	hash_of(HASH_SHA384, image, digest);
	log_pages(l, &s, SNP_NORMAL, gpa, pages, digest);
}

static void add_section(struct launch *l, const struct sev_section *n)
{
	static const struct {
		enum snp_page type;
		const char *what;
	} kinds[] = {
		[SEV_SEC_MEM] = { SNP_ZERO, "section sec-mem" },
		[SEV_SECRETS] = { SNP_SECRETS, "section secrets" },
		[SEV_CPUID] = { SNP_CPUID, "section cpuid" },
		[SEV_SVSM_CAA] = { SNP_ZERO, "section svsm-caa" },
		[SEV_KERNEL_HASHES] = { SNP_ZERO, "section kernel-hashes, without a kernel" },
	};
	enum snp_page type = n->type == SEV_SEC_MEM ? l->in->stack.sev.sec_mem_type : kinds[n->type].type;
	struct step s = { 0 };

	if (!n->size)
		return;
	for (uint32_t at = 0; at < n->size; at += OVMF_PAGE)
		snp_chain_page(&l->chain, type, n->gpa + at, NULL);
	snprintf(s.what, sizeof(s.what), "%s", kinds[n->type].what);
	if (n->at) {
		snprintf(s.from, sizeof(s.from), "%s", l->in->svsm.given ? "svsm" : "firmware");
		s.offset = n->at;
	}
	log_pages(l, &s, type, n->gpa, n->size / OVMF_PAGE, NULL);
}

/* The page that holds the table, at the place in it that the firmware has. */
static int add_kernel_hashes(
        struct launch *l, const struct ovmf *o, const struct sev_section *n, struct err *e)
{
	struct step s = { .what = "section kernel-hashes", .from = "kernel, initrd, cmdline" };
	uint8_t page[OVMF_PAGE] = { 0 }, digest[SHA384_LEN];
	uint64_t at = (uint64_t)o->hash_table_gpa - n->gpa;
	struct kernel_hashes h;

	if (n->size != OVMF_PAGE)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": kernel-hashes section of 0x%" PRIx32 " bytes, expected one page",
		        o->name, n->at, n->size);
	if (o->hash_table_gpa < n->gpa || at + KERNEL_HASHES_LEN > OVMF_PAGE)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": SEV hash-table area at 0x%" PRIx32
		        ", expected inside the kernel-hashes section at 0x%" PRIx32 " of 0x%" PRIx32 " bytes",
		        o->name, n->at, o->hash_table_gpa, n->gpa, n->size);
	kernel_hashes_of(l->in, &h);
	kernel_hashes_table(&h, page + at);
	hash_slice(result_hash(l->out, HASH_SHA384), slice_of(page, sizeof(page)), digest);
	snp_chain_page(&l->chain, SNP_NORMAL, n->gpa, digest);
	log_pages(l, &s, SNP_NORMAL, n->gpa, 1, digest);
	return 0;
}

static int need_metadata(const struct ovmf *o, bool kernel, struct err *e)
{
	if (!o->has_metadata) {
		err_set(e, -ENOENT, "%s: no SEV metadata, so SNP cannot start this firmware (%s)", o->name,
		        o->has_table ? "its GUID table has no such entry" : "it has no GUID table");
		err_hint(e,
		        "use OVMF.amdsev.fd of package ovmf-amdsev, or OVMF of edk2 2022.05 or later without "
		        "SMM; the image with the code, not the variables alone");
		return err_exit(e, EX_MISSING);
	}
	if (!kernel)
		return 0;
	if (!sev_sections_have(&o->sections, SEV_KERNEL_HASHES)) {
		err_set(e, -ENOENT,
		        "%s: no kernel-hashes section in the SEV metadata, so this firmware cannot "
		        "start a measured kernel",
		        o->name);
		err_hint(e, "use the AmdSev build of OVMF (OVMF.amdsev.fd of package ovmf-amdsev, or edk2's "
		            "OvmfPkg/AmdSev/AmdSevX64.dsc of 2024.02 or later), or start from a disk");
		return err_exit(e, EX_MISSING);
	}
	return sev_need_hash_table(o, e);
}

/* BASE is where the images that were launched before begin; they end at 4 GiB. */
static int add_sections(struct launch *l, const struct ovmf *o, uint64_t base, struct err *e)
{
	bool kernel = kernel_given(l->in), last = l->in->stack.sev.cpuid_last;

	if (need_metadata(o, kernel, e))
		return e->code;
	for (size_t i = 0; i < o->sections.n; i++) {
		const struct sev_section *n = &o->sections.v[i];

		if (n->size && (uint64_t)n->gpa + n->size > base)
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": section at 0x%" PRIx32 " of 0x%" PRIx32
			        " bytes overlaps the firmware at 0x%" PRIx64,
			        o->name, n->at, n->gpa, n->size, base);
		if (n->type == SEV_CPUID && last)
			continue;
		if (n->type != SEV_KERNEL_HASHES || !kernel)
			add_section(l, n);
		else if (n->size && add_kernel_hashes(l, o, n, e))
			return e->code;
	}
	for (size_t i = 0; i < o->sections.n && last; i++)
		if (o->sections.v[i].type == SEV_CPUID)
			add_section(l, &o->sections.v[i]);
	return 0;
}

/* What stands for the firmware's pages where only their digest is known. */
static int start_from_digest(struct launch *l, struct ovmf *o, struct err *e)
{
	struct step s = { .reg = l->reg,
		.what = "firmware pages, by their digest",
		.from = "ovmf-hash",
		.type = SNP_NORMAL,
		.count = 1,
		.unknown = true };

	if (l->in->firmware.given == (l->in->sections != NULL)) {
		err_set(e, -EINVAL,
		        l->in->sections ? "both a firmware and --sections say what follows it"
		                        : "a firmware's digest alone does not say what follows it");
		err_hint(e, "give --sections, or with --firmware an image whose last page has its metadata");
		return err_exit(e, EX_USAGE);
	}
	if (l->in->sections ? ovmf_from_text("--sections", l->in->sections, o, e) : sev_firmware(l->in, o, e))
		return e->code;
	snp_chain_start(&l->chain, l->chain.h, l->in->ovmf_hash);
	memcpy(s.after, l->in->ovmf_hash, SHA384_LEN);
	result_log(l->out, &s);
	return 0;
}

/* The SVSM lies below the firmware, and below the variables between them (coconut-svsm's QEMU). */
static int add_svsm(struct launch *l, uint64_t *base, struct ovmf *o, struct snp_launch *ret, struct err *e)
{
	const struct blob *svsm = &l->in->svsm;
	uint64_t vars = l->in->vars.given ? l->in->vars.data.n : l->in->vars_size;

	if (!vars || vars % OVMF_PAGE) {
		err_set(e, -EINVAL, "with an SVSM the size of the variable store is needed, in whole pages");
		err_hint(e, "give the file with --vars, or --vars-size=0x84000 for a 4 MiB OVMF");
		return err_exit(e, EX_USAGE);
	}
	if (!svsm->data.n || svsm->data.n % OVMF_PAGE || vars > *base || svsm->data.n > *base - vars)
		return err_set(e, -EBADMSG,
		        "%s: SVSM of %zu bytes, expected a multiple of %d that fits below the firmware",
		        svsm->name, svsm->data.n, OVMF_PAGE);
	if (ovmf_parse(svsm->name, svsm->data, o, e))
		return e->code;
	if (!o->has_svsm) {
		err_set(e, -ENOENT, "%s: no SVSM info in the GUID table, so where it starts is unknown",
		        svsm->name);
		err_hint(e, "give coconut-svsm's svsm.bin; an IGVM file carries its own launch");
		return err_exit(e, EX_MISSING);
	}
	*base -= vars + svsm->data.n;
	add_image(l, "SVSM pages", "svsm", *base, svsm->data);
	ret->svsm = true;
	ret->svsm_rip = *base + o->svsm_launch;
	return 0;
}

static int check_features(const struct inputs *in, struct snp_launch *ret, struct err *e)
{
	ret->features = in->has_guest_features ? in->guest_features : VMSA_SNP_ACTIVE;
	if (ret->features & VMSA_SNP_ACTIVE)
		return 0;
	err_set(e, -EINVAL,
	        "guest features 0x%" PRIx64 ": bit 0 is clear, which is SNP active, in an SNP guest",
	        ret->features);
	err_hint(e, "0x1 on most hosts, 0x21 where kvm_amd has debug_swap=1");
	return err_exit(e, EX_USAGE);
}

int snp_prefix(const struct inputs *in, unsigned vcpus, struct result *ret, unsigned reg,
        struct snp_launch *l, struct err *e)
{
	struct launch now = { .in = in, .out = ret, .reg = reg };
	uint64_t base = FOUR_GIB;
	struct ovmf o;

	*l = (struct snp_launch){ .stack = &in->stack.sev };
	if (stack_need(&in->stack, STACK_VMM, "the launch digest", e) || kernel_check(in, e) ||
	        check_features(in, l, e))
		return e->code;
	snp_chain_start(&now.chain, result_hash(ret, HASH_SHA384), NULL);
	if (in->has_ovmf_hash) {
		if (start_from_digest(&now, &o, e))
			return e->code;
	} else {
		if (in->sections) {
			err_set(e, -EINVAL, "--sections stands for a firmware that is not at hand");
			err_hint(e, "give --ovmf-hash with it");
			return err_exit(e, EX_USAGE);
		}
		if (sev_firmware(in, &o, e))
			return e->code;
		if (in->firmware.data.n > FOUR_GIB / 2)
			return err_set(e, -EBADMSG, "%s: firmware of %zu bytes, expected to fit below 4 GiB",
			        in->firmware.name, in->firmware.data.n);
		base -= in->firmware.data.n;
		add_image(&now, "firmware pages", "firmware", base, in->firmware.data);
	}
	if ((in->svsm.given && add_svsm(&now, &base, &o, l, e)) || add_sections(&now, &o, base, e) ||
	        (!l->svsm && sev_reset_eip(&o, l->stack, vcpus, &l->ap_eip, e)))
		return e->code;
	memcpy(l->ld, snp_chain_ld(&now.chain), SHA384_LEN);
	return 0;
}

/* An SVSM starts in flat protected mode on every vCPU (coconut-svsm's QEMU, target/i386/sev.c). */
static void svsm_vmsa(const struct snp_launch *l, struct vmsa *v)
{
	static const struct vmsa_seg data = { 16, 0xc93, 0xffffffff, 0 };

	v->seg[VMSA_CS] = (struct vmsa_seg){ 8, 0xc9b, 0xffffffff, 0 };
	v->seg[VMSA_DS] = v->seg[VMSA_ES] = v->seg[VMSA_FS] = v->seg[VMSA_SS] = data;
	v->cr0 = 0x11;
	v->rip = l->svsm_rip;
}

void snp_vmsa(const struct snp_launch *l, unsigned vcpu, uint32_t signature, uint8_t page[VMSA_PAGE])
{
	struct vmsa v;

	sev_vmsa(l->stack, vcpu ? l->ap_eip : SEV_BSP_EIP, !vcpu, signature, l->features, &v);
	if (l->svsm)
		svsm_vmsa(l, &v);
	vmsa_write(&v, page);
}

int snp_measure(const struct inputs *in, struct result *ret, struct err *e)
{
	struct launch now = { .in = in, .out = ret };
	uint8_t page[VMSA_PAGE], digest[SHA384_LEN];
	struct snp_launch l;
	uint32_t signature = 0;

	now.reg = result_reg(ret, "launch_digest", HASH_SHA384);
	if (sev_vcpus(in, e) || (in->stack.sev.rdx_is_signature && vcpu_of(in, &signature, e)) ||
	        snp_prefix(in, in->vcpus, ret, now.reg, &l, e))
		return e->code;
	snp_chain_start(&now.chain, result_hash(ret, HASH_SHA384), l.ld);
	for (unsigned i = 0; i < in->vcpus; i++) {
		struct step s = { 0 };

		if (i < 2) { /* all others are as vCPU 1 */
			snp_vmsa(&l, i, signature, page);
			hash_slice(now.chain.h, slice_of(page, sizeof(page)), digest);
		}
		snp_chain_page(&now.chain, SNP_VMSA, l.stack->vmsa_gpa, digest);
		if (!ret->log)
			continue;
		snprintf(s.what, sizeof(s.what), "VMSA of vCPU %u", i);
		log_pages(&now, &s, SNP_VMSA, l.stack->vmsa_gpa, 1, digest);
	}
	result_set(ret, now.reg, snp_chain_ld(&now.chain));
	return 0;
}

int snp_matrix(const struct inputs *in, const unsigned *vcpus, size_t n, const struct matrix_cpu *cpus,
        size_t n_cpus, matrix_fn *fn, void *arg, struct err *e)
{
	_result_ struct result r = { 0 };
	unsigned reg = result_reg(&r, "launch_digest", HASH_SHA384);
	struct snp_launch l;

	if (!n || snp_prefix(in, vcpus[n - 1], &r, reg, &l, e))
		return n ? e->code : 0;
	for (size_t k = 0; k < n_cpus; k++) {
		struct matrix_cell cell = { .cpu = &cpus[k] };
		uint8_t page[VMSA_PAGE], digest[SHA384_LEN];
		struct snp_chain c;
		size_t next = 0;
		int stop;

		snp_chain_start(&c, result_hash(&r, HASH_SHA384), l.ld);
		cell.value = snp_chain_ld(&c);
		for (unsigned i = 0; next < n; i++) {
			if (i < 2) { /* all others are as vCPU 1 */
				snp_vmsa(&l, i, cpus[k].signature, page);
				hash_slice(c.h, slice_of(page, sizeof(page)), digest);
			}
			snp_chain_page(&c, SNP_VMSA, l.stack->vmsa_gpa, digest);
			if (vcpus[next] != i + 1)
				continue;
			next++;
			cell.vcpus = i + 1;
			stop = fn(&cell, arg);
			if (stop)
				return stop;
		}
	}
	return 0;
}
