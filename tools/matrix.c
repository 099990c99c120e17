#include "matrix.h"
#include "measure/vcpu.h"

enum { VCPUS_MAX = 65535, CPUS_MAX = 64 };

bool matrix_wanted(const struct args *a)
{
	const char *vcpus = args_get(a, "vcpus"), *type = args_get(a, "vcpu-type");

	return args_flag(a, "csv") || (vcpus && strpbrk(vcpus, "-,")) ||
	       (type && (strchr(type, ',') || !strcmp(type, "all")));
}

static int usage(struct err *e, const char *option, const char *value, const char *expected)
{
	err_set(e, -EINVAL, "--%s=%s: expected %s", option, value, expected);
	return err_exit(e, EX_USAGE);
}

int matrix_vcpus(const char *text, unsigned **ret, size_t *n, struct err *e)
{
	_free_ bool *wanted = xcalloc(VCPUS_MAX + 1, sizeof(*wanted));
	const char *p = text;
	unsigned *v;

	do {
		unsigned long from, to;
		char *end;

		from = to = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : 0;
		if (from && *end == '-' && end[1] >= '0' && end[1] <= '9')
			to = strtoul(end + 1, &end, 10);
		if (!from || to < from || to > VCPUS_MAX || (*end && *end != ','))
			return usage(e, "vcpus", text, "numbers and ranges from 1 to 65535, as 1-4,8");
		for (unsigned long i = from; i <= to; i++)
			wanted[i] = true;
		p = *end ? end + 1 : end;
	} while (*p);
	v = *ret = xcalloc(VCPUS_MAX, sizeof(*v));
	for (unsigned i = 1; i <= VCPUS_MAX; i++)
		if (wanted[i])
			v[(*n)++] = i;
	return 0;
}

/* The models of the option, which names them all, some, or none where the stack's RDX is a constant. */
static int read_cpus(const struct loaded *l, char **names, struct matrix_cpu *ret, size_t *n, struct err *e)
{
	struct inputs one = l->in;
	char *save = NULL;

	if (!l->in.vcpu_type && !l->in.has_vcpu_sig && !l->in.stack.sev.rdx_is_signature) {
		ret[(*n)++] = (struct matrix_cpu){ "any", 0 };
		return 0;
	}
	if (l->in.vcpu_type && !strcmp(l->in.vcpu_type, "all")) {
		for (const struct vcpu_model *m = vcpu_models; m->name && *n < CPUS_MAX; m++)
			ret[(*n)++] = (struct matrix_cpu){ m->name,
				vcpu_signature(m->family, m->model, m->stepping) };
		return 0;
	}
	*names = l->in.vcpu_type ? xstrdup(l->in.vcpu_type) : xasprintf("0x%x", (unsigned)l->in.vcpu_sig);
	for (char *w = strtok_r(*names, ",", &save); w && *n < CPUS_MAX; w = strtok_r(NULL, ",", &save)) {
		ret[*n].name = one.vcpu_type = w;
		if (vcpu_of(&one, &ret[(*n)++].signature, e))
			return e->code;
	}
	return *n ? 0 : usage(e, "vcpu-type", l->in.vcpu_type, "models, or all");
}

struct printer {
	const struct tee *t;
	size_t len; /* of a value */
	bool csv;
	json_t *rows; /* with --json */
};

static int print_cell(const struct matrix_cell *c, void *arg)
{
	struct printer *p = arg;
	char hex[HASH_MAX_HEX], signature[16];

	hex_encode(hex, c->value, p->len);
	snprintf(signature, sizeof(signature), "0x%x", (unsigned)c->cpu->signature);
	if (p->rows)
		json_array_append_new(
		        p->rows, json_pack("{ss ss sI ss}", "vcpu_type", c->cpu->name, "vcpu_sig", signature,
		                         "vcpus", (json_int_t)c->vcpus, "launch_digest", hex));
	else if (p->csv)
		printf("%s,%s,%u,%s\n", c->cpu->name, signature, c->vcpus, hex);
	else
		printf("%s.launch_digest.%s.%u=%s\n", p->t->name, c->cpu->name, c->vcpus, hex);
	return 0;
}

int matrix_print(const struct args *a, const struct tee *t, struct err *e)
{
	struct printer p = { .t = t, .len = SHA384_LEN, .csv = args_flag(a, "csv") };
	struct matrix_cpu cpus[CPUS_MAX] = { 0 };
	_loaded_ struct loaded l = { 0 };
	_result_ struct result none = { 0 };
	_free_ unsigned *vcpus = NULL;
	_free_ char *names = NULL;
	size_t n = 0, n_cpus = 0;
	const char *text;
	json_t *j;

	if (!t->matrix) {
		err_set(e, -EINVAL, "%s has one value a launch: give one number of vCPUs and one CPU model",
		        t->name);
		return err_exit(e, EX_USAGE);
	}
	if (inputs_load(a, t, a->json, &l, e))
		return e->code;
	text = args_get(a, "vcpus");
	if (text ? matrix_vcpus(text, &vcpus, &n, e) : usage(e, "vcpus", "", "numbers and ranges, as 1-4,8"))
		return e->code;
	if (read_cpus(&l, &names, cpus, &n_cpus, e))
		return e->code;
	result_print(t, &l.in.stack, &none, a->quiet);
	if (a->json)
		p.rows = json_array();
	else if (p.csv)
		puts("vcpu_type,vcpu_sig,vcpus,launch_digest");
	if (t->matrix(&l.in, vcpus, n, cpus, n_cpus, print_cell, &p, e)) {
		json_decref(p.rows);
		return e->code;
	}
	if (!a->json)
		return 0;
	j = result_json(t, &l, &none, false);
	json_object_del(j, "registers");
	json_object_del(j, "unknown");
	json_object_set_new(j, "schema", json_string("bulla.matrix/1"));
	json_object_set_new(j, "matrix", p.rows);
	json_print(j);
	return 0;
}
