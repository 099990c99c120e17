#include "format/siglist.h"
#include <errno.h>
#include <inttypes.h>

enum { LIST_HEADER = 28 /* type, u32 list size, u32 header size, u32 entry size */ };

/* a5c059a1-94e4-4aa7-87b5-ab155c2bf072 */
const uint8_t siglist_x509[UUID_LEN] = { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab,
	0x15, 0x5c, 0x2b, 0xf0, 0x72 };
/* c1c41626-504c-4092-aca9-41f936934328 */
const uint8_t siglist_sha256[UUID_LEN] = { 0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41,
	0xf9, 0x36, 0x93, 0x43, 0x28 };

int siglist_next(const char *name, struct slice lists, struct siglist_place *at, const uint8_t **type,
        struct slice *ret, struct err *e)
{
	for (;;) {
		uint64_t size, header, each;
		struct slice h, all;

		if (at->list == lists.n)
			return 0;
		if (!slice_at(lists, at->list, LIST_HEADER, &h))
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": %zu bytes, expected a signature list's header", name,
			        at->list, (size_t)(lists.n - at->list));
		size = le32(h.p + 16);
		header = LIST_HEADER + (uint64_t)le32(h.p + 20);
		each = le32(h.p + 24);
		if (size < header || each <= SIGLIST_OWNER || !slice_at(lists, at->list, size, &all))
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": list of %" PRIu64 " bytes with entries of %" PRIu64
			        ", expected it inside the variable's %zu",
			        name, at->list, size, each, lists.n);
		if (slice_at(all, header + at->entry * each, each, ret)) {
			*type = h.p;
			at->entry++;
			return 1;
		}
		*at = (struct siglist_place){ at->list + size, 0 };
	}
}

void siglist_add_cert(struct buf *b, const uint8_t owner[UUID_LEN], struct slice cert)
{
	uint8_t *p = buf_zeros(b, LIST_HEADER + SIGLIST_OWNER);

	memcpy(p, siglist_x509, UUID_LEN);
	put_le32(p + 16, (uint32_t)(LIST_HEADER + SIGLIST_OWNER + cert.n));
	put_le32(p + 24, (uint32_t)(SIGLIST_OWNER + cert.n));
	uuid_swap(p + LIST_HEADER, owner);
	buf_add(b, cert.p, cert.n);
}
