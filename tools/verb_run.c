/* bulla run: boots a bundle in QEMU, as its manifest says and with nothing but what it lists, and waits for
 * the agent. */
#include "bootchart.h"
#include "bundle.h"
#include "guest.h"
#include "kvm.h"
#include "launch.h"
#include "lib/args.h"
#include "lib/io.h"
#include <fcntl.h>
#include <math.h>

enum { TIMEOUT = 120, GRACE = 10, ANSWER = 30, RETRY = 2, POLL_MS = 200 };
enum until { UNTIL_ASKED, UNTIL_READY, UNTIL_SEALED, UNTIL_STOPPED };

struct run {
	const struct args *args;
	struct bundle *bundle;
	struct guest *guest;
	enum until until;
	double timeout;
	const char *accel;
	struct launch launch;
	int console; /* the file that it is recorded in, -1 for none */
	char version[VERSION_MAX];
	struct stages stages;
	char *record, *tpm_log, *socket; /* absolute; NULL for none */
};

static int bad_option(struct err *e, const char *name, const char *value, const char *expected)
{
	err_set(e, -EINVAL, "--%s=%s: expected %s", name, value, expected);
	return err_exit(e, EX_USAGE);
}

static int read_options(struct run *r, struct err *e)
{
	static const char *const words[] = { "", "ready", "sealed", "stopped" };
	const char *until = args_get(r->args, "until"), *timeout = args_get(r->args, "timeout");
	char *end;

	for (size_t i = 1; until && i < ARRAY_LEN(words); i++)
		if (!strcmp(until, words[i]))
			r->until = (enum until)i;
	if (until && !r->until)
		return bad_option(e, "until", until, "ready, sealed or stopped");
	r->timeout = timeout ? strtod(timeout, &end) : TIMEOUT;
	if (timeout && (*end || end == timeout || !(r->timeout > 0) || r->timeout > 86400))
		return bad_option(e, "timeout", timeout, "seconds, more than 0 and at most 86400");
	if (args_get(r->args, "vcpus")) {
		long n = strtol(args_get(r->args, "vcpus"), &end, 10);

		if (*end || n < 1 || n > 256)
			return bad_option(e, "vcpus", args_get(r->args, "vcpus"), "1 to 256");
	}
	return 0;
}

static bool is_debug(const struct run *r)
{
	return !strcmp(r->bundle->profile, "debug");
}

/* A TPM's backend that asks for the chardev which is ours to give. */
static bool has_tpm(const struct run *r)
{
	for (const char **a = r->bundle->qemu; *a; a++)
		if (!strncmp(*a, "emulator,", 9) && strstr(*a, ",chardev=tpm"))
			return true;
	return false;
}

static int pick_accel(struct run *r, struct err *e)
{
	const char *want = args_get(r->args, "accel");
	char why[KVM_WHY];
	bool kvm;

	if (want && strcmp(want, "auto") && strcmp(want, "kvm") && strcmp(want, "tcg"))
		return bad_option(e, "accel", want, "auto, kvm or tcg");
	kvm = (!want || strcmp(want, "tcg")) && kvm_runs(why);
	r->accel = kvm ? "kvm" : "tcg,thread=multi";
	if (kvm || (want && !strcmp(want, "tcg")))
		return 0;
	if (want && !strcmp(want, "kvm")) {
		err_set(e, -ENODEV, "KVM cannot be used: %s", why);
		return err_exit(e, EX_MISSING);
	}
	if (!r->args->quiet)
		term_line("run: KVM is not used: %s", why);
	return 0;
}

static int prepare(struct run *r, struct err *e)
{
	const char *initdata = args_get(r->args, "initdata"), *scratch = args_get(r->args, "scratch"),
	           *forward = args_get(r->args, "forward");

	launch_init(&r->launch, r->bundle);
	launch_override(&r->launch, "-smp", args_get(r->args, "vcpus"));
	launch_override(&r->launch, "-m", args_get(r->args, "memory"));
	return (initdata && launch_initdata(&r->launch, initdata, e)) ||
	                       (scratch && launch_scratch(&r->launch, scratch, e)) ||
	                       (forward && launch_forward(&r->launch, forward, e))
	               ? e->code
	               : 0;
}

static int open_console(struct run *r, struct err *e)
{
	const char *file = args_get(r->args, "console");

	if (!file)
		return 0;
	if (!is_debug(r)) {
		err_set(e, -EINVAL, "--console: a %s bundle has no console", r->bundle->profile);
		err_hint(e, "boot the debug bundle of the platform");
		return err_exit(e, EX_USAGE);
	}
	if (!strcmp(file, "-"))
		return 0;
	r->console = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return r->console < 0 ? err_errno(e, "%s", file) : 0;
}

/* The path that OPTION names, for QEMU runs in the bundle's folder. */
static int make_absolute(const struct run *r, const char *option, char **ret, struct err *e)
{
	const char *file = args_get(r->args, option);
	_free_ char *here = get_current_dir_name();

	if (!file)
		return 0;
	if (!here)
		return err_errno(e, "the working directory");
	*ret = *file == '/' ? xstrdup(file) : xasprintf("%s/%s", here, file);
	return io_mkparents(*ret, e);
}

static int open_files(struct run *r, struct err *e)
{
	if (args_get(r->args, "tpm-log") && !has_tpm(r)) {
		err_set(e, -EINVAL, "--tpm-log: %s has no TPM", r->bundle->platform);
		return err_exit(e, EX_USAGE);
	}
	return open_console(r, e) || make_absolute(r, "record", &r->record, e) ||
	                       make_absolute(r, "tpm-log", &r->tpm_log, e) ||
	                       make_absolute(r, "agent", &r->socket, e)
	               ? e->code
	               : 0;
}

static bool shows_console(const struct run *r)
{
	return is_debug(r) && r->console < 0 && (!r->args->quiet || args_get(r->args, "console"));
}

static double left(const struct run *r)
{
	return r->timeout - guest_age(r->guest);
}

static int ask_stages(struct run *r, struct err *e)
{
	_buf_ struct buf answer = { 0 };

	if (guest_call(r->guest, "bulla.Boot", "Stages", ANSWER, &answer, e))
		return e->code;
	if (agentmsg_stages(buf_slice(&answer), &r->stages))
		return err_set(e, -EBADMSG, "bulla.Boot/Stages: the answer is not a list of stages");
	return 0;
}

/* Asks again and again: OVMF listens to serial ports as to consoles, and swallows what comes before the
 * kernel (edk2 OvmfPkg/VirtioSerialDxe). */
static int ask_health(struct run *r, struct buf *answer, struct err *e)
{
	int got;

	do {
		double most = left(r);

		*e = (struct err){ 0 };
		got = guest_call(r->guest, "grpc.Health", "Check", most < RETRY ? most : RETRY, answer, e);
	} while (got == -ETIMEDOUT && left(r) > 0);
	return got == -ETIMEDOUT ? err_set(e, got, "grpc.Health/Check: no answer within %.0f s", r->timeout)
	                         : got;
}

static int wait_ready(struct run *r, struct err *e)
{
	_buf_ struct buf details = { 0 };
	int health = 0;

	while (health != HEALTH_SERVING) {
		_buf_ struct buf answer = { 0 };

		if (ask_health(r, &answer, e))
			return e->code;
		if (agentmsg_health(buf_slice(&answer), &health))
			return err_set(e, -EBADMSG, "grpc.Health/Check: the answer is not a health");
		if (health != HEALTH_SERVING && guest_wait(r->guest, POLL_MS / 1e3, e))
			return e->code;
	}
	if (guest_call(r->guest, "grpc.AgentService", "GetGuestDetails", ANSWER, &details, e))
		return e->code;
	if (agentmsg_details(buf_slice(&details), r->version))
		return err_set(e, -EBADMSG, "grpc.AgentService/GetGuestDetails: the answer is not details");
	return ask_stages(r, e);
}

static int wait_sealed(struct run *r, struct err *e)
{
	while (!r->stages.sealed) {
		if (left(r) <= 0)
			return err_set(e, -ETIMEDOUT, "not within %.0f s", r->timeout);
		if (guest_wait(r->guest, POLL_MS / 1e3, e) || ask_stages(r, e))
			return e->code;
	}
	return 0;
}

static int print(const struct run *r, struct err *e)
{
	json_auto_t *out = json_pack("{sssssssssbsosf}", "schema", "bulla.run/1", "platform",
	        r->bundle->platform, "accel", r->accel, "agent", r->version, "sealed", r->stages.sealed,
	        "stages", bootchart_json(&r->stages), "seconds", guest_age(r->guest));
	_free_ char *text = json_dumps(out, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	_free_ char *line = xasprintf("%s\n", text);

	if (r->args->json) {
		fputs(line, stdout);
	} else {
		printf("agent ready: %s, bulla-agent %s, %s, %.1f s after QEMU's start\n",
		        r->bundle->platform, *r->version ? r->version : "of no version", r->accel,
		        guest_age(r->guest));
		bootchart_print(stdout, &r->stages);
	}
	fflush(stdout);
	return r->record ? io_write_file(r->record, slice_str(line), 0644, e) : 0;
}

/* What a guest said before it went, where nobody has seen it. */
static void print_last_words(const struct run *r)
{
	_free_ char *lines = guest_last_lines(r->guest, 15);

	if (*lines && !shows_console(r))
		fprintf(stderr, "last lines of the console:\n%s", lines);
}

static int stay(struct run *r, struct err *e)
{
	int got;

	if (r->until == UNTIL_ASKED && !r->args->quiet)
		term_line("run: ctrl-C powers the guest off");
	got = guest_wait(r->guest, r->until == UNTIL_STOPPED ? left(r) : INFINITY, e);
	/* others may have asked for it, too */
	if (got == -ECHILD && (r->until == UNTIL_STOPPED || r->socket) && guest_powered_off(r->guest)) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (got == -ECHILD)
		print_last_words(r);
	if (got == -EINTR && r->until == UNTIL_ASKED) {
		*e = (struct err){ 0 };
		return guest_stop(r->guest, GRACE, e);
	}
	return got ? got : err_set(e, -ETIMEDOUT, "the guest did not stop within %.0f s", r->timeout);
}

static int attend(struct run *r, struct err *e)
{
	const char *what = "the agent did not get ready";
	int got = wait_ready(r, e);

	if (!got && r->until == UNTIL_SEALED) {
		what = "the root was not found whole";
		got = wait_sealed(r, e);
	}
	if (got == -EINTR && r->until == UNTIL_ASKED) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (got) {
		err_wrap(e, "%s", what);
		if (got != -ECHILD)
			return got;
		print_last_words(r);
		if (guest_powered_off(r->guest) && !is_debug(r))
			err_hint(e, "the platform's debug bundle shows the console");
		return got;
	}
	if (print(r, e))
		return e->code;
	if (r->until == UNTIL_READY || r->until == UNTIL_SEALED)
		return guest_stop(r->guest, GRACE, e);
	if (r->socket)
		guest_hang_up(r->guest);
	return stay(r, e);
}

static int boot(struct run *r, const char *dir, struct err *e)
{
	struct guest_config c = {
		.arch = r->bundle->arch, .accel = r->accel, .console = is_debug(r), .trace = r->args->verbose
	};
	int got;

	c.args = (char *const *)r->launch.argv;
	c.show = shows_console(r);
	c.record = r->console;
	c.tpm = has_tpm(r);
	c.tpm_log = r->tpm_log;
	c.socket = r->socket;
	/* the manifest names its files without a folder */
	if (chdir(dir))
		return err_errno(e, "%s", dir);
	if (guest_start(&c, &r->guest, e))
		return e->code;
	got = attend(r, e);
	guest_freep(&r->guest);
	return got;
}

static int run(const struct args *a, struct err *e)
{
	_bundle_ struct bundle *b = NULL;
	_close_ int console = -1;
	struct run r = { .args = a, .console = -1 };
	const char *dir = args_get(a, "bundle");
	int got;

	if (!dir)
		dir = "out/bundles/sample";
	if (read_options(&r, e) || bundle_read(dir, &b, e))
		return e->code;
	if (!b->qemu) {
		err_set(e, -ENOTSUP, "%s: a cloud launches %s", dir, b->platform);
		return err_exit(e, EX_UNSUPPORTED);
	}
	r.bundle = b;
	if (!args_flag(a, "unchecked") && bundle_check(b, e)) {
		err_hint(e, "the bundle has to be made anew; --unchecked boots it as it is");
		return e->code;
	}
	got = prepare(&r, e) || pick_accel(&r, e) || open_files(&r, e) || boot(&r, dir, e);
	console = r.console;
	launch_free(&r.launch);
	free(r.record);
	free(r.tpm_log);
	free(r.socket);
	return got ? e->code : 0;
}

static const struct opt opts[] = {
	{ "bundle", "DIR", "the bundle to boot (default: out/bundles/sample)" },
	{ "until", "ready|sealed|stopped", "end then (default: run until ctrl-C)" },
	{ "timeout", "SECONDS", "how long to wait for that (default: 120)" },
	{ "accel", "auto|kvm|tcg", "how the guest's code runs (default: kvm where it works)" },
	{ "vcpus", "N", "another number of vCPUs than the bundle's" },
	{ "memory", "SIZE", "another memory size than the bundle's" },
	{ "initdata", "FILE", "hand it to the guest, bound to it as the platform does" },
	{ "scratch", "SIZE|FILE", "a disk for what the guest writes; else its memory is" },
	{ "forward", "PORT:GUESTPORT", "let that port of 127.0.0.1, or ADDRESS:PORT, be the guest's" },
	{ "agent", "SOCKET", "the agent's ttrpc socket, left to others once it is ready" },
	{ "console", "FILE|-", "record a debug bundle's console there instead of showing it" },
	{ "record", "FILE", "keep what --json prints there, for the boot chart of `bulla report`" },
	{ "tpm-log", "FILE", "keep the commands that the guest's TPM gets there" },
	{ "unchecked", NULL, "boot files that are not those of the manifest" },
	{ 0 },
};
const struct verb verb_run = { "run", "boot a bundle and wait for its agent", "", opts, run };
