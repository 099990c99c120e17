/*
 * Azure's envelope of a hardware report, in NV index 0x01400001 of a confidential VM's vTPM: 32 bytes of
 * header, the report in 1184 bytes, and JSON that it vouches for. All bytes are borrowed.
 */
#ifndef BULLA_HCL_REPORT_H
#define BULLA_HCL_REPORT_H
#include "lib/err.h"
#include "lib/slice.h"

enum { HCL_SNP = 2, HCL_TDX = 4 };

struct hcl_report {
	uint32_t report_type;  /* HCL_* */
	struct slice hardware; /* the SNP report or TDREPORT */
	struct slice claims;   /* JSON; its SHA-256 is the start of the report data */
};

/* NAME is what errors call DATA. Errors: -EBADMSG "NAME+OFFSET: found, expected". */
int hcl_report_parse(const char *name, struct slice data, struct hcl_report *ret, struct err *e);
bool hcl_report_recognised(struct slice data);
#endif
