#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include "lib/io.h"
#include "lib/map.h"
#include "measure/snp.h"
#include "ovmf_image.h"
#include "stacks.h"

/* A launch as the rows of a table say it; "-" or "" is absent. */
struct launch {
	const char *mode, *stack, *vcpus, *cpu, *features, *cmdline;
	struct blob firmware, kernel, initrd, svsm;
	const char *ovmf_hash;
	uint64_t vars_size;
};

static bool absent(const char *s)
{
	return !s || !strcmp(s, "-") || !*s;
}

static int measure_into(const struct launch *l, struct inputs *in, struct result *r, struct err *e)
{
	in->firmware = l->firmware;
	in->kernel = l->kernel;
	in->initrd = l->initrd;
	in->svsm = l->svsm;
	in->vars_size = l->vars_size;
	in->cmdline = absent(l->cmdline) ? NULL : l->cmdline;
	in->has_cmdline = in->cmdline;
	in->vcpus = absent(l->vcpus) ? 0 : (unsigned)atoi(l->vcpus);
	in->has_guest_features = !absent(l->features);
	in->guest_features = absent(l->features) ? 0 : strtoull(l->features, NULL, 0);
	in->has_vcpu_sig = !absent(l->cpu) && l->cpu[0] >= '0' && l->cpu[0] <= '9';
	in->vcpu_sig = in->has_vcpu_sig ? (uint32_t)strtoul(l->cpu, NULL, 0) : 0;
	in->vcpu_type = absent(l->cpu) ? NULL : l->cpu;
	in->has_ovmf_hash = !absent(l->ovmf_hash);
	if (in->has_ovmf_hash)
		assert_true(hex_decode(l->ovmf_hash, in->ovmf_hash, SHA384_LEN));
	if (!absent(l->stack) && stacks_add(&in->stack, l->stack, e))
		return e->code;
	return !strncmp(l->mode, "snp", 3) ? snp_measure(in, r, e)
	                                   : sev_measure(in, strcmp(l->mode, "sev"), r, e);
}

static void measured(const struct launch *l, const char *expected)
{
	struct inputs in = { 0 };
	_result_ struct result r = { 0 };
	struct err e = { 0 };
	char hex[HASH_MAX_HEX];

	if (measure_into(l, &in, &r, &e))
		fail_msg("%s: %s", l->mode, e.msg);
	stack_free(&in.stack);
	assert_string_equal(hex_encode(hex, r.regs[0].value, r.regs[0].len), expected);
}

static void measured_with_rdx(const struct launch *l, uint64_t rdx, const char *expected)
{
	struct inputs in = { 0 };
	struct launch again = *l;
	_result_ struct result r = { 0 };
	struct err e = { 0 };
	char hex[HASH_MAX_HEX];

	assert_int_equal(stacks_add(&in.stack, l->stack, &e), 0);
	in.stack.sev.rdx = rdx;
	again.stack = NULL;
	assert_int_equal(measure_into(&again, &in, &r, &e), 0);
	stack_free(&in.stack);
	assert_string_equal(hex_encode(hex, r.regs[0].value, r.regs[0].len), expected);
}

static void refused(const struct launch *l, enum exit_status status, const char *message, const char *hint)
{
	struct inputs in = { 0 };
	_result_ struct result r = { 0 };
	struct err e = { 0 };

	assert_true(measure_into(l, &in, &r, &e) < 0);
	stack_free(&in.stack);
	assert_string_equal(e.msg, message);
	assert_int_equal(e.exit, status);
	if (!strstr(e.hint, hint))
		fail_msg("hint '%s' lacks '%s'", e.hint, hint);
}

static struct blob blob_of(const char *name, struct slice data)
{
	return (struct blob){ .name = name, .data = data, .given = true };
}

/* A file of the vectors; each is mapped once and stays. */
static bool vector(const char *name, struct blob *ret)
{
	static struct blob seen[16];
	const char *dir = getenv("VECTORS");
	_free_ char *path = xasprintf("%s/%s", dir ? dir : "../shared/vectors", name);
	struct err e = { 0 };
	size_t i = 0;

	for (; seen[i].name; i++)
		if (!strcmp(seen[i].name, name)) {
			*ret = seen[i];
			return true;
		}
	if (!io_exists(path)) {
		print_message("# SKIP %s: test data is missing\n", path);
		return false;
	}
	assert_true(i + 1 < ARRAY_LEN(seen));
	assert_int_equal(map_file(path, &seen[i].data, &e), 0);
	seen[i].name = xstrdup(name);
	seen[i].given = true;
	*ret = seen[i];
	return true;
}

/* The fields of a line; how many there are. */
static size_t split(char *line, char **fields, size_t max)
{
	size_t n = 0;

	line[strcspn(line, "\n")] = 0;
	while (n < max) {
		char *tab = strchr(line, '\t');

		fields[n++] = line;
		if (!tab)
			break;
		*tab = 0;
		line = tab + 1;
	}
	return n;
}

static void noise_file(const char *text, struct buf *b, struct blob *ret)
{
	unsigned long seed;
	char *colon;

	if (absent(text))
		return;
	seed = strtoul(text, &colon, 10);
	assert_int_equal(*colon, ':');
	noise(b, (uint32_t)seed, strtoul(colon + 1, NULL, 10));
	*ret = blob_of(text, slice_of(b->p, b->n));
}

/* Witness: sev-snp-measure, named in the table. */
static void random_launches_are_as_another_program_has_them(void **state)
{
	_fclose_ FILE *f = fopen("tests/golden/sev-random.tsv", "r");
	size_t done = 0, left = 0;
	char line[8192];

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		_buf_ struct buf firmware = { 0 }, kernel = { 0 }, initrd = { 0 };
		char *v[10];
		struct launch l = { 0 };

		if (*line == '#')
			continue;
		assert_int_equal(split(line, v, 10), 10);
		l = (struct launch){ .mode = v[0],
			.stack = v[1],
			.vcpus = v[2],
			.cpu = v[3],
			.features = v[4],
			.cmdline = v[8] };
		if (!strncmp(v[5], "made:", 5)) {
			image_made(&firmware, (uint32_t)strtoul(v[5] + 5, NULL, 10));
			l.firmware = blob_of(v[5], buf_slice(&firmware));
		} else if (!vector(v[5], &l.firmware)) {
			left++;
			continue;
		}
		noise_file(v[6], &kernel, &l.kernel);
		noise_file(v[7], &initrd, &l.initrd);
		measured(&l, v[9]);
		done++;
	}
	print_message("# %zu launches, %zu without their firmware\n", done, left);
	assert_true(done > 250);
	assert_true(done + left >= 500);
}

static const char *text(json_t *c, const char *key)
{
	return json_string_value(json_object_get(c, key));
}

/*
 * Witness: sev-snp-measure's own tests. Under SEV-ES that program ignores the guest features, and with an
 * SVSM takes 1; its SVSM cases have 0x1f80 in MXCSR, but FCW goes to a field that the page does not have.
 */
static void the_fixtures_of_sev_snp_measure(void **state)
{
	static const char svsm_profile[] =
	        "[Stack]\nKind=vmm\nSummary=s\nCheckedAgainst=c\n[Sev]\n"
	        "GPat=0x7040600070406\nVmsaGpa=0xfffffffff000\nMxcsr=0x1f80\nFcw=0\nEsFpu=zero\n"
	        "Rdx=signature\nCsBsp=0x9b\nCsAp=0x9b\nSs=0x93\nTr=0x8b\nSecMem=zero\n"
	        "CpuidPages=in-order\nApReset=firmware\n[Tdx]\nMrtdPasses=1\n[Kernel]\nHeader=as-given\n";
	struct blob json = { 0 };
	json_t *all, *c;
	size_t i, done = 0;

	(void)state;
	if (!vector("sev/sev-snp-measure/expected.json", &json))
		skip();
	all = json_loadb((const char *)json.data.p, json.data.n, 0, NULL);
	json_array_foreach (json_object_get(all, "cases"), i, c) {
		const char *mode = text(c, "mode"), *vmm = text(c, "vmm_type"), *svsm = text(c, "svsm_file");
		_free_ char *firmware = xasprintf("sev/sev-snp-measure/%s", text(c, "ovmf_file"));
		_free_ char *vcpus = xasprintf("%lld", json_integer_value(json_object_get(c, "vcpus")));
		_free_ char *cpu = xasprintf("%lld", json_integer_value(json_object_get(c, "vcpu_sig")));
		_free_ char *features =
		        xasprintf("%lld", json_integer_value(json_object_get(c, "guest_features")));
		struct launch l = { .vcpus = vcpus,
			.cpu = cpu,
			.cmdline = text(c, "append"),
			.ovmf_hash = text(c, "snp_ovmf_hash_str") };

		assert_true(vector(firmware, &l.firmware));
		if (text(c, "kernel"))
			l.kernel = blob_of("kernel", slice_str(text(c, "kernel_content_ascii")));
		if (text(c, "initrd"))
			l.initrd = blob_of("initrd", slice_str(text(c, "initrd_content_ascii")));
		if (!strcmp(mode, "SEV")) {
			l.mode = "sev";
		} else if (!strcmp(mode, "SEV_ES")) {
			l.mode = "sev-es";
			l.stack = "qemu-es-init2";
		} else {
			l.mode = "snp";
			l.stack = !strcmp(vmm, "QEMU") ? "qemu-10.0" : vmm;
			l.features = features;
		}
		if (!absent(svsm)) {
			_free_ char *name = xasprintf("sev/sev-snp-measure/%s", svsm);
			struct inputs in = { 0 };
			_result_ struct result r = { 0 };
			struct err e = { 0 };
			char hex[HASH_MAX_HEX];

			assert_true(vector(name, &l.svsm));
			l.vars_size = (uint64_t)json_integer_value(json_object_get(c, "ovmf_vars_size"));
			l.features = l.stack = NULL;
			assert_int_equal(stack_add(&in.stack, "svsm", slice_str(svsm_profile), &e), 0);
			assert_int_equal(measure_into(&l, &in, &r, &e), 0);
			stack_free(&in.stack);
			assert_string_equal(
			        hex_encode(hex, r.regs[0].value, r.regs[0].len), text(c, "expected"));
		} else {
			measured(&l, text(c, "expected"));
		}
		done++;
	}
	json_decref(all);
	assert_int_equal(done, 26);
}

/* Witness: the hosts of which sev-snp-measure 0.0.9 has the values in tests/test_guest.py
 * (tests/fixtures/README.md says how they were had). */
static void an_svsm_launch_is_as_hardware_had_it(void **state)
{
	struct launch l = { .mode = "snp", .stack = "coconut-svsm", .cpu = "EPYC-v4", .vars_size = 540672 };

	(void)state;
	if (!vector("sev/sev-snp-measure/svsm_ovmf.fd", &l.firmware) ||
	        !vector("sev/sev-snp-measure/svsm.bin", &l.svsm))
		skip();
	l.vcpus = "4";
	measured(&l, "265aed64f2454253f6b19e49e17041ef052dedf964dd8d2740794a06aee3a720c475e3643a1b7e26b9efce7"
	             "a107bf77f");
	l.vcpus = "2";
	measured(&l, "4ae03ca013690e956bc1eb16bc1c6465788dba64ad88a650db09216fa9cdddf06167bfce810eba8988108e7"
	             "1458dd68b");
}

/* Witness: MEASUREMENT of a report that a Milan chip signed (dstack, sev_snp_attestation.bin with its
 * inputs). */
static void a_report_signed_by_hardware_is_met(void **state)
{
	static const char cmdline[] =
	        "console=ttyS0 init=/init panic=1 net.ifnames=0 biosdevname=0 mce=off oops=panic pci=noearly "
	        "pci=nommconf random.trust_cpu=y random.trust_bootloader=n tsc=reliable no-kvmclock "
	        "dstack.rootfs_hash=ca5adaef0ac3a36108035925763b48a5818f634e700fbaab561d419fd30d7121 "
	        "dstack.rootfs_size=490713088";
	struct inputs in = { .vcpus = 2,
		.vcpu_type = "EPYC-v4",
		.has_cmdline = true,
		.cmdline = cmdline,
		.has_kernel_hash = true,
		.has_initrd_hash = true,
		.has_ovmf_hash = true,
		.sections =
		        "reset=0x80b004,hash-table=0x810c00,0x800000:0x9000:sec-mem,0x80a000:0x3000:sec-mem,"
		        "0x80d000:0x1000:secrets,0x80e000:0x1000:cpuid,0x80f000:0x1000:svsm-caa,"
		        "0x811000:0xf000:sec-mem,0x810000:0x1000:kernel-hashes" };
	_result_ struct result r = { 0 };
	char hex[HASH_MAX_HEX];
	struct err e = { 0 };

	(void)state;
	hex_decode("ffb57e393469a497c0e3b07bd1c97d8611e555f464d14491837665893ac642b263a71f9507ff100a847897fe0"
	           "c3f8c6f",
	        in.ovmf_hash, SHA384_LEN);
	hex_decode("dd9ea274ce9a07090b22e8284b0c841b65c021c2d15ca57d0f16731089dd226c", in.kernel_hash,
	        SHA256_LEN);
	hex_decode("5f844c4a2ca5a3d0711b3db38293b21ba929bb8e0b3c5bc1a779a57f69221c19", in.initrd_hash,
	        SHA256_LEN);
	assert_int_equal(stacks_add(&in.stack, "qemu-10.0", &e), 0);
	assert_int_equal(snp_measure(&in, &r, &e), 0);
	stack_free(&in.stack);
	assert_string_equal(hex_encode(hex, r.regs[0].value, SHA384_LEN),
	        "7f51e17f72a04d5422cb2c00998166536019a217376f3aa45a630e59c805a599847ff250dbffcd07e1ba639771d6"
	        "f05d");
}

/* Witnesses: sev-snp-measure 0.0.13 and virtee/sev 8.0.0; where they differ, the profile says why the first
 * is followed. */
static void the_matrix_of_two_peers(void **state)
{
	struct blob table = { 0 };
	_fclose_ FILE *f = NULL;
	char line[4096];
	size_t done = 0;

	(void)state;
	if (!vector("sev/peer-matrix.tsv", &table))
		skip();
	f = fmemopen((void *)(uintptr_t)table.data.p, table.data.n, "r");
	while (fgets(line, sizeof(line), f)) {
		struct launch l = { 0 };
		char *v[11], *firmware;

		if (*line == '#' || split(line, v, 11) < 10)
			continue;
		l = (struct launch){
			.mode = v[0], .vcpus = v[1], .cpu = v[2], .features = v[3], .cmdline = v[8]
		};
		/* no row has a kernel */
		assert_true(absent(v[6]) && absent(v[7]));
		l.stack = !strcmp(v[0], "seves")  ? "qemu-es-init2"
		          : !strcmp(v[5], "qemu") ? "qemu-10.0"
		                                  : v[5];
		if (!strcmp(v[0], "seves"))
			l.features = NULL;
		firmware = xasprintf(
		        "%s/%s", !strncmp(v[4], "debian", 6) ? "ovmf" : "sev/sev-snp-measure", v[4]);
		assert_true(vector(firmware, &l.firmware));
		free(firmware);
		measured(&l, v[9]);
		done++;
		/* the other peer still has EC2's RDX at 0; that alone is what it differs in */
		if (!strcmp(v[5], "ec2"))
			measured_with_rdx(&l, 0, v[10]);
	}
	assert_int_equal(done, 22);
}

struct wanted {
	struct launch l;
	size_t cells;
};

static int cell(const struct matrix_cell *c, void *arg)
{
	struct wanted *w = arg;
	struct launch l = w->l;
	char vcpus[16], hex[HASH_MAX_HEX];

	snprintf(vcpus, sizeof(vcpus), "%u", c->vcpus);
	l.vcpus = vcpus;
	l.cpu = c->cpu->name;
	measured(&l, hex_encode(hex, c->value, SHA384_LEN));
	w->cells++;
	return 0;
}

static void a_matrix_is_the_same_as_its_cells_alone(void **state)
{
	static const char *const stacks[] = { "qemu-10.0", "ec2", "gce" };
	static const unsigned counts[] = { 1, 2, 3, 64, 255 };
	static const struct matrix_cpu cpus[] = { { "EPYC-v4", 0x800f12 }, { "0xa00f11", 0xa00f11 },
		{ "EPYC-Turin-v1", 0xb00f00 } };
	_buf_ struct buf firmware = { 0 };

	(void)state;
	image_made(&firmware, 5);
	for (size_t i = 0; i < ARRAY_LEN(stacks); i++) {
		struct wanted w = { .l = { .mode = "snp", .stack = stacks[i] } };
		struct inputs in = { .firmware = blob_of("fw", buf_slice(&firmware)) };
		struct err e = { 0 };

		w.l.firmware = in.firmware;
		assert_int_equal(stacks_add(&in.stack, stacks[i], &e), 0);
		assert_int_equal(snp_matrix(&in, counts, 5, cpus, 3, cell, &w, &e), 0);
		assert_int_equal(w.cells, 15);
		stack_free(&in.stack);
	}
}

static void the_log_accounts_for_every_page(void **state)
{
	_buf_ struct buf firmware = { 0 }, kernel = { 0 };
	struct launch l = { .mode = "snp", .stack = "qemu-10.0", .vcpus = "3", .cpu = "EPYC-v4" };
	struct inputs in = { 0 };
	_result_ struct result r = { .log = true };
	struct err e = { 0 };

	(void)state;
	image_made(&firmware, 5);
	noise(&kernel, 1, 100);
	l.firmware = blob_of("fw", buf_slice(&firmware));
	l.kernel = blob_of("kernel", buf_slice(&kernel));
	assert_int_equal(measure_into(&l, &in, &r, &e), 0);
	stack_free(&in.stack);
	assert_string_equal(r.steps[0].what, "firmware pages");
	assert_int_equal(r.steps[0].count * OVMF_PAGE, firmware.n);
	assert_int_equal(r.steps[0].gpa, 0x100000000 - firmware.n);
	assert_string_equal(r.steps[r.n_steps - 1].what, "VMSA of vCPU 2");
	assert_memory_equal(r.steps[r.n_steps - 1].after, r.regs[0].value, SHA384_LEN);
	/* and the steps alone give the digest again */
	for (size_t i = 1; i < r.n_steps; i++) {
		struct snp_chain c;
		_hash_ struct hash *h = hash_new(HASH_SHA384);

		snp_chain_start(&c, h, r.steps[i - 1].after);
		for (uint32_t k = 0; k < r.steps[i].count; k++)
			snp_chain_page(
			        &c, r.steps[i].type, r.steps[i].gpa + k * OVMF_PAGE, r.steps[i].digest);
		assert_memory_equal(snp_chain_ld(&c), r.steps[i].after, SHA384_LEN);
	}
}

static void what_is_missing_is_named(void **state)
{
	_buf_ struct buf plain = { 0 }, made = { 0 }, odd = { 0 };
	struct launch l = { .mode = "snp", .stack = "qemu-10.0", .vcpus = "2", .cpu = "EPYC-v4" };
	struct blob k = blob_of("vmlinuz", slice_str("kernel"));
	struct ovmf o;
	struct err e = { 0 };

	(void)state;
	refused(&l, EX_USAGE, "the firmware is needed: its bytes are measured", "--firmware");
	noise(&plain, 1, OVMF_PAGE);
	l.firmware = blob_of("fw", buf_slice(&plain));
	refused(&l, EX_MISSING,
	        "fw: no SEV metadata, so SNP cannot start this firmware (it has no GUID table)",
	        "OVMF.amdsev.fd");
	noise(&odd, 1, OVMF_PAGE + 1);
	l.firmware = blob_of("fw", buf_slice(&odd));
	refused(&l, 0, "fw: firmware of 4097 bytes, expected a multiple of 4096", "");
	image_made(&made, 5);
	l.firmware = blob_of("fw", buf_slice(&made));
	l.features = "0x20";
	refused(&l, EX_USAGE, "guest features 0x20: bit 0 is clear, which is SNP active, in an SNP guest",
	        "0x21");
	l.features = NULL;
	l.vcpus = "0";
	refused(&l, EX_USAGE, "the number of vCPUs is needed: the registers of each are measured", "--vcpus");
	l.vcpus = "2";
	l.cpu = "EPIC-v4";
	refused(&l, EX_USAGE, "vCPU type 'EPIC-v4', expected an EPYC model of QEMU, EPYC to EPYC-Turin-v1",
	        "did you mean EPYC-v4?");
	l.cpu = "host";
	refused(&l, EX_USAGE, "vCPU type 'host', expected an EPYC model of QEMU, EPYC to EPYC-Turin-v1",
	        "--vcpu-sig");
	l.cpu = NULL;
	refused(&l, EX_USAGE, "the CPU model is needed: RDX of every vCPU holds its signature",
	        "--vcpu-type");
	l.cpu = "EPYC-v4";
	l.cmdline = "quiet";
	refused(&l, EX_USAGE,
	        "a command line without a kernel, which is what brings both into the measurement", "");
	l.cmdline = NULL;
	l.stack = NULL;
	refused(&l, EX_UNSUPPORTED, "the launch digest: no vmm profile, and its value depends on it",
	        "--stack");
	l.stack = "qemu-10.0";
	l.kernel = k;
	/* the section's type becomes another */
	assert_int_equal(ovmf_parse("fw", buf_slice(&made), &o, &e), 0);
	for (size_t i = 0; i < o.sections.n; i++)
		if (o.sections.v[i].type == SEV_KERNEL_HASHES)
			put_le32(made.p + o.sections.v[i].at + 8, SEV_SEC_MEM);
	refused(&l, EX_MISSING,
	        "fw: no kernel-hashes section in the SEV metadata, so this firmware cannot start a measured "
	        "kernel",
	        "OVMF.amdsev.fd");
	put_le32(made.p + ovmf_find(&o, (const uint8_t[]){ 0x72, 0x55, 0x37, 0x1f, 0x3a, 0x3b, 0x4b, 0x04,
	                                        0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54 })
	                          ->at,
	        0);
	l.mode = "sev";
	refused(&l, EX_MISSING,
	        "fw: no SEV hash-table area, so this firmware does not check kernel, initrd and command line",
	        "OVMF.amdsev.fd");
	l.mode = "sev-es";
	l.kernel = (struct blob){ 0 };
	l.features = "0x21";
	refused(&l, EX_USAGE, "guest features 0x21: bit 0 is set, which is SNP active, in an SEV-ES guest",
	        "0x20");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_launches_are_as_another_program_has_them),
		cmocka_unit_test(the_fixtures_of_sev_snp_measure),
		cmocka_unit_test(an_svsm_launch_is_as_hardware_had_it),
		cmocka_unit_test(a_report_signed_by_hardware_is_met),
		cmocka_unit_test(the_matrix_of_two_peers),
		cmocka_unit_test(a_matrix_is_the_same_as_its_cells_alone),
		cmocka_unit_test(the_log_accounts_for_every_page),
		cmocka_unit_test(what_is_missing_is_named),
	};

	return cmocka_run_group_tests_name("snp", tests, NULL, NULL);
}
