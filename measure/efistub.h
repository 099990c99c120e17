/* What the EFI stub inside a Linux kernel measures (drivers/firmware/efi/libstub/efi-stub-helper.c). */
#ifndef BULLA_EFISTUB_H
#define BULLA_EFISTUB_H
#include "measure/events.h"

/*
 * Its two events, in its order, where there is something to measure, and where the KERNEL (a PE image) is new
 * enough to measure it there: OPTIONS, the load options as they lie in memory (UTF-16LE with its NUL), and
 * the initrd, the N pieces at INITRD one after the other. FROM are their inputs as in struct event.
 */
void efistub_events(struct events *ev, const struct event_rule *r, struct slice kernel, struct slice options,
        const char *options_from, const struct slice *initrd, size_t n, const char *initrd_from);
#endif
