#include "page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What can be read is the same as itself, and makes a page in which no text of it is markup. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *report = NULL, *diff = NULL;
	_buf_ struct buf page = { 0 }, text = { 0 };
	struct err e = { 0 };

	if (report_parse("fuzz", slice_of(data, size), &report, &e)) {
		if (!e.msg[0] || strncmp(e.msg, "fuzz", 4))
			abort();
		return 0;
	}
	report_text(report, &text);
	report_over(report, &text);
	if (report_diff(report, report, "old", "new", &diff, &e))
		return 0;
	if (!json_is_true(json_object_get(diff, "same")))
		abort();
	report_diff_text(diff, &text);
	if (page_write(report, diff, &page, &e))
		return 0;
	/* quotes of a text are escaped, so that only our own numbers follow one */
	if (strstr(buf_str(&page), "<script") || strstr(buf_str(&page), "=\"nan") ||
	        strstr(buf_str(&page), "=\"-nan") || strstr(buf_str(&page), "=\"inf"))
		abort();
	return 0;
}
