#include "measure/vcpu.h"
#include "lib/conf.h"
#include "lib/mem.h"
#include <strings.h>

/* A version of a model changes features, never these three numbers: EPYC-v4 is no EPYC 9004 (virtee/sev#317).
 */
#define EPYC 23, 1, 2
#define ROME 23, 49, 0
#define MILAN 25, 1, 1
#define GENOA 25, 17, 0
#define TURIN 26, 0, 0

const struct vcpu_model vcpu_models[] = {
	{ "EPYC", EPYC },
	{ "EPYC-v1", EPYC },
	{ "EPYC-v2", EPYC },
	{ "EPYC-IBPB", EPYC },
	{ "EPYC-v3", EPYC },
	{ "EPYC-v4", EPYC },
	{ "EPYC-v5", EPYC },
	{ "EPYC-Rome", ROME },
	{ "EPYC-Rome-v1", ROME },
	{ "EPYC-Rome-v2", ROME },
	{ "EPYC-Rome-v3", ROME },
	{ "EPYC-Rome-v4", ROME },
	{ "EPYC-Rome-v5", ROME },
	{ "EPYC-Milan", MILAN },
	{ "EPYC-Milan-v1", MILAN },
	{ "EPYC-Milan-v2", MILAN },
	{ "EPYC-Milan-v3", MILAN },
	{ "EPYC-Genoa", GENOA },
	{ "EPYC-Genoa-v1", GENOA },
	{ "EPYC-Genoa-v2", GENOA },
	{ "EPYC-Turin", TURIN },
	{ "EPYC-Turin-v1", TURIN },
	{ 0 },
};

uint32_t vcpu_signature(unsigned family, unsigned model, unsigned stepping)
{
	uint32_t low = family > 0xf ? 0xf : family, high = family > 0xf ? family - 0xf : 0;

	return (high & 0xff) << 20 | (model >> 4 & 0xf) << 16 | low << 8 | (model & 0xf) << 4 |
	       (stepping & 0xf);
}

const struct vcpu_model *vcpu_find(const char *name)
{
	for (const struct vcpu_model *m = vcpu_models; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

static int unknown_model(const char *name, struct err *e)
{
	const char *names[64] = { 0 }, *near;

	for (size_t i = 0; i + 1 < ARRAY_LEN(names) && vcpu_models[i].name; i++)
		names[i] = vcpu_models[i].name;
	near = conf_nearest(name, names);
	err_set(e, -EINVAL, "vCPU type '%s', expected an EPYC model of QEMU, EPYC to EPYC-Turin-v1", name);
	if (!strcasecmp(name, "host") || !strcasecmp(name, "max"))
		err_hint(e,
		        "'%s' is another CPU on each machine: run with -cpu EPYC-v4, or give CPUID 1 EAX of "
		        "that machine with --vcpu-sig",
		        name);
	else if (near)
		err_hint(e, "did you mean %s?", near);
	return err_exit(e, EX_USAGE);
}

int vcpu_of(const struct inputs *in, uint32_t *ret, struct err *e)
{
	const struct vcpu_model *m;

	if (in->has_vcpu_sig) {
		*ret = in->vcpu_sig;
		return 0;
	}
	if (!in->vcpu_type) {
		err_set(e, -EINVAL, "the CPU model is needed: RDX of every vCPU holds its signature");
		err_hint(e, "give what QEMU has as -cpu with --vcpu-type=EPYC-v4, or --vcpu-sig=0x800f12");
		return err_exit(e, EX_USAGE);
	}
	m = vcpu_find(in->vcpu_type);
	if (!m)
		return unknown_model(in->vcpu_type, e);
	*ret = vcpu_signature(m->family, m->model, m->stepping);
	return 0;
}
