/*
 * Measured boot as data: the firmware profile lists its events in order, each with a source; a source turns
 * inputs into digests. The same list serves a vTPM (PCRs, several banks) and TDX (RTMRs, by the mapping of
 * UEFI 2.10, 38.4.1: PCR 1 and 7 to RTMR0, 2 to 6 to RTMR1, 8 to 15 to RTMR2).
 */
#ifndef BULLA_EVENTS_H
#define BULLA_EVENTS_H
#include "format/evtype.h"
#include "measure/inputs.h"
#include "measure/result.h"

/* One event's digest in every bank that is measured; others are unset. */
struct digests {
	uint8_t d[HASH_ALGS][HASH_MAX];
};

struct events {
	const struct inputs *in;
	struct result *out;
	bool cc;                     /* RTMRs, not PCRs */
	unsigned banks;              /* bit 1 << enum hash_alg */
	unsigned pcrs;               /* bit 1 << PCR: the others are left out */
	bool sb_known;               /* whether EVENT_WHEN_SB in WHEN is settled */
	unsigned when;               /* EVENT_WHEN_* that hold */
	unsigned reg[HASH_ALGS][16]; /* register of a bank's PCR, or of the RTMR that PCR maps to */
	struct volumes *volumes;     /* fv.c: the firmware's, once somebody has asked for them */
};

/* What an event measures, beside its digest. */
struct event {
	unsigned pcr;
	uint32_t type;
	const char *what, *from; /* as in struct step */
	uint64_t offset, length;
};

/* Makes the registers (PCR 0 to 15 of each bank, or RTMR0 to 3) in OUT. */
void events_start(struct events *ev, const struct inputs *in, struct result *out, bool cc);
/* Goes through the stack's rules. */
int events_run(struct events *ev, struct err *e);
int events_run_rules(struct events *ev, const struct event_rule *rules, size_t n, struct err *e);

/* Is the PCR among those asked for? Others need no digest. */
static inline bool event_wanted(const struct events *ev, unsigned pcr)
{
	return ev->pcrs >> pcr & 1;
}

void digests_of(struct events *ev, struct slice data, struct digests *ret);
/* Extends with the digest of DATA. */
void event_data(struct events *ev, const struct event *event, struct slice data);
/* Extends with digests computed elsewhere (Authenticode). */
void event_digests(struct events *ev, const struct event *event, const struct digests *d);
/* An event of unknown digest. */
void event_unknown(struct events *ev, const struct event *event, const char *why);

/* A source: the events of one rule, none where it does not apply. Returns 0 or a negative errno with *E set.
 */
typedef int event_source(struct events *ev, const struct event_rule *r, struct err *e);
event_source source_td_hob, source_cfv;                   /* td_hob.c */
event_source source_fw_cfg;                               /* fwcfg.c */
event_source source_acpi;                                 /* acpi.c: ARG tables, rsdp, loader, tpm-log */
event_source source_crtm_version, source_firmware_volume; /* fv.c: ARG pei or dxe */
event_source source_variable, source_authority;           /* secureboot.c: ARG the variable's name */
event_source source_boot_variables;                       /* bootvars.c */
event_source source_smbios;                               /* smbios.c */
event_source source_gpt;                                  /* gptevent.c */
event_source source_image;                                /* images.c: ARG kernel, bootloader, uki */
event_source source_stub;                                 /* stub.c: all that systemd-stub measures */
event_source source_linux; /* efistub.c: the kernel's load options and initrd */
#endif
