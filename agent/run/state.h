/* What the parts of agent/run share. */
#ifndef AGENT_RUN_STATE_H
#define AGENT_RUN_STATE_H
#include "agent.h"
#include "job.h"
#include "run/ask.h"
#include "run/run.h"
#include "run/stream.h"

#define SCRATCH "/run/bulla/scratch"
#define BUNDLES SCRATCH "/containers"
#define VOLUMES SCRATCH "/volumes"
#define LAYERS SCRATCH "/layers"
#define SANDBOX "/run/bulla/sandbox"

enum {
	MAX_CONTAINERS = 64,
	MAX_PROCESSES = 200, /* of all containers, ended ones that are still known among them */
	MAX_STORAGES = 64,
	PATH_BYTES = 4096,
};

struct waiting { /* calls that wait for one thing */
	struct waiting *next;
	struct rpc_call *call;
};

struct process {
	struct process *next; /* of the same container */
	struct container *of;
	char id[ASK_ID_MAX + 1];
	struct child child; /* pid 0 until it is known */
	bool tty, ended;
	int code;           /* once it has ended; 128 + signal */
	int console;        /* listens for the terminal; -1 */
	char *console_path; /* NULL without */
	struct stream in, out, err;
	struct waiting *waits;
	struct rpc_call *starting; /* of ExecProcess */
};

enum phase { PREPARING, CREATED, RUNNING, ENDING };

struct container {
	struct container *next;
	struct run *run;
	char id[ASK_ID_MAX + 1];
	char *dir; /* bundle */
	enum phase phase;
	bool made;         /* crun knows it */
	bool undone;       /* and what it had mounted is gone */
	unsigned int busy; /* children that work on it */
	json_t *ask;       /* CreateContainer's, until it is prepared */
	json_t *spec;      /* effective, as the policy gave it */
	json_t *storages;  /* mount points that it has */
	struct job *job;
	struct rpc_call *creating; /* CreateContainer, StartContainer or UpdateContainer */
	struct err failed;         /* why it ends, where creating it failed */
	struct waiting *removes;
	struct timer patience; /* of RemoveContainer */
	struct process init, *execs;
	int oom_watch; /* -1 */
	uint64_t oom_kills;
};

struct run {
	struct agent *a;
	struct container *containers;
	unsigned int n_containers, n_processes;
	unsigned int consoles;      /* so many were made: each has another path */
	bool sandbox, sandbox_busy; /* CreateSandbox was done, or is being done */
	char *sandbox_id;
	json_t *sandbox_storages;
	bool share_pids;
	char *pid_ns; /* "/proc/PID/ns/pid" of the first container that shares, or NULL */
	struct storage {
		struct storage *next;
		unsigned int users;
		bool mounted;
		char path[];
	} * storages;
	unsigned int n_storages, volumes;
	struct watch oom;
	struct waiting *oom_waits;
	struct oom_event {
		struct oom_event *next;
		char id[ASK_ID_MAX + 1];
	} * oom_events;
};

/* Adds C at the end, and forgets those whose callers have gone: a host that comes and goes may leave many. */
void wait_add(struct waiting **list, struct rpc_call *c);
/* The first call of the list that is still heard, or NULL. */
struct rpc_call *wait_take(struct waiting **list);

static inline void done(struct rpc_call *c)
{
	rpc_answer(c, slice_of(NULL, 0));
}

/* container.c */
struct container *container_find(struct run *r, const char *id);
/* Takes C and ASK, what msg_create_container gives. */
void container_create(struct run *r, struct rpc_call *c, json_t *ask);
void container_start(struct container *c, struct rpc_call *call);
void container_remove(struct container *c, struct rpc_call *call, uint32_t seconds);
/* The prepare job has ended: *RESULT is what is in prepare.c's result, or the error. */
void container_prepared(struct container *c, int error, const struct err *e, json_t *result);
/* The container's own process has ended. */
void container_ended(struct container *c);
/* Takes the next step of its end, if it is ending and nothing is under way. */
void container_proceed(struct container *c);
/* Kills all, for the sandbox's end. */
void containers_kill(struct run *r);
/* Updates its limits by RESOURCES (runtime-spec linux.resources). */
void container_update(struct container *c, struct rpc_call *call, const json_t *resources);

/* process.c */
struct process *process_find(struct container *c, const char *exec);
void process_exec(struct container *c, struct rpc_call *call, const json_t *ask);
/* Opens its standard streams; GIVE are the child's ends, which the caller closes, or -1. 0 or -errno. */
int process_stdio(struct process *p, bool tty, int give[3]);
/* crun has made it: reads PIDFILE, takes the terminal. 0 or a negative errno. */
int process_adopt(struct process *p, const char *pidfile, struct err *e);
void process_wait(struct process *p, struct rpc_call *call);
/* Gives up what it holds; pending calls get an error. The init process's memory stays. */
void process_drop(struct process *p);

/* prepare.c */
int prepare_start(struct container *c);

/* place.c: mounts what the container needs, completes SPEC, writes config.json. */
int place(struct container *c, json_t *spec, const json_t *pulled, const char *rootfs, struct err *e);
/* Undoes it, blocking: for a child of its own. ARG is a struct container. 0 or -errno. */
int place_undo(void *arg);
/* Unmounts and removes what a former agent left. 0 or -errno. */
int place_forget(void);
/* Takes from linux.resources and from a process what this kernel has not. */
void place_resources(json_t *resources);
void place_process(json_t *process);
/* Reads FILE of the container's root, at most MAX bytes, without leaving it: empty where it is not. */
void place_read(const struct container *c, const char *file, size_t max, struct buf *ret);

/* storage.c */
int storages_add(struct run *r, const json_t *storages, json_t *taken, struct err *e);
void storages_drop(struct run *r, const json_t *taken);
/* An O_PATH descriptor of PATH, which has no link and no ".." in it, or -errno. */
int open_unlinked(const char *path);
/* As open_unlinked, of a folder that is made with its parents where it is not. */
int make_folders(const char *path, mode_t mode);

/* block.c: the node in /dev of SOURCE, which is one already, or a PCI path ("02/05": a slot on each bus). SYS
 * is "/sys" but in tests. Caller frees *RET. -EINVAL, -ENODEV. */
int block_find(const char *sys, const char *source, char **ret, struct err *e);

/* sandbox.c */
/* Takes ASK. */
void sandbox_create(struct run *r, struct rpc_call *call, json_t *ask);

/* oom.c */
int oom_start(struct run *r);
void oom_watch(struct container *c);
void oom_unwatch(struct container *c);
void oom_ask(struct run *r, struct rpc_call *call);
#endif
