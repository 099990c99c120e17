/* Archives as GNU tar writes them; tests/cli/verify_release.sh has whole ones. */
#include "format/tar.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void run(const char *shell, uint8_t block[TAR_BLOCK])
{
	FILE *f = popen(shell, "r");

	assert_non_null(f);
	assert_int_equal(fread(block, 1, TAR_BLOCK, f), TAR_BLOCK);
	pclose(f);
}

#define MAKE "d=$(mktemp -d) && cd $d && trap 'rm -rf $d' EXIT && "

static void headers_are_as_gnu_tar_wrote_them(void **state)
{
	static const struct {
		const char *name, *shell, *path; /* path NULL: refused */
		bool folder;
		uint64_t size;
	} cases[] = {
		{ "file", MAKE "head -c 1000 /dev/zero >f && tar --format=ustar -cf - f", "f", false, 1000 },
		{ "folder", MAKE "mkdir -p a/b && tar --format=ustar -cf - a/b", "a/b", true, 0 },
		{ "prefix",
		        MAKE "p=$(printf '%090d' 0)/$(printf '%080d' 0) && mkdir -p $p && tar --format=ustar "
		             "-cf - $p",
		        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		        "00000000/00000000000000000000000000000000000000000000000000000000000000000000000000"
		        "000000",
		        true, 0 },
		{ "8 GiB less one", MAKE "truncate -s 8589934591 f && tar --format=ustar -cf - f", "f", false,
		        8589934591 },
		{ "link", MAKE "ln -s x f && tar --format=ustar -cf - f", NULL, false, 0 },
		{ "pipe", MAKE "mkfifo f && tar --format=ustar -cf - f", NULL, false, 0 },
		{ "GNU's format", MAKE "touch f && tar --format=gnu -cf - f", NULL, false, 0 },
		{ "pax", MAKE "touch f && tar --format=pax -cf - f", NULL, false, 0 },
		{ "absolute", MAKE "touch f && tar --format=ustar -cPf - $d/f", NULL, false, 0 },
		{ "dots", MAKE "touch f && tar --format=ustar -cPf - ../${d##*/}/f", NULL, false, 0 },
		{ "a blank", MAKE "touch 'f g' && tar --format=ustar -cf - 'f g'", NULL, false, 0 },
		{ "checksum", MAKE "touch f && tar --format=ustar -cf - f | tr f g", NULL, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t block[TAR_BLOCK];
		struct tar_entry t;
		struct err e = { 0 };
		int r;

		run(cases[i].shell, block);
		r = tar_header(cases[i].name, 0, block, &t, &e);
		if (r != (cases[i].path ? 1 : -EBADMSG))
			fail_msg("%s: %d %s", cases[i].name, r, e.msg);
		if (!cases[i].path)
			continue;
		assert_string_equal(t.path, cases[i].path);
		assert_int_equal(t.folder, cases[i].folder);
		assert_int_equal(t.size, cases[i].size);
	}
}

static void zeros_alone_end_an_archive(void **state)
{
	uint8_t block[TAR_BLOCK];
	struct tar_entry t;
	struct err e = { 0 };

	(void)state;
	run("tar --format=ustar -cf - -T /dev/null", block);
	assert_int_equal(tar_header("end", 0, block, &t, &e), 0);
	block[TAR_BLOCK - 1] = 1;
	assert_int_equal(tar_header("end", 0, block, &t, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_as_gnu_tar_wrote_them),
		cmocka_unit_test(zeros_alone_end_an_archive),
	};

	return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
