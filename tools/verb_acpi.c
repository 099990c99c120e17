/* bulla acpi: the ACPI and SMBIOS blobs that a QEMU hands to its firmware, for `bulla measure --acpi`. */
#include "acpi_guest.h"
#include "inputs.h"
#include "lib/args.h"
#include "lib/io.h"
#include "lib/map.h"
#include "lib/proc.h"
#include "lib/term.h"

enum { SECONDS = 60 };
#define KEY "bulla.acpi/2" /* another one where the same arguments give other blobs */

struct request {
	struct acpi_guest guest;
	char *path, *memory; /* of the program; as QEMU takes it */
	const char **args;
	size_t n;
	struct slice firmware, vars;
};

static void request_free(struct request *r)
{
	free(r->path);
	free(r->memory);
	free(r->args);
	map_free(&r->firmware);
	map_free(&r->vars);
}

static void add(struct request *r, const char *word)
{
	r->args = xrealloc(r->args, r->n + 2, sizeof(*r->args));
	r->args[r->n++] = word;
	r->args[r->n] = NULL;
}

static char *find_program(const char *name)
{
	_free_ char *path = xstrdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	char *save = NULL;

	if (strchr(name, '/'))
		return xstrdup(name);
	for (char *d = strtok_r(path, ":", &save); d; d = strtok_r(NULL, ":", &save)) {
		_free_ char *full = xasprintf("%s/%s", d, name);

		if (!access(full, X_OK))
			return TAKE(full);
	}
	return xstrdup(name);
}

static int make_request(const struct args *a, struct request *r, struct err *e)
{
	const char *memory, *vcpus, *machine = args_get(a, "machine"), *cpu = args_get(a, "cpu"),
	                            *firmware = args_get(a, "firmware"), *vars = args_get(a, "vars"),
	                            *qemu = args_get(a, "qemu");
	uint64_t bytes;

	if (args_need(a, "memory", &memory, e) || args_need(a, "vcpus", &vcpus, e))
		return e->code;
	if (!inputs_size(memory, &bytes) || !bytes || bytes % 1024) {
		err_set(e, -EINVAL, "--memory=%s: expected bytes, or a number with K, M or G", memory);
		return err_exit(e, EX_USAGE);
	}
	if (vars && !firmware) {
		err_set(e, -EINVAL, "--vars means nothing without --firmware");
		return err_exit(e, EX_USAGE);
	}
	if ((firmware && map_file(firmware, &r->firmware, e)) || (vars && map_file(vars, &r->vars, e)))
		return e->code;
	r->memory = xasprintf("size=%lluK", (unsigned long long)(bytes / 1024));
	r->path = find_program(qemu ? qemu : "qemu-system-x86_64");
	add(r, "-machine");
	add(r, machine ? machine : "q35");
	if (cpu) {
		add(r, "-cpu");
		add(r, cpu);
	}
	add(r, "-smp");
	add(r, vcpus);
	add(r, "-m");
	add(r, r->memory);
	for (size_t i = 0; i < a->n_rest; i++)
		add(r, a->rest[i]);
	r->guest = (struct acpi_guest){ r->path, r->args, r->firmware, r->vars, args_get(a, "tpm"), SECONDS };
	return 0;
}

static void key_add(struct hash *h, struct slice s)
{
	uint8_t n[8];

	put_le64(n, s.n);
	hash_add(h, n, sizeof(n));
	hash_add(h, s.p, s.n);
}

/* What the blobs depend on: the program, its version, the firmware, the arguments. */
static int key_of(const struct request *r, char hex[SHA256_HEX], struct err *e)
{
	char *const ask[] = { r->path, "--version", NULL };
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	_buf_ struct buf version = { 0 };
	uint8_t digest[SHA256_LEN];

	if (proc_capture(ask, NULL, &version, e)) {
		err_hint(e, "it is in the Debian package qemu-system-x86");
		return err_exit(e, EX_MISSING);
	}
	if (io_sha256(r->path, digest, NULL, e))
		return e->code;
	key_add(h, slice_str(KEY));
	key_add(h, buf_slice(&version));
	key_add(h, slice_of(digest, sizeof(digest)));
	key_add(h, r->vars);
	key_add(h, r->firmware);
	key_add(h, slice_str(r->guest.tpm ? r->guest.tpm : ""));
	for (size_t i = 0; i < r->n; i++)
		key_add(h, slice_str(r->args[i]));
	hash_final(h, digest);
	hex_encode(hex, digest, sizeof(digest));
	return 0;
}

/* An argument may name a file (a pflash image, a table to add), whose bytes the key does not have. */
static bool can_be_kept(const struct args *a)
{
	for (size_t i = 0; i < a->n_rest; i++) {
		_free_ char *copy = xstrdup(a->rest[i]);
		char *save = NULL;

		for (char *w = strtok_r(copy, ",=:", &save); w; w = strtok_r(NULL, ",=:", &save))
			if (io_exists(w))
				return false;
	}
	return true;
}

static int save(const char *dir, const struct buf blobs[ACPI_BLOBS], struct err *e)
{
	struct err ignored = { 0 };

	if (io_mkdirs(dir, e))
		return e->code;
	for (size_t i = 0; i < ACPI_BLOBS; i++) {
		_free_ char *path = xasprintf("%s/%s.bin", dir, acpi_blob_name(i));

		if (!blobs[i].n)
			io_remove_tree(path, &ignored); /* from an earlier run */
		else if (io_write_file(path, buf_slice(&blobs[i]), 0644, e))
			return e->code;
	}
	return 0;
}

static bool load(const char *dir, struct buf blobs[ACPI_BLOBS])
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < ACPI_BLOBS; i++) {
		_free_ char *path = xasprintf("%s/%s.bin", dir, acpi_blob_name(i));

		if (io_exists(path) && io_read_file(path, 0, &blobs[i], &ignored))
			return false;
	}
	return blobs[0].n;
}

static int keep(const char *dir, const struct buf blobs[ACPI_BLOBS], struct err *e)
{
	_free_ char *tmp = xasprintf("%s.%d.tmp", dir, (int)getpid());
	struct err ignored = { 0 };

	if (save(tmp, blobs, e) || (io_commit(tmp, dir, e) && !io_exists(dir))) {
		io_remove_tree(tmp, &ignored);
		return e->code;
	}
	/* another run may have been the first */
	io_remove_tree(tmp, &ignored);
	*e = (struct err){ 0 };
	return 0;
}

static int get(const struct args *a, struct buf blobs[ACPI_BLOBS], struct err *e)
{
	__attribute__((cleanup(request_free))) struct request r = { 0 };
	_free_ char *cache = io_cache_dir(), *dir = NULL;
	bool kept = can_be_kept(a);
	char key[SHA256_HEX];
	double start;

	if (make_request(a, &r, e) || key_of(&r, key, e))
		return e->code;
	dir = xasprintf("%s/acpi/%s", cache, key);
	if (kept && load(dir, blobs))
		return 0;
	start = term_now();
	if (acpi_guest_run(&r.guest, blobs, e))
		return e->code;
	if (a->verbose)
		term_line("%s started the guest after %.1f s", r.path, term_now() - start);
	return kept ? keep(dir, blobs, e) : 0;
}

static int run(const struct args *a, struct err *e)
{
	struct buf blobs[ACPI_BLOBS] = { 0 };
	json_t *j = a->json ? json_pack("{ss s{}}", "schema", "bulla.acpi/1", "files") : NULL;
	const char *out;

	if (args_need(a, "out", &out, e) || get(a, blobs, e) || save(out, blobs, e))
		goto free;
	for (size_t i = 0; i < ACPI_BLOBS; i++) {
		uint8_t digest[SHA256_LEN];
		char hex[SHA256_HEX];

		if (!blobs[i].n)
			continue;
		sha256(buf_slice(&blobs[i]), digest);
		hex_encode(hex, digest, sizeof(digest));
		if (j)
			json_object_set_new(json_object_get(j, "files"), acpi_blob_name(i),
			        json_pack("{ss sI ss}", "fw_cfg", acpi_blob_fw_cfg(i), "size",
			                (json_int_t)blobs[i].n, "sha256", hex));
		else
			printf("%s  %s/%s.bin\n", hex, out, acpi_blob_name(i));
	}
	if (j) {
		json_dumpf(j, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	}
free:
	json_decref(j);
	for (size_t i = 0; i < ACPI_BLOBS; i++)
		buf_free(&blobs[i]);
	return e->code;
}

static const struct opt opts[] = {
	{ "qemu", "PROGRAM", "the QEMU that will run the guest (default qemu-system-x86_64)" },
	{ "machine", "TYPE", "its -machine (default q35); for a TD as QEMU makes it: q35,smm=off,pic=off" },
	{ "cpu", "MODEL", "its -cpu, as far as TCG has it; phys-bits decide where 64-bit windows are" },
	{ "memory", "SIZE", "guest memory: bytes, or with K, M, G" },
	{ "vcpus", "N", "number of vCPUs, or QEMU's -smp" },
	{ "firmware", "FILE",
	        "firmware image; it sets up the windows that the tables name (default: QEMU's own)" },
	{ "vars", "FILE", "its variable store, where that is a file of its own" },
	{ "tpm", "DEVICE", "a TPM: tpm-crb or tpm-tis, with swtpm behind it" },
	{ "out", "DIR", "where tables.bin, rsdp.bin, loader.bin, tpm-log.bin and smbios.bin go" },
	{ 0 },
};
const struct verb verb_acpi = { "acpi", "take the ACPI and SMBIOS tables that a QEMU makes",
	"[-- QEMU-ARGUMENT…]", opts, run };
