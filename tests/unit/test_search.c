/* Which wrong input gives the value seen. Every value is another program's, of the right input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "measure/search.h"
#include "measuring.h"
#include "stacks.h"
#include "vectors.h"

/* sev-snp-measure 0.0.13 and virtee/sev 8.0.0, $VECTORS/sev/peer-matrix.tsv, one digest of a firmware and a
 * number of vCPUs in QEMU, EPYC-v4 (SEV-ES: EPYC-Milan) */
static const char *peer(const char *mode, unsigned vcpus, const char *ovmf, const char *vmm, char hex[97])
{
	_buf_ struct buf tsv = { 0 };
	char *save = NULL;

	vector_read("sev/peer-matrix.tsv", &tsv);
	for (char *l = strtok_r(buf_str(&tsv), "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char m[16], o[64], v[16];
		unsigned n;

		if (sscanf(l, "%15s %u %*s %*s %63s %15s %*s %*s %*s %96s", m, &n, o, v, hex) == 5 &&
		        n == vcpus && !strcmp(m, mode) && !strcmp(o, ovmf) && !strcmp(v, vmm))
			return hex;
	}
	fail_msg("no row of %s %u %s %s", mode, vcpus, ovmf, vmm);
	return NULL;
}

struct launch {
	struct buf firmware;
	struct vary_stack *stacks;
	size_t n_stacks;
	struct inputs in;
	struct search s;
	struct search_found found;
};

static void launch_free(struct launch *l)
{
	buf_free(&l->firmware);
	stacks_free_all(l->stacks, l->n_stacks);
	stack_free(&l->in.stack);
}
#define _launch_ __attribute__((cleanup(launch_free)))

static void set_up(struct launch *l, const char *tee, const char *stack, const char *firmware)
{
	struct err e = { 0 };

	vector_read(firmware, &l->firmware);
	l->in.firmware = (struct blob){ .name = "fw", .data = buf_slice(&l->firmware), .given = true };
	l->in.vcpus = 1;
	l->in.vcpu_type = "EPYC-v4";
	assert_int_equal(stacks_add(&l->in.stack, stack, &e), 0);
	assert_int_equal(stacks_all(&l->in.stack, &l->stacks, &l->n_stacks, &e), 0);
	l->s = (struct search){
		.tee = tee_find(tee, &e), .from = { tee, &l->in, l->stacks, l->n_stacks }, .most = 5000
	};
	assert_non_null(l->s.tee);
}

static void look_for(struct launch *l, const char *hex)
{
	struct search_target t = { .reg = "launch_digest" };
	_result_ struct result base = { .log = true };
	struct err e = { 0 };

	assert_true(hex_decode(hex, t.value, strlen(hex) / 2));
	if (l->s.tee->measure(&l->in, &base, &e))
		fail_msg("%s", e.msg);
	assert_memory_not_equal(t.value, base.regs[0].value, base.regs[0].len);
	search(&l->s, &base, &t, 1, &l->found);
}

/* A and B are the changes expected; NULL: no such change. */
static void is_found(const struct launch *l, const char *a, const char *b)
{
	assert_int_equal(l->found.n, !!a + !!b);
	if (a)
		assert_memory_equal(l->found.change[0], a, strlen(a));
	if (b)
		assert_memory_equal(l->found.change[1], b, strlen(b));
}

static void another_number_of_vcpus_is_found(void **state)
{
	static const unsigned vcpus[] = { 2, 8, 64, 512 };
	char hex[97];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vcpus); i++) {
		_launch_ struct launch l = { 0 };
		_free_ char *want = xasprintf("--vcpus %u", vcpus[i]);

		set_up(&l, "snp", "qemu-10.0", "ovmf/debian-2026.08-OVMF.amdsev.fd");
		look_for(&l, peer("snp", vcpus[i], "debian-2026.08-OVMF.amdsev.fd", "qemu", hex));
		is_found(&l, want, NULL);
		assert_true(l.s.tried < 5);
	}
}

static void it_is_found_from_a_larger_number_and_for_sev_es(void **state)
{
	_launch_ struct launch l = { 0 }, es = { 0 };
	char hex[97];

	(void)state;
	set_up(&l, "snp", "qemu-10.0", "ovmf/debian-2025.02-8-OVMF.fd");
	l.in.vcpus = 64;
	look_for(&l, peer("snp", 8, "debian-2025.02-8-OVMF.fd", "qemu", hex));
	is_found(&l, "--vcpus 8", NULL);
	set_up(&es, "sev-es", "qemu-es-init2", "ovmf/debian-2026.08-OVMF.amdsev.fd");
	es.in.vcpu_type = "EPYC-Milan";
	es.in.has_guest_features = true;
	look_for(&es, peer("seves", 4, "debian-2026.08-OVMF.amdsev.fd", "qemu", hex));
	is_found(&es, "--vcpus 4", NULL);
}

static void another_model_is_found_alone_and_with_another_number(void **state)
{
	_launch_ struct launch l = { 0 };
	char hex[97];

	(void)state;
	set_up(&l, "sev-es", "qemu-es-init2", "ovmf/debian-2026.08-OVMF.amdsev.fd");
	look_for(&l, peer("seves", 1, "debian-2026.08-OVMF.amdsev.fd", "qemu", hex));
	is_found(&l, "--vcpu-type EPYC-Milan", NULL);
	look_for(&l, peer("seves", 4, "debian-2026.08-OVMF.amdsev.fd", "qemu", hex));
	is_found(&l, "--vcpus 4", "--vcpu-type EPYC-Milan");
}

static void another_profile_of_the_vmm_is_found(void **state)
{
	_launch_ struct launch l = { 0 }, es = { 0 };
	char hex[97];

	(void)state;
	set_up(&l, "snp", "qemu-10.0", "ovmf/debian-2025.02-8-OVMF.fd");
	l.in.vcpus = 4;
	look_for(&l, peer("snp", 4, "debian-2025.02-8-OVMF.fd", "ec2", hex));
	is_found(&l, "--stack ec2", NULL);
	look_for(&l, peer("snp", 4, "debian-2025.02-8-OVMF.fd", "gce", hex));
	is_found(&l, "--stack gce", NULL);
	l.in.vcpus = 2;
	look_for(&l, hex);
	is_found(&l, "--vcpus 4", "--stack gce");
	/* the peers take every SEV-ES guest for one of KVM's newer kind */
	set_up(&es, "sev-es", "qemu-10.0", "ovmf/debian-2026.08-OVMF.amdsev.fd");
	es.in.vcpu_type = "EPYC-Milan";
	look_for(&es, peer("seves", 1, "debian-2026.08-OVMF.amdsev.fd", "qemu", hex));
	is_found(&es, "--stack qemu-es-init2", NULL);
}

/* sev-snp-measure's test_snp_default: AmdSev suffix, one EPYC-v4, features 0x21, /dev/null as kernel and
 * initrd */
#define DEFAULT_CMDLINE "console=ttyS0 loglevel=7"
static const char snp_default[] = "803f691094946e42068aaa3a8f9e26a5c89f36f7b73ecfb28c653360fe4b3aba"
                                  "7e534442e7e1e17895dfe778d0228977";

static void set_up_default(struct launch *l, const char *cmdline, uint64_t features)
{
	set_up(l, "snp", "qemu-10.0", "sev/sev-snp-measure/ovmf_AmdSev_suffix.bin");
	l->in.kernel = l->in.initrd = (struct blob){ .name = "null", .given = true };
	l->in.has_cmdline = true;
	l->in.cmdline = cmdline;
	l->in.has_guest_features = true;
	l->in.guest_features = features;
}

static void other_guest_features_are_found(void **state)
{
	_launch_ struct launch l = { 0 };

	(void)state;
	set_up_default(&l, DEFAULT_CMDLINE, 0x1);
	look_for(&l, snp_default);
	is_found(&l, "--guest-features 0x21", NULL);
}

static void a_command_line_that_differs_at_its_ends_is_found(void **state)
{
	static const struct {
		const char *given, *want;
	} cases[] = {
		{ DEFAULT_CMDLINE "\n", "the command line without what is blank at its end" },
		{ " " DEFAULT_CMDLINE, "the command line without what is blank before it" },
		{ "\"" DEFAULT_CMDLINE "\"", "the command line without the quotes around it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_launch_ struct launch l = { 0 };

		set_up_default(&l, cases[i].given, 0x21);
		look_for(&l, snp_default);
		is_found(&l, cases[i].want, NULL);
	}
}

static void an_initrd_that_should_not_be_there_and_padding_are_found(void **state)
{
	static const uint8_t zeros[512];
	_launch_ struct launch l = { 0 }, padded = { 0 };

	(void)state;
	set_up_default(&l, DEFAULT_CMDLINE, 0x21);
	l.in.initrd.data = slice_str("some initrd");
	look_for(&l, snp_default);
	is_found(&l, "no initrd", NULL);
	set_up_default(&padded, DEFAULT_CMDLINE, 0x21);
	padded.in.initrd.data = slice_of(zeros, sizeof(zeros));
	look_for(&padded, snp_default);
	is_found(&padded, "the initrd without the 512 zero bytes at its end", NULL);
}

static void two_changes_are_found(void **state)
{
	_launch_ struct launch l = { 0 };

	(void)state;
	set_up_default(&l, DEFAULT_CMDLINE "\n", 0x1);
	look_for(&l, snp_default);
	is_found(&l, "--guest-features 0x21", "the command line without what is blank at its end");
}

static void what_no_change_gives_is_not_explained(void **state)
{
	_launch_ struct launch l = { 0 }, few = { 0 };
	char hex[97];

	(void)state;
	set_up(&l, "snp", "qemu-10.0", "ovmf/debian-2026.08-OVMF.amdsev.fd");
	/* another firmware's */
	look_for(&l, peer("snp", 1, "debian-2025.02-8-OVMF.fd", "qemu", hex));
	is_found(&l, NULL, NULL);
	assert_true(l.s.tried > 20 && !l.s.cut);
	set_up(&few, "snp", "qemu-10.0", "ovmf/debian-2026.08-OVMF.amdsev.fd");
	few.s.most = 10;
	look_for(&few, hex);
	is_found(&few, NULL, NULL);
	assert_true(few.s.cut && few.s.tried == 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_number_of_vcpus_is_found),
		cmocka_unit_test(it_is_found_from_a_larger_number_and_for_sev_es),
		cmocka_unit_test(another_model_is_found_alone_and_with_another_number),
		cmocka_unit_test(another_profile_of_the_vmm_is_found),
		cmocka_unit_test(other_guest_features_are_found),
		cmocka_unit_test(a_command_line_that_differs_at_its_ends_is_found),
		cmocka_unit_test(an_initrd_that_should_not_be_there_and_padding_are_found),
		cmocka_unit_test(two_changes_are_found),
		cmocka_unit_test(what_no_change_gives_is_not_explained),
	};

	return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
