#include "bundle.h"
#include "lib/io.h"
#include <sys/stat.h>

enum { MANIFEST_MAX = 1 << 20, VCPUS_MAX = 256 };

void bundle_freep(struct bundle **b)
{
	if (!*b)
		return;
	free((*b)->dir);
	free((*b)->qemu);
	free((*b)->files);
	free((*b)->registers);
	json_decref((*b)->json);
	free(*b);
	*b = NULL;
}

static bool is_hex(const char *s)
{
	return *s && !s[strspn(s, "0123456789abcdef")];
}

static bool is_sha256(const char *s)
{
	return is_hex(s) && strlen(s) == SHA256_HEX - 1;
}

static bool is_one_of(const char *s, const char *const *all)
{
	for (; *all; all++)
		if (!strcmp(s, *all))
			return true;
	return false;
}

/* {"size": N, "sha256": HEX} */
static int read_digest(const char *name, const char *key, json_t *j, struct bundle_file *ret, struct err *e)
{
	json_error_t je;
	json_int_t size;

	if (json_unpack_ex(j, &je, JSON_STRICT, "{sI ss}", "size", &size, "sha256", &ret->sha256))
		return err_set(e, -EINVAL, "%s: %s: %s", name, key, je.text);
	if (size < 0 || !is_sha256(ret->sha256))
		return err_set(e, -EINVAL, "%s: %s: size %lld, sha256 '%s', expected 64 hex digits", name,
		        key, (long long)size, ret->sha256);
	ret->name = key;
	ret->size = (uint64_t)size;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const struct bundle_file *find_file(const struct bundle *b, const char *name)
{
	for (size_t i = 0; i < b->n_files; i++)
		if (!strcmp(b->files[i].name, name))
			return &b->files[i];
	return NULL;
}

static int read_files(const char *name, json_t *files, struct bundle *b, struct err *e)
{
	static const char *const needed[] = { "vmlinuz", "initrd", "rootfs.img", "cmdline" };
	const char *key;
	json_t *value;

	if (!json_is_object(files))
		return err_set(e, -EINVAL, "%s: files: expected an object", name);
	b->files = xcalloc(json_object_size(files), sizeof(*b->files));
	json_object_foreach(files, key, value)
	{
		if (!*key || *key == '.' || strchr(key, '/'))
			return err_set(e, -EINVAL, "%s: files: '%s' is no plain file name", name, key);
		if (read_digest(name, key, value, &b->files[b->n_files], e))
			return e->code;
		b->n_files++;
	}
	qsort(b->files, b->n_files, sizeof(*b->files), by_name);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!find_file(b, needed[i]))
			return err_set(e, -EINVAL, "%s: files: no %s", name, needed[i]);
	return 0;
}

static int read_inputs(const char *name, json_t *inputs, struct err *e)
{
	struct bundle_file ignored;
	const char *key;
	json_t *value;

	if (!json_is_object(inputs))
		return err_set(e, -EINVAL, "%s: inputs: expected an object", name);
	json_object_foreach(
	        inputs, key, value) if (read_digest(name, key, value, &ignored, e)) return e->code;
	return 0;
}

static int read_registers(const char *name, json_t *registers, struct bundle *b, struct err *e)
{
	const char *key;
	json_t *value;

	if (!json_is_object(registers))
		return err_set(e, -EINVAL, "%s: registers: expected an object", name);
	b->registers = xcalloc(json_object_size(registers), sizeof(*b->registers));
	json_object_foreach(registers, key, value)
	{
		if (!json_is_string(value) || !is_hex(json_string_value(value)))
			return err_set(e, -EINVAL, "%s: registers: %s: expected hex digits", name, key);
		b->registers[b->n_registers++] = (struct bundle_register){ key, json_string_value(value) };
	}
	qsort(b->registers, b->n_registers, sizeof(*b->registers), by_name);
	return 0;
}

static int read_strings(const char *name, const char *key, json_t *array, const char ***ret, struct err *e)
{
	size_t n = json_array_size(array);
	_free_ const char **v = xcalloc(n + 1, sizeof(*v));

	for (size_t i = 0; i < n; i++) {
		v[i] = json_string_value(json_array_get(array, i));
		if (!v[i])
			return err_set(e, -EINVAL, "%s: %s[%zu]: expected a string", name, key, i);
	}
	if (!n)
		return err_set(e, -EINVAL, "%s: %s: expected strings", name, key);
	*ret = TAKE(v);
	return 0;
}

/* The one command line has four places in the manifest; all have to say the same. */
static int check_cmdline(const char *name, const struct bundle *b, struct err *e)
{
	_free_ char *token = xasprintf("roothash=%s", b->roothash);
	const struct bundle_file *f = find_file(b, "cmdline");
	const char *first = strstr(b->cmdline, "roothash="), *append = NULL;
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];

	if (!first || (first > b->cmdline && first[-1] != ' ') || strncmp(first, token, strlen(token)) ||
	        (first[strlen(token)] && first[strlen(token)] != ' ') || strstr(first + 1, "roothash="))
		return err_set(e, -EINVAL, "%s: cmdline: expected one %s", name, token);
	sha256(slice_str(b->cmdline), digest);
	if (strcmp(hex_encode(hex, digest, sizeof(digest)), f->sha256) || strlen(b->cmdline) != f->size)
		return err_set(e, -EINVAL, "%s: cmdline: sha256 %s, expected %s of the file cmdline", name,
		        hex, f->sha256);
	for (const char **q = b->qemu; *q && q[1]; q++)
		if (!strcmp(*q, "-append"))
			append = q[1];
	if (!append || strcmp(append, b->cmdline))
		return err_set(e, -EINVAL, "%s: qemu: -append is not the cmdline", name);
	return 0;
}

static int read_json(const char *name, struct bundle *b, struct err *e)
{
	const char *schema = json_string_value(json_object_get(b->json, "schema"));
	json_t *files, *inputs, *registers, *qemu, *varies;
	_free_ const char **ignored = NULL;
	json_int_t vcpus;
	json_error_t je;

	if (!schema || strcmp(schema, BUNDLE_SCHEMA))
		return err_set(e, -EINVAL, "%s: schema is %s, expected %s", name, schema ? schema : "missing",
		        BUNDLE_SCHEMA);
	if (json_unpack_ex(b->json, &je, JSON_STRICT, "{ss ss ss ss ss ss ss so so so so so s{ss ss ss sI}}",
	            "schema", &schema, "platform", &b->platform, "arch", &b->arch, "profile", &b->profile,
	            "boot", &b->boot, "cmdline", &b->cmdline, "roothash", &b->roothash, "files", &files,
	            "inputs", &inputs, "registers", &registers, "qemu", &qemu, "varies", &varies, "launch",
	            "machine", &b->machine, "cpu", &b->cpu, "memory", &b->memory, "vcpus", &vcpus))
		return err_set(e, -EINVAL, "%s: %s", name, je.text);
	if (!is_one_of(b->profile, (const char *const[]){ "release", "debug", NULL }))
		return err_set(
		        e, -EINVAL, "%s: profile is '%s', expected release or debug", name, b->profile);
	if (strcmp(b->boot, "direct"))
		return err_set(e, -EINVAL, "%s: boot is '%s', expected direct", name, b->boot);
	if (!is_sha256(b->roothash))
		return err_set(e, -EINVAL, "%s: roothash is '%s', expected 64 hex digits", name, b->roothash);
	if (vcpus < 1 || vcpus > VCPUS_MAX)
		return err_set(e, -EINVAL, "%s: launch: vcpus is %lld, expected 1 to %d", name,
		        (long long)vcpus, VCPUS_MAX);
	b->vcpus = (unsigned)vcpus;
	if (read_files(name, files, b, e) || read_inputs(name, inputs, e) ||
	        read_registers(name, registers, b, e) || read_strings(name, "qemu", qemu, &b->qemu, e) ||
	        read_strings(name, "varies", varies, &ignored, e))
		return e->code;
	return check_cmdline(name, b, e);
}

int bundle_parse(const char *name, struct slice text, struct bundle **ret, struct err *e)
{
	_bundle_ struct bundle *b = xcalloc(1, sizeof(*b));
	json_error_t je;

	b->json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	if (!b->json)
		return err_set(e, -EINVAL, "%s:%d: %s", name, je.line, je.text);
	if (read_json(name, b, e))
		return e->code;
	*ret = TAKE(b);
	return 0;
}

int bundle_read(const char *dir, struct bundle **ret, struct err *e)
{
	_free_ char *path = xasprintf("%s/manifest.json", dir);
	_buf_ struct buf text = { 0 };

	if (io_read_file(path, MANIFEST_MAX, &text, e) || bundle_parse(path, buf_slice(&text), ret, e))
		return e->code;
	(*ret)->dir = xstrdup(dir);
	return 0;
}

static int check_file(const struct bundle *b, const struct bundle_file *f, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", b->dir, f->name);
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	uint64_t size;
	struct stat st;

	if (lstat(path, &st))
		return err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode)) {
		err_set(e, -EBADMSG, "%s: not a regular file", path);
		return err_exit(e, EX_NO);
	}
	if (io_sha256(path, digest, &size, e))
		return e->code;
	if (size != f->size) {
		err_set(e, -EBADMSG, "%s: size %llu, expected %llu", path, (unsigned long long)size,
		        (unsigned long long)f->size);
		return err_exit(e, EX_NO);
	}
	if (strcmp(hex_encode(hex, digest, sizeof(digest)), f->sha256)) {
		err_set(e, -EBADMSG, "%s: sha256 %s, expected %s", path, hex, f->sha256);
		return err_exit(e, EX_NO);
	}
	return 0;
}

int bundle_check(const struct bundle *b, struct err *e)
{
	for (size_t i = 0; i < b->n_files; i++)
		if (check_file(b, &b->files[i], e))
			return e->code;
	return 0;
}
