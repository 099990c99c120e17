#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "measure/sev.h"
#include "measure/vcpu.h"
#include "ovmf_image.h"
#include "stacks.h"

/* Witness: the pages that sev-snp-measure writes with --dump-vmsa; 0.0.13 for SNP, 0.0.9 for SEV-ES; and
 * sevctl. */
static void pages_are_byte_for_byte_those_of_another_program(void **state)
{
	static const struct {
		const char *stack;
		uint32_t signature;
		uint64_t features;
		const char *sha256[2]; /* of vCPU 0 and vCPU 1 */
	} cases[] = {
		{ "qemu-10.0", 0xa10f10, 0x21,
		        { "1df6ea2697d4469b2d56983a12c435f11340769a50663f92f4fdd3398d554bb9",
		                "ce06745b45f644e8e836dfe7936ec27675e0926a946738e1d11efefd75ee29fe" } },
		{ "ec2", 0xa10f10, 0x21,
		        { "bafab7d7eb960e5f43d197aeb539175b92652d4a458958626394766bb623faf4",
		                "8ac504f16bf2e9e03a2b9832c84dd448e732366ade256dd14c576b1d38c0ea1e" } },
		{ "gce", 0xa10f10, 0x1,
		        { "a2b1355de1e1f11159d4cfaa28a748c6d19f63b330a7cb09696eda0c5f2f8ab8",
		                "e62b24c0430d685360090aa7362d89bc9009a43794cdd274a57abb8fada49344" } },
		{ "qemu-7.2", 0x830f10, 0x0,
		        { "c0ad5dc8305470b14945bf19c79b6b25ef0aeb1cbbda8318902f731078e2641b",
		                "e66281015adf6958a619ec00d5b96ce5cbbca43b48d76b0778467bff07dd0118" } },
		/* sevctl's tests/data */
		{ "qemu-7.2", 0xa00f11, 0,
		        { "f8b52f775502472e5797d2674d9de21f6abc05dc05e9bc49cbb7b6a13688d5e7",
		                "bcee5cb289f72882da17abd8dca5e8a7e9f8e2033e7ad96b4db0ab1a383a6487" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int vcpu = 0; vcpu < 2; vcpu++) {
			_stack_ struct stack s = { 0 };
			uint8_t page[VMSA_PAGE], digest[SHA256_LEN];
			char hex[SHA256_HEX];
			struct err e = { 0 };
			struct vmsa v;

			assert_int_equal(stacks_add(&s, cases[i].stack, &e), 0);
			sev_vmsa(&s.sev, vcpu ? 0x80b004 : SEV_BSP_EIP, !vcpu, cases[i].signature,
			        cases[i].features, &v);
			vmsa_write(&v, page);
			sha256(slice_of(page, sizeof(page)), digest);
			assert_string_equal(hex_encode(hex, digest, sizeof(digest)), cases[i].sha256[vcpu]);
			assert_int_equal(vmsa_stray(slice_of(page, sizeof(page))), VMSA_PAGE);
		}
}

static void what_is_read_is_written_again(void **state)
{
	_buf_ struct buf b = { 0 };
	uint8_t page[VMSA_PAGE];
	struct vmsa v, again;
	struct err e = { 0 };

	(void)state;
	noise(&b, 3, VMSA_PAGE);
	assert_int_equal(vmsa_read("page", buf_slice(&b), &v, &e), 0);
	vmsa_write(&v, page);
	assert_int_equal(vmsa_read("again", slice_of(page, sizeof(page)), &again, &e), 0);
	assert_memory_equal(&v, &again, sizeof(v));
	/* what differs belongs to no field */
	for (size_t i = 0; i < VMSA_PAGE; i++)
		assert_true(page[i] == b.p[i] || page[i] == 0);
	assert_int_equal(vmsa_stray(buf_slice(&b)), 0xc8);
	assert_int_equal(vmsa_stray(slice_of(page, sizeof(page))), VMSA_PAGE);
	assert_true(vmsa_read("short", slice_of(page, 4095), &v, &e) < 0);
	assert_string_equal(e.msg, "short: VMSA of 4095 bytes, expected 4096");
}

static void fields_have_their_places_and_do_not_overlap(void **state)
{
	static const struct {
		const char *name;
		unsigned offset;
	} known[] = { { "cs.base", 0x18 }, { "efer", 0xd0 }, { "rip", 0x178 }, { "rdx", 0x310 },
		{ "sev_features", 0x3b0 }, { "xcr0", 0x3e8 }, { "mxcsr", 0x408 }, { "x87_fcw", 0x410 } };
	uint8_t page[VMSA_PAGE] = { 0 };
	struct vmsa_field f;
	unsigned end = 0;
	size_t found = 0;

	(void)state;
	for (size_t i = 0; vmsa_nth(slice_of(page, sizeof(page)), i, &f); i++) {
		assert_true(f.offset >= end);
		end = f.offset + f.bytes;
		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			if (!strcmp(f.name, known[k].name)) {
				assert_int_equal(f.offset, known[k].offset);
				found++;
			}
	}
	assert_int_equal(end, 0x420);
	assert_int_equal(found, ARRAY_LEN(known));
	assert_string_equal(vmsa_feature_name(5), "DebugSwap");
	assert_null(vmsa_feature_name(16));
}

/* Witness: sev-snp-measure's vcpu_types.py. */
static void models_have_the_signature_of_their_generation(void **state)
{
	static const struct {
		const char *name;
		uint32_t signature;
	} known[] = { { "EPYC", 0x800f12 }, { "EPYC-IBPB", 0x800f12 }, { "EPYC-v4", 0x800f12 },
		{ "EPYC-Rome-v3", 0x830f10 }, { "EPYC-Milan-v2", 0xa00f11 }, { "EPYC-Genoa", 0xa10f10 },
		{ "EPYC-Turin", 0xb00f00 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const struct vcpu_model *m = vcpu_find(known[i].name);

		assert_non_null(m);
		assert_int_equal(vcpu_signature(m->family, m->model, m->stepping), known[i].signature);
	}
	assert_int_equal(vcpu_signature(6, 0x3f, 2), 0x306f2);
	assert_null(vcpu_find("EPYC-v6"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_byte_for_byte_those_of_another_program),
		cmocka_unit_test(what_is_read_is_written_again),
		cmocka_unit_test(fields_have_their_places_and_do_not_overlap),
		cmocka_unit_test(models_have_the_signature_of_their_generation),
	};

	return cmocka_run_group_tests_name("vmsa", tests, NULL, NULL);
}
