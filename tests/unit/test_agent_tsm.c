/*
 * Reports of SEV-SNP, TDX and CCA over a fake of the kernel: a folder that mkdtemp makes there answers as
 * configfs-tsm does, and the guest devices' ioctls answer here. What they answer with is others' test data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "attest/attest.h"
#include "format/eventlog.h"
#include "lib/base64.h"
#include "lib/gzip.h"
#include "shape.h"
#include "vectors.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/sev-guest.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	SNP_LEN = 1184,
	SNP_DATA_AT = 0x50,
	SNP_HOST_DATA_AT = 0xc0,
	TDREPORT_LEN = 1024,
	MRCONFIGID_AT = 576
};

/* What the machine answers. */
static struct machine {
	char *root;
	const char *provider;
	struct buf out, aux, device;
	size_t data_at; /* where in OUT the report data go; SIZE_MAX: nowhere */
	const char *floor;
	int extra_writes; /* by somebody else */
	char *dir;
	pid_t answers;
} m;

static void put_file(const char *dir, const char *name, const void *p, size_t n)
{
	_free_ char *path = xasprintf("%s/%s", dir, name);
	struct err e = { 0 };

	assert_int_equal(io_mkparents(path, &e), 0);
	assert_int_equal(io_write_file(path, slice_of(p, n), 0600, &e), 0);
}

static void put_text(const char *dir, const char *name, const char *text)
{
	put_file(dir, name, text, strlen(text));
}

_Noreturn static void answer(void)
{
	_free_ char *in = xasprintf("%s/inblob", m.dir), *out = xasprintf("%s/outblob", m.dir);
	_free_ char *generation = xasprintf("%d\n", 1 + !!m.floor + m.extra_writes);
	uint8_t data[65];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(in, O_RDONLY);
	if (read(fd, data, sizeof(data)) != 64)
		_exit(1);
	close(fd);
	if (m.data_at != SIZE_MAX)
		memcpy(m.out.p + m.data_at, data, 64);
	put_text(m.dir, "generation", generation);
	fd = open(out, O_WRONLY);
	_exit(write(fd, m.out.p, m.out.n) != (ssize_t)m.out.n);
}

char *mkdtemp(char *template)
{
	static char *(*real)(char *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "mkdtemp");
	if (!real(template))
		return NULL;
	if (!m.root || !strstr(template, "/sys/kernel/config/"))
		return template;
	m.dir = xstrdup(template);
	_free_ char *provider = xasprintf("%s\n", m.provider);
	put_text(m.dir, "provider", provider);
	put_text(m.dir, "generation", "0\n");
	put_text(m.dir, "privlevel", "");
	if (m.floor)
		put_text(m.dir, "privlevel_floor", m.floor);
	put_file(m.dir, "auxblob", m.aux.p, m.aux.n);
	_free_ char *in = xasprintf("%s/inblob", m.dir), *out = xasprintf("%s/outblob", m.dir);
	assert_int_equal(mkfifo(in, 0600) | mkfifo(out, 0600), 0);
	m.answers = fork();
	assert_true(m.answers >= 0);
	if (!m.answers)
		answer();
	return template;
}

/* configfs takes a request's folder away with all in it. */
int rmdir(const char *path)
{
	static int (*real)(const char *);
	struct err e = { 0 };

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "rmdir");
	if (!m.dir || strcmp(path, m.dir))
		return real(path);
	kill(m.answers, SIGKILL);
	waitpid(m.answers, NULL, 0);
	free(TAKE(m.dir));
	return io_remove_tree(path, &e);
}

/* TDX_CMD_GET_REPORT0, SNP_GET_EXT_REPORT as the PSP answers it, and UVIO_IOCTL_ATT (arch/s390's uvdevice.h),
 * whose measurement is here the request and what is to be measured with it. */
int ioctl(int fd, unsigned long what, ...)
{
	va_list ap;

	va_start(ap, what);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	(void)fd;
	if (what == 0xc4405401) {
		memcpy((uint8_t *)arg + 64, m.device.p, TDREPORT_LEN);
		return 0;
	}
	if (what == SNP_GET_EXT_REPORT) {
		struct snp_guest_request_ioctl *r = arg;
		struct snp_ext_report_req *req = (void *)(uintptr_t)r->req_data;
		struct snp_report_resp *resp = (void *)(uintptr_t)r->resp_data;

		if (!r->msg_version || req->data.vmpl || req->certs_len % 4096 || req->certs_len < m.aux.n) {
			errno = EINVAL;
			return -1;
		}
		put_le32(resp->data + 4, SNP_LEN);
		memcpy(resp->data + 32, m.device.p, SNP_LEN);
		memcpy(resp->data + 32 + SNP_DATA_AT, req->data.user_data, 64);
		memcpy((void *)(uintptr_t)req->certs_address, m.aux.p, m.aux.n);
		return 0;
	}
	if (what == 0xc0407501) {
		struct {
			uint32_t flags;
			uint16_t rc, rrc;
			uint64_t argument;
			uint32_t len;
		} *call = arg;
		uint8_t *p = (uint8_t *)(uintptr_t)call->argument;
		uint64_t at[3];
		uint32_t len[3];
		uint16_t data_len;

		assert_int_equal(call->len, 0x138);
		memcpy(at, p, sizeof(at));
		memcpy(len, p + 0x128, sizeof(len));
		memcpy(&data_len, p + 0x134, sizeof(data_len));
		assert_int_equal(data_len, 64);
		assert_int_equal(len[1], 64);
		assert_int_equal(len[2], 32);
		memcpy((uint8_t *)(uintptr_t)at[1], (uint8_t *)(uintptr_t)at[0], 32);
		memcpy((uint8_t *)(uintptr_t)at[1] + 32, p + 0x18, 32);
		memset((uint8_t *)(uintptr_t)at[2], 0xad, 32);
		memset(p + 0x118, 0xcd, 16);
		call->rc = m.device.n ? 0x106 : 1;
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

static int machine_new(void **state)
{
	struct err e = { 0 };

	(void)state;
	m = (struct machine){ .data_at = SIZE_MAX };
	assert_int_equal(io_temp_dir("/tmp/attest-", &m.root, &e), 0);
	_free_ char *run = xasprintf("%s/run/bulla", m.root);
	alarm(60);
	return io_mkdirs(run, &e);
}

static int machine_end(void **state)
{
	struct err e = { 0 };
	char *root = TAKE(m.root);

	(void)state;
	assert_int_equal(io_remove_tree(root, &e), 0);
	free(root);
	buf_free(&m.out);
	buf_free(&m.aux);
	buf_free(&m.device);
	return 0;
}

static void with_tsm(const char *provider)
{
	_free_ char *dir = xasprintf("%s/sys/kernel/config/tsm/report", m.root);
	struct err e = { 0 };

	m.provider = provider;
	assert_int_equal(io_mkdirs(dir, &e), 0);
}

static struct attester *attester(const char *tee)
{
	struct attester *a = NULL;
	struct err e = { 0 };

	if (attest_open(m.root, false, &a, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(attest_tee(a), tee);
	assert_null(m.dir);
	return a;
}

static json_t *vector_json(const char *name)
{
	_buf_ struct buf b = { 0 };

	vector_read(name, &b);
	json_t *j = json_loadb((char *)b.p, b.n, 0, NULL);
	assert_non_null(j);
	return j;
}

static void get_bytes(json_t *list, uint8_t *ret, size_t n)
{
	assert_int_equal(json_array_size(list), n);
	for (size_t i = 0; i < n; i++)
		ret[i] = (uint8_t)json_integer_value(json_array_get(list, i));
}

static uint64_t number(json_t *j, const char *key)
{
	assert_true(json_is_integer(json_object_get(j, key)));
	return (uint64_t)json_integer_value(json_object_get(j, key));
}

static void put_tcb(uint8_t *p, json_t *j)
{
	p[0] = (uint8_t)number(j, "bootloader");
	p[1] = (uint8_t)number(j, "tee");
	p[6] = (uint8_t)number(j, "snp");
	p[7] = (uint8_t)number(j, "microcode");
}

static void put_version(uint8_t *p, json_t *j)
{
	p[0] = (uint8_t)number(j, "build");
	p[1] = (uint8_t)number(j, "minor");
	p[2] = (uint8_t)number(j, "major");
}

/* The report that such JSON was made of (AMD 56860, table 22). */
static void raw_report(json_t *j, uint8_t p[SNP_LEN])
{
	static const struct {
		const char *name;
		size_t at, len;
	} bytes[] = { { "family_id", 0x10, 16 }, { "image_id", 0x20, 16 }, { "report_data", 0x50, 64 },
		{ "measurement", 0x90, 48 }, { "host_data", 0xc0, 32 }, { "id_key_digest", 0xe0, 48 },
		{ "author_key_digest", 0x110, 48 }, { "report_id", 0x140, 32 }, { "report_id_ma", 0x160, 32 },
		{ "chip_id", 0x1a0, 64 } };
	json_t *signature = json_object_get(j, "signature");

	memset(p, 0, SNP_LEN);
	for (size_t i = 0; i < ARRAY_LEN(bytes); i++)
		get_bytes(json_object_get(j, bytes[i].name), p + bytes[i].at, bytes[i].len);
	put_le32(p, (uint32_t)number(j, "version"));
	put_le32(p + 4, (uint32_t)number(j, "guest_svn"));
	put_le64(p + 8, number(j, "policy"));
	put_le32(p + 0x30, (uint32_t)number(j, "vmpl"));
	put_le32(p + 0x34, (uint32_t)number(j, "sig_algo"));
	put_tcb(p + 0x38, json_object_get(j, "current_tcb"));
	put_le64(p + 0x40, number(j, "plat_info"));
	put_le32(p + 0x48, (uint32_t)number(j, "key_info"));
	put_tcb(p + 0x180, json_object_get(j, "reported_tcb"));
	p[0x188] = (uint8_t)number(j, "cpuid_fam_id");
	p[0x189] = (uint8_t)number(j, "cpuid_mod_id");
	p[0x18a] = (uint8_t)number(j, "cpuid_step");
	put_tcb(p + 0x1e0, json_object_get(j, "committed_tcb"));
	put_version(p + 0x1e8, json_object_get(j, "current"));
	put_version(p + 0x1ec, json_object_get(j, "committed"));
	put_tcb(p + 0x1f0, json_object_get(j, "launch_tcb"));
	get_bytes(json_object_get(signature, "r"), p + 0x2a0, 72);
	get_bytes(json_object_get(signature, "s"), p + 0x2e8, 72);
}

/* Does AMD's key say that P is the report it signed? */
static bool signed_by(const uint8_t p[SNP_LEN], struct slice vcek)
{
	const uint8_t *der = vcek.p;
	X509 *cert = d2i_X509(NULL, &der, (long)vcek.n);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *sig_der = NULL;

	assert_non_null(cert);
	ECDSA_SIG_set0(sig, BN_lebin2bn(p + 0x2a0, 72, NULL), BN_lebin2bn(p + 0x2e8, 72, NULL));
	int len = i2d_ECDSA_SIG(sig, &sig_der);
	bool yes = EVP_DigestVerifyInit(ctx, NULL, EVP_sha384(), NULL, X509_get0_pubkey(cert)) == 1 &&
	           EVP_DigestVerify(ctx, sig_der, (size_t)len, p, 0x2a0) == 1;
	OPENSSL_free(sig_der);
	EVP_MD_CTX_free(ctx);
	ECDSA_SIG_free(sig);
	X509_free(cert);
	return yes;
}

/* A real report of a Genoa machine in Trustee's JSON, taken back to what the PSP gave: raw report and
 * certificate table (AMD 56421, 4.1.8.1). */
static json_t *genoa(struct buf *raw, struct buf *table)
{
	static const uint8_t vcek_guid[16] = { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5,
		0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd };
	enum { ENTRY = 24, DATA_AT = 2 * ENTRY };
	json_t *j = vector_json("agent/evidence/snp-evidence-genoa.json");
	json_t *der = json_object_get(json_array_get(json_object_get(j, "cert_chain"), 0), "data");
	size_t n = json_array_size(der);
	uint8_t *p = buf_zeros(raw, SNP_LEN);

	raw_report(json_object_get(j, "attestation_report"), p);
	p = buf_zeros(table, DATA_AT + n);
	memcpy(p, vcek_guid, sizeof(vcek_guid));
	put_le32(p + 16, DATA_AT);
	put_le32(p + 20, (uint32_t)n);
	get_bytes(der, p + DATA_AT, n);
	assert_true(signed_by(raw->p, slice_of(p + DATA_AT, n)));
	return j;
}

static json_t *evidence_over(struct attester *a, struct slice data)
{
	json_t *j = NULL;
	struct err e = { 0 };

	if (attest_evidence(a, data, NULL, &j, &e))
		fail_msg("%s", e.msg);
	assert_null(m.dir);
	return j;
}

static void an_snp_report_becomes_the_json_of_trustees_real_evidence(void **state)
{
	uint8_t data[64];

	(void)state;
	with_tsm("sev_guest");
	json_t *want = genoa(&m.out, &m.aux);
	memcpy(data, m.out.p + SNP_DATA_AT, sizeof(data));
	memset(m.out.p + SNP_DATA_AT, 0, sizeof(data));
	m.data_at = SNP_DATA_AT;
	struct attester *a = attester("snp");
	json_t *got = evidence_over(a, slice_of(data, sizeof(data)));
	assert_true(json_equal(got, want));
	json_decref(got);
	/* and without certificates, upon which verifiers ask AMD */
	buf_free(&m.aux);
	got = evidence_over(a, slice_of(data, sizeof(data)));
	json_object_set_new(want, "cert_chain", json_null());
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
	attest_freep(&a);
}

static void the_ioctl_of_older_kernels_gives_the_same_evidence(void **state)
{
	uint8_t data[64];

	(void)state;
	put_text(m.root, "dev/sev-guest", "");
	json_t *want = genoa(&m.device, &m.aux);
	memcpy(data, m.device.p + SNP_DATA_AT, sizeof(data));
	struct attester *a = attester("snp");
	json_t *got = evidence_over(a, slice_of(data, sizeof(data)));
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
	attest_freep(&a);
}

/* The report data of 48 bytes are followed by zeros. */
static void a_report_over_other_data_than_asked_for_is_refused(void **state)
{
	uint8_t data[48], seen[64] = { 0 };
	struct err e = { 0 };
	json_t *j = NULL;

	(void)state;
	with_tsm("sev_guest");
	json_decref(genoa(&m.out, &m.aux));
	memset(data, 0xab, sizeof(data));
	struct attester *a = attester("snp");
	assert_int_equal(attest_evidence(a, slice_of(data, sizeof(data)), NULL, &j, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "other data"));
	m.data_at = SNP_DATA_AT;
	j = evidence_over(a, slice_of(data, sizeof(data)));
	get_bytes(json_object_get(json_object_get(j, "attestation_report"), "report_data"), seen, 64);
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_equal(seen[i], i < 48 ? 0xab : 0);
	json_decref(j);
	attest_freep(&a);
}

static void a_report_between_which_somebody_else_wrote_is_refused(void **state)
{
	uint8_t data[48] = { 1 };
	struct err e = { 0 };
	json_t *j = NULL;

	(void)state;
	with_tsm("sev_guest");
	json_decref(genoa(&m.out, &m.aux));
	m.data_at = SNP_DATA_AT;
	m.extra_writes = 1;
	struct attester *a = attester("snp");
	assert_int_equal(attest_evidence(a, slice_of(data, sizeof(data)), NULL, &j, &e), -EBUSY);
	assert_null(m.dir);
	/* a level of its own is a write that counts */
	m.extra_writes = 0;
	m.floor = "2\n";
	json_decref(evidence_over(a, slice_of(data, sizeof(data))));
	attest_freep(&a);
}

/* Each of initdata's three algorithms, as Python cut and padded their digests for FIELD at AT of what the
 * platform answers with; then another digest, which is refused. */
static void bind_all(struct attester *a, const char *field, uint8_t *at, size_t len)
{
	static const char *const names[] = { "sha256", "sha384", "sha512" };
	json_t *cases = vector_json("agent/initdata/expected.json");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *c = json_array_get(cases, i);
		uint8_t digest[HASH_MAX];
		enum hash_alg alg;
		struct err e = { 0 };

		assert_non_null(strstr(str(c, "file"), names[i]));
		assert_true(hash_by_name(names[i], &alg));
		assert_true(hex_decode(str(c, "digest_hex"), digest, hash_len(alg)));
		assert_true(hex_decode(str(c, field), at, len));
		if (attest_bind(a, alg, slice_of(digest, hash_len(alg)), &e))
			fail_msg("%s", e.msg);
		digest[0] ^= 1;
		assert_int_equal(attest_bind(a, alg, slice_of(digest, hash_len(alg)), &e), -EKEYREJECTED);
		assert_non_null(strstr(e.msg, "initdata: "));
		assert_int_equal(attest_bind(a, alg, slice_of(digest, 20), &e), -EINVAL);
	}
	json_decref(cases);
}

static void initdata_is_what_hostdata_says(void **state)
{
	(void)state;
	with_tsm("sev_guest");
	json_decref(genoa(&m.out, &m.aux));
	m.data_at = SNP_DATA_AT;
	struct attester *a = attester("snp");
	bind_all(a, "snp_hostdata_hex(32)", m.out.p + SNP_HOST_DATA_AT, 32);
	attest_freep(&a);
}

static void initdata_is_what_mrconfigid_says_in_the_tdx_modules_report(void **state)
{
	(void)state;
	put_text(m.root, "dev/tdx_guest", "");
	vector_read("agent/evidence/tdx_report_1.bin", &m.device);
	assert_int_equal(m.device.n, TDREPORT_LEN);
	struct attester *a = attester("tdx");
	bind_all(a, "tdx_mrconfigid_hex(48)", m.device.p + MRCONFIGID_AT, 48);
	attest_freep(&a);
}

#define MEASUREMENTS "sys/devices/virtual/misc/tdx_guest/measurements"

static void a_kernel_with_measurement_registers_is_asked_for_mrconfigid(void **state)
{
	uint8_t digest[48], seen[48];
	struct err e = { 0 };

	(void)state;
	memset(digest, 0x5a, sizeof(digest));
	put_text(m.root, "dev/tdx_guest", "");
	put_file(m.root, MEASUREMENTS "/mrconfigid", digest, sizeof(digest));
	struct attester *a = attester("tdx");
	assert_int_equal(attest_bind(a, HASH_SHA384, slice_of(digest, sizeof(digest)), &e), 0);
	memcpy(seen, digest, sizeof(seen));
	seen[47] ^= 1;
	assert_int_equal(attest_bind(a, HASH_SHA384, slice_of(seen, sizeof(seen)), &e), -EKEYREJECTED);
	put_file(m.root, MEASUREMENTS "/mrconfigid", digest, 32);
	assert_int_equal(attest_bind(a, HASH_SHA384, slice_of(digest, sizeof(digest)), &e), -EBADMSG);
	attest_freep(&a);
}

/* The log in the evidence, or an empty one. */
static void evidence_log(struct attester *a, struct buf *ret, const struct buf *quote)
{
	static const uint8_t data[48] = { 1 };
	json_t *j = evidence_over(a, slice_of(data, sizeof(data)));
	_buf_ struct buf got = { 0 };

	assert_int_equal(json_object_size(j), 2);
	assert_true(base64_decode(&got, slice_str(str(j, "quote"))));
	assert_true(slice_eq(buf_slice(&got), buf_slice(quote)));
	if (!json_is_null(json_object_get(j, "cc_eventlog")))
		assert_true(base64_decode(ret, slice_str(str(j, "cc_eventlog"))));
	json_decref(j);
}

/* The firmware's log NAME in the evidence: Trustee's own reading of it says how many events there are behind
 * the first, which describes it. */
static void comes_with(struct attester *a, const char *name, bool gzip)
{
	_free_ char *path = xasprintf("agent/eventlog/%s%s", name, gzip ? ".gz" : "");
	_free_ char *read_path = xasprintf("agent/eventlog/%s_out.json", name);
	_buf_ struct buf file = { 0 }, ccel = { 0 }, log = { 0 };
	struct eventlog parsed;
	struct err e = { 0 };

	vector_read(path, &file);
	if (gzip)
		assert_int_equal(gzip_inflate(path, buf_slice(&file), 1 << 20, &ccel, &e), 0);
	else
		buf_add(&ccel, file.p, file.n);
	put_file(m.root, "sys/firmware/acpi/tables/data/CCEL", ccel.p, ccel.n);
	evidence_log(a, &log, &m.out);
	assert_true(log.n > 8 && log.n - 8 < ccel.n);
	assert_memory_equal(log.p, ccel.p, log.n - 8);
	for (size_t i = log.n - 8; i < log.n; i++)
		assert_int_equal(log.p[i], 0xff);
	assert_int_equal(eventlog_open("log", buf_slice(&log), &parsed, &e), 0);
	json_t *theirs = vector_json(read_path);
	json_t *events = json_object_get(theirs, "uefi_event_logs");
	assert_int_equal(json_array_size(events ? events : theirs) + 1, parsed.n_events);
	json_decref(theirs);
}

static void a_tdx_quote_comes_with_the_firmwares_log_and_no_more(void **state)
{
	_buf_ struct buf log = { 0 };
	struct err e = { 0 };

	(void)state;
	with_tsm("tdx_guest");
	vector_read("agent/evidence/tdx_quote_4.dat", &m.out);
	struct attester *a = attester("tdx");
	evidence_log(a, &log, &m.out);
	assert_int_equal(log.n, 0);
	/* nothing here extends an RTMR, so the event is no part of the evidence */
	assert_int_equal(attest_extend(a, -1, "coco.com", "some-operation", "some-content", &e), -EOPNOTSUPP);
	comes_with(a, "CCEL_data_ovmf", false);
	comes_with(a, "CCEL_data_grub", false);
	comes_with(a, "CCEL_data_csv", false);
	comes_with(a, "CCEL_AAEL_alibabacloud", false);
	comes_with(a, "CCEL_data_grub_gke", true);
	comes_with(a, "CCEL_data", true);
	attest_freep(&a);
}

/* The digest that Alibaba Cloud's agent extended for the same event. */
static void an_event_extends_rtmr3_where_the_kernel_can(void **state)
{
	_buf_ struct buf log = { 0 }, rtmr = { 0 };
	struct eventlog parsed;
	struct err e = { 0 };
	char hex[HASH_MAX_HEX];

	(void)state;
	with_tsm("tdx_guest");
	vector_read("agent/evidence/tdx_quote_4.dat", &m.out);
	put_text(m.root, MEASUREMENTS "/rtmr3:sha384", "");
	struct attester *a = attester("tdx");
	assert_int_equal(attest_extend(a, -1, "coco.com", "some-operation", "some-content", &e), 0);
	_free_ char *path = xasprintf("%s/" MEASUREMENTS "/rtmr3:sha384", m.root);
	assert_int_equal(io_read_file(path, 0, &rtmr, &e), 0);
	assert_int_equal(rtmr.n, 48);
	assert_string_equal(hex_encode(hex, rtmr.p, 48), "2330183d89750c6a374ac9827d33a33636e7876733544584c8c"
	                                                 "cc88df0df87eada37e5d71d0773502234c2b5fbc7448e");
	evidence_log(a, &log, &m.out);
	assert_int_equal(eventlog_open("log", buf_slice(&log), &parsed, &e), 0);
	assert_int_equal(parsed.n_events, 2);
	attest_freep(&a);
}

/* A collection as the Realm Management Monitor makes it, encoded by Python's cbor2. */
static void make_token(struct buf *ret)
{
	_free_ char *line = xasprintf(
	        "/usr/bin/python3 -c 'import cbor2, sys\n"
	        "T, d = cbor2.CBORTag, cbor2.dumps\n"
	        "realm = {10: b\"n\" * 64, 265: \"tag:arm.com,2023:realm#1.0.0\", 44235: b\"P\" * 64,\n"
	        "  44238: b\"m\" * 32, 44239: [b\"e\" * 32] * 4, 44236: \"sha-256\", 44237: b\"k\" * 97}\n"
	        "sign1 = lambda v: d(T(18, [d({1: -35}), {}, d(v), b\"s\" * 96]))\n"
	        "platform = {256: b\"i\" * 33, 2401: b\"c\" * 4, 2399: [{1: \"BL\", 2: b\"v\" * 32}], -7: "
	        "None}\n"
	        "sys.stdout.buffer.write(d(T(399, {44234: sign1(platform), 44241: sign1(realm)})))'");
	FILE *f = popen(line, "re");
	uint8_t chunk[4096];
	size_t n = fread(chunk, 1, sizeof(chunk), f);

	buf_add(ret, chunk, n);
	if (pclose(f)) {
		print_message("# SKIP python3-cbor2 is missing\n");
		skip();
	}
}

static void a_realms_token_is_passed_on_and_says_what_initdata_must_be(void **state)
{
	static const uint8_t data[64] = { 1 };
	uint8_t p64[64], got[4096];
	_buf_ struct buf whole = { 0 };
	struct err e = { 0 };

	(void)state;
	with_tsm("arm_cca_guest");
	make_token(&m.out);
	memset(p64, 'P', sizeof(p64));
	struct attester *a = attester("cca");
	json_t *j = evidence_over(a, slice_of(data, sizeof(data)));
	assert_int_equal(json_object_size(j), 1);
	get_bytes(json_object_get(j, "token"), got, m.out.n);
	assert_memory_equal(got, m.out.p, m.out.n);
	json_decref(j);
	uint8_t *at = memmem(m.out.p, m.out.n, p64, sizeof(p64));
	assert_non_null(at);
	bind_all(a, "cca_rpv_hex(64)", at, 64);
	/* cut anywhere, it is refused */
	buf_add(&whole, m.out.p, m.out.n);
	size_t payload_end = (size_t)(at - m.out.p) + 64;
	for (size_t n = 1; n < payload_end; n += 7) {
		m.out.n = n;
		assert_int_equal(attest_bind(a, HASH_SHA512, slice_of(p64, 64), &e), -EBADMSG);
	}
	attest_freep(&a);
}

#define B32 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="

static void the_ultravisor_measures_what_the_challenge_asks_for(void **state)
{
	/* 32 bytes of 'A' are the request */
	const char *nonce = "{\"request_blob\":\"" B32 "\",\"measurement_size\":64,\"additional_size\":32,"
	                    "\"encr_measurement_key\":\"a2V5\",\"encr_request_nonce\":\"bm9uY2U=\","
	                    "\"image_hdr_tags\":\"dGFncw==\"}";
	uint8_t data[64], want[64];
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	json_t *j = NULL;

	(void)state;
	put_text(m.root, "sys/firmware/uv/prot_virt_guest", "1\n");
	put_text(m.root, "dev/uv", "");
	memset(data, 'd', sizeof(data));
	memset(want, 'A', 32);
	memset(want + 32, 'd', 32);
	struct attester *a = attester("se");
	assert_int_equal(attest_evidence(a, slice_of(data, sizeof(data)), nonce, &j, &e), 0);
	assert_int_equal(json_object_size(j), 7);
	assert_true(base64_decode(&b, slice_str(str(j, "measurement"))));
	assert_true(slice_eq(buf_slice(&b), slice_of(want, sizeof(want))));
	buf_free(&b);
	assert_true(base64_decode(&b, slice_str(str(j, "user_data"))));
	assert_true(slice_eq(buf_slice(&b), slice_of(data, sizeof(data))));
	assert_string_equal(str(j, "additional_data"), "ra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra0=");
	assert_string_equal(str(j, "cuid"), "zc3Nzc3Nzc3Nzc3Nzc3NzQ==");
	assert_string_equal(str(j, "encr_measurement_key"), "a2V5");
	assert_string_equal(str(j, "encr_request_nonce"), "bm9uY2U=");
	assert_string_equal(str(j, "image_hdr_tags"), "dGFncw==");
	json_decref(j);
	/* refused: by the ultravisor, without a request in the challenge, and initdata */
	buf_add(&m.device, "x", 1);
	assert_int_equal(attest_evidence(a, slice_of(data, sizeof(data)), nonce, &j, &e), -EIO);
	assert_non_null(strstr(e.msg, "0x106"));
	assert_int_equal(attest_evidence(a, slice_of(data, sizeof(data)), "MTIzNA==", &j, &e), -EBADMSG);
	assert_int_equal(attest_evidence(a, slice_of(data, sizeof(data)), NULL, &j, &e), -EBADMSG);
	assert_int_equal(attest_bind(a, HASH_SHA512, slice_of(data, 64), &e), -EKEYREJECTED);
	attest_freep(&a);
}

static void sev_takes_the_initdata_that_an_injected_secret_names(void **state)
{
#define SECRET "sys/kernel/security/secrets/coco/243f0771-367c-456d-9398-096fc45d4b20"
	uint8_t digest[SHA384_LEN];
	struct err e = { 0 };
	json_t *j = NULL;

	(void)state;
	memset(digest, 9, sizeof(digest));
	put_text(m.root, "sys/kernel/security/secrets/coco/e6f5a162-d67f-4750-a67c-5d065f2a9910", "{}");
	put_text(m.root, "dev/tpmrm0", "");
	struct attester *a = attester("sev");
	assert_true(attest_is_tee(a));
	assert_int_equal(attest_evidence(a, slice_of(digest, sizeof(digest)), NULL, &j, &e), -EOPNOTSUPP);
	assert_int_equal(attest_bind(a, HASH_SHA384, slice_of(digest, sizeof(digest)), &e), -EKEYREJECTED);
	put_file(m.root, SECRET, digest, sizeof(digest));
	assert_int_equal(attest_bind(a, HASH_SHA384, slice_of(digest, sizeof(digest)), &e), 0);
	digest[0] = 0;
	assert_int_equal(attest_bind(a, HASH_SHA384, slice_of(digest, sizeof(digest)), &e), -EKEYREJECTED);
	put_file(m.root, SECRET, digest, 32);
	assert_int_equal(attest_bind(a, HASH_SHA384, slice_of(digest, sizeof(digest)), &e), -EKEYREJECTED);
	attest_freep(&a);
}

/* A TPM beside it is the host's to give. */
static void the_cpu_is_asked_before_a_tpm(void **state)
{
	(void)state;
	put_text(m.root, "dev/tpmrm0", "");
	put_text(m.root, "dev/sev-guest", "");
	struct attester *a = attester("snp");
	attest_freep(&a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_new, machine_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_snp_report_becomes_the_json_of_trustees_real_evidence),
		TEST(the_ioctl_of_older_kernels_gives_the_same_evidence),
		TEST(a_report_over_other_data_than_asked_for_is_refused),
		TEST(a_report_between_which_somebody_else_wrote_is_refused),
		TEST(initdata_is_what_hostdata_says),
		TEST(initdata_is_what_mrconfigid_says_in_the_tdx_modules_report),
		TEST(a_kernel_with_measurement_registers_is_asked_for_mrconfigid),
		TEST(a_tdx_quote_comes_with_the_firmwares_log_and_no_more),
		TEST(an_event_extends_rtmr3_where_the_kernel_can),
		TEST(a_realms_token_is_passed_on_and_says_what_initdata_must_be),
		TEST(the_ultravisor_measures_what_the_challenge_asks_for),
		TEST(sev_takes_the_initdata_that_an_injected_secret_names),
		TEST(the_cpu_is_asked_before_a_tpm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
