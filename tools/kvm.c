#include "kvm.h"
#include "lib/mem.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

static void say(char why[KVM_WHY], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(char why[KVM_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, KVM_WHY, fmt, ap);
	va_end(ap);
}

#ifdef __x86_64__
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { PAGE = 4096, CODE_AT = 0x1000, PORT = 0x10, TIMEOUT_MS = 1000 };
/*
 * fld1; mov $0x42,%al; out %al,$0x10; hlt. KVM without hardware behind it (kvm_pvm) emulates a guest that
 * does not know it, and reaches the first kernel instruction that its emulator lacks; fld1 is one.
 */
static const uint8_t code[] = { 0xd9, 0xe8, 0xb0, 0x42, 0xe6, PORT, 0xf4 };

/* One KVM_RUN, which must leave the guest for the reason WANT. */
static bool run_to(int vcpu, struct kvm_run *run, uint32_t want, char why[KVM_WHY])
{
	if (ioctl(vcpu, KVM_RUN, 0) < 0)
		say(why, "KVM_RUN: %m");
	else if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
	         run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
		say(why, "KVM emulates guest code instead of running it: no hardware virtualization");
	else if (run->exit_reason != want)
		say(why, "the guest left with exit reason %u, expected %u", run->exit_reason, want);
	else
		return true;
	return false;
}

static bool real_mode(int vcpu, char why[KVM_WHY])
{
	struct kvm_regs regs = { .rip = CODE_AT, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) {
		say(why, "KVM_GET_SREGS: %m");
		return false;
	}
	sregs.cs.base = sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu, KVM_SET_REGS, &regs) < 0) {
		say(why, "setting registers: %m");
		return false;
	}
	return true;
}

static bool try_guest(char why[KVM_WHY])
{
	_close_ int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = -1, vcpu = -1;
	struct kvm_userspace_memory_region region = { .guest_phys_addr = CODE_AT, .memory_size = PAGE };
	struct kvm_run *run;
	void *page;
	int size;

	if (kvm < 0 || ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		say(why, "/dev/kvm: %s", kvm < 0 ? strerror(errno) : "another API version");
		return false;
	}
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0) {
		say(why, "KVM_CREATE_VM: %m");
		return false;
	}
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (page == MAP_FAILED || size < (int)sizeof(*run)) {
		say(why, "no memory for the guest");
		return false;
	}
	memcpy(page, code, sizeof(code));
	region.userspace_addr = (uintptr_t)page;
	/* Intel without unrestricted guest runs real mode in a TSS that must lie somewhere (KVM API 4.35) */
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL);
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
		say(why, "KVM_SET_USER_MEMORY_REGION: %m");
		return false;
	}
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0) {
		say(why, "KVM_CREATE_VCPU: %m");
		return false;
	}
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED) {
		say(why, "the vCPU's state cannot be mapped: %m");
		return false;
	}
	if (!real_mode(vcpu, why) || !run_to(vcpu, run, KVM_EXIT_IO, why))
		return false;
	if (run->io.port != PORT || ((uint8_t *)run)[run->io.data_offset] != 0x42) {
		say(why, "the guest wrote to port %#x, expected %#x", run->io.port, PORT);
		return false;
	}
	return run_to(vcpu, run, KVM_EXIT_HLT, why);
}

/* In a child, because a KVM_RUN that never returns ends only with its process, and takes all it mapped along.
 */
bool kvm_runs(char why[KVM_WHY])
{
	struct pollfd p;
	int pipefd[2];
	ssize_t n = -1;
	pid_t pid;

	say(why, "no reason found");
	if (access("/dev/kvm", R_OK | W_OK)) {
		say(why, "/dev/kvm: %m");
		return false;
	}
	if (pipe2(pipefd, O_CLOEXEC)) {
		say(why, "pipe: %m");
		return false;
	}
	pid = fork();
	if (pid == 0) {
		char text[KVM_WHY] = { 0 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (try_guest(text))
			text[0] = 0;
		_exit(write(pipefd[1], text, sizeof(text)) != (ssize_t)sizeof(text));
	}
	close(pipefd[1]);
	p = (struct pollfd){ pipefd[0], POLLIN, 0 };
	if (pid < 0)
		say(why, "fork: %m");
	else if (poll(&p, 1, TIMEOUT_MS) == 1)
		n = read(pipefd[0], why, KVM_WHY);
	else
		say(why, "a guest was started and did not stop within %d ms", TIMEOUT_MS);
	close(pipefd[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (n == 0)
		say(why, "the probe died");
	return n == KVM_WHY && !why[0];
}
#else
bool kvm_runs(char why[KVM_WHY])
{
	say(why, "not probed on this architecture");
	return false;
}
#endif
