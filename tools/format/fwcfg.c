#include "format/fwcfg.h"
#include <errno.h>

enum { HEAD = FWCFG_NAME + 4 };

void fwcfg_add(struct buf *file, const char *name, struct slice data)
{
	uint8_t *head = buf_zeros(file, HEAD);

	memcpy(head, name, strnlen(name, FWCFG_NAME - 1));
	put_le32(head + FWCFG_NAME, (uint32_t)data.n);
	buf_add(file, data.p, data.n);
}

int fwcfg_find(const char *file, struct slice items, const char *name, struct slice *ret, struct err *e)
{
	struct slice head, data;
	int found = 0;

	for (uint64_t at = 0; at < items.n; at += HEAD + data.n) {
		if (!slice_at(items, at, HEAD, &head) || head.p[FWCFG_NAME - 1])
			return err_set(e, -EBADMSG,
			        "%s+0x%llx: %zu bytes, expected the name and size of a fw_cfg item", file,
			        (unsigned long long)at, items.n - (size_t)at);
		if (!slice_at(items, at + HEAD, le32(head.p + FWCFG_NAME), &data))
			return err_set(e, -EBADMSG,
			        "%s+0x%llx: fw_cfg item of %lu bytes, expected at most %llu", file,
			        (unsigned long long)at, (unsigned long)le32(head.p + FWCFG_NAME),
			        (unsigned long long)(items.n - at - HEAD));
		if (!found && !strcmp((const char *)head.p, name)) {
			*ret = data;
			found = 1;
		}
	}
	return found;
}
