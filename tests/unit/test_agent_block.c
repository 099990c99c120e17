/* Folders as the kernel's PCI and virtio drivers name them in a guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/io.h"
#include "run/state.h"

static void found(const char *sys, const char *source, const char *want)
{
	_free_ char *node = NULL;
	struct err e = { 0 };

	assert_int_equal(block_find(sys, source, &node, &e), 0);
	assert_string_equal(node, want);
}

static void test_find(void **state)
{
	static const char *const devices[] = { "pci0000:00/0000:00:03.0/virtio1/block/vda",
		"pci0000:00/0000:00:02.0/0000:01:01.0/virtio4/block/vdb",
		"pci0000:00/0000:00:02.3/0000:02:00.0/virtio5/block/vdc",
		"pci0000:00/0000:00:04.0/virtio2/net" };
	static const struct {
		const char *source;
		int error;
	} refused[] = { { "/etc/passwd", -EINVAL }, { "../03", -ENODEV }, { "03 ", -EINVAL },
		{ "05", -ENODEV }, { "02/02", -ENODEV }, { "04", -ENODEV }, { "", -ENODEV } };
	char *sys = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_temp_dir("/tmp/bulla-block-", &sys, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
		_free_ char *path = xasprintf("%s/devices/%s", sys, devices[i]);

		assert_int_equal(io_mkdirs(path, &e), 0);
	}
	found(sys, "03", "/dev/vda");
	found(sys, "02/01", "/dev/vdb");
	found(sys, "02.3/00", "/dev/vdc");
	found(sys, "/dev/vdz", "/dev/vdz");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		char *node = NULL;

		assert_int_equal(block_find(sys, refused[i].source, &node, &e), refused[i].error);
		assert_null(node);
	}
	io_remove_tree(sys, &e);
	free(sys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
