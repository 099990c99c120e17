#include "download.h"
#include "lib/curl.h"
#include "lib/io.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { PARALLEL = 6, TRIES = 3 };

struct job { /* one file on its way */
	struct want *want;
	struct engine *g;
	size_t mirror;
	unsigned tries;    /* failed ones on this mirror */
	double not_before; /* a pause between two tries */
	bool gone;         /* every mirror so far says that it has no such file */
	bool finished;
	CURL *h; /* while it runs */
	char *url, why[CURL_ERROR_SIZE];
	/* download_get only */
	char *partial;
	int fd;
	struct hash *hash; /* of the first HAVE bytes */
	uint64_t have;
	bool joined; /* the bytes are from more than one transfer */
	bool too_long;
	int write_error; /* errno */
};

struct engine {
	const struct mirrors *m;
	const struct download_opts *o;
	bool get; /* fetch; else only ask */
	struct curl curl;
	CURLM *multi;
	struct job *jobs;
	size_t n, n_running, n_done;
	bool *down[ARCHIVES];         /* mirrors that cannot be connected to */
	uint64_t bytes, total, fresh; /* of all jobs: here, wanted, and fetched by this run */
	double start, drawn;
};

static void job_free(struct job *j)
{
	if (j->h) {
		j->g->curl.multi_remove_handle(j->g->multi, j->h);
		j->g->curl.easy_cleanup(j->h);
	}
	mem_closep(&j->fd);
	hash_free(j->hash);
	free(j->url);
	free(j->partial);
}

static void engine_free(struct engine *g)
{
	for (size_t i = 0; i < g->n; i++)
		job_free(&g->jobs[i]);
	for (size_t a = 0; a < ARCHIVES; a++)
		free(g->down[a]);
	free(g->jobs);
	if (g->multi)
		g->curl.multi_cleanup(g->multi);
}
#define _engine_ __attribute__((cleanup(engine_free)))

static int engine_init(struct engine *g, const struct mirrors *m, struct want *v, size_t n, bool get,
        const struct download_opts *o, struct err *e)
{
	*g = (struct engine){ .m = m, .o = o, .get = get, .n = n, .start = term_now() };
	if (curl_load(CURL_SONAME, &g->curl, e))
		return e->code;
	/* of libcurl's own set-up only the TLS library's needs this, and one thread is all there is */
	g->curl.global_init(CURL_GLOBAL_DEFAULT);
	g->multi = g->curl.multi_init();
	g->curl.multi_setopt(g->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PARALLEL);
	g->jobs = xcalloc(n, sizeof(*g->jobs));
	for (size_t a = 0; a < ARCHIVES; a++)
		g->down[a] = xcalloc(m->n[a], sizeof(bool));
	for (size_t i = 0; i < n; i++) {
		g->jobs[i] =
		        (struct job){ .want = &v[i], .g = g, .mirror = v[i].mirror, .fd = -1, .gone = true };
		g->total += v[i].file->size;
	}
	return 0;
}

/* Mirrors on object stores take a bare + for a space, so it is escaped as apt does. */
static char *make_url(const char *base, const char *path)
{
	_buf_ struct buf b = { 0 };

	buf_printf(&b, "%s/", base);
	for (; *path; path++)
		if (strchr("+:%", *path))
			buf_printf(&b, "%%%02x", (unsigned char)*path);
		else
			buf_add(&b, path, 1);
	return xstrdup(buf_str(&b));
}

/* The error of a store that cannot be used; errno says why. */
static int store_error(struct err *e, const char *path)
{
	int saved = errno;

	err_errno(e, "%s", path);
	err_hint(e, "BULLA_CACHE= names another store");
	return saved == EROFS || saved == EACCES ? err_exit(e, EX_MISSING) : e->code;
}

static size_t drop_data(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
	struct job *j = arg;

	n *= size;
	if (n > j->want->file->size - j->have) {
		j->too_long = true;
		return 0;
	}
	for (size_t done = 0; done < n;) {
		ssize_t k = write(j->fd, p + done, n - done);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			j->write_error = errno;
			return 0;
		}
		hash_add(j->hash, p + done, (size_t)k);
		done += (size_t)k;
		j->have += (size_t)k;
		j->g->bytes += (size_t)k;
		j->g->fresh += (size_t)k;
	}
	return n;
}

/* Forgets the bytes there are. */
static int start_over(struct job *j, struct err *e)
{
	j->g->bytes -= j->have;
	j->have = 0;
	j->joined = j->too_long = false;
	hash_free(j->hash);
	j->hash = hash_new(HASH_SHA256);
	if (ftruncate(j->fd, 0) || lseek(j->fd, 0, SEEK_SET) < 0)
		return store_error(e, j->partial);
	return 0;
}

/* Opens the partial file and hashes what an earlier run left in it. */
static int open_partial(struct job *j, struct err *e)
{
	_free_ char *cache = io_cache_dir(), *chunk = xcalloc(1, 1 << 18);
	ssize_t n;

	j->partial = xasprintf("%s/partial/%s", cache, j->want->file->sha256);
	j->fd = open(j->partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return store_error(e, j->partial);
	j->hash = hash_new(HASH_SHA256);
	while ((n = read(j->fd, chunk, 1 << 18)) > 0) {
		hash_add(j->hash, chunk, (size_t)n);
		j->have += (size_t)n;
		j->g->bytes += (size_t)n;
	}
	if (n < 0)
		return store_error(e, j->partial);
	return j->have > j->want->file->size ? start_over(j, e) : 0;
}

static void add_handle(struct engine *g, struct job *j)
{
	const struct curl *c = &g->curl;
	CURL *h = j->h = c->easy_init();

	c->easy_setopt(h, CURLOPT_URL, j->url);
	c->easy_setopt(h, CURLOPT_PRIVATE, j);
	c->easy_setopt(h, CURLOPT_ERRORBUFFER, j->why);
	c->easy_setopt(h, CURLOPT_USERAGENT, "bulla");
	c->easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https,file");
	c->easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	c->easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
	c->easy_setopt(h, CURLOPT_MAXREDIRS, 5L);
	c->easy_setopt(h, CURLOPT_FAILONERROR, 1L);
	c->easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	c->easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)g->o->stall);
	c->easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
	c->easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)g->o->stall);
	c->easy_setopt(h, CURLOPT_BUFFERSIZE, 1L << 18);
	c->easy_setopt(h, CURLOPT_NOBODY, g->get ? 0L : 1L);
	/* asked about a file:// libcurl makes up headers and gives them out as data */
	c->easy_setopt(h, CURLOPT_WRITEFUNCTION, g->get ? on_data : drop_data);
	c->easy_setopt(h, CURLOPT_WRITEDATA, j);
	if (g->get && j->have) {
		j->joined = true;
		c->easy_setopt(h, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)j->have);
	}
	c->multi_add_handle(g->multi, h);
	g->n_running++;
}

static int finish(struct engine *g, struct job *j, struct err *e);

static int begin(struct engine *g, struct job *j, struct err *e)
{
	enum archive a = j->want->file->archive;

	j->why[0] = 0;
	free(j->url);
	j->url = make_url(g->m->base[a][j->mirror], j->want->file->path);
	if (g->get && j->fd < 0 && open_partial(j, e))
		return e->code;
	/* all there: stopped between the last byte and the rename */
	if (g->get && j->have == j->want->file->size) {
		j->joined = true;
		return finish(g, j, e);
	}
	add_handle(g, j);
	return 0;
}

/* Moves on to the next mirror that is not down; false when there is none. */
static bool next_mirror(struct engine *g, struct job *j)
{
	enum archive a = j->want->file->archive;

	j->tries = 0;
	while (++j->mirror < g->m->n[a]) {
		if (!g->down[a][j->mirror])
			return true;
		j->gone = false;
	}
	return false;
}

static int done(struct engine *g, struct job *j)
{
	mem_closep(&j->fd);
	j->fd = -1;
	j->finished = true;
	g->n_done++;
	return 0;
}

/* The last byte is here: into the store, if they are the right ones. */
static int finish(struct engine *g, struct job *j, struct err *e)
{
	const struct lock_file *f = j->want->file;
	_free_ char *store = io_store_path(f->sha256);
	uint8_t digest[SHA256_LEN];
	char found[SHA256_HEX], *reason;

	if (j->have == f->size && !j->too_long) {
		hash_final(j->hash, digest);
		hex_encode(found, digest, SHA256_LEN);
		if (!strcmp(found, f->sha256)) {
			if (fchmod(j->fd, 0644))
				return store_error(e, j->partial);
			if (io_mkparents(store, e) || io_commit(j->partial, store, e))
				return e->code;
			return done(g, j);
		}
	}
	if (j->joined) /* perhaps only the older part is wrong */
		return start_over(j, e);
	reason = j->too_long ? xasprintf("more than the %llu bytes expected", (unsigned long long)f->size)
	         : j->have < f->size ? xasprintf("%llu bytes, expected %llu", (unsigned long long)j->have,
	                                       (unsigned long long)f->size)
	                             : xasprintf("sha256 %s, expected %s", found, f->sha256);
	if (start_over(j, e)) {
		free(reason);
		return e->code;
	}
	err_set(e, -EBADMSG, "%s: %s", j->url, reason);
	free(reason);
	if (next_mirror(g, j)) {
		if (g->o->progress != PROGRESS_NONE)
			term_line("fetch: warning: %s; trying the next mirror", e->msg);
		*e = (struct err){ 0 };
		return 0;
	}
	unlink(j->partial);
	err_hint(e, "the mirror's copy is damaged or is another file; MIRROR= names another mirror");
	return e->code;
}

static bool says_no_such_file(const struct curl *c, CURL *h, CURLcode r)
{
	long status = 0;

	c->easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	return r == CURLE_FILE_COULDNT_READ_FILE ||
	       (r == CURLE_HTTP_RETURNED_ERROR && (status == 404 || status == 410));
}

/* Some servers will not be asked: 405 and 501 say nothing about the file. */
static bool refuses_head(const struct curl *c, CURL *h, CURLcode r)
{
	long status = 0;

	c->easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	return r == CURLE_HTTP_RETURNED_ERROR && (status == 405 || status == 501);
}

/* A transfer failed: again after a pause, or from the next mirror; an error when there is none left. */
static int failed(struct engine *g, struct job *j, CURLcode r, bool gone, struct err *e)
{
	enum archive a = j->want->file->archive;

	j->gone &= gone;
	if (!gone && ++j->tries < TRIES) {
		j->not_before = term_now() + 0.25 * (1 << j->tries);
		return 0;
	}
	if (r == CURLE_COULDNT_CONNECT || r == CURLE_COULDNT_RESOLVE_HOST)
		g->down[a][j->mirror] = true;
	if (next_mirror(g, j))
		return 0;
	if (j->gone && !g->get) /* told together, at the end */
		return done(g, j);
	return err_set(e, -EIO, "%s: %s", j->url, j->why[0] ? j->why : g->curl.easy_strerror(r));
}

static int ended(struct engine *g, struct job *j, CURLcode r, struct err *e)
{
	const struct curl *c = &g->curl;
	bool gone = says_no_such_file(c, j->h, r), no_head = !g->get && refuses_head(c, j->h, r);
	long status = 0;

	c->easy_getinfo(j->h, CURLINFO_RESPONSE_CODE, &status);
	c->multi_remove_handle(g->multi, j->h);
	c->easy_cleanup(TAKE(j->h));
	g->n_running--;
	if (j->write_error) {
		errno = j->write_error;
		return store_error(e, j->partial);
	}
	if (!g->get && (r == CURLE_OK || no_head)) {
		j->gone = false;
		j->want->mirror = j->mirror;
		return done(g, j);
	}
	if (g->get && (r == CURLE_OK || j->too_long))
		return finish(g, j, e);
	/* a server that cannot continue, or has fewer bytes than are here */
	if (g->get && j->have && (r == CURLE_RANGE_ERROR || r == CURLE_BAD_DOWNLOAD_RESUME || status == 416))
		return start_over(j, e);
	return failed(g, j, r, gone, e);
}

static void draw(struct engine *g)
{
	char here[16], all[16], rate[16], left[16], bar[21];
	double now = term_now(), speed = (double)g->fresh / (now - g->start + 0.001);
	size_t filled = g->total ? (size_t)(20 * g->bytes / g->total) : 20;

	if (!term_is_live(g->o->progress) || now - g->drawn < 0.1)
		return;
	g->drawn = now;
	if (!g->get) {
		term_redraw("fetch: looking for the files: %zu/%zu", g->n_done, g->n);
		return;
	}
	for (size_t i = 0; i < 20; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[20] = 0;
	term_redraw("fetch [%s] %zu/%zu files  %s of %s  %s/s  %s left", bar, g->n_done, g->n,
	        term_size(here, g->bytes), term_size(all, g->total), term_size(rate, (uint64_t)speed),
	        speed > 1 ? term_time(left, (double)(g->total - g->bytes) / speed) : "?");
}

/* Starts what may start now; a mirror found down meanwhile is passed over. */
static int begin_some(struct engine *g, struct err *e)
{
	double now = term_now();

	for (size_t i = 0; i < g->n && g->n_running < PARALLEL; i++) {
		struct job *j = &g->jobs[i];
		enum archive a = j->want->file->archive;

		if (j->h || j->finished || j->not_before > now)
			continue;
		if (g->down[a][j->mirror]) {
			j->gone = false;
			if (!next_mirror(g, j))
				return err_set(e, -EIO, "%s: no mirror of the archive %s can be reached",
				        j->want->file->path, archive_name(a));
		}
		if (begin(g, j, e))
			return e->code;
	}
	return 0;
}

static int loop(struct engine *g, struct err *e)
{
	while (g->n_done < g->n) {
		int running, left;
		CURLMsg *msg;

		if (begin_some(g, e))
			return e->code;
		g->curl.multi_perform(g->multi, &running);
		while ((msg = g->curl.multi_info_read(g->multi, &left))) {
			struct job *j;

			if (msg->msg != CURLMSG_DONE)
				continue;
			g->curl.easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &j);
			if (ended(g, j, msg->data.result, e))
				return e->code;
		}
		draw(g);
		if (g->n_done < g->n)
			g->curl.multi_poll(g->multi, NULL, 0, 50, NULL);
	}
	return 0;
}

int download_find(
        const struct mirrors *m, struct want *v, size_t n, const struct download_opts *o, struct err *e)
{
	_engine_ struct engine g;
	const struct want *first = NULL;
	size_t n_gone = 0;

	if (engine_init(&g, m, v, n, false, o, e) || loop(&g, e))
		return e->code;
	for (size_t i = 0; i < n; i++)
		if (g.jobs[i].gone && !n_gone++)
			first = &v[i];
	if (!n_gone)
		return 0;
	if (n_gone == 1)
		err_set(e, -ENOENT, "%s: on no mirror any more", first->file->path);
	else
		err_set(e, -ENOENT, "%s and %zu more: on no mirror any more", first->file->path, n_gone - 1);
	err_hint(e,
	        "`bulla lock %s` takes the version there is now; or MIRROR= a base that still has it, such "
	        "as a "
	        "snapshot service's",
	        first->set);
	return err_exit(e, EX_MISSING);
}

int download_get(
        const struct mirrors *m, struct want *v, size_t n, const struct download_opts *o, struct err *e)
{
	_free_ char *cache = io_cache_dir(), *partial = xasprintf("%s/partial", cache);
	_engine_ struct engine g;

	if (engine_init(&g, m, v, n, true, o, e) || io_mkdirs(partial, e))
		return e->code;
	return loop(&g, e);
}
