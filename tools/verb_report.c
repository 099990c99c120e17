/* bulla report: what a build made, how large it is against its budget, and what it measures. */
#include "bundle.h"
#include "format/gpt.h"
#include "lib/args.h"
#include "lib/conf.h"
#include "lib/io.h"

enum { BAR = 20, USED = 2 + 9 + 1 + BAR + 1 + 4 };

static const struct kind {
	const char *name, *path; /* path in out/; %s is the architecture */
	const char *step;        /* of `bulla step` that makes it */
} kinds[] = {
	{ "vmlinuz", "kernel/%s/vmlinuz", "kernel" },
	{ "initrd", "initrd/%s/initrd.cpio.zst", "initrd" },
	{ "rootfs.img", "rootfs/%s/rootfs.img", "rootfs" },
	{ "agent", "guest/%s/bulla-agent", "agent" },
	{ "bulla-init", "guest/%s/bulla-init", "agent" },
};

static const char *const known[] = { "Budgets.vmlinuz", "Budgets.initrd", "Budgets.rootfs.img",
	"Budgets.agent", "Budgets.bulla-init", NULL };

struct report {
	const char *out, *budgets_path;
	struct conf *budgets;
	struct buf text, over; /* over: what is too large, for the error */
	json_t *artefacts, *bundles;
};

static void report_free(struct report *r)
{
	conf_freep(&r->budgets);
	buf_free(&r->text);
	buf_free(&r->over);
	json_decref(r->artefacts);
	json_decref(r->bundles);
}

/* Bytes of a number with K, M or G after it; 0 for anything else. */
static uint64_t parse_size(const char *s)
{
	static const char units[] = "KMG";
	char *end;
	uint64_t n = strtoull(s, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (*s < '0' || *s > '9' || n > UINT32_MAX || (*end && (!unit || end[1])))
		return 0;
	return unit ? n << (10 * (unit - units + 1)) : n;
}

static int read_budget(const struct report *r, const char *name, uint64_t *ret, struct err *e)
{
	_free_ char *key = xasprintf("Budgets.%s", name);
	const char *s = conf_get(r->budgets, key);

	*ret = s ? parse_size(s) : 0;
	if (!s || *ret)
		return 0;
	err_set(e, -EINVAL, "%s: %s is '%s', expected a size such as 8M", r->budgets_path, key, s);
	return err_exit(e, EX_USAGE);
}

/* How long the step's last real run took, or -1: it may have been run by hand. */
static double read_seconds(const char *out, const char *step)
{
	_free_ char *path = xasprintf("%s/state/%s", out, step);
	_buf_ struct buf b = { 0 };
	struct err ignored = { 0 };
	const char *line, *end;
	double ret;

	if (io_read_file(path, 1 << 20, &b, &ignored))
		return -1;
	for (line = buf_str(&b); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "seconds ", 8)) {
			ret = strtod(line + 8, (char **)&end);
			return end > line + 8 && ret >= 0 ? ret : -1;
		}
	}
	return -1;
}

static void add_row(struct report *r, const char *arch, const char *name, uint64_t size, uint64_t budget,
        const char *sha256, double seconds)
{
	_free_ char *label = strcmp(arch, "x86_64") ? xasprintf("%s (%s)", name, arch) : xstrdup(name);
	char size_text[16], budget_text[16], time_text[16], bar[BAR + 1] = "";
	_free_ char *used = NULL;

	term_size(size_text, size);
	if (budget) {
		uint64_t filled = size * BAR / budget;

		memset(bar, '.', BAR);
		memset(bar, '#', filled < BAR ? filled : BAR);
		used = xasprintf("/ %-9s %s %3.0f%%", term_size(budget_text, budget), bar,
		        100.0 * (double)size / (double)budget);
	}
	buf_printf(&r->text, "%-14s %10s %-*s  %.12s  %s\n", label, size_text, USED, used ? used : "", sha256,
	        seconds < 0 ? "-" : term_time(time_text, seconds));
	if (budget && size > budget)
		buf_printf(&r->over, "%s%s is %s (%llu bytes), budget %s", r->over.n ? "; " : "", label,
		        size_text, (unsigned long long)size, budget_text);
}

static int add_artefact(struct report *r, const char *arch, const struct kind *k, struct err *e)
{
	_free_ char *sub = xasprintf(k->path, arch), *path = xasprintf("%s/%s", r->out, sub);
	double seconds = read_seconds(r->out, k->step);
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	uint64_t size, budget;

	if (!io_exists(path))
		return 0;
	if (read_budget(r, k->name, &budget, e) || io_sha256(path, digest, &size, e))
		return e->code;
	hex_encode(hex, digest, sizeof(digest));
	add_row(r, arch, k->name, size, budget, hex, seconds);
	json_array_append_new(
	        r->artefacts, json_pack("{ss ss ss sI ss so so}", "name", k->name, "arch", arch, "path", path,
	                              "size", (json_int_t)size, "sha256", hex, "budget",
	                              budget ? json_integer((json_int_t)budget) : json_null(), "seconds",
	                              seconds < 0 ? json_null() : json_real(seconds)));
	return 0;
}

static int add_bundle(struct report *r, const char *path, struct err *e)
{
	_bundle_ struct bundle *b = NULL;

	if (bundle_read(path, &b, e))
		return e->code;
	buf_printf(
	        &r->text, "\n%s%s: %s\n", b->platform, strcmp(b->profile, "debug") ? "" : " (debug)", path);
	for (size_t i = 0; i < b->n_registers; i++)
		buf_printf(&r->text, "  %-22s %s\n", b->registers[i].name, b->registers[i].value);
	json_array_append_new(r->bundles,
	        json_pack("{ss ss ss ss sO}", "platform", b->platform, "profile", b->profile, "path", path,
	                "roothash", b->roothash, "registers", json_object_get(b->json, "registers")));
	return 0;
}

static int add_bundles(struct report *r, struct err *e)
{
	_free_ char *dir = xasprintf("%s/bundles", r->out);
	_names_ char **names = NULL;

	if (!io_exists(dir))
		return 0;
	if (io_list_dir(dir, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *path = xasprintf("%s/%s", dir, *n);

		/* hidden: what a killed run left, or one that is still running */
		if (**n != '.' && add_bundle(r, path, e))
			return e->code;
	}
	return 0;
}

static int write_files(struct report *r, const char *json, struct err *e)
{
	_free_ char *txt = xasprintf("%s/report.txt", r->out), *js = xasprintf("%s/report.json", r->out);

	if (io_write_file(js, slice_str(json), 0644, e))
		return e->code;
	buf_printf(&r->text, "\nAll of this in full: %s\n", js);
	return io_write_file(txt, buf_slice(&r->text), 0644, e);
}

static int gather(struct report *r, struct err *e)
{
	if (conf_read(r->budgets_path, known, &r->budgets, e))
		return e->code;
	buf_printf(&r->text, "%-14s %10s %-*s  %-12s  %s\n", "artefact", "size", USED, "/ budget", "sha256",
	        "took");
	for (size_t i = 0; gpt_archs[i].name; i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			if (add_artefact(r, gpt_archs[i].name, &kinds[k], e))
				return e->code;
	if (!json_array_size(r->artefacts)) {
		err_set(e, -ENOENT, "%s: nothing is built there", r->out);
		err_hint(e, "`make image` builds it");
		return err_exit(e, EX_MISSING);
	}
	return add_bundles(r, e);
}

static int run(const struct args *a, struct err *e)
{
	struct report r __attribute__((cleanup(report_free))) = { .artefacts = json_array(),
		.bundles = json_array() };
	const char *out = args_get(a, "out"), *budgets = args_get(a, "budgets");
	_free_ char *text = NULL, *line = NULL;
	json_auto_t *all = NULL;

	r.out = out ? out : "out";
	r.budgets_path = budgets ? budgets : "recipes/budgets.conf";
	if (gather(&r, e))
		return e->code;
	all = json_pack(
	        "{ss sO sO}", "schema", "bulla.report/1", "artefacts", r.artefacts, "bundles", r.bundles);
	text = json_dumps(all, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	line = xasprintf("%s\n", text);
	if (write_files(&r, line, e))
		return e->code;
	fputs(a->json ? line : buf_str(&r.text), stdout);
	return r.over.n ? err_set(e, -EFBIG, "over budget: %s", buf_str(&r.over)) : 0;
}

static const struct opt opts[] = {
	{ "out", "DIR", "where the build is (default: out)" },
	{ "budgets", "FILE", "sizes allowed (default: recipes/budgets.conf)" },
	{ 0 },
};
const struct verb verb_report = { "report", "sum up a build: sizes, budgets, measurements", "", opts, run };
