/* Witness: GNU tar, with whose trees ours are compared; and the file system, in which a hostile layer's deeds
 * are looked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "image/untar.h"
#include "lib/io.h"
#include "shell.h"

enum { MAX = 64 << 20, BLOCK = 512 };

struct place {
	char *dir, *root; /* nothing of a layer may appear in dir but in root */
	struct libarchive a;
	struct err e;
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	*state = p;
	if (archive_load(&p->a, &p->e) || io_temp_dir("/tmp/untar-", &p->dir, &p->e))
		fail_msg("%s", p->e.msg);
	p->root = xasprintf("%s/root", p->dir);
	return mkdir(p->root, 0755);
}

static int teardown(void **state)
{
	struct place *p = *state;

	io_remove_tree(p->dir, &p->e);
	free(p->dir);
	free(p->root);
	free(p);
	return 0;
}

static int unpack_fd(struct place *p, int in)
{
	_close_ int root = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	p->e = (struct err){ 0 };
	return untar(&p->a, in, root, MAX, &p->e);
}

static void same_as_gnu_tar(struct place *p, const char *format)
{
	_free_ char *tar = xasprintf("%s/layer.tar", p->dir);
	_close_ int in = -1;

	root_only("layers are unpacked");
	shell("tests/unit/layers/tree %s %s", p->dir, format);
	in = open(tar, O_RDONLY | O_CLOEXEC);
	if (unpack_fd(p, in))
		fail_msg("%s", p->e.msg);
	shell("cd %s && for t in gnu root; do $OLDPWD/tests/unit/layers/list $t >$t.list || exit 1; done; "
	      "[ $(wc -l <gnu.list) -gt 20 ] && diff gnu.list root.list >&2",
	        p->dir);
}

static void gnu_archive_unpacks_as_gnu_tar_does(void **state)
{
	same_as_gnu_tar(*state, "gnu");
}

static void posix_archive_unpacks_as_gnu_tar_does(void **state)
{
	same_as_gnu_tar(*state, "posix");
}

static void ustar_archive_unpacks_as_gnu_tar_does(void **state)
{
	same_as_gnu_tar(*state, "ustar");
}

/* An archive of our own, for what tar does not make. */
static void add(struct buf *tar, char type, const char *name, const char *link, const char *data)
{
	size_t n = strlen(data), at = tar->n;
	unsigned int sum = 0;
	char *h = (char *)buf_zeros(tar, BLOCK);

	snprintf(h, 100, "%s", name);
	snprintf(h + 100, 40, "%07o%c%07o%c%07o%c%011o", type == '5' ? 0755 : 0644, 0, 0, 0, 0, 0,
	        (unsigned int)n & 07777777);
	snprintf(h + 136, 12, "%011o", 1);
	memset(h + 148, ' ', 8);
	h[156] = type;
	snprintf(h + 157, 100, "%s", link);
	memcpy(h + 257, "ustar\00000", 8);
	snprintf(h + 329, 16, "%07o%c%07o", 0, 0, 0);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (uint8_t)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_add(tar, data, n);
	buf_zeros(tar, (BLOCK - (tar->n - at) % BLOCK) % BLOCK);
}

static int unpack(struct place *p, struct buf *tar)
{
	_close_ int in = memfd_create("layer", MFD_CLOEXEC);

	buf_zeros(tar, 2 * BLOCK);
	assert_int_equal(write(in, tar->p, tar->n), tar->n);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	return unpack_fd(p, in);
}

struct entry {
	char type; /* of ustar, or 'x' for a pax header with LINK as a record's text */
	const char *name, *link;
};

static void add_all(struct buf *tar, const struct entry *e, size_t n)
{
	for (size_t i = 0; i < n && e[i].name; i++) {
		_free_ char *record = NULL;

		if (e[i].type != 'x') {
			add(tar, e[i].type, e[i].name, e[i].link ? e[i].link : "",
			        e[i].type == '0' ? "data" : "");
			continue;
		}
		assert_in_range(strlen(e[i].link), 10, 90);
		record = xasprintf("%zu %s\n", strlen(e[i].link) + 4, e[i].link);
		add(tar, 'x', e[i].name, "", record);
	}
}

static void hostile_entries_are_refused(void **state)
{
	static const struct {
		struct entry entries[3];
		const char *why;
	} cases[] = {
		{ { { '0', "../out", 0 } }, "\"..\"" },
		{ { { '0', "a/../../out", 0 } }, "\"..\"" },
		{ { { '2', "..", "x" } }, "\"..\"" },
		{ { { '1', "a", "../canary" } }, "\"..\"" },
		{ { { '1', "a", "/canary" } }, "does not have" },
		{ { { '2', "l", "/etc" }, { '1', "a", "l/passwd" } }, "does not have" },
		{ { { '2', "l", "../../../../etc" }, { '1', "a", "l/passwd" } }, "does not have" },
		{ { { '2', "l", "/proc/self/root/etc" }, { '1', "a", "l/passwd" } }, "does not have" },
		{ { { '5', "d", 0 }, { '1', "a", "d" } }, "folder or to a whiteout" },
		{ { { '0', ".wh.w", 0 }, { '1', "a", "w" } }, "folder or to a whiteout" },
		{ { { '3', "dev", 0 } }, "0:0" },
		{ { { '0', ".", 0 } }, "the root is no folder" },
		{ { { '0', ".wh.", 0 } }, "whiteout of no file" },
		{ { { '0', "a/.wh..", 0 } }, "whiteout of no file" },
		{ { { '0', "a/.wh...", 0 } }, "whiteout of no file" },
		{ { { '0', ".wh..wh.plnk", 0 } }, "only AUFS" },
		{ { { '5', ".wh.a", 0 } }, "no regular file" },
		{ { { '2', ".wh..wh..opq", "x" } }, "no regular file" },
		{ { { '0', ".wh.a/b", 0 } }, "in a whiteout" },
		{ { { '0', "x/.wh..wh..opq/b/c", 0 } }, "in a whiteout" },
		{ { { '5', "d", 0 }, { '0', "d/f", 0 }, { '0', "d", 0 } }, "not empty" },
		{ { { '0', "f", 0 }, { '0', "f/g", 0 } }, "Not a directory" },
		{ { { '2', "l", "nowhere" }, { '0', "l/g", 0 } }, "Not a directory" },
		{ { { 'x', "p", "SCHILY.xattr.trusted.overlay.opaque=y" }, { '5', "d", 0 } },
		        "overlayfs's own" },
		{ { { 'x', "p", "SCHILY.xattr.user.overlay.redirect=/etc" }, { '5', "d", 0 } },
		        "overlayfs's own" },
		{ { { 'x', "p", "SCHILY.xattr.user.overlay.whiteout=" }, { '0', "f", 0 } },
		        "overlayfs's own" },
		{ { { 'x', "p", "LIBARCHIVE.xattr.user.overlay.opaque=eQ==" }, { '0', "f", 0 } },
		        "overlayfs's own" },
		{ { { 'x', "p", "uid=4294967295" }, { '0', "f", 0 } }, "cannot be" },
		{ { { 'x', "p", "SCHILY.devmajor=70000" }, { '3', "f", 0 } }, "device number" },
		{ { { 'x', "p", "GNU.sparse.realsize=999999999999" }, { '0', "f", 0 } }, "limit" },
	};
	struct place *p = *state;

	root_only("layers are unpacked");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf tar = { 0 };

		shell("rm -rf %s/* && mkdir %s && touch %s/canary", p->dir, p->root, p->dir);
		add_all(&tar, cases[i].entries, ARRAY_LEN(cases[i].entries));
		if (!unpack(p, &tar) || !strstr(p->e.msg, cases[i].why))
			fail_msg("case %zu (%s): %s", i, cases[i].why, p->e.msg);
		shell("[ \"$(ls -A %s | tr '\\n' ' ')\" = 'canary root ' ] && [ ! -s %s/canary ]", p->dir,
		        p->dir);
	}
}

/* A link as a folder on the way leads to where it would under chroot. */
static void links_lead_nowhere_outside(void **state)
{
	static const struct entry entries[] = {
		{ '2', "up", "../../../.." },
		{ '0', "up/one", 0 },
		{ '2', "abs", "/inner" },
		{ '5', "inner", 0 },
		{ '0', "abs/two", 0 },
		{ '0', "/etc/three", 0 },
		{ '2', "final", "/etc/three" },
		{ '0', "final", 0 },
		{ '2', "self", "." },
		{ '5', "self", 0 },
		{ '0', "././/inner//four", 0 },
	};
	struct place *p = *state;
	_buf_ struct buf tar = { 0 };

	root_only("layers are unpacked");
	add_all(&tar, entries, ARRAY_LEN(entries));
	if (unpack(p, &tar))
		fail_msg("%s", p->e.msg);
	shell("cd %s && [ \"$(cat one inner/two etc/three final inner/four)\" = datadatadatadatadata ] && "
	      "[ ! -L final ] && [ -d self ] && [ ! -L self ] && [ \"$(ls -A ..)\" = root ]",
	        p->root);
}

static char kind(struct place *p, const char *name)
{
	_free_ char *path = xasprintf("%s/%s", p->root, name);
	char value[8] = "";
	struct stat st;

	if (lstat(path, &st) < 0)
		return '-';
	if (S_ISCHR(st.st_mode))
		return st.st_rdev ? 'c' : 'w';
	if (!S_ISDIR(st.st_mode))
		return 'f';
	return getxattr(path, "user.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y' ? 'o'
	                                                                                           : 'd';
}

/* layer.md: whiteouts apply to lower layers alone, wherever in the archive they stand. */
static void whiteouts_hide_lower_layers_alone(void **state)
{
	static const struct entry entries[] = {
		{ '0', ".wh.gone", 0 },
		{ '0', "made/up/.wh.gone", 0 },
		{ '0', "kept", 0 },
		{ '0', ".wh.kept", 0 },
		{ '0', ".wh.new", 0 },
		{ '0', "new", 0 },
		{ '5', "d", 0 },
		{ '0', "d/f", 0 },
		{ '0', ".wh.d", 0 },
		{ '0', ".wh.e", 0 },
		{ '0', "e/f", 0 },
		{ '0', ".wh.g", 0 },
		{ '5', "g", 0 },
		{ '0', "o/f", 0 },
		{ '0', "o/.wh..wh..opq", 0 },
		{ '0', ".wh.twice", 0 },
		{ '0', ".wh.twice", 0 },
		{ '0', ".wh.l", 0 },
		{ '2', "l", "x" },
	};
	static const char expect[][2][16] = { { "gone", "w" }, { "made/up/gone", "w" }, { "made/up", "d" },
		{ "kept", "f" }, { "new", "f" }, { "d", "o" }, { "d/f", "f" }, { "e", "o" }, { "e/f", "f" },
		{ "g", "o" }, { "o", "o" }, { "o/f", "f" }, { "twice", "w" }, { "l", "f" }, { "", "d" } };
	struct place *p = *state;
	_buf_ struct buf tar = { 0 };

	root_only("layers are unpacked");
	add_all(&tar, entries, ARRAY_LEN(entries));
	if (unpack(p, &tar))
		fail_msg("%s", p->e.msg);
	for (size_t i = 0; i < ARRAY_LEN(expect); i++)
		if (kind(p, expect[i][0]) != expect[i][1][0])
			fail_msg("%s is %c, expected %s", expect[i][0], kind(p, expect[i][0]), expect[i][1]);
	shell("! find %s -name '.wh.*' | grep .", p->root);
}

static void damage_is_refused(void **state)
{
	struct place *p = *state;
	_buf_ struct buf tar = { 0 };

	root_only("layers are unpacked");
	add(&tar, '0', "a", "", "data");
	tar.p[0] ^= 1;
	assert_int_equal(unpack(p, &tar), -EBADMSG);
	assert_non_null(strstr(p->e.msg, "tar is damaged"));
	tar.p[0] ^= 1;
	memcpy(tar.p + 124, "00000077777", 11);
	assert_int_equal(unpack(p, &tar), -EBADMSG);
	assert_non_null(strstr(p->e.msg, "tar is damaged"));
	tar.n = 0;
	buf_add(&tar, "this is no tar", 14);
	assert_int_equal(unpack(p, &tar), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gnu_archive_unpacks_as_gnu_tar_does, setup, teardown),
		cmocka_unit_test_setup_teardown(posix_archive_unpacks_as_gnu_tar_does, setup, teardown),
		cmocka_unit_test_setup_teardown(ustar_archive_unpacks_as_gnu_tar_does, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_entries_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(links_lead_nowhere_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(whiteouts_hide_lower_layers_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
