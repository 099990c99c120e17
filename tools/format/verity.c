#include "format/verity.h"
#include "lib/buf.h"
#include <pthread.h>

enum { PER_BLOCK = VERITY_BLOCK / SHA256_LEN, LEVELS = 10, THREADS = 64, FEWEST_PER_THREAD = 64 };

struct geometry {
	uint64_t at[LEVELS], count[LEVELS]; /* in blocks of the area; level 0 has the hashes of the data */
	unsigned levels;
	uint64_t blocks; /* of the whole area, with the superblock */
};

static struct geometry geometry_of(uint64_t data_blocks)
{
	struct geometry g = { .blocks = 1 };

	/* one block of data has no tree: the root hash is the hash of that block */
	for (uint64_t n = data_blocks; n > 1;) {
		n = n / PER_BLOCK + !!(n % PER_BLOCK);
		g.count[g.levels++] = n;
	}
	for (unsigned l = g.levels; l-- > 0; g.blocks += g.count[l])
		g.at[l] = g.blocks;
	return g;
}

uint64_t verity_size(uint64_t data_blocks)
{
	return geometry_of(data_blocks).blocks * VERITY_BLOCK;
}

void verity_salt(uint64_t data_blocks, uint8_t ret[VERITY_SALT])
{
	memcpy(ret, "bulla-v1", 8);
	put_le64(ret + 8, data_blocks);
}

void verity_superblock(uint64_t data_blocks, uint8_t ret[VERITY_BLOCK])
{
	memset(ret, 0, VERITY_BLOCK);
	memcpy(ret, "verity\0\0", 8);
	put_le32(ret + 8, 1);  /* version */
	put_le32(ret + 12, 1); /* hash type: the salt comes first */
	verity_salt(data_blocks, ret + 16);
	memcpy(ret + 32, "sha256", 6);
	put_le32(ret + 64, VERITY_BLOCK);
	put_le32(ret + 68, VERITY_BLOCK);
	put_le64(ret + 72, data_blocks);
	put_le16(ret + 80, VERITY_SALT);
	verity_salt(data_blocks, ret + 88);
}

/* One thread's run of blocks: their hashes are written to OUT, or compared with WANT. */
struct job {
	const uint8_t *blocks, *want, *salt;
	uint8_t *out;
	uint64_t first, end, bad; /* bad: the first that differs, or end */
};

static void hash_block(struct hash *h, const uint8_t *salt, const uint8_t *block, uint8_t ret[SHA256_LEN])
{
	hash_add(h, salt, VERITY_SALT);
	hash_add(h, block, VERITY_BLOCK);
	hash_final(h, ret);
}

static void *work(void *arg)
{
	struct job *j = arg;
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	uint8_t digest[SHA256_LEN];

	for (j->bad = j->first; j->bad < j->end; j->bad++) {
		hash_block(h, j->salt, j->blocks + j->bad * VERITY_BLOCK, digest);
		if (j->out)
			memcpy(j->out + j->bad * SHA256_LEN, digest, SHA256_LEN);
		else if (memcmp(j->want + j->bad * SHA256_LEN, digest, SHA256_LEN))
			break;
	}
	return NULL;
}

static unsigned threads_for(uint64_t count, unsigned asked)
{
	long cpus = asked ? (long)asked : sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n = count / FEWEST_PER_THREAD;

	if (cpus > THREADS)
		cpus = THREADS;
	if (n > (uint64_t)(cpus < 1 ? 1 : cpus))
		n = (uint64_t)(cpus < 1 ? 1 : cpus);
	return n ? (unsigned)n : 1;
}

/* Hashes or compares COUNT blocks; returns the first one that differs, or COUNT. */
static uint64_t run_jobs(struct job all, uint64_t count, unsigned threads)
{
	struct job jobs[THREADS];
	pthread_t tid[THREADS];
	bool started[THREADS] = { 0 };
	unsigned n = threads_for(count, threads);
	uint64_t bad = count;

	for (unsigned i = 0; i < n; i++) {
		jobs[i] = all;
		jobs[i].first = count / n * i;
		jobs[i].end = i + 1 == n ? count : count / n * (i + 1);
		started[i] = i + 1 < n && !pthread_create(&tid[i], NULL, work, &jobs[i]);
		if (!started[i])
			work(&jobs[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (started[i])
			pthread_join(tid[i], NULL);
	for (unsigned i = n; i-- > 0;)
		if (jobs[i].bad < jobs[i].end)
			bad = jobs[i].bad;
	return bad;
}

static int need_whole_blocks(struct slice data, struct err *e)
{
	if (data.n && data.n % VERITY_BLOCK == 0)
		return 0;
	return err_set(e, -EINVAL, "data: size %zu, expected a multiple of %d above 0", data.n, VERITY_BLOCK);
}

int verity_build(struct slice data, unsigned threads, uint8_t *area, uint8_t root[SHA256_LEN], struct err *e)
{
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	uint8_t salt[VERITY_SALT];
	const uint8_t *below = data.p;
	struct geometry g;
	uint64_t n = data.n / VERITY_BLOCK;

	if (need_whole_blocks(data, e))
		return e->code;
	g = geometry_of(n);
	verity_salt(n, salt);
	verity_superblock(n, area);
	for (unsigned l = 0; l < g.levels; l++) {
		uint8_t *level = area + g.at[l] * VERITY_BLOCK;

		run_jobs((struct job){ .blocks = below, .salt = salt, .out = level }, n, threads);
		below = level;
		n = g.count[l];
	}
	hash_block(h, salt, below, root);
	return 0;
}

static int no(struct err *e)
{
	return err_exit(e, EX_NO);
}

static int check_superblock(struct slice area, uint64_t data_blocks, struct err *e)
{
	uint8_t want[VERITY_BLOCK];
	uint64_t size = verity_size(data_blocks);

	if (area.n != size) {
		err_set(e, -EBADMSG, "tree: size %zu, expected %llu for %llu data blocks", area.n,
		        (unsigned long long)size, (unsigned long long)data_blocks);
		return no(e);
	}
	verity_superblock(data_blocks, want);
	for (size_t i = 0; i < VERITY_BLOCK; i++)
		if (area.p[i] != want[i]) {
			err_set(e, -EBADMSG, "tree+%#zx: superblock has %02x, expected %02x", i, area.p[i],
			        want[i]);
			return no(e);
		}
	return 0;
}

static int bad_block(struct err *e, const char *what, uint64_t block)
{
	err_set(e, -EBADMSG, "%s+%#llx: block %llu does not have the hash that the tree says", what,
	        (unsigned long long)(block * VERITY_BLOCK), (unsigned long long)block);
	return no(e);
}

static int check_root(const uint8_t *top, const char *what, uint64_t block, const uint8_t *salt,
        const uint8_t want[SHA256_LEN], struct err *e)
{
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	uint8_t got[SHA256_LEN];
	char hex[2][SHA256_HEX];

	hash_block(h, salt, top, got);
	if (!memcmp(got, want, SHA256_LEN))
		return 0;
	err_set(e, -EBADMSG, "%s+%#llx: block %llu gives root hash %s, expected %s", what,
	        (unsigned long long)(block * VERITY_BLOCK), (unsigned long long)block,
	        hex_encode(hex[0], got, SHA256_LEN), hex_encode(hex[1], want, SHA256_LEN));
	return no(e);
}

int verity_check(
        struct slice data, struct slice area, const uint8_t root[SHA256_LEN], unsigned threads, struct err *e)
{
	uint8_t salt[VERITY_SALT];
	struct geometry g;
	uint64_t n = data.n / VERITY_BLOCK, bad;

	if (need_whole_blocks(data, e))
		return no(e);
	if (check_superblock(area, n, e))
		return e->code;
	g = geometry_of(n);
	verity_salt(n, salt);
	if (!g.levels)
		return check_root(data.p, "data", 0, salt, root, e);
	if (check_root(area.p + g.at[g.levels - 1] * VERITY_BLOCK, "tree", g.at[g.levels - 1], salt, root, e))
		return e->code;
	for (unsigned l = g.levels - 1; l-- > 0;) {
		struct job j = { .blocks = area.p + g.at[l] * VERITY_BLOCK,
			.want = area.p + g.at[l + 1] * VERITY_BLOCK,
			.salt = salt };

		bad = run_jobs(j, g.count[l], threads);
		if (bad < g.count[l])
			return bad_block(e, "tree", g.at[l] + bad);
	}
	bad = run_jobs(
	        (struct job){ .blocks = data.p, .want = area.p + g.at[0] * VERITY_BLOCK, .salt = salt }, n,
	        threads);
	return bad < n ? bad_block(e, "data", bad) : 0;
}
