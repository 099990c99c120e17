/* One line to whoever reads the agent: the kernel log, or the console of a debug guest. */
#ifndef AGENT_LOG_H
#define AGENT_LOG_H

enum log_priority { LOG_ERROR = 3, LOG_WARNING = 4, LOG_INFO = 6 };

void log_line(enum log_priority p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
