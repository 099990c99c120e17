/* Witness: the kernel's file system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "lib/io.h"
#include "machine/machine.h"

struct place {
	char *dir;
	int root;
};

static int new_place(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	struct err e = { 0 };

	if (io_temp_dir("/tmp/copy", &p->dir, &e))
		return -1;
	p->root = open(p->dir, O_PATH | O_DIRECTORY);
	*state = p;
	return p->root < 0;
}

static int end_place(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	close(p->root);
	io_remove_tree(p->dir, &e);
	free(p->dir);
	free(p);
	return 0;
}

static int copy(const struct place *p, const char *path, uint32_t mode, uint64_t size, uint64_t offset,
        const char *data)
{
	const struct copy c = { .path = path,
		.mode = mode,
		.dir_mode = 0750,
		.size = size,
		.offset = offset,
		.uid = getuid(),
		.gid = getgid(),
		.data = slice_str(data) };
	struct err e = { 0 };

	return machine_copy(p->root, &c, &e);
}

static bool holds(const struct place *p, const char *path, const char *text)
{
	_free_ char *whole = xasprintf("%s/%s", p->dir, path);
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };

	return !io_read_file(whole, 100, &b, &e) && slice_eq(buf_slice(&b), slice_str(text));
}

static bool is_there(const struct place *p, const char *path)
{
	struct stat st;

	return !fstatat(p->root, path, &st, AT_SYMLINK_NOFOLLOW);
}

static void a_file_gets_its_name_with_its_last_byte(void **state)
{
	const struct place *p = *state;
	struct stat st;

	assert_int_equal(copy(p, "a/b/file", S_IFREG | 04640, 6, 0, "abc"), 0);
	assert_false(is_there(p, "a/b/file"));
	assert_int_equal(copy(p, "a/b/file", S_IFREG | 04640, 6, 2, "xx"), -ESPIPE);
	assert_int_equal(copy(p, "a/b/file", S_IFREG | 04640, 6, 3, "def"), 0);
	assert_true(holds(p, "a/b/file", "abcdef"));
	assert_int_equal(fstatat(p->root, "a/b/file", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640); /* no setuid */
	assert_int_equal(fstatat(p->root, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	/* and is replaced by another, whole again */
	assert_int_equal(copy(p, "a/b/file", S_IFREG | 0600, 2, 0, "z"), 0);
	assert_true(holds(p, "a/b/file", "abcdef"));
	assert_int_equal(copy(p, "a/b/file", S_IFREG | 0600, 2, 1, "y"), 0);
	assert_true(holds(p, "a/b/file", "zy"));
	assert_int_equal(copy(p, "empty", 0, 0, 0, ""), 0);
	assert_true(holds(p, "empty", ""));
}

static void links_stay_inside_and_are_never_followed(void **state)
{
	const struct place *p = *state;

	assert_int_equal(copy(p, "vol/..2026_01/key", S_IFREG | 0644, 1, 0, "k"), 0);
	assert_int_equal(copy(p, "vol/..data", S_IFLNK | 0777, 0, 0, "..2026_01"), 0);
	assert_int_equal(copy(p, "vol/key", S_IFLNK | 0777, 0, 0, "..data/key"), 0);
	assert_true(holds(p, "vol/key", "k"));
	assert_int_equal(copy(p, "vol/bad", S_IFLNK | 0777, 0, 0, "/etc/passwd"), -EPERM);
	assert_int_equal(copy(p, "vol/bad", S_IFLNK | 0777, 0, 0, "a/../../x"), -EPERM);
	assert_int_equal(copy(p, "vol/bad", S_IFLNK | 0777, 0, 0, ".."), -EPERM);
	assert_false(is_there(p, "vol/bad"));
	assert_int_equal(symlinkat("/tmp", p->root, "out"), 0);
	assert_int_equal(copy(p, "out/bulla-was-here", S_IFREG | 0644, 1, 0, "x"), -ENOTDIR);
	assert_int_not_equal(access("/tmp/bulla-was-here", F_OK), 0);
	/* a file takes the place of a link, not of what it leads to */
	assert_int_equal(copy(p, "vol/..data/new", S_IFREG | 0644, 1, 0, "x"), -ENOTDIR);
	assert_int_equal(copy(p, "vol/key", S_IFREG | 0644, 1, 0, "n"), 0);
	assert_true(holds(p, "vol/..2026_01/key", "k"));
}

static void what_is_no_small_file_is_refused(void **state)
{
	const struct place *p = *state;
	_buf_ struct buf deep = { 0 };

	for (int i = 0; i < 20; i++)
		buf_add(&deep, "d/", 2);
	buf_add(&deep, "f", 1);
	assert_int_equal(copy(p, "", S_IFREG, 1, 0, "x"), -EINVAL);
	assert_int_equal(copy(p, "a/..", S_IFREG, 1, 0, "x"), -EINVAL);
	assert_true(copy(p, "../f", S_IFREG, 1, 0, "x") < 0);
	assert_true(copy(p, "a/../../f", S_IFREG, 1, 0, "x") < 0);
	assert_int_equal(copy(p, "//f", S_IFREG, 1, 0, "x"), -EINVAL);
	assert_int_equal(copy(p, buf_str(&deep), S_IFREG, 1, 0, "x"), -EINVAL);
	assert_int_equal(copy(p, "f", S_IFCHR | 0666, 1, 0, "x"), -EINVAL);
	assert_int_equal(copy(p, "f", S_IFREG, 1ULL << 40, 0, "x"), -EFBIG);
	assert_int_equal(copy(p, "f", S_IFREG, 1, 0, "xx"), -EINVAL);
	assert_int_equal(copy(p, "f", S_IFREG, 10, UINT64_MAX, "x"), -EINVAL);
	assert_int_equal(copy(p, "f", S_IFREG, 10, 5, "x"), -ESPIPE);
	assert_false(is_there(p, "f"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		        a_file_gets_its_name_with_its_last_byte, new_place, end_place),
		cmocka_unit_test_setup_teardown(
		        links_stay_inside_and_are_never_followed, new_place, end_place),
		cmocka_unit_test_setup_teardown(what_is_no_small_file_is_refused, new_place, end_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
