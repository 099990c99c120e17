#include "format/fwcfg.h"
#include "measure/events.h"

/* OvmfPkg/Library/QemuFwCfgLib/QemuFwCfgCacheInit.c of edk2: what it measures, in its order; of another size
 * an item is none. */
static const struct {
	const char *name;
	size_t size; /* 0: any but none */
} items[] = {
	{ "etc/extra-pci-roots", 8 },
	{ "BootMenu", 2 },
	{ "etc/boot-menu-wait", 2 },
	{ "etc/reserved-memory-end", 8 },
	{ "opt/ovmf/X-PciMmio64Mb", 0 },
	{ "bootorder", 0 },
};

/* QEMU puts the option ROM that loads a -kernel into the boot order; `bulla acpi` always has one. Entries end
 * in a newline, the last in a NUL. */
static void without_kernel(struct slice order, struct buf *ret)
{
	static const char rom[] = "/rom@genroms/linuxboot";

	for (size_t at = 0, next; at < order.n; at = next) {
		for (next = at; next < order.n && order.p[next] && order.p[next] != '\n'; next++)
			;
		if (next - at < strlen(rom) || memcmp(order.p + at, rom, strlen(rom))) {
			if (ret->n)
				buf_add(ret, "\n", 1);
			buf_add(ret, order.p + at, next - at);
		}
		next++;
	}
	if (ret->n)
		buf_add(ret, "", 1);
}

int source_fw_cfg(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct blob *b = &ev->in->fw_cfg;
	struct event event = { r->pcr, r->type, "fw_cfg items", "fw-cfg", 0, 0 };

	if (!b->given) {
		event_unknown(
		        ev, &event, "fw_cfg items: give --fw-cfg or --acpi, as `bulla acpi` makes them");
		return 0;
	}
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		_buf_ struct buf order = { 0 };
		struct slice data;
		char what[96];
		int found = fwcfg_find(b->name, b->data, items[i].name, &data, e);

		if (found < 0)
			return found;
		if (!found)
			continue;
		if (!strcmp(items[i].name, "bootorder") && ev->when & EVENT_WHEN_DISK) {
			without_kernel(data, &order);
			data = buf_slice(&order);
		}
		if (!data.n || (items[i].size && data.n != items[i].size))
			continue;
		snprintf(what, sizeof(what), "fw_cfg %s", items[i].name);
		event.what = what;
		event.length = 0;
		event_data(ev, &event, data);
	}
	return 0;
}
