/* Witness: umoci, which unpacks all layers into one tree, compared with what the kernel shows of ours as an
 * overlay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "image/image.h"
#include "image/untar.h"
#include "lib/io.h"
#include "shell.h"

struct place {
	char *dir;
	struct libarchive a;
	struct err e;
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	*state = p;
	return archive_load(&p->a, &p->e) || io_temp_dir("/tmp/mount-", &p->dir, &p->e);
}

static int teardown(void **state)
{
	struct place *p = *state;
	_free_ char *root = xasprintf("%s/bundle/rootfs", p->dir);

	umount2(root, MNT_DETACH);
	io_remove_tree(p->dir, &p->e);
	free(p->dir);
	free(p);
	return 0;
}

static void needs(const char *test, const char *what)
{
	if (!system(test))
		return;
	print_message("# SKIP %s\n", what);
	skip();
}

static void mount_layers(struct place *p, int n)
{
	_free_ char *bundle = xasprintf("%s/bundle", p->dir);
	json_auto_t *pulled = json_pack("{s:[]}", "layers");

	for (int i = 1; i <= n; i++) {
		_free_ char *tar = xasprintf("%s/%d.tar", p->dir, i), *dir = xasprintf("%s/%d", p->dir, i);
		_close_ int in = open(tar, O_RDONLY | O_CLOEXEC), root = -1;

		assert_int_equal(mkdir(dir, 0755), 0);
		root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (untar(&p->a, in, root, UINT64_MAX, &p->e))
			fail_msg("%s", p->e.msg);
		json_array_append_new(json_object_get(pulled, "layers"), json_string(dir));
	}
	assert_int_equal(mkdir(bundle, 0755), 0);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		print_message("# SKIP no mount namespace: %s\n", strerror(errno));
		skip();
	}
	if (image_mount(pulled, bundle, &p->e))
		fail_msg("%s", p->e.msg);
}

static void as_umoci(struct place *p, const char *option, int n)
{
	needs("[ $(id -u) = 0 ]", "layers are unpacked by root");
	needs("command -v umoci >/dev/null", "umoci is missing");
	shell("tests/unit/layers/image %s %s >/dev/null 2>&1", p->dir, option);
	mount_layers(p, n);
	/* the layers do not say when a folder was changed by a whiteout, and umoci touches it */
	shell("cd %s && for t in umoci bundle; do $OLDPWD/tests/unit/layers/list --no-times $t/rootfs "
	      ">$t.list || exit 1; done; "
	      "[ $(wc -l <umoci.list) -gt 2 ] && diff umoci.list bundle.list >&2",
	        p->dir);
}

static void overlay_of_layers_is_what_umoci_unpacks(void **state)
{
	as_umoci(*state, "", 3);
}

static void opaque_root_hides_all_layers_below(void **state)
{
	as_umoci(*state, "opaque", 4);
}

static void writes_go_to_the_bundle_alone(void **state)
{
	struct place *p = *state;

	needs("[ $(id -u) = 0 ]", "layers are unpacked by root");
	shell("cd %s && mkdir 1 && echo old >1/f && mknod 1/null c 1 3 && mkdir 1/d && touch 1/d/x && tar -C "
	      "1 -cf 1.tar . && rm -r 1",
	        p->dir);
	mount_layers(p, 1);
	shell("cd %s/bundle/rootfs && echo new >f && rm -r d && mkdir d && [ \"$(ls d)\" = '' ] && [ \"$(cat "
	      "../../1/f)\" = old ] && "
	      "[ -e ../../1/d/x ] && [ \"$(cat ../upper/f)\" = new ]",
	        p->dir);
	/* nor does a container pass for overlayfs */
	shell("cd %s/bundle/rootfs && mkdir h && python3 -c 'import os; os.setxattr(\"h\", "
	      "\"user.overlay.opaque\", b\"y\")'; "
	      "! python3 -c 'import os; os.getxattr(\"../upper/h\", \"user.overlay.opaque\")' 2>/dev/null",
	        p->dir);
	shell("! cat %s/bundle/rootfs/null 2>/dev/null", p->dir);
}

static void image_without_layers_is_an_empty_root(void **state)
{
	struct place *p = *state;

	needs("[ $(id -u) = 0 ]", "overlays are mounted by root");
	mount_layers(p, 0);
	shell("cd %s/bundle/rootfs && [ \"$(ls -A)\" = '' ] && touch x && [ -e ../upper/x ]", p->dir);
}

static void an_agent_that_starts_again_keeps_its_scratch_space(void **state)
{
	struct place *p = *state;
	_free_ char *dir = xasprintf("%s/scratch", p->dir);

	root_only("scratch space is mounted");
	assert_int_equal(image_scratch(dir, &p->e), 0);
	shell("touch %s/kept", dir);
	assert_int_equal(image_scratch(dir, &p->e), 0);
	shell("test $(grep -c ' %s tmpfs ' /proc/self/mounts) = 1", dir);
	shell("test -e %s/kept && umount %s", dir, dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(overlay_of_layers_is_what_umoci_unpacks, setup, teardown),
		cmocka_unit_test_setup_teardown(opaque_root_hides_all_layers_below, setup, teardown),
		cmocka_unit_test_setup_teardown(writes_go_to_the_bundle_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(image_without_layers_is_an_empty_root, setup, teardown),
		cmocka_unit_test_setup_teardown(
		        an_agent_that_starts_again_keeps_its_scratch_space, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
