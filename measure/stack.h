/*
 * Stack profiles: what a measurement takes from the software around the guest rather than from the guest's
 * own files. Each recipes/stacks/NAME.conf is one profile of one kind; a measurement merges one profile of
 * each kind that matters to it. All of it is data: no code asks for a profile by name.
 */
#ifndef BULLA_STACK_H
#define BULLA_STACK_H
#include "lib/err.h"
#include "lib/hash.h"

enum stack_kind {
	STACK_FIRMWARE, /* a generation of OVMF: which events it measures, in which order */
	STACK_VMM,  /* QEMU of some version, or a cloud's: start state of vCPUs, kernel header, MRTD order */
	STACK_STUB, /* systemd-stub */
	STACK_LOADER, /* systemd-boot */
	STACK_KINDS
};

/* One line "Event=[CONDITION…] PCR TYPE SOURCE [ARG]" of a firmware or stub profile. */
struct event_rule {
	unsigned when; /* EVENT_WHEN_* bits that must all hold */
	unsigned pcr;
	uint32_t type;   /* TCG event type */
	char source[32]; /* names a function of measure/events.c */
	char arg[64];
};
enum {
	EVENT_WHEN_VTPM = 1,   /* "vtpm": measured into a TPM */
	EVENT_WHEN_TDX = 2,    /* "tdx": measured into RTMRs */
	EVENT_WHEN_DIRECT = 4, /* "direct": the VMM hands kernel and initrd to the firmware */
	EVENT_WHEN_DISK = 8,   /* "disk": a boot loader or UKI comes from a disk */
	EVENT_WHEN_SB = 16,    /* "secureboot": Secure Boot is on */
};

/* How a VMM sets up a vCPU and lays out an SNP launch (measure.md calls these the VMM differences). */
struct stack_sev {
	uint64_t g_pat, vmsa_gpa;
	uint32_t mxcsr;
	uint16_t fcw;
	bool es_without_fpu;            /* under SEV-ES mxcsr and fcw stay 0 */
	uint16_t cs_bsp, cs_ap, ss, tr; /* segment attributes */
	bool rdx_is_signature;          /* RDX holds CPUID 1 EAX; else rdx */
	uint64_t rdx;
	bool ap_reset_from_bsp; /* APs start where the boot vCPU does, whatever the firmware says */
	uint8_t sec_mem_type;   /* SNP page type of SEC_MEM sections */
	bool cpuid_last;        /* CPUID pages follow all other sections */
};

/* "PeiFv=SHA256 VERSION STATE [smbios-last] [DATE VENDOR…]": a build of the firmware, known by the digest of
 * its PEI volume as packed. STATE is what its modules have made of the volume by the time it is measured:
 * as-packed, OFFSET=HEX for bytes that they write, or varies where what they write depends on the machine. */
struct pei_fv {
	uint8_t sha256[SHA256_LEN];
	char version[48]; /* PcdFirmwareVersionString, "-" in the profile where it is empty */
	uint32_t at;      /* PATCH is written here */
	uint8_t patch[16];
	size_t n;
	bool varies;
	bool smbios_last;                    /* SMBIOS tables follow the separators */
	char bios_date[16], bios_vendor[64]; /* of its SMBIOS type 0, "" where it is not known */
};

/* "BootOption=[CONDITION…] ATTRIBUTES PATH DESCRIPTION": a Boot#### that the firmware makes, in the order of
 * their numbers; the path "@boot" is that of the device that the VMM boots from. */
struct boot_option {
	unsigned when;
	uint32_t attributes;
	char path[128], description[64];
};

/* What a systemd-stub measures, and what it puts together for the kernel. */
struct stack_stub {
	unsigned version;
	bool loads_image;    /* the inner kernel is started with LoadImage, so it is in PCR 4 */
	char sections[400];  /* measured section names in order, one blank between */
	bool loose_names;    /* a name's beginning is enough, and the last such section counts */
	bool profiles;       /* knows of .profile */
	bool trims_front;    /* of a command line; blanks at its end always go */
	bool smbios_cmdline; /* takes io.systemd.stub.kernel-cmdline-extra */
	bool smbios_tables;  /* measures SMBIOS structures of types 1, 2 and 11 */
	bool console;        /* appends a console= that it detects */
	bool cc;             /* measures into RTMRs, too */
	char addons[80];     /* sections that it takes from add-ons, or "none" */
	char initrds[200];   /* what the initrd is put together from, in order */
};

/* What a boot loader measures beside the image that it starts. */
struct stack_loader {
	char program[32]; /* as in its section .sdmagic */
	unsigned version;
	bool passes_cmdline;    /* hands a UKI's own command line to it as load options */
	bool loader_conf;       /* measures loader.conf */
	bool smbios_tables, cc; /* as a stub's */
};

struct stack {
	struct {
		char name[32], summary[120];
		char checked[400]; /* what its values were checked against */
	} profile[STACK_KINDS];    /* an empty name: no profile of this kind */
	/* vmm */
	char *cannot; /* lines "TEE REASON": launches of which this profile says nothing */
	struct stack_sev sev;
	unsigned mrtd_passes;   /* 1 or 2 (all PAGE.ADDs of a section, then its EXTENDs) */
	bool patches_kernel;    /* the setup header is changed before the firmware sees the kernel */
	bool patches_kernel_cc; /* also in a confidential guest (SEV's are never changed) */
	bool offers_boot_file;  /* fw_cfg etc/boot/kernel, the kernel as it is, beside the changed one */
	/* firmware */
	bool reads_boot_file;  /* and takes that where it is offered */
	char initrd_option[8]; /* where "initrd=initrd" goes in the load options: append, prepend, none */
	struct stack_stub stub;
	struct stack_loader loader;
	struct event_rule *rules; /* firmware's events in order */
	size_t n_rules;
	struct pei_fv *pei_fvs;
	size_t n_pei_fvs;
	struct boot_option *boot_options;
	size_t n_boot_options;
	char *firmware_sha256; /* images known to be of this generation, hex, blank-separated */
};

/*
 * Adds the profile NAME, whose INI text is TEXT, to *S; a second profile of a kind that *S has is an error,
 * as are unknown keys and values. Only the keys of the profile's kind are taken.
 */
int stack_add(struct stack *s, const char *name, struct slice text, struct err *e);
/*
 * Puts FROM's profile of that kind in the place of the one that *S has. What it says in lists (rules,
 * digests) stays FROM's, and what *S had is not released: for copies that live shorter than both.
 */
void stack_replace(struct stack *s, enum stack_kind kind, const struct stack *from);
/* Do the profiles cover launches of TEE? If not, an error (exit status 5) with the reason. */
int stack_covers(const struct stack *s, const char *tee, struct err *e);
/* Is there a profile of this kind? If not, an error (exit status 5) that says for what it is needed. */
int stack_need(const struct stack *s, enum stack_kind kind, const char *what_for, struct err *e);
const char *stack_kind_name(enum stack_kind kind);
/* Values of the two; false where they are wrong (stack_boot.c). */
bool stack_read_pei_fv(const char *line, struct pei_fv *ret);
bool stack_read_boot_option(const char *line, struct boot_option *ret);
void stack_free(struct stack *s);
#define _stack_ __attribute__((cleanup(stack_free)))
#endif
