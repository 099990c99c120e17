/* bulla uki: kernel, initrd and command line in one PE image that firmware starts, or a section of one. */
#include "format/bzimage.h"
#include "format/pewrite.h"
#include "format/sbat.h"
#include "lib/io.h"
#include "lib/map.h"
#include "measuring.h"
#include "pcrsig.h"

enum { SECTIONS_MAX = 8, CMDLINE_MAX = 2047, PCR_FILE_MAX = 1 << 20 };

struct making {
	const struct args *a;
	struct slice stub, kernel, initrd, cmdline, osrel; /* mapped */
	struct pe base;
	struct buf uname, sbat, pcrpkey, pcrsig;
	struct keyset *keys;
};

static void making_free(struct making *m)
{
	map_free(&m->stub);
	map_free(&m->kernel);
	map_free(&m->initrd);
	map_free(&m->cmdline);
	map_free(&m->osrel);
	buf_free(&m->uname);
	buf_free(&m->sbat);
	buf_free(&m->pcrpkey);
	buf_free(&m->pcrsig);
	keyset_freep(&m->keys);
}

static int load(const struct args *a, const char *option, struct slice *ret, struct err *e)
{
	const char *path;

	return args_need(a, option, &path, e) || map_file(path, ret, e) ? e->code : 0;
}

/* What the stub would not start, or would start otherwise than it says. */
static int check_kernel(const struct making *m, struct err *e)
{
	const char *name = args_get(m->a, "kernel");
	struct pe pe;

	if (pe_parse(name, m->kernel, &pe, e))
		return err_wrap(e, "no EFI stub");
	if (pe.machine != m->base.machine)
		return err_set(e, -EINVAL, "%s: is for machine 0x%x, expected the stub's 0x%x", name,
		        pe.machine, m->base.machine);
	if (!pe.major_version)
		return err_set(e, -EINVAL,
		        "%s: takes no initrd by LoadFile2 (image version 0, expected 1 or more)", name);
	return 0;
}

/* The stub takes blanks for control characters, and cuts those at the ends off. */
static int check_cmdline(const struct making *m, struct err *e)
{
	const char *name = args_get(m->a, "cmdline-file");
	struct slice s = m->cmdline;

	if (!s.n || s.n > CMDLINE_MAX)
		return err_set(e, -EINVAL, "%s: command line of %zu bytes, expected 1 to %d", name, s.n,
		        CMDLINE_MAX);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~' || (s.p[i] == ' ' && (!i || i + 1 == s.n)))
			return err_set(e, -EINVAL,
			        "%s+0x%zx: byte 0x%02x, expected a command line of ASCII without newline",
			        name, i, s.p[i]);
	return 0;
}

/* The release: the first word of the version that the kernel bears. */
static int read_uname(struct making *m, struct err *e)
{
	const char *given = args_get(m->a, "uname"), *name = args_get(m->a, "kernel");
	struct bzimage z;
	size_t n = 0;

	if (given) {
		buf_add(&m->uname, given, strlen(given));
		return 0;
	}
	if (bzimage_parse(name, m->kernel, &z, e))
		return e->code;
	while (n < z.kernel_version.n && z.kernel_version.p[n] != ' ')
		n++;
	if (!n)
		return err_set(e, -EINVAL, "%s: bears no version: give --uname", name);
	buf_add(&m->uname, z.kernel_version.p, n);
	return 0;
}

static int merge_sbat(struct making *m, struct err *e)
{
	const char *path = args_get(m->a, "sbat");
	_map_ struct slice more = { 0 };
	struct slice base = slice_str("");
	struct pe_section s;

	if (path && map_file(path, &more, e))
		return e->code;
	if (pe_find(&m->base, ".sbat", &s))
		base = pe_contents(&m->base, &s);
	return sbat_merge(path ? path : "", base, more, &m->sbat, e);
}

static int assemble(const struct making *m, struct buf *ret, struct err *e)
{
	const struct pe_new all[SECTIONS_MAX] = { { ".sbat", buf_slice(&m->sbat) }, { ".osrel", m->osrel },
		{ ".cmdline", m->cmdline }, { ".uname", buf_slice(&m->uname) },
		{ ".pcrpkey", buf_slice(&m->pcrpkey) }, { ".pcrsig", buf_slice(&m->pcrsig) },
		{ ".initrd", m->initrd }, { ".linux", m->kernel } };
	struct pe_new some[SECTIONS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < SECTIONS_MAX; i++)
		if (all[i].data.n)
			some[n++] = all[i];
	return pe_append(&m->base, some, n, ret, e);
}

/* The policies say what the image with the public key measures; the signatures themselves are not measured.
 */
static int sign_policies(struct making *m, struct err *e)
{
	_buf_ struct buf image = { 0 };
	const char *key = args_get(m->a, "pcrpkey"), *sig = args_get(m->a, "pcrsig");

	if (args_flag(m->a, "no-policy"))
		return 0;
	if (key || sig)
		return args_need(m->a, "pcrpkey", &key, e) || args_need(m->a, "pcrsig", &sig, e) ||
		                       io_read_file(key, PCR_FILE_MAX, &m->pcrpkey, e) ||
		                       io_read_file(sig, PCR_FILE_MAX, &m->pcrsig, e)
		               ? e->code
		               : 0;
	if (keyset_open(args_get(m->a, "keys"), &m->keys, e) || pcrsig_public(m->keys, &m->pcrpkey, e) ||
	        assemble(m, &image, e))
		return e->code;
	return pcrsig_make(args_get(m->a, "out"), buf_slice(&image), m->keys,
	        args_flag(m->a, "systemd-phases"), &m->pcrsig, e);
}

static int print(const struct args *a, const char *name, struct slice image, struct err *e)
{
	_pe_hashed_ struct pe_hashed hashed = { 0 };
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	uint8_t digest[SHA256_LEN];
	char whole[SHA256_HEX], hex[SHA256_HEX];
	struct pe pe;

	if (pe_parse(name, image, &pe, e) || pe_authenticode(&pe, &hashed, e))
		return e->code;
	pe_digest(&hashed, h, digest);
	hex_encode(hex, digest, sizeof(digest));
	sha256(image, digest);
	hex_encode(whole, digest, sizeof(digest));
	if (a->json)
		json_print(json_pack("{ss ss ss sI}", "schema", "bulla.uki/1", "authenticode", hex, "sha256",
		        whole, "size", (json_int_t)image.n));
	else
		printf("authenticode=%s\nsha256=%s\n", hex, whole);
	return 0;
}

static int build(const struct args *a, struct err *e)
{
	struct making m __attribute__((cleanup(making_free))) = { .a = a };
	_buf_ struct buf image = { 0 };
	const char *out;

	if (args_need(a, "out", &out, e) || load(a, "stub", &m.stub, e) || load(a, "kernel", &m.kernel, e) ||
	        load(a, "initrd", &m.initrd, e) || load(a, "cmdline-file", &m.cmdline, e) ||
	        load(a, "osrel", &m.osrel, e) || pe_parse(args_get(a, "stub"), m.stub, &m.base, e) ||
	        check_kernel(&m, e) || check_cmdline(&m, e) || read_uname(&m, e) || merge_sbat(&m, e) ||
	        sign_policies(&m, e) || assemble(&m, &image, e) ||
	        io_write_file(out, buf_slice(&image), 0644, e))
		return e->code;
	return print(a, out, buf_slice(&image), e);
}

static int extract(const struct args *a, const char *section, struct err *e)
{
	_map_ struct slice image = { 0 };
	const char *in, *out;
	struct pe_section s;
	struct pe pe;

	if (args_need(a, "in", &in, e) || args_need(a, "out", &out, e) || map_file(in, &image, e) ||
	        pe_parse(in, image, &pe, e))
		return e->code;
	if (!pe_find(&pe, section, &s))
		return err_set(e, -ENOENT, "%s: has no section '%s'", in, section);
	return io_write_file(out, pe_contents(&pe, &s), 0644, e);
}

static int run(const struct args *a, struct err *e)
{
	const char *section = args_get(a, "extract");

	return section ? extract(a, section, e) : build(a, e);
}

static const struct opt opts[] = {
	{ "stub", "FILE", "systemd-stub, which the firmware starts" },
	{ "kernel", "FILE", "the kernel, with an EFI stub" },
	{ "initrd", "FILE", "the initrd" },
	{ "cmdline-file", "FILE", "the kernel command line, byte for byte" },
	{ "osrel", "FILE", "the root's os-release" },
	{ "uname", "TEXT", "the kernel's release (default: the one it bears)" },
	{ "sbat", "FILE", "SBAT lines that are added to the stub's" },
	{ "keys", "DIR",
	        "the key set whose key `pcr` signs the policies (default: the one of `bulla sign`)" },
	{ "systemd-phases", NULL, "sign PCR 11 also for the phases of a booting systemd" },
	{ "pcrsig", "FILE", "policies that are signed already, to make a published UKI again" },
	{ "pcrpkey", "FILE", "with it: the public key" },
	{ "no-policy", NULL, "sign no PCR policies" },
	{ "out", "FILE", "the UKI, not signed yet; or the section" },
	{ "extract", "SECTION", "write a section's content instead, of the image that --in names" },
	{ "in", "FILE", "with it: the image" },
	{ 0 },
};
const struct verb verb_uki = { "uki", "put kernel, initrd and command line into one EFI image", "", opts,
	run };
