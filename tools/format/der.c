#include "format/der.h"

bool der_next(struct slice *s, uint8_t *tag, struct slice *content)
{
	size_t head = 2, n;

	if (s->n < 2 || (s->p[0] & 0x1f) == 0x1f)
		return false;
	*tag = s->p[0];
	n = s->p[1];
	if (n & 0x80) {
		size_t bytes = n & 0x7f;

		if (!bytes || bytes > 4 || s->n < head + bytes)
			return false;
		for (n = 0; bytes--; head++)
			n = n << 8 | s->p[head];
	}
	if (!slice_at(*s, head, n, content))
		return false;
	*s = slice_of(s->p + head + n, s->n - head - n);
	return true;
}

bool der_find(struct slice sequence, struct slice oid, uint8_t *tag, struct slice *content)
{
	struct slice entry, id;
	uint8_t t;

	while (der_next(&sequence, &t, &entry))
		if (t == DER_SEQUENCE && der_next(&entry, &t, &id) && t == DER_OID && slice_eq(id, oid))
			return der_next(&entry, tag, content);
	return false;
}

bool der_uint(uint8_t tag, struct slice content, uint32_t *ret)
{
	if (tag != DER_INTEGER || !content.n || content.n > 5 || content.p[0] & 0x80)
		return false;
	if (content.n == 5 && content.p[0])
		return false;
	*ret = 0;
	for (size_t i = 0; i < content.n; i++)
		*ret = *ret << 8 | content.p[i];
	return true;
}
