#include "bundle.h"
#include "lib/io.h"
#include <sys/stat.h>

const char *const bundle_varies[BUNDLE_VARIES] = { "cpu", "memory", "vcpus" };

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

/* Names go to terminals: without control characters. */
static bool is_name(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
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
	if (!is_name(key))
		return err_set(e, -EINVAL, "%s: a file's name has control characters", name);
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

const struct bundle_file *bundle_file(const struct bundle *b, const char *name)
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
	json_object_foreach (files, key, value) {
		if (!*key || *key == '.' || strchr(key, '/'))
			return err_set(e, -EINVAL, "%s: files: '%s' is no plain file name", name, key);
		if (read_digest(name, key, value, &b->files[b->n_files], e))
			return e->code;
		b->n_files++;
	}
	qsort(b->files, b->n_files, sizeof(*b->files), by_name);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!bundle_file(b, needed[i]))
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
	json_object_foreach (inputs, key, value)
		if (read_digest(name, key, value, &ignored, e))
			return e->code;
	return 0;
}

/* NAME: hex digits, of every member; KEY is what errors call it. */
static int check_registers(const char *name, const char *key, json_t *registers, struct err *e)
{
	const char *reg;
	json_t *value;

	if (!json_is_object(registers))
		return err_set(e, -EINVAL, "%s: %s: expected an object", name, key);
	json_object_foreach (registers, reg, value) {
		if (!is_name(reg))
			return err_set(e, -EINVAL, "%s: %s: a name has control characters", name, key);
		if (!json_is_string(value) || !is_hex(json_string_value(value)))
			return err_set(e, -EINVAL, "%s: %s: %s: expected hex digits", name, key, reg);
	}
	return 0;
}

static int read_registers(const char *name, json_t *registers, struct bundle *b, struct err *e)
{
	const char *key;
	json_t *value;

	if (check_registers(name, "registers", registers, e))
		return e->code;
	b->registers = xcalloc(json_object_size(registers), sizeof(*b->registers));
	json_object_foreach (registers, key, value)
		b->registers[b->n_registers++] = (struct bundle_register){ key, json_string_value(value) };
	qsort(b->registers, b->n_registers, sizeof(*b->registers), by_name);
	return 0;
}

/* An object whose members are texts. */
static int check_texts(const char *name, const char *key, json_t *texts, struct err *e)
{
	const char *what;
	json_t *value;

	if (!json_is_object(texts))
		return err_set(e, -EINVAL, "%s: %s: expected an object", name, key);
	json_object_foreach (texts, what, value) {
		if (!is_name(what))
			return err_set(e, -EINVAL, "%s: %s: a name has control characters", name, key);
		if (!json_is_string(value) || !is_name(json_string_value(value)))
			return err_set(e, -EINVAL, "%s: %s: %s: expected a text", name, key, what);
	}
	return 0;
}

static int check_unknown(const char *name, json_t *unknown, json_t *registers, struct err *e)
{
	const char *reg;
	json_t *value;

	if (check_texts(name, "unknown", unknown, e))
		return e->code;
	json_object_foreach (unknown, reg, value) {
		if (json_object_get(registers, reg))
			return err_set(e, -EINVAL, "%s: unknown: %s has a value", name, reg);
	}
	return 0;
}

/* What a variant may set of the launch, each of one type. */
static int check_variant(const char *name, size_t i, json_t *v, struct err *e)
{
	_free_ char *where = xasprintf("variants[%zu]", i);
	json_t *registers, *stack = NULL, *holds_for = NULL;
	const char *cpu = "", *memory = "";
	json_int_t vcpus = 1;
	json_error_t je;

	if (json_unpack_ex(v, &je, JSON_STRICT, "{s?I s?s s?s s?o s?o so}", "vcpus", &vcpus, "cpu", &cpu,
	            "memory", &memory, "stack", &stack, "holds_for", &holds_for, "registers", &registers))
		return err_set(e, -EINVAL, "%s: %s: %s", name, where, je.text);
	if (!is_name(cpu) || !is_name(memory))
		return err_set(e, -EINVAL, "%s: %s: a name has control characters", name, where);
	if (vcpus < 1 || vcpus > VCPUS_MAX)
		return err_set(e, -EINVAL, "%s: %s: vcpus is %lld, expected 1 to %d", name, where,
		        (long long)vcpus, VCPUS_MAX);
	if ((stack && check_texts(name, where, stack, e)) ||
	        (holds_for && check_texts(name, where, holds_for, e)))
		return e->code;
	return check_registers(name, where, registers, e);
}

static int check_variants(const char *name, json_t *variants, struct err *e)
{
	json_t *v;
	size_t i;

	if (!json_is_array(variants))
		return err_set(e, -EINVAL, "%s: variants: expected an array", name);
	json_array_foreach (variants, i, v) {
		if (check_variant(name, i, v, e))
			return e->code;
	}
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
	const struct bundle_file *f = bundle_file(b, "cmdline");
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
	if (strcmp(b->boot, "direct"))
		return 0;
	for (const char **q = b->qemu; *q && q[1]; q++)
		if (!strcmp(*q, "-append"))
			append = q[1];
	if (!append || strcmp(append, b->cmdline))
		return err_set(e, -EINVAL, "%s: qemu: -append is not the cmdline", name);
	return 0;
}

/* What QEMU is started with; a cloud's launch is its own. */
static int read_launch(const char *name, json_t *launch, struct bundle *b, struct err *e)
{
	bool cloud = !strcmp(b->boot, "disk") && !json_object_get(launch, "machine");
	json_int_t vcpus = 0;
	json_error_t je;
	int on = 0, bad;

	if (cloud)
		bad = json_unpack_ex(launch, &je, JSON_STRICT, "{s?b}", "secure_boot", &on);
	else
		bad = json_unpack_ex(launch, &je, JSON_STRICT, "{ss ss ss sI}", "machine", &b->machine, "cpu",
		        &b->cpu, "memory", &b->memory, "vcpus", &vcpus);
	if (bad)
		return err_set(e, -EINVAL, "%s: launch: %s", name, je.text);
	if (!cloud && (vcpus < 1 || vcpus > VCPUS_MAX))
		return err_set(e, -EINVAL, "%s: launch: vcpus is %lld, expected 1 to %d", name,
		        (long long)vcpus, VCPUS_MAX);
	b->vcpus = (unsigned)vcpus;
	b->secure_boot = on;
	return 0;
}

static int read_json(const char *name, struct bundle *b, struct err *e)
{
	const char *schema = json_string_value(json_object_get(b->json, "schema"));
	json_t *files, *inputs, *registers, *qemu = NULL, *varies, *launch, *tee, *attester, *stack, *unknown,
	                                    *variants, *holds_for, *upload = NULL, *id_block = NULL;
	_free_ const char **ignored = NULL;
	json_error_t je;

	if (!schema || strcmp(schema, BUNDLE_SCHEMA))
		return err_set(e, -EINVAL, "%s: schema is %s, expected %s", name, schema ? schema : "missing",
		        BUNDLE_SCHEMA);
	if (json_unpack_ex(b->json, &je, JSON_STRICT,
	            "{ss ss ss ss ss ss ss so so so so so so so so so so so s?o s?o s?o}", "schema", &schema,
	            "platform", &b->platform, "arch", &b->arch, "profile", &b->profile, "boot", &b->boot,
	            "cmdline", &b->cmdline, "roothash", &b->roothash, "files", &files, "inputs", &inputs,
	            "registers", &registers, "varies", &varies, "launch", &launch, "tee", &tee, "attester",
	            &attester, "stack", &stack, "unknown", &unknown, "variants", &variants, "holds_for",
	            &holds_for, "qemu", &qemu, "upload", &upload, "id_block", &id_block))
		return err_set(e, -EINVAL, "%s: %s", name, je.text);
	b->tee = json_string_value(tee);
	b->attester = json_string_value(attester);
	if ((!b->tee && !json_is_null(tee)) || (!b->attester && !json_is_null(attester)))
		return err_set(e, -EINVAL, "%s: %s: expected a text or null", name,
		        b->tee || json_is_null(tee) ? "attester" : "tee");
	if (!is_one_of(b->profile, (const char *const[]){ "release", "debug", NULL }))
		return err_set(
		        e, -EINVAL, "%s: profile is '%s', expected release or debug", name, b->profile);
	if (!is_one_of(b->boot, (const char *const[]){ "direct", "disk", NULL }))
		return err_set(e, -EINVAL, "%s: boot is '%s', expected direct or disk", name, b->boot);
	if (!is_sha256(b->roothash))
		return err_set(e, -EINVAL, "%s: roothash is '%s', expected 64 hex digits", name, b->roothash);
	if (read_launch(name, launch, b, e) || read_files(name, files, b, e) ||
	        read_inputs(name, inputs, e) || read_registers(name, registers, b, e) ||
	        check_unknown(name, unknown, registers, e) || check_texts(name, "stack", stack, e) ||
	        check_variants(name, variants, e) || check_texts(name, "holds_for", holds_for, e) ||
	        (b->machine && read_strings(name, "qemu", qemu, &b->qemu, e)) ||
	        read_strings(name, "varies", varies, &ignored, e))
		return e->code;
	b->vmm = json_string_value(json_object_get(stack, "vmm"));
	if (qemu && !b->machine)
		return err_set(e, -EINVAL, "%s: qemu: but launch has no machine", name);
	if ((upload && !json_is_object(upload)) || (id_block && !json_is_object(id_block)))
		return err_set(
		        e, -EINVAL, "%s: %s: expected an object", name, id_block ? "id_block" : "upload");
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
