/* What an event of a log tells a person, on one line (TCG PC Client Platform Firmware Profile 1.06, 10.2
 * and 10.4). */
#ifndef BULLA_EVTEXT_H
#define BULLA_EVTEXT_H
#include "format/eventlog.h"
#include "lib/buf.h"

/*
 * Appends what the event's data says, "" where it is not understood: a variable's name and value, a device
 * path, an action. Text is escaped (lib/text.h).
 */
void event_text(const struct eventlog_event *ev, struct buf *to);
/*
 * What the digest is of, as far as the log itself tells: "data", "text" (data without NULs at its end),
 * "value" (of a variable or a tag), "name" (as ASCII with its NUL), "command" (text after a boot loader's
 * prefix); NULL where it is of bytes that are not in the log.
 */
const char *event_digest_of(const struct eventlog *log, const struct eventlog_event *ev);
/* ExitBootServices failed here: the boot loader tried again, which an unattended boot need not do. */
bool event_is_exit_failure(const struct eventlog_event *ev);
/* The text of an attestation agent's entry ("DOMAIN OPERATION CONTENT"), if EV is one. */
bool event_aael(const struct eventlog_event *ev, struct slice *ret);
#endif
