#include "format/dpkg.h"
#include "lib/mem.h"

static void package_free(struct dpkg_package *p)
{
	free(p->name);
	free(p->version);
	free(p->arch);
	free(p->source);
	*p = (struct dpkg_package){ 0 };
}

void dpkg_free(struct dpkg *d)
{
	for (size_t i = 0; i < d->n; i++)
		package_free(&d->v[i]);
	free(d->v);
	*d = (struct dpkg){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct dpkg_package *p = a, *q = b;
	int r = strcmp(p->name, q->name);

	return r ? r : strcmp(p->arch, q->arch);
}

const struct dpkg_package *dpkg_find(const struct dpkg *d, const char *name, const char *arch)
{
	for (size_t lo = 0, hi = d->n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		const struct dpkg_package *p = &d->v[mid];
		int r = strcmp(name, p->name);

		if (!r && arch)
			r = strcmp(arch, p->arch);
		if (!r)
			return p;
		if (r < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

struct stanza {
	struct dpkg_package p;
	char *status;
	unsigned line; /* where it starts; 0 between stanzas */
};

static void stanza_free(struct stanza *s)
{
	package_free(&s->p);
	free(s->status);
	*s = (struct stanza){ 0 };
}

/* "want flag state": what is not wholly unpacked and configured is not there. */
static bool is_installed(const char *status)
{
	const char *state = status ? strrchr(status, ' ') : NULL;

	return state && !strcmp(state, " installed");
}

static int end_stanza(struct dpkg *d, struct stanza *s, const char *name, struct err *e)
{
	const char *lacks = !s->p.name ? "Package" : !s->status ? "Status" : NULL;

	if (!s->line)
		return 0;
	if (!lacks && is_installed(s->status))
		lacks = !s->p.version ? "Version" : !s->p.arch ? "Architecture" : NULL;
	if (lacks)
		return err_set(e, -EINVAL, "%s:%u: a package without the field %s", name, s->line, lacks);
	if (is_installed(s->status)) {
		if (!s->p.source)
			s->p.source = xstrdup(s->p.name);
		d->v = xrealloc(d->v, d->n + 1, sizeof(*d->v));
		d->v[d->n++] = s->p;
		s->p = (struct dpkg_package){ 0 };
	}
	stanza_free(s);
	return 0;
}

static int add_field(struct stanza *s, char *line, const char *name, unsigned no, struct err *e)
{
	char *value = strchr(line, ':');
	struct {
		const char *key;
		char **to;
	} fields[] = { { "Package", &s->p.name }, { "Version", &s->p.version },
		{ "Architecture", &s->p.arch }, { "Source", &s->p.source }, { "Status", &s->status } };

	if (!value)
		return err_set(e, -EINVAL, "%s:%u: '%.40s' is not Field: value", name, no, line);
	*value++ = 0;
	value += strspn(value, " \t");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(line, fields[i].key))
			continue;
		if (*fields[i].to)
			return err_set(e, -EINVAL, "%s:%u: %s is given twice", name, no, line);
		*fields[i].to = xstrdup(value);
	}
	return 0;
}

static int parse(struct dpkg *d, struct stanza *s, const char *name, char *text, struct err *e)
{
	unsigned no = 0;

	for (char *line = text, *next; line; line = next) {
		char *end = line + strcspn(line, "\n");

		no++;
		next = *end ? end + 1 : NULL;
		*end = 0;
		if (!*line) {
			if (end_stanza(d, s, name, e))
				return e->code;
			continue;
		}
		if (!s->line)
			s->line = no;
		if (*line == ' ' || *line == '\t')
			continue;
		if (add_field(s, line, name, no, e))
			return e->code;
	}
	return end_stanza(d, s, name, e);
}

int dpkg_parse(const char *name, struct slice text, struct dpkg *ret, struct err *e)
{
	_dpkg_ struct dpkg d = { 0 };
	_free_ char *copy = xcalloc(text.n + 1, 1);
	struct stanza s __attribute__((cleanup(stanza_free))) = { 0 };

	if (text.n && memchr(text.p, 0, text.n))
		return err_set(e, -EINVAL, "%s: has a NUL byte", name);
	if (text.n)
		memcpy(copy, text.p, text.n);
	if (parse(&d, &s, name, copy, e))
		return e->code;
	if (d.n)
		qsort(d.v, d.n, sizeof(*d.v), compare);
	for (size_t i = 1; i < d.n; i++)
		if (!compare(&d.v[i - 1], &d.v[i]))
			return err_set(e, -EINVAL, "%s: package %s:%s is there twice", name, d.v[i].name,
			        d.v[i].arch);
	*ret = d;
	d = (struct dpkg){ 0 };
	return 0;
}
