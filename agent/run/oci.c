/* oci.proto of the Kata agent protocol, as the OCI runtime specification (config.md, config-linux.md) names
 * its members. */
#include "run/msg.h"
#include "run/run.h"

static const struct msg_member box[] = {
	{ 1, "height", MSG_U32, MSG_ALWAYS, NULL },
	{ 2, "width", MSG_U32, MSG_ALWAYS, NULL },
	{ 0 },
};
static const struct msg_member user[] = {
	{ 1, "uid", MSG_U32, MSG_ALWAYS, NULL },
	{ 2, "gid", MSG_U32, MSG_ALWAYS, NULL },
	{ 3, "additionalGids", MSG_U32, MSG_MANY, NULL },
	{ 4, "username", MSG_STR, 0, NULL },
	{ 0 },
};
static const struct msg_member capabilities[] = {
	{ 1, "bounding", MSG_STR, MSG_MANY, NULL },
	{ 2, "effective", MSG_STR, MSG_MANY, NULL },
	{ 3, "inheritable", MSG_STR, MSG_MANY, NULL },
	{ 4, "permitted", MSG_STR, MSG_MANY, NULL },
	{ 5, "ambient", MSG_STR, MSG_MANY, NULL },
	{ 0 },
};
static const struct msg_member rlimit[] = {
	{ 1, "type", MSG_STR, 0, NULL },
	{ 2, "hard", MSG_U64, MSG_ALWAYS, NULL },
	{ 3, "soft", MSG_U64, MSG_ALWAYS, NULL },
	{ 0 },
};

const struct msg_member msg_process[] = {
	{ 1, "terminal", MSG_BOOL, 0, NULL },
	{ 2, "consoleSize", MSG_OBJECT, 0, box },
	{ 3, "user", MSG_OBJECT, 0, user },
	{ 4, "args", MSG_STR, MSG_MANY, NULL },
	{ 5, "env", MSG_STR, MSG_MANY, NULL },
	{ 6, "cwd", MSG_STR, 0, NULL },
	{ 7, "capabilities", MSG_OBJECT, 0, capabilities },
	{ 8, "rlimits", MSG_OBJECT, MSG_MANY, rlimit },
	{ 9, "noNewPrivileges", MSG_BOOL, 0, NULL },
	{ 10, "apparmorProfile", MSG_STR, 0, NULL },
	{ 11, "oomScoreAdj", MSG_I64, 0, NULL },
	{ 12, "selinuxLabel", MSG_STR, 0, NULL },
	{ 0 },
};

static const struct msg_member root[] = {
	{ 1, "path", MSG_STR, 0, NULL },
	{ 2, "readonly", MSG_BOOL, 0, NULL },
	{ 0 },
};
static const struct msg_member mount[] = {
	{ 1, "destination", MSG_STR, 0, NULL },
	{ 2, "source", MSG_STR, 0, NULL },
	{ 3, "type", MSG_STR, 0, NULL },
	{ 4, "options", MSG_STR, MSG_MANY, NULL },
	{ 0 },
};
static const struct msg_member hook[] = {
	{ 1, "path", MSG_STR, 0, NULL },
	{ 2, "args", MSG_STR, MSG_MANY, NULL },
	{ 3, "env", MSG_STR, MSG_MANY, NULL },
	{ 4, "timeout", MSG_I64, 0, NULL },
	{ 0 },
};
static const struct msg_member hooks[] = {
	{ 1, "prestart", MSG_OBJECT, MSG_MANY, hook },
	{ 2, "poststart", MSG_OBJECT, MSG_MANY, hook },
	{ 3, "poststop", MSG_OBJECT, MSG_MANY, hook },
	{ 0 },
};

static const struct msg_member id_mapping[] = {
	{ 1, "hostID", MSG_U32, MSG_ALWAYS, NULL },
	{ 2, "containerID", MSG_U32, MSG_ALWAYS, NULL },
	{ 3, "size", MSG_U32, MSG_ALWAYS, NULL },
	{ 0 },
};
static const struct msg_member namespace[] = {
	{ 1, "type", MSG_STR, 0, NULL },
	{ 2, "path", MSG_STR, 0, NULL },
	{ 0 },
};
static const struct msg_member device[] = {
	{ 1, "path", MSG_STR, 0, NULL },
	{ 2, "type", MSG_STR, 0, NULL },
	{ 3, "major", MSG_I64, 0, NULL },
	{ 4, "minor", MSG_I64, MSG_PAIR, NULL },
	{ 5, "fileMode", MSG_U32, 0, NULL },
	{ 6, "uid", MSG_U32, 0, NULL },
	{ 7, "gid", MSG_U32, 0, NULL },
	{ 0 },
};

/* a rule for all devices has no major, and major 0 is no device's */
static const struct msg_member device_cgroup[] = {
	{ 1, "allow", MSG_BOOL, MSG_ALWAYS, NULL },
	{ 2, "type", MSG_STR, 0, NULL },
	{ 3, "major", MSG_I64, 0, NULL },
	{ 4, "minor", MSG_I64, MSG_PAIR, NULL },
	{ 5, "access", MSG_STR, 0, NULL },
	{ 0 },
};
static const struct msg_member memory[] = {
	{ 1, "limit", MSG_I64, 0, NULL },
	{ 2, "reservation", MSG_I64, 0, NULL },
	{ 3, "swap", MSG_I64, 0, NULL },
	{ 4, "kernel", MSG_I64, 0, NULL },
	{ 5, "kernelTCP", MSG_I64, 0, NULL },
	{ 6, "swappiness", MSG_U64, 0, NULL },
	{ 7, "disableOOMKiller", MSG_BOOL, 0, NULL },
	{ 0 },
};
static const struct msg_member cpu[] = {
	{ 1, "shares", MSG_U64, 0, NULL },
	{ 2, "quota", MSG_I64, 0, NULL },
	{ 3, "period", MSG_U64, 0, NULL },
	{ 4, "realtimeRuntime", MSG_I64, 0, NULL },
	{ 5, "realtimePeriod", MSG_U64, 0, NULL },
	{ 6, "cpus", MSG_STR, 0, NULL },
	{ 7, "mems", MSG_STR, 0, NULL },
	{ 0 },
};
static const struct msg_member pids[] = {
	{ 1, "limit", MSG_I64, MSG_ALWAYS, NULL },
	{ 0 },
};
static const struct msg_member weight_device[] = {
	{ 1, "major", MSG_I64, MSG_ALWAYS, NULL },
	{ 2, "minor", MSG_I64, MSG_ALWAYS, NULL },
	{ 3, "weight", MSG_U32, 0, NULL },
	{ 4, "leafWeight", MSG_U32, 0, NULL },
	{ 0 },
};
static const struct msg_member throttle_device[] = {
	{ 1, "major", MSG_I64, MSG_ALWAYS, NULL },
	{ 2, "minor", MSG_I64, MSG_ALWAYS, NULL },
	{ 3, "rate", MSG_U64, MSG_ALWAYS, NULL },
	{ 0 },
};
static const struct msg_member block_io[] = {
	{ 1, "weight", MSG_U32, 0, NULL },
	{ 2, "leafWeight", MSG_U32, 0, NULL },
	{ 3, "weightDevice", MSG_OBJECT, MSG_MANY, weight_device },
	{ 4, "throttleReadBpsDevice", MSG_OBJECT, MSG_MANY, throttle_device },
	{ 5, "throttleWriteBpsDevice", MSG_OBJECT, MSG_MANY, throttle_device },
	{ 6, "throttleReadIOPSDevice", MSG_OBJECT, MSG_MANY, throttle_device },
	{ 7, "throttleWriteIOPSDevice", MSG_OBJECT, MSG_MANY, throttle_device },
	{ 0 },
};
static const struct msg_member hugepage_limit[] = {
	{ 1, "pageSize", MSG_STR, 0, NULL },
	{ 2, "limit", MSG_U64, MSG_ALWAYS, NULL },
	{ 0 },
};
static const struct msg_member priority[] = {
	{ 1, "name", MSG_STR, 0, NULL },
	{ 2, "priority", MSG_U32, MSG_ALWAYS, NULL },
	{ 0 },
};
static const struct msg_member network[] = {
	{ 1, "classID", MSG_U32, 0, NULL },
	{ 2, "priorities", MSG_OBJECT, MSG_MANY, priority },
	{ 0 },
};

const struct msg_member msg_resources[] = {
	{ 1, "devices", MSG_OBJECT, MSG_MANY, device_cgroup },
	{ 2, "memory", MSG_OBJECT, 0, memory },
	{ 3, "cpu", MSG_OBJECT, 0, cpu },
	{ 4, "pids", MSG_OBJECT, 0, pids },
	{ 5, "blockIO", MSG_OBJECT, 0, block_io },
	{ 6, "hugepageLimits", MSG_OBJECT, MSG_MANY, hugepage_limit },
	{ 7, "network", MSG_OBJECT, 0, network },
	{ 0 },
};

static const struct msg_member seccomp_arg[] = {
	{ 1, "index", MSG_U64, MSG_ALWAYS, NULL },
	{ 2, "value", MSG_U64, MSG_ALWAYS, NULL },
	{ 3, "valueTwo", MSG_U64, 0, NULL },
	{ 4, "op", MSG_STR, 0, NULL },
	{ 0 },
};
static const struct msg_member seccomp_syscall[] = {
	{ 1, "names", MSG_STR, MSG_MANY, NULL },
	{ 2, "action", MSG_STR, 0, NULL },
	{ 3, "errnoRet", MSG_U32, MSG_OPTIONAL, NULL },
	{ 4, "args", MSG_OBJECT, MSG_MANY, seccomp_arg },
	{ 0 },
};
static const struct msg_member seccomp[] = {
	{ 1, "defaultAction", MSG_STR, 0, NULL },
	{ 2, "architectures", MSG_STR, MSG_MANY, NULL },
	{ 3, "flags", MSG_STR, MSG_MANY, NULL },
	{ 4, "syscalls", MSG_OBJECT, MSG_MANY, seccomp_syscall },
	{ 0 },
};
static const struct msg_member rdt[] = {
	{ 1, "l3CacheSchema", MSG_STR, 0, NULL },
	{ 0 },
};

static const struct msg_member linux_part[] = {
	{ 1, "uidMappings", MSG_OBJECT, MSG_MANY, id_mapping },
	{ 2, "gidMappings", MSG_OBJECT, MSG_MANY, id_mapping },
	{ 3, "sysctl", MSG_MAP, 0, NULL },
	{ 4, "resources", MSG_OBJECT, 0, msg_resources },
	{ 5, "cgroupsPath", MSG_STR, 0, NULL },
	{ 6, "namespaces", MSG_OBJECT, MSG_MANY, namespace },
	{ 7, "devices", MSG_OBJECT, MSG_MANY, device },
	{ 8, "seccomp", MSG_OBJECT, 0, seccomp },
	{ 9, "rootfsPropagation", MSG_STR, 0, NULL },
	{ 10, "maskedPaths", MSG_STR, MSG_MANY, NULL },
	{ 11, "readonlyPaths", MSG_STR, MSG_MANY, NULL },
	{ 12, "mountLabel", MSG_STR, 0, NULL },
	{ 13, "intelRdt", MSG_OBJECT, 0, rdt },
	{ 0 },
};

const struct msg_member msg_spec[] = {
	{ 1, "ociVersion", MSG_STR, 0, NULL },
	{ 2, "process", MSG_OBJECT, 0, msg_process },
	{ 3, "root", MSG_OBJECT, 0, root },
	{ 4, "hostname", MSG_STR, 0, NULL },
	{ 5, "mounts", MSG_OBJECT, MSG_MANY, mount },
	{ 6, "hooks", MSG_OBJECT, 0, hooks },
	{ 7, "annotations", MSG_MAP, 0, NULL },
	{ 8, "linux", MSG_OBJECT, 0, linux_part },
	{ 0 },
};

/* agent.proto */
static const struct msg_member fs_group[] = {
	{ 2, "group_id", MSG_U32, MSG_ALWAYS, NULL },
	{ 3, "group_change_policy", MSG_U32, 0, NULL },
	{ 0 },
};
static const struct msg_member storage[] = {
	{ 1, "driver", MSG_STR, 0, NULL },
	{ 2, "driver_options", MSG_STR, MSG_MANY, NULL },
	{ 3, "source", MSG_STR, 0, NULL },
	{ 4, "fstype", MSG_STR, 0, NULL },
	{ 5, "options", MSG_STR, MSG_MANY, NULL },
	{ 6, "mount_point", MSG_STR, 0, NULL },
	{ 7, "fs_group", MSG_OBJECT, 0, fs_group },
	{ 8, "shared", MSG_BOOL, 0, NULL },
	{ 0 },
};
static const struct msg_member agent_device[] = {
	{ 1, "id", MSG_STR, 0, NULL },
	{ 2, "type", MSG_STR, 0, NULL },
	{ 3, "vm_path", MSG_STR, 0, NULL },
	{ 4, "container_path", MSG_STR, 0, NULL },
	{ 5, "options", MSG_STR, MSG_MANY, NULL },
	{ 0 },
};
static const struct msg_member string_user[] = {
	{ 1, "uid", MSG_STR, 0, NULL },
	{ 2, "gid", MSG_STR, 0, NULL },
	{ 3, "additionalGids", MSG_STR, MSG_MANY, NULL },
	{ 0 },
};
static const struct msg_member module[] = {
	{ 1, "name", MSG_STR, 0, NULL },
	{ 2, "parameters", MSG_STR, MSG_MANY, NULL },
	{ 0 },
};
static const struct msg_member shared_mount[] = {
	{ 1, "name", MSG_STR, 0, NULL },
	{ 2, "src_ctr", MSG_STR, 0, NULL },
	{ 3, "src_path", MSG_STR, 0, NULL },
	{ 4, "dst_ctr", MSG_STR, 0, NULL },
	{ 5, "dst_path", MSG_STR, 0, NULL },
	{ 0 },
};

const struct msg_member msg_create_sandbox[] = {
	{ 1, "hostname", MSG_STR, 0, NULL },
	{ 2, "dns", MSG_STR, MSG_MANY, NULL },
	{ 3, "storages", MSG_OBJECT, MSG_MANY, storage },
	{ 4, "sandbox_pidns", MSG_BOOL, 0, NULL },
	{ 5, "sandbox_id", MSG_STR, 0, NULL },
	{ 6, "guest_hook_path", MSG_STR, 0, NULL },
	{ 7, "kernel_modules", MSG_OBJECT, MSG_MANY, module },
	{ 8, "guest_userns", MSG_BOOL, 0, NULL },
	{ 0 },
};
const struct msg_member msg_create_container[] = {
	{ 1, "container_id", MSG_STR, 0, NULL },
	{ 2, "exec_id", MSG_STR, 0, NULL },
	{ 3, "string_user", MSG_OBJECT, 0, string_user },
	{ 4, "devices", MSG_OBJECT, MSG_MANY, agent_device },
	{ 5, "storages", MSG_OBJECT, MSG_MANY, storage },
	{ 6, "OCI", MSG_OBJECT, 0, msg_spec },
	{ 7, "sandbox_pidns", MSG_BOOL, 0, NULL },
	{ 8, "shared_mounts", MSG_OBJECT, MSG_MANY, shared_mount },
	{ 0 },
};
const struct msg_member msg_exec[] = {
	{ 1, "container_id", MSG_STR, 0, NULL },
	{ 2, "exec_id", MSG_STR, 0, NULL },
	{ 3, "string_user", MSG_OBJECT, 0, string_user },
	{ 4, "process", MSG_OBJECT, 0, msg_process },
	{ 0 },
};
const struct msg_member msg_update[] = {
	{ 1, "container_id", MSG_STR, 0, NULL },
	{ 2, "resources", MSG_OBJECT, 0, msg_resources },
	{ 0 },
};

int run_spec_json(struct slice message, json_t **ret, struct err *e)
{
	return msg_json(message, msg_spec, ret, e);
}

int run_process_json(struct slice message, json_t **ret, struct err *e)
{
	return msg_json(message, msg_process, ret, e);
}
