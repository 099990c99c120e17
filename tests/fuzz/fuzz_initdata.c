/* Initdata in all its forms: what is taken must read the same when it is written with basic strings. */
#include "format/initdata.h"
#include "fuzz.h"

static void put_string(struct buf *b, const uint8_t *p, size_t n)
{
	buf_printf(b, "\"");
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] == 0x7f || p[i] == '"' || p[i] == '\\')
			buf_printf(b, "\\u%04x", p[i]);
		else
			buf_add(b, p + i, 1);
	buf_printf(b, "\"");
}

static void write_anew(const struct initdata *d, struct buf *b)
{
	buf_printf(b, "version='%s'\nalgorithm='%s'\n[data]\n", d->version, hash_name(d->alg));
	for (size_t i = 0; i < d->n; i++) {
		put_string(b, (uint8_t *)d->v[i].key, strlen(d->v[i].key));
		buf_printf(b, "=");
		put_string(b, d->v[i].value.p, d->v[i].value.n);
		buf_printf(b, "\n");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_initdata_ struct initdata d = { 0 }, again = { 0 };
	_buf_ struct buf toml = { 0 }, anew = { 0 };
	struct err e = { 0 };

	initdata_recognised(slice_of(p, n));
	if (initdata_unpack("data", slice_of(p, n), &toml, &e) ||
	        initdata_parse("data", buf_slice(&toml), &d, &e))
		return 0;
	write_anew(&d, &anew);
	if (initdata_parse("anew", buf_slice(&anew), &again, &e))
		abort();
	assert(d.n == again.n && d.alg == again.alg);
	for (size_t i = 0; i < d.n; i++)
		assert(!strcmp(d.v[i].key, again.v[i].key) &&
		        slice_eq(buf_slice(&d.v[i].value), buf_slice(&again.v[i].value)));
	return 0;
}
