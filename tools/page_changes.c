#include "page.h"

void page_changes(struct page *p)
{
	page_section(p, "changes", "What changed", "Against the previous release, and why.");
	if (!p->changes)
		buf_printf(p->out, "<p>Nothing to compare with was given: <code>bulla report --html "
		                   "--previous DIR</code> takes a former build or release.</p>\n");
	buf_printf(p->out, "</section>\n");
}
