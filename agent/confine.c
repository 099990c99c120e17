#include "confine.h"
#include "lib/mem.h"
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/*
 * Names that libseccomp or the machine does not know are passed over: each list serves all architectures.
 * What is refused gives ENOSYS, upon which libc goes the older way, where there is one.
 */
#define BASIC                                                                                                \
	"read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close close_range lseek "  \
	"_llseek fstat fstat64 fstatat64 newfstatat stat stat64 lstat lstat64 statx statfs statfs64 "        \
	"fstatfs fstatfs64 open openat openat2 access faccessat faccessat2 readlink readlinkat getdents "    \
	"getdents64 dup dup2 dup3 fcntl fcntl64 flock pipe pipe2 poll ppoll ppoll_time64 select _newselect " \
	"pselect6 "                                                                                          \
	"pselect6_time64 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2 " \
	"timerfd_create timerfd_settime timerfd_gettime timerfd_settime64 "                                  \
	"mmap mmap2 munmap mremap mprotect madvise mlock mlock2 munlock brk msync mincore membarrier "       \
	"rt_sigaction rt_sigprocmask rt_sigreturn sigreturn rt_sigtimedwait rt_sigtimedwait_time64 "         \
	"sigaltstack restart_syscall exit exit_group getpid getppid gettid getpgid getpgrp getuid getuid32 " \
	"geteuid geteuid32 getgid getgid32 getegid getegid32 getgroups getgroups32 getcwd umask uname "      \
	"sysinfo getrandom getcpu clock_gettime clock_gettime64 clock_getres clock_getres_time64 "           \
	"clock_nanosleep clock_nanosleep_time64 nanosleep gettimeofday time times futex futex_time64 "       \
	"set_robust_list set_tid_address rseq arch_prctl set_thread_area sched_yield sched_getaffinity "     \
	"getrlimit ugetrlimit getrusage fork vfork wait4 waitid waitpid kill tgkill "                        \
	"prctl seccomp capget capset fadvise64 fadvise64_64 arm_fadvise64_64 readahead sendfile sendfile64 " \
	"splice "                                                                                            \
	"copy_file_range "
#define FILES                                                                                                \
	"creat ftruncate ftruncate64 truncate truncate64 fallocate fsync fdatasync sync_file_range syncfs "  \
	"mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat "       \
	"chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat "            \
	"utime utimes futimesat utimensat utimensat_time64 memfd_create chdir fchdir "
#define UNPACKED                                                                                             \
	"mknod mknodat chroot setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr "          \
	"llistxattr flistxattr removexattr lremovexattr fremovexattr setfsuid setfsgid "
#define NETWORK                                                                                              \
	"connect bind listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown "         \
	"socketpair send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 "
#define DISK "mount umount umount2 execve sync setsid pidfd_open pidfd_send_signal "

#define CAP(name) (1ULL << CAP_##name)
#define FILE_CAPS                                                                                            \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) | CAP(MKNOD) | CAP(SETFCAP) |            \
	        CAP(SYS_CHROOT))

static const struct list {
	const char *names;
	bool allowed; /* and all else refused; or these refused and all else allowed */
	bool sockets, ioctls;
	uint64_t caps; /* that are kept */
} lists[] = {
	[CONFINE_AGENT] = {
		/* containers inherit it: nothing that crun or a well-behaved one needs. keyctl too, without which
		 * crun does (src/libcrun/linux.c, libcrun_create_keyring). */
		"init_module finit_module delete_module create_module kexec_load kexec_file_load reboot "
		"swapon swapoff acct add_key request_key keyctl perf_event_open userfaultfd iopl ioperm "
		"open_by_handle_at io_uring_setup io_uring_enter io_uring_register lookup_dcookie nfsservctl "
		"quotactl quotactl_fd uselib vm86 vm86old syslog kcmp process_vm_readv process_vm_writev "
		"pidfd_getfd vhangup bdflush sysfs _sysctl ustat ",
		.caps = UINT64_MAX },
	/* with what a child that unpacks needs */
	[CONFINE_WORK] = { BASIC FILES UNPACKED NETWORK, true, true, true, FILE_CAPS | CAP(IPC_LOCK) },
	[CONFINE_UNPACK] = { BASIC FILES UNPACKED, true, .caps = FILE_CAPS },
	[CONFINE_DISK] = { BASIC FILES UNPACKED DISK, true, .ioctls = true, .caps = UINT64_MAX },
};

static int add_names(scmp_filter_ctx f, uint32_t action, const char *names)
{
	char name[32];
	int k = 0, used;

	for (; !k && sscanf(names, "%31s%n", name, &used) == 1; names += used) {
		const int number = seccomp_syscall_resolve_name(name);

		if (number != __NR_SCMP_ERROR)
			k = seccomp_rule_add(f, action, number, 0);
	}
	return k;
}

/* Sockets of the families that resolvers and TLS take; not packets, not the host's AF_VSOCK. */
static int add_sockets(scmp_filter_ctx f)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
	int k = 0;

	for (size_t i = 0; !k && i < ARRAY_LEN(families); i++)
		k = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		        SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
	if (!k)
		k = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
		        SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE));
	return k;
}

/*
 * By the second byte, which tells the device: block devices, network, file systems, sev-guest, the
 * ultravisor, device-mapper. Of terminals (0x54) only what asks, so that nobody types into another's. The
 * kernel reads 32 bits.
 */
static int add_ioctls(scmp_filter_ctx f)
{
	static const struct {
		uint32_t mask, value;
	} some[] = {
		{ 0xff00, 0x1200 },
		{ 0xff00, 0x8900 },
		{ 0xff00, 0x6600 },
		{ 0xff00, 0x5300 },
		{ 0xff00, 0x7500 },
		{ 0xff00, 0xfd00 },
		{ UINT32_MAX, TCGETS },
		{ UINT32_MAX, 0xc4405401 }, /* TDX_CMD_GET_REPORT0 */
		{ UINT32_MAX, FIONREAD },
		{ UINT32_MAX, FIONBIO },
		{ UINT32_MAX, TIOCGWINSZ },
	};
	int k = 0;

	for (size_t i = 0; !k && i < ARRAY_LEN(some); i++)
		k = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		        SCMP_A1(SCMP_CMP_MASKED_EQ, some[i].mask, some[i].value));
	return k;
}

/* Processes and threads without namespaces of their own (clone3 hides its flags, so libc takes clone), and
 * limits of the caller alone. */
static int add_processes(scmp_filter_ctx f)
{
	const scmp_datum_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
	                            CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
#ifdef __s390__
	const struct scmp_arg_cmp flags = SCMP_A1(SCMP_CMP_MASKED_EQ, spaces, 0);
#else
	const struct scmp_arg_cmp flags = SCMP_A0(SCMP_CMP_MASKED_EQ, spaces, 0);
#endif
	int k = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, flags);

	return k ? k : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0));
}

static int drop_caps(uint64_t keep)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		d[i].permitted &= (uint32_t)(keep >> 32 * i);
		d[i].effective &= (uint32_t)(keep >> 32 * i);
		d[i].inheritable &= (uint32_t)(keep >> 32 * i);
	}
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int confine(enum confine what, struct err *e)
{
	const struct list *l = &lists[what];
	const uint32_t refuse = SCMP_ACT_ERRNO(ENOSYS);
	scmp_filter_ctx f = seccomp_init(l->allowed ? refuse : SCMP_ACT_ALLOW);
	int k = f ? 0 : -ENOMEM;

	if (!k)
		k = drop_caps(l->caps);
	if (!k && l->allowed && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		k = -errno;
	if (!k) /* libseccomp would set no_new_privs itself */
		k = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, l->allowed);
	if (!k)
		k = add_names(f, l->allowed ? SCMP_ACT_ALLOW : refuse, l->names);
	if (!k && l->allowed)
		k = add_processes(f);
	if (!k && l->sockets)
		k = add_sockets(f);
	if (!k && l->ioctls)
		k = add_ioctls(f);
	if (!k)
		k = seccomp_load(f);
	seccomp_release(f);
	return k < 0 ? err_set(e, k, "seccomp filter %d: %s", (int)what, strerror(-k)) : 0;
}
