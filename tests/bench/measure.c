/*
 * The timer of tests/bench/measure.
 *   measure FIRMWARE           times the library on it, and OpenSSL on the same bytes
 *   measure -mrtd FIRMWARE     times the library on it
 *   measure -DIGEST FILE       times OpenSSL on its bytes
 *   measure RUNS COMMAND…      times a command as a whole process
 * Prints "NAME CPU WALL": the median CPU time and the shortest time on the clock, in microseconds,
 * tab-separated. CPU time, because other work on the machine says little about what is timed; all of it runs
 * in one thread.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include "lib/io.h"
#include "measure/mrtd.h"
#include "measure/snp.h"
#include "measure/vcpu.h"
#include "stacks.h"

enum { RUNS = 41, MAX_RUNS = 1001, PAGE = 4096, VCPUS = 256, MODELS = 100 };

struct job {
	struct inputs in;
	struct slice image;
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	size_t cells;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench/measure: %s\n", what);
	exit(1);
}

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct times {
	double cpu[MAX_RUNS], wall[MAX_RUNS];
};

static void print(const char *name, struct times *t, size_t n)
{
	qsort(t->cpu, n, sizeof(*t->cpu), ascending);
	qsort(t->wall, n, sizeof(*t->wall), ascending);
	printf("%s\t%.0f\t%.0f\n", name, t->cpu[n / 2], t->wall[0]);
}

static void time_it(const char *name, void (*fn)(struct job *), struct job *j)
{
	struct times t;

	fn(j);
	for (size_t i = 0; i < RUNS; i++) {
		double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);

		fn(j);
		t.cpu[i] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		t.wall[i] = now(CLOCK_MONOTONIC) - wall;
	}
	print(name, &t, RUNS);
}

static void digest(struct job *j, const uint8_t *p, size_t n, uint8_t *ret)
{
	if (EVP_DigestInit_ex2(j->ctx, j->md, NULL) != 1 || EVP_DigestUpdate(j->ctx, p, n) != 1 ||
	        EVP_DigestFinal_ex(j->ctx, ret, NULL) != 1)
		fail("OpenSSL could not hash");
}

/* What the algorithm has to hash for the firmware, and nothing else. */
static void hash_only(struct job *j)
{
	uint8_t info[SNP_PAGE_INFO] = { 0 };

	for (size_t i = 0; i + PAGE <= j->image.n; i += PAGE) {
		digest(j, j->image.p + i, PAGE, info + SHA384_LEN);
		digest(j, info, sizeof(info), info);
	}
}

static void stream(struct job *j)
{
	uint8_t ret[HASH_MAX];

	digest(j, j->image.p, j->image.n, ret);
}

static void snp(struct job *j)
{
	_result_ struct result r = { 0 };
	struct err e = { 0 };

	if (snp_measure(&j->in, &r, &e))
		fail(e.msg);
}

static int count(const struct matrix_cell *cell, void *arg)
{
	(void)cell;
	++*(size_t *)arg;
	return 0;
}

static void matrix(struct job *j)
{
	struct matrix_cpu cpus[MODELS];
	unsigned vcpus[VCPUS];
	struct err e = { 0 };
	size_t n = 0;

	for (const struct vcpu_model *m = vcpu_models; n < MODELS && m->name; m++)
		cpus[n++] = (struct matrix_cpu){ m->name, vcpu_signature(m->family, m->model, m->stepping) };
	for (unsigned i = 0; i < VCPUS; i++)
		vcpus[i] = i + 1;
	j->cells = 0;
	if (snp_matrix(&j->in, vcpus, VCPUS, cpus, n, count, &j->cells, &e))
		fail(e.msg);
}

static void mrtd(struct job *j)
{
	_result_ struct result r = { 0 };
	struct err e = { 0 };
	struct ovmf o;
	struct tdvf t;

	if (ovmf_parse("firmware", j->image, &o, &e) || tdvf_parse(&o, &t, &e) ||
	        mrtd_measure("firmware", &t, 1, &r, &e))
		fail(e.msg);
}

/* Pages that repeat the one before become noise, so that none can be hashed once for many. */
static void fill_padding(struct buf *image)
{
	uint64_t x = 88172645463325252;

	for (size_t i = image->n - PAGE; i; i -= PAGE)
		if (!memcmp(image->p + i, image->p + i - PAGE, PAGE))
			for (size_t k = 0; k < PAGE; k += 8) {
				x ^= x << 13, x ^= x >> 7, x ^= x << 17;
				put_le64(image->p + i + k, x);
			}
}

static int library(const char *path)
{
	struct job j = { .md = EVP_MD_fetch(NULL, "SHA384", NULL), .ctx = EVP_MD_CTX_new() };
	_buf_ struct buf image = { 0 };
	struct err e = { 0 };

	if (io_read_file(path, 0, &image, &e) || stacks_add(&j.in.stack, "qemu-10.0", &e))
		fail(e.msg);
	if (!j.md || !j.ctx || !image.n || image.n % PAGE)
		fail("a firmware of whole pages is needed, and an OpenSSL with SHA-384");
	j.image = buf_slice(&image);
	j.in.firmware = (struct blob){ path, j.image, true };
	j.in.vcpus = 1;
	j.in.vcpu_type = "EPYC-v4";
	time_it("hash_only", hash_only, &j);
	time_it("stream", stream, &j);
	time_it("snp", snp, &j);
	time_it("matrix", matrix, &j);
	printf("cells\t%zu\n", j.cells);
	fill_padding(&image);
	time_it("snp_noise", snp, &j);
	stack_free(&j.in.stack);
	EVP_MD_CTX_free(j.ctx);
	EVP_MD_free(j.md);
	return 0;
}

static int one(const char *what, const char *path)
{
	bool is_mrtd = !strcmp(what, "mrtd");
	struct job j = { .md = is_mrtd ? NULL : EVP_MD_fetch(NULL, what, NULL), .ctx = EVP_MD_CTX_new() };
	_buf_ struct buf image = { 0 };
	struct err e = { 0 };

	if (io_read_file(path, 0, &image, &e))
		fail(e.msg);
	j.image = buf_slice(&image);
	time_it(what, is_mrtd ? mrtd : stream, &j);
	EVP_MD_CTX_free(j.ctx);
	EVP_MD_free(j.md);
	return 0;
}

static double microseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

static int process(size_t runs, char **argv)
{
	posix_spawn_file_actions_t out;
	struct times t;

	posix_spawn_file_actions_init(&out);
	posix_spawn_file_actions_addopen(&out, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&out, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	for (size_t i = 0; i <= runs; i++) {
		double wall = now(CLOCK_MONOTONIC);
		size_t k = i ? i - 1 : 0; /* the first brings everything into the page cache */
		struct rusage used;
		int status;
		pid_t pid;

		if (posix_spawnp(&pid, argv[0], &out, NULL, argv, environ) ||
		        wait4(pid, &status, 0, &used) != pid || status)
			fail(argv[0]);
		t.wall[k] = now(CLOCK_MONOTONIC) - wall;
		t.cpu[k] = microseconds(used.ru_utime) + microseconds(used.ru_stime);
	}
	print("process", &t, runs);
	posix_spawn_file_actions_destroy(&out);
	return 0;
}

int main(int argc, char **argv)
{
	size_t runs = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (argc == 2)
		return library(argv[1]);
	if (argc == 3 && *argv[1] == '-')
		return one(argv[1] + 1, argv[2]);
	if (!runs || runs >= MAX_RUNS)
		fail("FIRMWARE, -mrtd FIRMWARE, -DIGEST FILE, or RUNS COMMAND…");
	return process(runs, argv + 2);
}
