/* bulla inspect: what a file of firmware, boot or evidence says. */
#include "inspect.h"
#include "lib/args.h"
#include "lib/conf.h"
#include "lib/io.h"
#include "lib/map.h"
#include "lib/text.h"

/* In the order in which content is compared: what has a mark of its own comes first. */
static const struct inspect_kind *const kinds[] = {
	&inspect_bundle,
	&inspect_log,
	&inspect_hcl_report,
	&inspect_tdx_quote,
	&inspect_tdreport,
	&inspect_snp_report,
	&inspect_bzimage,
	&inspect_pe,
	&inspect_gpt,
	&inspect_ovmf,
	&inspect_vars, /* which an image of firmware may begin with */
	&inspect_vmsa,
	&inspect_initdata,
	&inspect_ccel,
	&inspect_tpm_log,
};

static const struct inspect_kind *recognise(struct slice data)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i]->recognised && kinds[i]->recognised(data))
			return kinds[i];
	return NULL;
}

/* A report or quote is often kept as text. At least 256 digits and white space alone make it that. */
static bool from_hex(struct slice text, struct buf *ret)
{
	return text.n <= 1 << 20 && text_hex(text, ret) && ret->n >= 128;
}

static int unrecognised(const char *path, struct slice data, struct err *e)
{
	static const struct {
		const char *magic, *hint;
	} wrapped[] = {
		{ "QFI\xfb", "this is a qcow2 image; `qemu-img convert -O raw` makes a disk of it" },
		{ "\x1f\x8b", "this is packed by gzip; unpack it first" },
		{ "\x28\xb5\x2f\xfd", "this is packed by zstd; unpack it first" },
	};
	_buf_ struct buf names = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i]->recognised)
			buf_printf(&names, "%s%s", i ? ", " : "", kinds[i]->what);
	err_set(e, -EINVAL, "%s: %zu bytes of no kind that is known; looked for: %s", path, data.n,
	        buf_str(&names));
	for (size_t i = 0; i < ARRAY_LEN(wrapped); i++) {
		size_t n = strlen(wrapped[i].magic);

		if (data.n >= n && !memcmp(data.p, wrapped[i].magic, n)) {
			err_hint(e, "%s", wrapped[i].hint);
			return e->code;
		}
	}
	err_hint(e, "--type NAME takes it for a file of that kind, and says what is wrong with it");
	return e->code;
}

static int kind_by_name(const char *name, const struct inspect_kind **ret, struct err *e)
{
	const char *names[ARRAY_LEN(kinds) + 1] = { 0 }, *near;
	_buf_ struct buf all = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		names[i] = kinds[i]->name;
		buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
		if (!strcmp(name, names[i])) {
			*ret = kinds[i];
			return 0;
		}
	}
	near = conf_nearest(name, names);
	err_set(e, -EINVAL, "--type=%s: expected one of %s", name, buf_str(&all));
	if (near)
		err_hint(e, "did you mean %s?", near);
	return err_exit(e, EX_USAGE);
}

static void print(
        const struct args *a, const char *path, const struct inspect_kind *k, size_t size, json_t *content)
{
	if (a->json) {
		json_auto_t *out = json_pack("{ss ss ss sI sO}", "schema", "bulla.inspect/1", "file", path,
		        "type", k->name, "size", (json_int_t)size, "content", content);

		json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
		return;
	}
	printf("%s: %s, %zu bytes\n\n", path, k->what, size);
	if (k->print)
		k->print(content);
	else
		inspect_print(content);
}

static int run(const struct args *a, struct err *e)
{
	const char *type = args_get(a, "type"), *path;
	const struct inspect_kind *k = NULL;
	json_auto_t *content = json_object();
	_map_ struct slice file = { 0 };
	_buf_ struct buf bytes = { 0 };
	_free_ char *manifest = NULL;
	struct slice data;

	if (a->n_rest != 1) {
		err_set(e, -EINVAL, "one file is needed");
		return err_exit(e, EX_USAGE);
	}
	/* a bundle's folder stands for its manifest */
	manifest = xasprintf("%s/manifest.json", a->rest[0]);
	path = io_exists(manifest) ? manifest : a->rest[0];
	if ((type && kind_by_name(type, &k, e)) || map_file(path, &file, e))
		return e->code;
	data = from_hex(file, &bytes) ? buf_slice(&bytes) : file;
	if (!k)
		k = recognise(data);
	if (!k)
		return unrecognised(path, file, e);
	if (k->fill(path, data, content, e))
		return e->code;
	print(a, path, k, data.n, content);
	return 0;
}

static const struct opt opts[] = {
	{ "type", "NAME",
	        "take it for: bundle, eventlog, ccel, tpm-log, hcl-report, tdx-quote, tdreport, snp-report, "
	        "bzimage, "
	        "pe, "
	        "gpt, ovmf, vars, vmsa or initdata" },
	{ 0 },
};
const struct verb verb_inspect = { "inspect",
	"show what firmware, kernels, disks, event logs, bundles and evidence say", "FILE", opts, run };
