#include "format/gptread.h"
#include "measure/events.h"

/* UEFI_GPT_DATA of the disk that is booted from (edk2 SecurityPkg/Library/DxeTpm2MeasureBootLib). */
int source_gpt(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct blob *disk = &ev->in->disk;
	struct event event = { r->pcr, r->type, "partition table", "disk", GPTREAD_SECTOR, 0 };
	_buf_ struct buf data = { 0 };
	struct gptread g;

	if (!disk->given) {
		event_unknown(ev, &event, "partition table: give --disk");
		return 0;
	}
	if (gptread_parse(disk->name, disk->data, &g, e))
		return e->code;
	gptread_event(&g, &data);
	event_data(ev, &event, buf_slice(&data));
	return 0;
}
