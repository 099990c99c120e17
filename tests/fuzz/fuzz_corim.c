/* CoRIM, bare and signed: every value that is handed out lies in the file, and is handed out again. */
#include "format/corim.h"
#include "fuzz.h"

struct seen {
	struct slice file;
	size_t n;
	uint64_t sum;
};

static int see(const struct corim_claim *c, void *arg, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	assert(c->value.p >= s->file.p && c->value.n <= (size_t)(s->file.p + s->file.n - c->value.p));
	assert(*c->name && c->at < s->file.n);
	for (size_t i = 0; i < c->value.n; i++)
		s->sum = s->sum * 31 + c->value.p[i];
	s->n++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen first = { .file = slice_of(p, n) }, again = first;
	struct corim k, same;
	struct err e = { 0 };

	corim_recognised(first.file);
	if (corim_read("data", first.file, &k, see, &first, &e)) {
		assert(e.code == -EBADMSG && *e.msg);
		return 0;
	}
	assert(corim_recognised(first.file) && first.n == k.claims);
	assert(!corim_read("data", again.file, &same, see, &again, &e));
	assert(first.n == again.n && first.sum == again.sum);
	return 0;
}
