/*
 * cgroup v2: the agent in /agent, each container in /pod/ID. All that is read of them is small text of the
 * kernel's.
 */
#ifndef AGENT_RUN_CGROUP_H
#define AGENT_RUN_CGROUP_H
#include <jansson.h>
#include "lib/buf.h"

/* Makes both, moves the agent, kills what a former agent left in /pod. 0 or -errno. */
int cgroup_init(void);
/* Whether no process is in a container's cgroup; also where there is no such cgroup. NULL: in any. */
bool cgroup_empty(const char *id);
/* Kills all that is in it, or (any other SIGNAL) tells each process. 0 or -errno. */
int cgroup_signal(const char *id, int signal);
/* Stops or continues all that is in it; 0 or -errno. */
int cgroup_freeze(const char *id, bool freeze);
/* Appends the message StatsContainerResponse. 0, or -ENOENT where there is no such cgroup. */
int cgroup_stats(const char *id, struct buf *ret);
/* The pids in it, as a new array. */
json_t *cgroup_pids(const char *id);
/* Path of FILE of a container's cgroup; caller frees. */
char *cgroup_path(const char *id, const char *file);
/* How many of its processes were killed for want of memory. */
uint64_t cgroup_oom_kills(const char *id);
void cgroup_remove(const char *id);
#endif
