#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/devparse.h"
#include "format/efivars.h"
#include "format/eventlog.h"
#include "measure/events.h"
#include "stacks.h"
#include "vectors.h"

/* logs of QEMU 7.2 with swtpm; the images are Debian's */
static const char ovmf_2025[] = "ovmf/debian-2025.02-8-OVMF.fd",
                  with_sb[] = "ovmf/debian-2026.08-OVMF.inteltdx.ms.fd";

struct measured {
	struct inputs in;
	struct result out;
	struct events ev;
};

static void add_stack(struct measured *m, const char *name)
{
	struct err e = { 0 };

	if (stacks_add(&m->in.stack, name, &e))
		fail_msg("%s", e.msg);
}

/* Runs the rules of one PCR. */
static void run(struct measured *m, unsigned pcr)
{
	struct err e = { 0 };

	m->in.pcrs = 1U << pcr;
	m->out.log = true;
	events_start(&m->ev, &m->in, &m->out, false);
	if (events_run(&m->ev, &e))
		fail_msg("%s", e.msg);
}

static void measured_free(struct measured *m)
{
	result_free(&m->out);
	stack_free(&m->in.stack);
}
#define _measured_ __attribute__((cleanup(measured_free)))

/* The steps of a bank are the log's events of that PCR, but for those that systemd-stub made. */
static void same_as_log(const struct measured *m, const char *name, unsigned pcr, enum hash_alg bank)
{
	_buf_ struct buf b = { 0 };
	struct eventlog_event ev = { 0 };
	struct eventlog log;
	struct err e = { 0 };
	size_t at = 0, n = 0;

	vector_read(name, &b);
	assert_int_equal(eventlog_open(name, buf_slice(&b), &log, &e), 0);
	while (eventlog_next(&log, &ev)) {
		if (ev.index != pcr || ev.type == EV_NO_ACTION || ev.type == EV_EFI_VARIABLE_AUTHORITY)
			continue;
		while (at < m->out.n_steps && m->out.steps[at].reg != m->ev.reg[bank][pcr])
			at++;
		assert_true(at < m->out.n_steps);
		assert_int_equal(m->out.steps[at].type, ev.type);
		if (!m->out.steps[at].unknown)
			for (size_t k = 0; k < log.n_banks; k++)
				if (log.bank[k].alg == bank)
					assert_memory_equal(
					        m->out.steps[at].digest, ev.digest[k].p, ev.digest[k].n);
		at++;
		n++;
	}
	assert_true(n > 1);
}

static void in_all_banks(const struct measured *m, const char *log, unsigned pcr)
{
	for (unsigned b = 0; b < HASH_ALGS; b++)
		same_as_log(m, log, pcr, b);
}

static void firmware_2025_measures_itself_as_in_the_log(void **state)
{
	_measured_ struct measured m = { 0 };
	_buf_ struct buf image = { 0 };

	(void)state;
	vector_read(ovmf_2025, &image);
	add_stack(&m, "ovmf-2025.02");
	m.in.firmware = (struct blob){ "ovmf", buf_slice(&image), true };
	run(&m, 0);
	in_all_banks(&m, "vtpm/qemu-swtpm/direct-ovmf2025/eventlog.bin", 0);
	for (size_t i = 0; i < m.out.n_regs; i++)
		assert_string_equal(m.out.regs[i].unknown, "");
}

static void another_build_of_it_is_unknown_not_guessed(void **state)
{
	_measured_ struct measured m = { 0 };
	_buf_ struct buf image = { 0 };

	(void)state;
	vector_read(with_sb, &image);
	add_stack(&m, "ovmf-2025.02");
	m.in.firmware = (struct blob){ "ovmf", buf_slice(&image), true };
	run(&m, 0);
	assert_non_null(strstr(result_find(&m.out, "sha256.pcr0")->unknown, "has no PeiFv line"));
}

static void variables_of_an_empty_store_are_measured_as_in_the_log(void **state)
{
	_measured_ struct measured m = { 0 };
	_buf_ struct buf image = { 0 };

	(void)state;
	vector_read(ovmf_2025, &image);
	add_stack(&m, "ovmf-2025.02");
	m.in.firmware = (struct blob){ "ovmf", buf_slice(&image), true };
	run(&m, 7);
	in_all_banks(&m, "vtpm/qemu-swtpm/direct-ovmf2025/eventlog.bin", 7);
	assert_int_equal(m.ev.when & EVENT_WHEN_SB, 0);
}

/* One variable of a store, in STATE (edk2 VariableFormat.h). */
static void put_variable(
        struct buf *b, const uint8_t *guid, struct slice name, struct slice data, uint8_t state)
{
	uint8_t *h = buf_zeros(b, 60);

	put_le16(h, 0x55aa);
	h[2] = state;
	put_le32(h + 36, (uint32_t)(name.n + 2));
	put_le32(h + 40, (uint32_t)data.n);
	memcpy(h + 44, guid, UUID_LEN);
	buf_add(b, name.p, name.n);
	buf_zeros(b, 2);
	buf_add(b, data.p, data.n);
	while (b->n % 4)
		buf_add(b, "\xff", 1);
}

static void start_store(struct buf *b)
{
	static const uint8_t nv[UUID_LEN] = { 0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c, 0xa9, 0x85,
		0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50 };
	static const uint8_t store[UUID_LEN] = { 0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80,
		0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92 };
	uint8_t *h = buf_zeros(b, 72 + 28);

	memcpy(h + 16, nv, UUID_LEN);
	memcpy(h + 40, "_FVH", 4);
	put_le16(h + 48, 72);
	memcpy(h + 72, store, UUID_LEN);
	h[72 + 20] = 0x5a;
	h[72 + 21] = 0xfe;
}

static void end_store(struct buf *b)
{
	put_le32(b->p + 72 + 16, (uint32_t)b->n + 64 - 72);
	for (int i = 0; i < 64; i++)
		buf_add(b, "\xff", 1);
}

/* A store of the variables that a log shows; around each one stand others that do not count. */
static void store_of_log(const char *name, struct buf *ret)
{
	_buf_ struct buf b = { 0 };
	struct eventlog_event ev = { 0 };
	struct eventlog log;
	struct err e = { 0 };

	vector_read(name, &b);
	assert_int_equal(eventlog_open(name, buf_slice(&b), &log, &e), 0);
	start_store(ret);
	while (eventlog_next(&log, &ev)) {
		size_t chars, n;

		if (ev.type != EV_EFI_VARIABLE_DRIVER_CONFIG)
			continue;
		chars = (size_t)le64(ev.data.p + 16);
		n = (size_t)le64(ev.data.p + 24);
		if (chars == 10) /* SecureBoot is in no store */
			continue;
		put_variable(ret, ev.data.p, slice_of(ev.data.p + 32, 2 * chars), slice_str("deleted"), 0x3d);
		put_variable(
		        ret, ev.data.p, slice_of(ev.data.p + 32, 2 * chars), slice_str("an older one"), 0x3e);
		put_variable(ret, ev.data.p, slice_of(ev.data.p + 32, 2 * chars),
		        slice_of(ev.data.p + 32 + 2 * chars, n), 0x3f);
		put_variable(ret, ev.data.p, slice_of(ev.data.p + 32, 2 * chars), slice_str("never finished"),
		        0x7f);
	}
	end_store(ret);
}

static void keys_turn_secure_boot_on_as_in_the_log(void **state)
{
	static const char log[] = "vtpm/qemu-swtpm/k257s-sb-ovmf2022/eventlog.bin";
	_measured_ struct measured m = { 0 };
	_buf_ struct buf image = { 0 }, store = { 0 };

	(void)state;
	vector_read(with_sb, &image);
	store_of_log(log, &store);
	add_stack(&m, "ovmf-2022.11");
	m.in.firmware = (struct blob){ "ovmf", buf_slice(&image), true };
	m.in.vars = (struct blob){ "vars", buf_slice(&store), true };
	run(&m, 7);
	in_all_banks(&m, log, 7);
	assert_int_equal(m.ev.when & EVENT_WHEN_SB, EVENT_WHEN_SB);
}

static void boot_options_of(const char *profile, bool disk, const char *log)
{
	_measured_ struct measured m = { 0 };
	_buf_ struct buf image = { 0 };

	vector_read(ovmf_2025, &image);
	add_stack(&m, profile);
	m.in.firmware = (struct blob){ "ovmf", buf_slice(&image), true };
	m.in.disk_boot = disk;
	m.in.boot_option = disk ? "PciRoot(0x0)/Pci(0x1,0x0)" : NULL;
	run(&m, 1);
	in_all_banks(&m, log, 1);
}

static void boot_options_are_made_as_in_the_logs(void **state)
{
	(void)state;
	boot_options_of("ovmf-2025.02", false, "vtpm/qemu-swtpm/direct-ovmf2025/eventlog.bin");
	boot_options_of("ovmf-2025.02", true, "vtpm/qemu-swtpm/k257-ovmf2025/eventlog.bin");
	boot_options_of("ovmf-2022.11", true, "vtpm/qemu-swtpm/k257s-sb-ovmf2022/eventlog.bin");
}

/* Stands for all checks of format/efivars.c that a log cannot reach. */
static void broken_stores_are_refused(void **state)
{
	_buf_ struct buf store = { 0 };
	struct efivars v;
	struct efivar var;
	struct err e = { 0 };

	(void)state;
	start_store(&store);
	put_variable(&store, efivars_global, slice_str("P\0K"), slice_str("x"), 0x3f);
	end_store(&store);
	assert_int_equal(efivars_open("vars", buf_slice(&store), &v, &e), 0);
	put_le32(store.p + 100 + 40, 0xfffffff0);
	assert_int_equal(efivars_find(&v, efivars_global, "PK", &var, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "vars+0x64: variable with a name of "));
	put_le32(store.p + 72 + 16, 0xfffffff0);
	assert_int_equal(efivars_open("vars", buf_slice(&store), &v, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "vars+0x58: store of 0xfffffff0 bytes"));
	store.p[72] ^= 1;
	assert_int_equal(efivars_open("vars", buf_slice(&store), &v, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "expected authenticated variables"));
}

/* The witness is a path in a log of OVMF 2025.02; what no firmware would show is refused. */
static void a_device_path_is_read_as_firmware_shows_it(void **state)
{
	static const char *const wrong[] = { "PciRoot(0x0)/", "/Pci(0x1,0x0)", "Pci(0x1,0x0", "Pci(0x1)",
		"Pci(0x100,0x0)", "Pci(-1,0x0)", "Usb(0x0,0x1)", "Fv(7cb8bdc9)", "PciRoot(0x0)Pci(0x1,0x0)",
		"Pci(0x1,0x0,0x0)", "0x1" };
	static const uint8_t disk[] = { 0x02, 0x01, 0x0c, 0x00, 0xd0, 0x41, 0x03, 0x0a, 0x00, 0x00, 0x00,
		0x00, 0x01, 0x01, 0x06, 0x00, 0x00, 0x01, 0x7f, 0xff, 0x04, 0x00 };
	_buf_ struct buf path = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(devparse("PciRoot(0x0)/Pci(0x1,0x0)", &path, &e), 0);
	assert_true(slice_eq(buf_slice(&path), slice_of(disk, sizeof(disk))));
	assert_int_equal(devparse_last(buf_slice(&path)), DEVPARSE_HARDWARE);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		e = (struct err){ 0 };
		path.n = 0;
		assert_int_equal(devparse(wrong[i], &path, &e), -EINVAL);
		assert_non_null(strstr(e.msg, wrong[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmware_2025_measures_itself_as_in_the_log),
		cmocka_unit_test(another_build_of_it_is_unknown_not_guessed),
		cmocka_unit_test(variables_of_an_empty_store_are_measured_as_in_the_log),
		cmocka_unit_test(keys_turn_secure_boot_on_as_in_the_log),
		cmocka_unit_test(boot_options_are_made_as_in_the_logs),
		cmocka_unit_test(broken_stores_are_refused),
		cmocka_unit_test(a_device_path_is_read_as_firmware_shows_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
