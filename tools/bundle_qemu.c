#include "bundle_qemu.h"
#include "lib/mem.h"
#include <string.h>

static void add(json_t *all, const char *arg)
{
	json_array_append_new(all, json_string(arg));
}

static void add_pair(json_t *all, const char *option, const char *value)
{
	add(all, option);
	add(all, value);
}

static void add_words(json_t *all, const char *words)
{
	_free_ char *copy = xstrdup(words);
	char *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		add(all, w);
}

/* Code and variables in two chips, or one image. What the guest writes to its variables is gone with it, so
 * that each boot is the first. */
static void add_firmware(json_t *all, const json_t *files)
{
	if (json_object_get(files, "vars.fd")) {
		add_pair(all, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=firmware.fd");
		add_pair(all, "-drive", "if=pflash,unit=1,format=raw,snapshot=on,file=vars.fd");
	} else if (json_object_get(files, "firmware.fd")) {
		add_pair(all, "-bios", "firmware.fd");
	}
}

static void add_boot(json_t *all, const struct platform *p, const char *cmdline, const json_t *files)
{
	if (strcmp(p->boot, "disk")) {
		add_pair(all, "-kernel", "vmlinuz");
		add_pair(all, "-initrd", "initrd");
		add_pair(all, "-append", cmdline);
		add_pair(all, "-drive", "file=rootfs.img,format=raw,if=none,id=root,readonly=on");
		add_pair(all, "-device", "virtio-blk-pci,drive=root");
		return;
	}
	add_pair(all, "-drive",
	        json_object_get(files, "disk.raw")
	                ? "file=disk.raw,format=raw,if=none,id=root,readonly=on"
	                : "file=disk.qcow2,format=qcow2,if=none,id=root,readonly=on");
	add_pair(all, "-device", "virtio-blk-pci,drive=root,bootindex=0");
}

json_t *bundle_qemu(const struct platform *p, const char *cmdline, const json_t *files)
{
	_free_ char *vcpus = xasprintf("%u", p->vcpus);
	json_t *all = json_array();

	add_pair(all, "-machine", p->machine);
	add_pair(all, "-cpu", p->cpu);
	add_pair(all, "-m", p->memory);
	add_pair(all, "-smp", vcpus);
	add_words(all, "-nodefaults -no-user-config -display none -no-reboot");
	add_firmware(all, files);
	if (p->qemu)
		add_words(all, p->qemu);
	add_boot(all, p, cmdline, files);
	add_words(all, "-netdev user,id=net0 -device virtio-net-pci,netdev=net0,romfile= "
	               "-device virtio-serial-pci -device virtserialport,chardev=agent,name=org.bulla.agent");
	return all;
}
