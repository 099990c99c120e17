/* bulla diff: which inputs differ between two measurements or bundles, and which registers each moves. */
#include "difference.h"
#include "lib/args.h"
#include "lib/io.h"
#include "measuring.h"
#include "svg.h"

static int write_svg(const char *path, const struct measured *old, const uint8_t *moved_old,
        const struct measured *new, const uint8_t *moved_new, struct err *e)
{
	_free_ char *old_name = xasprintf("%s: %s", old->platform, old->name),
	            *new_name = xasprintf("%s: %s", new->platform, new->name);
	const struct svg_panel panels[2] = { { old, old_name, moved_old }, { new, new_name, moved_new } };
	_buf_ struct buf text = { 0 };

	svg_waterfall(panels, 2, &text);
	return io_write_file(path, buf_slice(&text), 0644, e);
}

static int run(const struct args *a, struct err *e)
{
	const char *svg = args_get(a, "svg");
	_measured_ struct measured *old = NULL, *new = NULL;
	_free_ uint8_t *moved_old = NULL, *moved_new = NULL;
	json_t *diff;
	bool same;

	if (a->n_rest != 2) {
		err_set(e, -EINVAL, "two measurements or two bundles are needed");
		return err_exit(e, EX_USAGE);
	}
	if (measured_read(a->rest[0], &old, e) || measured_read(a->rest[1], &new, e))
		return e->code;
	moved_old = xcalloc(old->n_steps + 1, sizeof(*moved_old));
	moved_new = xcalloc(new->n_steps + 1, sizeof(*moved_new));
	if (difference(old, new, moved_old, moved_new, &diff, e))
		return e->code;
	if (svg && !(old->n_steps && new->n_steps)) {
		json_decref(diff);
		err_set(e, -EINVAL, "--svg: %s has no steps", old->n_steps ? new->name : old->name);
		err_hint(e, "`bulla explain --json` writes them");
		return err_exit(e, EX_USAGE);
	}
	if (svg && write_svg(svg, old, moved_old, new, moved_new, e)) {
		json_decref(diff);
		return e->code;
	}
	same = json_is_true(json_object_get(diff, "same"));
	if (a->json) {
		json_print(diff);
	} else {
		difference_print(diff);
		json_decref(diff);
	}
	return same ? EX_OK : EX_NO;
}

static const struct opt opts[] = {
	{ "svg", "FILE", "draw both: what is the same in grey, what changed in red" },
	{ 0 },
};
const struct verb verb_diff = { "diff", "name the inputs that differ, and the registers that each moves",
	"OLD NEW", opts, run };
