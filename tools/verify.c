#include "verify.h"
#include "lib/mem.h"
#include "lib/text.h"
#include <stdarg.h>
#include <string.h>

void verify_start(struct verify *v)
{
	v->checks = json_array();
	v->claims = json_object();
}

void verify_free(struct verify *v)
{
	certs_free(&v->certs);
	json_decref(v->checks);
	json_decref(v->claims);
	EVP_PKEY_free(v->ak);
	free(v->regs);
	*v = (struct verify){ 0 };
}

void verify_note(struct verify *v, const char *check, enum finding f, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "failed", "missing", "unchecked" };
	_buf_ struct buf ascii = { 0 };
	char detail[1024];
	json_t *text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	v->n[f]++;
	text = json_string(detail);
	if (!text) { /* a file's name that is not UTF-8 */
		text_ascii(&ascii, slice_str(detail));
		text = json_string(buf_str(&ascii));
	}
	json_array_append_new(
	        v->checks, json_pack("{ss ss so}", "name", check, "result", words[f], "detail", text));
}

void verify_reg(struct verify *v, const char *name, struct slice value)
{
	struct verify_reg *r;

	v->regs = xrealloc(v->regs, v->n_regs + 1, sizeof(*v->regs));
	r = &v->regs[v->n_regs++];
	*r = (struct verify_reg){ .len = value.n < HASH_MAX ? value.n : HASH_MAX };
	snprintf(r->name, sizeof(r->name), "%s", name);
	memcpy(r->value, value.p, r->len);
}

void verify_claim_hex(struct verify *v, const char *key, struct slice value)
{
	_free_ char *hex = xcalloc(value.n + 1, 2);

	json_object_set_new(v->claims, key, json_string(hex_encode(hex, value.p, value.n)));
}

void verify_claim_int(struct verify *v, const char *key, uint64_t value)
{
	json_object_set_new(v->claims, key, json_integer((json_int_t)value));
}

void verify_expected(struct verify *v, const char *check, struct slice expected, struct slice found)
{
	bool same = expected.n <= found.n && !memcmp(expected.p ? expected.p : found.p, found.p, expected.n);

	if (!expected.n) {
		verify_note(v, check, FINDING_UNCHECKED, "nothing was given to compare it with");
		return;
	}
	for (size_t i = expected.n; same && i < found.n; i++)
		same = !found.p[i];
	verify_note_if(v, check, same, same ? "as expected" : "not what was expected");
}

void verify_initdata(struct verify *v, const char *check, const uint8_t *field, struct slice found)
{
	bool same = v->initdata && slice_eq(slice_of(field, found.n), found);

	if (v->initdata)
		verify_note_if(v, check, same, "%s bound to the guest", same ? "is" : "is not");
}

int verify_status(const struct verify *v)
{
	return v->n[FINDING_FAILED] ? EX_NO : v->n[FINDING_MISSING] ? EX_MISSING : EX_OK;
}
