/*
 * A drop-in for Kata Containers 4.1 (src/runtime/pkg/katautils/config.go) where kata-deploy keeps those of
 * custom runtimes (artifacts/install.rs, install_custom_runtime_configs).
 */
#include "inputs.h"
#include "release.h"

static const struct {
	const char *tee, *base; /* runtime class it overlays; SEV and SEV-ES have none any more */
} classes[] = { { "", "qemu-coco-dev" }, { "snp", "qemu-snp" }, { "tdx", "qemu-tdx" } };

/* A basic string of TOML 1.0. */
static void add_string(struct buf *t, const char *key, const char *value)
{
	buf_printf(t, "%s = \"", key);
	for (const char *s = value; *s; s++)
		if (*s == '"' || *s == '\\')
			buf_printf(t, "\\%c", *s);
		else
			buf_add(t, s, 1);
	buf_printf(t, "\"\n");
}

static void add_path(struct buf *t, const struct bundle *b, const char *key, const char *name)
{
	_free_ char *path = xasprintf("/" RELEASE_PREFIX "/%s/%s", b->platform, name);

	add_string(t, key, path);
}

/* The first block is the launch's. Commented out: a host starts no other launch with it. */
static void add_id_block(struct buf *t, const struct bundle *b)
{
	json_t *summary = json_object_get(b->json, "id_block"), *block;
	const char *file = json_string_value(json_object_get(summary, "file")), *id, *auth;
	_free_ char *path = xasprintf("%s/%s", b->dir, file ? file : "");
	json_auto_t *blocks = file ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;

	block = json_array_get(json_object_get(blocks, "blocks"), 0);
	id = json_string_value(json_object_get(block, "snp_id_block"));
	auth = json_string_value(json_object_get(block, "snp_id_auth"));
	if (id && auth)
		buf_printf(t,
		        "# They hold for the launch of manifest.json alone; with any other word the host "
		        "would not start it.\n"
		        "# snp_id_block = \"%s\"\n# snp_id_auth = \"%s\"\n",
		        id, auth);
}

bool release_kata(const struct bundle *b, char **ret)
{
	const char *base = NULL, *tee = b->tee ? b->tee : "";
	_buf_ struct buf t = { 0 };
	uint64_t memory;

	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (!strcmp(classes[i].tee, tee))
			base = classes[i].base;
	if (!base || strcmp(b->boot, "direct") || !inputs_size(b->memory, &memory))
		return false;
	buf_printf(&t,
	        "# bulla %s over Kata's %s. Kata takes an image or an initrd, and this guest needs both: "
	        "the\n"
	        "# sealed root is an extension image, which the initrd finds by its root hash. Kata adds "
	        "words of its\n"
	        "# own to the kernel's command line, so that what is measured is not what manifest.json "
	        "says.\n"
	        "[hypervisor.qemu]\n",
	        b->platform, base);
	add_path(&t, b, "kernel", "vmlinuz");
	add_path(&t, b, "initrd", "initrd");
	buf_printf(&t, "image = \"\"\nkernel_verity_params = \"\"\n");
	add_string(&t, "kernel_params", b->cmdline);
	if (bundle_file(b, "firmware.fd"))
		add_path(&t, b, "firmware", "firmware.fd");
	buf_printf(&t, "machine_type = \"%.*s\"\n", (int)strcspn(b->machine, ","), b->machine);
	buf_printf(&t, "default_vcpus = %u\ndefault_memory = %llu\n", b->vcpus,
	        (unsigned long long)(memory >> 20));
	if (*tee)
		buf_printf(&t, "confidential_guest = true\n");
	if (!strcmp(tee, "snp"))
		buf_printf(&t, "sev_snp_guest = true\n");
	add_id_block(&t, b);
	buf_printf(&t, "\n[[hypervisor.qemu.guest_extension_images]]\nname = \"bulla\"\n");
	add_path(&t, b, "path", "rootfs.img");
	*ret = xstrdup(buf_str(&t));
	return true;
}

char *release_kata_path(const struct bundle *b)
{
	return xasprintf(
	        "opt/kata/share/defaults/kata-containers/custom-runtimes/bulla-%s/config.d/50-bulla.toml",
	        b->platform);
}
