/* CPU models as QEMU names them, and their CPUID signature, which a vCPU's RDX holds at reset. */
#ifndef BULLA_VCPU_H
#define BULLA_VCPU_H
#include "measure/inputs.h"

struct vcpu_model {
	const char *name;
	uint16_t family;
	uint8_t model, stepping;
};
/* Every EPYC of QEMU's target/i386/cpu.c, versions in order; ended by a NULL name. */
extern const struct vcpu_model vcpu_models[];

/* CPUID 1 EAX (AMD APM volume 3, E.3.2): families above 15 use the extended field. */
uint32_t vcpu_signature(unsigned family, unsigned model, unsigned stepping);
/* The signature that IN gives, by model or as a number; an error where it gives neither, or an unknown model
 * (exit status 2, with the nearest). */
int vcpu_of(const struct inputs *in, uint32_t *ret, struct err *e);
/* The model of that name, or NULL. */
const struct vcpu_model *vcpu_find(const char *name);
#endif
