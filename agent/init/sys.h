/* The few system services that both init programs use. Neither ever returns to the kernel: fatal() powers
 * off. */
#ifndef INIT_SYS_H
#define INIT_SYS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds since boot. */
uint64_t sys_boottime(void);
/* One line to the kernel log, "bulla: init: FMT"; PRIORITY as in syslog (3 error, 6 info). */
void sys_log(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Powers the machine off; halts it where it cannot. */
_Noreturn void sys_power_off(void);
/* sys_log at error level, then sys_power_off. %m is errno. */
_Noreturn void sys_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Reads a file of at most CAP-1 bytes and NUL-terminates it. Returns the length, -EFBIG for more, -errno. */
long sys_read(const char *path, char *ret, size_t cap);
/* As sys_read, of a file that holds one unsigned number (sysfs): 0 or -errno. */
int sys_read_u64(const char *path, uint64_t *ret);
/* Makes the directory where it is missing and mounts there. 0 or -errno. */
int sys_mount(const char *what, const char *at, const char *type, unsigned long flags, const char *options);
#endif
