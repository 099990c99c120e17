#include "session.h"
#include "lib/base64.h"
#include "lib/io.h"

enum { AREA_MAX = 256 << 10 };
/* The entry that CoCo's offline SEV key provider had: a JSON object of base64 strings (guest-components up to
 * v0.17, attestation-agent/kbc/src/offline_sev_kbc). efi_secret names files by the entries' GUIDs. */
static const char entry[] = "e6f5a162-d67f-4750-a67c-5d065f2a9910";

int injected_resource(const char *folder, const char *path, struct buf *ret, struct err *e)
{
	_free_ char *file = xasprintf("%s/%s", folder, entry);
	struct buf text = { 0 };
	json_t *all = NULL;
	const char *value;

	if (io_read_file(file, AREA_MAX, &text, e)) {
		err_wrap(e, "injected secrets");
		err_hint(e, "without a key broker, keys come from what the guest's owner injected at launch");
	} else if (!(all = jose_object(slice_of(text.p, strnlen((char *)text.p, text.n)), AREA_MAX))) {
		err_set(e, -EBADMSG, "injected secrets: %s: not a JSON object", entry);
	} else if (!(value = jose_string(all, path))) {
		err_set(e, -ENOENT, "injected secrets: %s is not among them", path);
	} else if (!base64_decode(ret, slice_str(value))) {
		err_set(e, -EBADMSG, "injected secrets: %s is not base64", path);
	} else {
		e->code = 0;
	}
	json_decref(all);
	kbs_wipe(&text);
	return e->code;
}
