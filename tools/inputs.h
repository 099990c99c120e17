/* The options that say what is measured, and what they load; one table serves measure, explain and whoever
 * needs a measurement. */
#ifndef BULLA_INPUTS_FILES_H
#define BULLA_INPUTS_FILES_H
#include "lib/args.h"
#include "measure/tee.h"
#include <jansson.h>

/* X(option, what its value is called or NULL, help) */
#define INPUT_OPTIONS(X)                                                                                     \
	X("stack", "NAME[,NAME]",                                                                            \
	        "stack profiles, one of each kind; a path for one of your own (repeatable)")                 \
	X("bundle", "DIR",                                                                                   \
	        "a bundle: its files, command line and launch, where no other option says otherwise")        \
	X("firmware", "FILE", "OVMF or TDVF image")                                                          \
	X("vars", "FILE", "its variable store, where that is a file of its own")                             \
	X("kernel", "FILE", "kernel that the VMM loads (bzImage)")                                           \
	X("initrd", "FILE", "initrd that the VMM loads")                                                     \
	X("cmdline", "TEXT", "kernel command line that the VMM passes")                                      \
	X("cmdline-file", "FILE", "the same from a file, byte for byte")                                     \
	X("uki", "FILE", "unified kernel image that the firmware starts from a disk")                        \
	X("bootloader", "FILE", "EFI application that starts the UKI or kernel")                             \
	X("loader-conf", "FILE", "its loader/loader.conf; an empty file where there is none")                \
	X("disk", "FILE", "disk image; its GPT is measured")                                                 \
	X("addon", "FILE", "add-on of the UKI (repeatable, in the order of names)")                          \
	X("global-addon", "FILE", "add-on of all UKIs (repeatable)")                                         \
	X("credential", "FILE", "credential beside the UKI; its file name is measured (repeatable)")         \
	X("global-credential", "FILE", "credential in loader/credentials (repeatable)")                      \
	X("sysext", "FILE", "system extension beside the UKI (repeatable)")                                  \
	X("confext", "FILE", "configuration extension beside the UKI (repeatable)")                          \
	X("smbios-cmdline", "TEXT", "SMBIOS io.systemd.stub.kernel-cmdline-extra")                           \
	X("phases", "WORD:WORD", "boot phases that systemd-pcrphase extends after the stub")                 \
	X("secure-boot", "on|off", "whether it is on, where no variable store is given")                     \
	X("pcr-policy", NULL, "also the PolicyPCR digests of PCR 11 that a .pcrsig signs")                   \
	X("no-boot-secret", NULL,                                                                            \
	        "neither firmware nor disk has randomness for systemd-stub 262 to make a secret of")         \
	X("boot-option", "PATH", "device path of the disk it boots from, as UEFI writes it")                 \
	X("acpi", "DIR", "ACPI and SMBIOS blobs made by `bulla acpi`")                                       \
	X("acpi-tables", "FILE", "fw_cfg etc/acpi/tables")                                                   \
	X("acpi-rsdp", "FILE", "fw_cfg etc/acpi/rsdp")                                                       \
	X("acpi-loader", "FILE", "fw_cfg etc/table-loader")                                                  \
	X("tpm-log", "FILE", "fw_cfg etc/tpm/log")                                                           \
	X("fw-cfg", "FILE", "small fw_cfg items, as `bulla acpi` gathers them")                              \
	X("smbios", "FILE", "fw_cfg etc/smbios/smbios-tables")                                               \
	X("initdata", "FILE", "initdata whose digest the host hands to the platform")                        \
	X("memory", "SIZE", "guest memory: bytes, or with K, M, G")                                          \
	X("vcpus", "N", "number of vCPUs; measure takes a list as 1-4,8")                                    \
	X("vcpu-type", "MODEL", "QEMU CPU model; measure takes a list, or all")                              \
	X("vcpu-sig", "HEX", "CPUID 1 EAX instead of a model")                                               \
	X("vcpu-family", "N", "family, with --vcpu-model and --vcpu-stepping, instead of a model")           \
	X("vcpu-model", "N", "model")                                                                        \
	X("vcpu-stepping", "N", "stepping")                                                                  \
	X("guest-features", "HEX", "SEV_FEATURES of the VMSA (default 0x1: SNP active)")                     \
	X("kernel-hash", "HEX", "SHA-256 of the kernel, where the file is not at hand")                      \
	X("initrd-hash", "HEX", "SHA-256 of the initrd, likewise")                                           \
	X("ovmf-hash", "HEX", "launch digest after the firmware's pages, instead of --firmware")             \
	X("sections", "GPA:SIZE:TYPE,…", "with it: the SEV metadata; also reset=EIP, hash-table=GPA")        \
	X("svsm", "FILE", "SVSM image below the firmware")                                                   \
	X("vars-size", "SIZE", "with it: bytes of the variable store below 4 GiB")                           \
	X("tik", "FILE", "16 bytes of transport integrity key; gives launch_measure as well")                \
	X("nonce", "HEX", "with it: the 16 bytes that LAUNCH_MEASURE came with")                             \
	X("api", "MAJOR.MINOR.BUILD", "with it: version of the platform's SEV firmware")                     \
	X("policy", "HEX", "the guest policy, which LAUNCH_MEASURE and ID block hold")                       \
	X("mrconfigid", "HEX", "48 bytes that the host sets (default: from --initdata, else zeros)")         \
	X("mrowner", "HEX", "48 bytes that the host sets (default: zeros)")                                  \
	X("mrownerconfig", "HEX", "48 bytes that the host sets (default: zeros)")                            \
	X("bank", "NAME[,NAME]", "TPM banks: sha1, sha256, sha384, sha512 (default: all)")                   \
	X("pcr", "N[,N]", "PCRs that are wanted, as 4,9,11-13 (default: all)")
#define INPUT_OPT(name, arg, help) { name, arg, help },

struct loaded {
	struct inputs in;
	json_t *notes; /* option: {size, sha256} of a file, text or number; only when asked for */
	struct loaded_file *files;
	size_t n_files;
	char **texts; /* that IN borrows */
	size_t n_texts;
};

/*
 * Loads what ARGS give for TEE: files are mapped, the stack's profiles merged (those named, then the tee's
 * defaults, then the firmware's by its SHA-256). An option that the tee does not take is an error (exit
 * status 2). NOTES asks for ret->notes. Release with _loaded_.
 */
int inputs_load(const struct args *a, const struct tee *tee, bool notes, struct loaded *ret, struct err *e);
void inputs_free(struct loaded *l);
#define _loaded_ __attribute__((cleanup(inputs_free)))
/* Bytes from a number with K, M or G (powers of 1024); false on any other text. */
bool inputs_size(const char *text, uint64_t *ret);
#endif
