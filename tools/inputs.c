#include "inputs.h"
#include "bundle_options.h"
#include "lib/io.h"
#include "lib/map.h"
#include "measure/vcpu.h"
#include "inputs_stack.h"
#include <openssl/crypto.h>
#include <stddef.h>

struct loaded_file {
	struct slice map;
	char *path;
};

enum kind { ONE_FILE, MANY_FILES, TEXT, SIZE, HEX32, HEX48 };
static const struct field {
	const char *option;
	enum kind kind;
	size_t at; /* in struct inputs */
} fields[] = {
#define F(option, kind, member)                                                                              \
	{                                                                                                    \
		option, kind, offsetof(struct inputs, member)                                                \
	}
	F("firmware", ONE_FILE, firmware),
	F("vars", ONE_FILE, vars),
	F("kernel", ONE_FILE, kernel),
	F("initrd", ONE_FILE, initrd),
	F("uki", ONE_FILE, uki),
	F("bootloader", ONE_FILE, bootloader),
	F("loader-conf", ONE_FILE, loader_conf),
	F("disk", ONE_FILE, disk),
	F("svsm", ONE_FILE, svsm),
	F("initdata", ONE_FILE, initdata),
	F("acpi-tables", ONE_FILE, acpi_tables),
	F("acpi-rsdp", ONE_FILE, acpi_rsdp),
	F("acpi-loader", ONE_FILE, acpi_loader),
	F("tpm-log", ONE_FILE, tpm_log),
	F("fw-cfg", ONE_FILE, fw_cfg),
	F("smbios", ONE_FILE, smbios),
	F("addon", MANY_FILES, addons),
	F("global-addon", MANY_FILES, global_addons),
	F("credential", MANY_FILES, credentials),
	F("global-credential", MANY_FILES, global_credentials),
	F("sysext", MANY_FILES, sysexts),
	F("confext", MANY_FILES, confexts),
	F("cmdline", TEXT, cmdline),
	F("smbios-cmdline", TEXT, smbios_cmdline),
	F("phases", TEXT, phases),
	F("boot-option", TEXT, boot_option),
	F("vcpu-type", TEXT, vcpu_type),
	F("sections", TEXT, sections),
	F("memory", SIZE, memory),
	F("vars-size", SIZE, vars_size),
	F("kernel-hash", HEX32, kernel_hash),
	F("initrd-hash", HEX32, initrd_hash),
	F("ovmf-hash", HEX48, ovmf_hash),
	F("mrconfigid", HEX48, mrconfigid),
	F("mrowner", HEX48, mrowner),
	F("mrownerconfig", HEX48, mrownerconfig),
#undef F
};

static int usage(struct err *e, const char *option, const char *value, const char *expected)
{
	err_set(e, -EINVAL, "--%s=%s: expected %s", option, value, expected);
	return err_exit(e, EX_USAGE);
}

static int number(const char *option, const char *v, uint64_t max, uint64_t *ret, struct err *e)
{
	char *end;

	errno = 0;
	*ret = strtoull(v, &end, 0);
	if (errno || *end || *v < '0' || *v > '9' || *ret > max)
		return usage(e, option, v, "a number that fits, decimal or 0x…");
	return 0;
}

bool inputs_size(const char *text, uint64_t *ret)
{
	static const char suffix[] = "KMG";
	const char *s;
	char *end;
	unsigned shift = 0;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	if (errno || *text < '0' || *text > '9')
		return false;
	s = *end ? strchr(suffix, *end) : NULL;
	if (s) {
		shift = 10 * (unsigned)(s - suffix + 1);
		end++;
	}
	if (*end || *ret << shift >> shift != *ret)
		return false;
	*ret <<= shift;
	return true;
}

static void note(struct loaded *l, const char *option, json_t *value)
{
	if (!l->notes)
		json_decref(value);
	else
		json_object_set_new(l->notes, option, value);
}

/* What JSON cannot say would be missing among the inputs of the result. */
static int note_text(struct loaded *l, const char *option, const char *text, struct err *e)
{
	json_t *j = json_string(text);

	if (!j) {
		err_set(e, -EILSEQ, "--%s: has bytes that are not UTF-8", option);
		return err_exit(e, EX_USAGE);
	}
	note(l, option, j);
	return 0;
}

static json_t *note_of_file(const struct loaded *l, struct slice data)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];

	if (!l->notes)
		return NULL;
	sha256(data, digest);
	return json_pack(
	        "{sI ss}", "size", (json_int_t)data.n, "sha256", hex_encode(hex, digest, sizeof(digest)));
}

static int load_file(struct loaded *l, const char *path, struct blob *ret, struct err *e)
{
	struct loaded_file *f;

	l->files = xrealloc(l->files, l->n_files + 1, sizeof(*l->files));
	f = &l->files[l->n_files];
	*f = (struct loaded_file){ 0 };
	if (map_file(path, &f->map, e))
		return e->code;
	f->path = xstrdup(path);
	l->n_files++;
	*ret = (struct blob){ .name = f->path, .data = f->map, .given = true };
	return 0;
}

static int load_many(
        struct loaded *l, const struct args *a, const char *option, struct blobs *ret, struct err *e)
{
	const char *path;

	for (size_t i = 0; (path = args_nth(a, option, i)); i++) {
		const char *slash = strrchr(path, '/');
		_free_ char *name = xasprintf("%s:%s", option, slash ? slash + 1 : path);

		if (ret->n == INPUTS_MANY)
			return usage(e, option, path, "at most 32 of them");
		if (load_file(l, path, &ret->v[ret->n], e))
			return e->code;
		note(l, name, note_of_file(l, ret->v[ret->n++].data));
	}
	return 0;
}

static int load_field(struct loaded *l, const struct args *a, const struct field *f, struct err *e)
{
	void *at = (char *)&l->in + f->at;
	const char *v = args_get(a, f->option);

	if (!v)
		return 0;
	switch (f->kind) {
	case MANY_FILES:
		return load_many(l, a, f->option, at, e);
	case ONE_FILE:
		if (load_file(l, v, at, e))
			return e->code;
		note(l, f->option, note_of_file(l, ((struct blob *)at)->data));
		return 0;
	case TEXT:
		*(const char **)at = v;
		break;
	case SIZE:
		if (!inputs_size(v, at))
			return usage(e, f->option, v, "bytes, or a number with K, M or G");
		break;
	case HEX32:
		if (!hex_decode(v, at, SHA256_LEN))
			return usage(e, f->option, v, "64 hex digits");
		break;
	case HEX48:
		if (!hex_decode(v, at, SHA384_LEN))
			return usage(e, f->option, v, "96 hex digits");
		break;
	}
	return note_text(l, f->option, v, e);
}

/* fw_cfg blobs as `bulla acpi` leaves them; those that it did not find are not there. */
static int load_acpi(struct loaded *l, const char *dir, struct err *e)
{
	const struct {
		const char *file;
		struct blob *to;
	} blobs[] = {
		{ "tables", &l->in.acpi_tables },
		{ "rsdp", &l->in.acpi_rsdp },
		{ "loader", &l->in.acpi_loader },
		{ "tpm-log", &l->in.tpm_log },
		{ "fw-cfg", &l->in.fw_cfg },
		{ "smbios", &l->in.smbios },
	};

	for (size_t i = 0; i < ARRAY_LEN(blobs); i++) {
		_free_ char *path = xasprintf("%s/%s.bin", dir, blobs[i].file);
		_free_ char *option = xasprintf("acpi:%s", blobs[i].file);

		if (i && !io_exists(path))
			continue;
		if (load_file(l, path, blobs[i].to, e))
			return e->code;
		note(l, option, note_of_file(l, blobs[i].to->data));
	}
	return 0;
}

static char *keep(struct loaded *l, char *text)
{
	l->texts = xrealloc(l->texts, l->n_texts + 1, sizeof(*l->texts));
	return l->texts[l->n_texts++] = text;
}

static int load_cmdline(struct loaded *l, const char *path, struct err *e)
{
	_buf_ struct buf b = { 0 };

	if (io_read_file(path, 1 << 16, &b, e))
		return e->code;
	if (memchr(buf_str(&b), 0, b.n))
		return err_set(e, -EINVAL,
		        "%s: has a NUL byte; the one at the end is added by whoever loads it", path);
	l->in.cmdline = keep(l, xstrdup(buf_str(&b)));
	return note_text(l, "cmdline", l->in.cmdline, e);
}

static int load_vcpu(struct loaded *l, const struct args *a, struct err *e)
{
	const char *sig = args_get(a, "vcpu-sig"), *family = args_get(a, "vcpu-family"),
	           *model = args_get(a, "vcpu-model"), *stepping = args_get(a, "vcpu-stepping");
	uint64_t f, m, s;

	if (!sig + !l->in.vcpu_type + !family < 2) {
		err_set(e, -EINVAL,
		        "--vcpu-type, --vcpu-sig and --vcpu-family say the same: give one of them");
		return err_exit(e, EX_USAGE);
	}
	if (sig) {
		if (number("vcpu-sig", sig, UINT32_MAX, &s, e))
			return e->code;
		l->in.vcpu_sig = (uint32_t)s;
	} else if (family || model || stepping) {
		if (!family || !model || !stepping) {
			err_set(e, -EINVAL, "--vcpu-family, --vcpu-model and --vcpu-stepping go together");
			return err_exit(e, EX_USAGE);
		}
		if (number("vcpu-family", family, 0xf + 0xff, &f, e) ||
		        number("vcpu-model", model, 0xff, &m, e) ||
		        number("vcpu-stepping", stepping, 0xf, &s, e))
			return e->code;
		l->in.vcpu_sig = vcpu_signature((unsigned)f, (unsigned)m, (unsigned)s);
	} else {
		return 0;
	}
	l->in.has_vcpu_sig = true;
	note(l, "vcpu-sig", json_integer(l->in.vcpu_sig));
	return 0;
}

/* The key is neither noted nor left behind. */
static int load_tik(struct sev_launch *s, const char *path, struct err *e)
{
	_map_ struct slice key = { 0 };

	if (map_file(path, &key, e))
		return e->code;
	if (key.n != SEV_TIK)
		return err_set(e, -EINVAL, "%s: key of %zu bytes, expected %d", path, key.n, SEV_TIK);
	memcpy(s->tik, key.p, SEV_TIK);
	s->has_tik = true;
	return 0;
}

static int load_sev_launch(struct loaded *l, const struct args *a, struct err *e)
{
	const char *tik = args_get(a, "tik"), *nonce = args_get(a, "nonce"), *api = args_get(a, "api"),
	           *policy = args_get(a, "policy");
	struct sev_launch *s = &l->in.sev_launch;
	unsigned v[3];
	uint64_t n;
	int end = 0;

	if (tik && load_tik(s, tik, e))
		return e->code;
	if (nonce) {
		if (!hex_decode(nonce, s->nonce, SEV_NONCE))
			return usage(e, "nonce", nonce, "32 hex digits");
		s->has_nonce = true;
		note(l, "nonce", json_string(nonce));
	}
	if (api) {
		if (sscanf(api, "%3u.%3u.%3u%n", &v[0], &v[1], &v[2], &end) != 3 || api[end] || v[0] > 255 ||
		        v[1] > 255 || v[2] > 255)
			return usage(e, "api", api, "MAJOR.MINOR.BUILD, as `sevctl show version` has them");
		s->api_major = (uint8_t)v[0];
		s->api_minor = (uint8_t)v[1];
		s->build = (uint8_t)v[2];
		s->has_api = true;
		note(l, "api", json_string(api));
	}
	if (policy) {
		if (number("policy", policy, UINT32_MAX, &n, e))
			return e->code;
		s->policy = (uint32_t)n;
		s->has_policy = true;
		note(l, "policy", json_string(policy));
	}
	return 0;
}

static int load_banks(struct loaded *l, const struct args *a, struct err *e)
{
	const char *v;

	for (size_t i = 0; (v = args_nth(a, "bank", i)); i++) {
		_free_ char *copy = xstrdup(v);
		char *save = NULL;
		enum hash_alg alg;

		for (char *w = strtok_r(copy, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
			if (!hash_by_name(w, &alg))
				return usage(e, "bank", w, "sha1, sha256, sha384 or sha512");
			l->in.banks |= 1U << alg;
		}
	}
	return 0;
}

static int load_secure_boot(struct loaded *l, const struct args *a, struct err *e)
{
	const char *v = args_get(a, "secure-boot");

	if (!v)
		return 0;
	if (strcmp(v, "on") && strcmp(v, "off"))
		return usage(e, "secure-boot", v, "on or off");
	l->in.secure_boot = strcmp(v, "on") ? SECURE_BOOT_OFF : SECURE_BOOT_ON;
	note(l, "secure-boot", json_string(v));
	return 0;
}

static int load_pcrs(struct loaded *l, const struct args *a, struct err *e)
{
	const char *v;

	for (size_t i = 0; (v = args_nth(a, "pcr", i)); i++)
		for (const char *p = v; *p;) {
			char *end;
			unsigned long from = strtoul(p, &end, 10), to = from;
			bool sound = *p >= '0' && *p <= '9';

			if (*end == '-') {
				p = end + 1;
				sound = sound && *p >= '0' && *p <= '9';
				to = strtoul(p, &end, 10);
			}
			if (!sound || (*end && *end != ',') || from > to || to > 15)
				return usage(e, "pcr", v, "numbers from 0 to 15, as 4,9,11-13");
			for (; from <= to; from++)
				l->in.pcrs |= 1U << from;
			p = *end ? end + 1 : end;
		}
	return 0;
}

static int load_numbers(struct loaded *l, const struct args *a, struct err *e)
{
	const char *vcpus = args_get(a, "vcpus"), *features = args_get(a, "guest-features");
	uint64_t n;

	if (vcpus && !strpbrk(vcpus, "-,")) {
		if (number("vcpus", vcpus, 65535, &n, e))
			return e->code;
		if (!n)
			return usage(e, "vcpus", vcpus, "at least 1");
		l->in.vcpus = (unsigned)n;
	}
	if (vcpus)
		note(l, "vcpus", json_string(vcpus));
	if (features && number("guest-features", features, UINT64_MAX, &l->in.guest_features, e))
		return e->code;
	l->in.has_guest_features = features;
	if (features)
		note(l, "guest-features", json_string(features));
	return 0;
}

static int check_taken(const struct args *a, const struct tee *tee, struct err *e)
{
#define X(name, arg, help) name,
	static const char *const options[] = { INPUT_OPTIONS(X) };
#undef X

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (!args_get(a, options[i]) || !strcmp(options[i], "stack") || tee_takes(tee, options[i]))
			continue;
		err_set(e, -EINVAL, "--%s means nothing to %s", options[i], tee->name);
		return err_exit(e, EX_USAGE);
	}
	return 0;
}

/* The options of A, with those that the bundle answers before them. */
static int load(
        struct loaded *l, const struct args *a, const struct bundle *b, const struct tee *tee, struct err *e)
{
	const char *acpi = args_get(a, "acpi"), *cmdline = args_get(a, "cmdline-file");

	if (acpi && load_acpi(l, acpi, e))
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (load_field(l, a, &fields[i], e))
			return e->code;
	if ((cmdline && load_cmdline(l, cmdline, e)) || load_vcpu(l, a, e) || load_numbers(l, a, e) ||
	        load_banks(l, a, e) || load_sev_launch(l, a, e) || load_pcrs(l, a, e) ||
	        load_secure_boot(l, a, e) || inputs_stack(a, b ? b->vmm : NULL, tee, &l->in, e))
		return e->code;
	l->in.pcr_policy = args_flag(a, "pcr-policy");
	l->in.no_boot_secret = args_flag(a, "no-boot-secret");
	l->in.has_cmdline = l->in.cmdline;
	l->in.has_kernel_hash = args_get(a, "kernel-hash");
	l->in.has_initrd_hash = args_get(a, "initrd-hash");
	l->in.has_ovmf_hash = args_get(a, "ovmf-hash");
	l->in.disk_boot = l->in.uki.given || l->in.bootloader.given;
	return 0;
}

int inputs_load(const struct args *a, const struct tee *tee, bool notes, struct loaded *ret, struct err *e)
{
	_loaded_ struct loaded l = { .notes = notes ? json_object() : NULL };
	struct bundle_options o __attribute__((cleanup(bundle_options_free))) = { 0 };
	const char *dir = args_get(a, "bundle");
	_bundle_ struct bundle *b = NULL;

	if (check_taken(a, tee, e))
		return e->code;
	if (dir) {
		if (bundle_read(dir, &b, e) || bundle_check(b, e))
			return e->code;
		bundle_options(b, a, tee, &o);
		for (size_t i = 0; i < o.n_texts; i++) /* what is loaded borrows them */
			keep(&l, o.texts[i]);
		o.n_texts = 0;
	}
	if (load(&l, dir ? &o.args : a, b, tee, e))
		return e->code;
	*ret = l;
	l = (struct loaded){ 0 };
	return 0;
}

void inputs_free(struct loaded *l)
{
	for (size_t i = 0; i < l->n_files; i++) {
		map_free(&l->files[i].map);
		free(l->files[i].path);
	}
	for (size_t i = 0; i < l->n_texts; i++)
		free(l->texts[i]);
	free(l->files);
	free(l->texts);
	json_decref(l->notes);
	stack_free(&l->in.stack);
	OPENSSL_cleanse(l->in.sev_launch.tik, SEV_TIK);
	*l = (struct loaded){ 0 };
}
