/* Everything that a measurement may be computed from. Bytes are borrowed; a field that was not given is
 * empty. */
#ifndef BULLA_INPUTS_H
#define BULLA_INPUTS_H
#include "measure/stack.h"
#include "lib/slice.h"

struct blob {
	const char *name; /* what errors call it: its path, or the option's name */
	struct slice data;
	bool given; /* an empty file is given, too */
};
enum { INPUTS_MANY = 32 };
struct blobs {
	struct blob v[INPUTS_MANY];
	size_t n;
};

/* What the firmware of SEV and SEV-ES puts into LAUNCH_MEASURE beside the launch digest. */
enum { SEV_TIK = 16, SEV_NONCE = 16 };
struct sev_launch {
	bool has_tik, has_nonce, has_api, has_policy;
	uint8_t tik[SEV_TIK]; /* transport integrity key: secret */
	uint8_t nonce[SEV_NONCE];
	uint8_t api_major, api_minor, build;
	uint32_t policy;
};

struct inputs {
	struct stack stack;
	/* files */
	struct blob firmware; /* OVMF or TDVF, code and variables in one image, or code alone */
	struct blob vars;     /* variable store where it is an image of its own */
	struct blob kernel, initrd;
	struct blob uki;         /* a PE image with systemd-stub */
	struct blob bootloader;  /* an EFI application that starts the UKI or kernel */
	struct blob loader_conf; /* systemd-boot's; empty: there is none */
	struct blob disk;        /* the GPT disk that it boots from */
	struct blob svsm;
	struct blob initdata;
	struct blob acpi_tables, acpi_rsdp,
	        acpi_loader;        /* fw_cfg etc/acpi/tables, etc/acpi/rsdp, etc/table-loader */
	struct blob fw_cfg;         /* small fw_cfg items (format/fwcfg.h) */
	struct blob tpm_log;        /* fw_cfg etc/tpm/log */
	struct blob smbios;         /* fw_cfg etc/smbios/smbios-tables */
	struct blobs addons;        /* PE add-ons of the UKI */
	struct blobs global_addons; /* of all UKIs */
	struct blobs credentials, global_credentials; /* .cred files; the name is the file's on the ESP */
	struct blobs sysexts, confexts;
	/* text */
	bool has_cmdline;
	const char *cmdline; /* the kernel command line */
	int cmdline_nuls;    /* NULs that end it beside the one that every VMM adds: 0, but for a search */
	const char *smbios_cmdline; /* io.systemd.stub.kernel-cmdline-extra */
	const char *phases;         /* colon-separated words that systemd-pcrphase extends, NULL: none */
	enum { SECURE_BOOT_UNKNOWN, SECURE_BOOT_OFF, SECURE_BOOT_ON } secure_boot; /* where VARS do not say */
	bool pcr_policy;         /* PolicyPCR digests of PCR 11, too */
	bool no_boot_secret;     /* systemd-stub 262 has no randomness to make one of */
	const char *boot_option; /* text device path, NULL: the first disk */
	/* machine */
	unsigned vcpus;  /* 0: not given */
	uint64_t memory; /* bytes; 0: not given */
	/* SEV */
	const char *vcpu_type; /* a QEMU CPU model, NULL where only the signature was given */
	uint32_t vcpu_sig;     /* CPUID 1 EAX */
	bool has_vcpu_sig;
	bool has_guest_features;
	uint64_t guest_features; /* SEV_FEATURES of the VMSA */
	struct sev_launch sev_launch;
	bool has_kernel_hash, has_initrd_hash; /* SHA-256 instead of the files */
	uint8_t kernel_hash[SHA256_LEN], initrd_hash[SHA256_LEN];
	bool has_ovmf_hash;
	uint8_t ovmf_hash[SHA384_LEN]; /* launch digest after the firmware's pages, instead of their bytes */
	const char *sections; /* with it: "GPA:SIZE:TYPE,…" as the firmware's SEV metadata has them */
	uint64_t vars_size;   /* SVSM: bytes of the variable store below 4 GiB */
	/* TDX: 48 bytes each, chosen at TD creation, not hashed by the platform */
	uint8_t mrconfigid[SHA384_LEN], mrowner[SHA384_LEN], mrownerconfig[SHA384_LEN];
	/* vTPM */
	unsigned banks; /* bit 1 << enum hash_alg; 0: all */
	unsigned pcrs;  /* bit 1 << PCR; 0: all */
	bool disk_boot; /* from a disk (UKI or boot loader), not with kernel and initrd from the VMM */
};
#endif
