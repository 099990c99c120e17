#include "registry.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <time.h>
#include "auth.h"
#include "json.h"
#include "lib/base64.h"

enum {
	REDIRECTS = 5,
	ATTEMPTS = 5,         /* without progress */
	PROGRESS = 256 << 10, /* bytes that make an attempt one with progress */
	URL_MAX = 8192,
	TOKEN_MAX = 16384,
};

enum next { DONE, AGAIN, FAILED };

/* One document or blob on its way. */
struct fetch {
	struct registry *r;
	char *first, *url; /* what was asked for, and where redirects led */
	const char *accept;
	const char *headers[4];
	char range[48];
	struct http_request q;
	struct blob *blob;   /* NULL for a document */
	uint64_t have;       /* bytes of a blob that are in its file */
	uint64_t not_before; /* when the next attempt is made */
	int redirects, challenges, attempts;
	bool ranged, over;
	bool refused; /* a blob whose request is to be authenticated anew */
	bool whole;   /* the server does not do ranges */
};

void registry_close(struct registry *r)
{
	if (r->authorization)
		OPENSSL_cleanse(r->authorization, strlen(r->authorization));
	free(TAKE(r->authorization));
}

static char *base_url(const struct registry *r)
{
	bool hub = r->at.host == 9 && !memcmp(r->at.name, "docker.io", 9);

	return xasprintf("%s://%.*s/", r->at.insecure ? "http" : "https", hub ? 20 : (int)r->at.host,
	        hub ? "registry-1.docker.io" : r->at.name);
}

static bool of_registry(const struct registry *r, const char *url)
{
	_free_ char *base = base_url(r);

	return !strncmp(url, base, strlen(base));
}

static bool allowed_scheme(const struct registry *r, const char *url)
{
	return !strncmp(url, "https://", 8) || (r->at.insecure && !strncmp(url, "http://", 7));
}

static void escape(struct buf *to, const char *s)
{
	for (; *s; s++)
		buf_printf(to,
		        strchr("-._~/:", *s) || (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
		                        (*s >= 'A' && *s <= 'Z')
		                ? "%c"
		                : "%%%02X",
		        (unsigned char)*s);
}

static void wipe(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}
#define _wipe_ __attribute__((cleanup(wipe)))

static void set_authorization(struct registry *r, const char *scheme, const char *value)
{
	registry_close(r);
	r->authorization = xasprintf("Authorization: %s %s", scheme, value);
}

static void basic(const struct buf *login, struct buf *ret)
{
	base64_encode(ret, buf_slice(login));
}

/* A token of the server that C names, with LOGIN or REFRESH if there are such (distribution's auth/token and
 * auth/oauth). */
static int get_token(struct registry *r, const struct auth_challenge *c, const struct buf *login,
        const struct buf *refresh, struct err *e)
{
	_wipe_ struct buf query = { 0 }, url = { 0 }, header = { 0 };
	const char *headers[3] = { 0 }, *token;
	struct http_request q = {
		.method = refresh->n ? "POST" : "GET", .headers = headers, .max = 64 << 10, .fd = -1
	};
	json_auto_t *j = NULL;
	size_t n = 0;

	if (!allowed_scheme(r, c->realm))
		return err_set(
		        e, -EACCES, "the registry sends to '%.200s' for a token, expected https:", c->realm);
	buf_printf(&query, "service=");
	escape(&query, c->service);
	buf_printf(&query, "&scope=");
	if (c->scope[0]) {
		escape(&query, c->scope);
	} else {
		buf_printf(&query, "repository:");
		escape(&query, r->at.name + r->at.host + 1);
		buf_printf(&query, ":pull");
	}
	buf_printf(&url, "%s", c->realm);
	if (refresh->n) {
		buf_printf(&query, "&client_id=bulla&grant_type=refresh_token&refresh_token=");
		escape(&query, (const char *)refresh->p);
		q.body = buf_slice(&query);
		headers[n++] = "Content-Type: application/x-www-form-urlencoded";
	} else {
		buf_printf(&url, "%c%s", strchr(c->realm, '?') ? '&' : '?', buf_str(&query));
		if (login->n) {
			buf_printf(&header, "Authorization: Basic ");
			basic(login, &header);
			headers[n++] = buf_str(&header);
		}
	}
	q.url = buf_str(&url);
	if (http_do(r->http, &q, e) == 0) {
		if (q.status != 200)
			err_set(e, -EACCES, "%.200s: no token, HTTP %ld", c->realm, q.status);
		else if (json_read("token", buf_slice(&q.answer), 64 << 10, &j, e) == 0) {
			token = json_text(j, "token", TOKEN_MAX);
			token = token ? token : json_text(j, "access_token", TOKEN_MAX);
			if (token)
				set_authorization(r, "Bearer", token);
			else
				err_set(e, -EBADMSG, "%.200s: there is no token in the answer", c->realm);
		}
	}
	http_request_free(&q);
	return e->code;
}

static int authenticate(struct registry *r, const struct http_request *q, struct err *e)
{
	_wipe_ struct buf login = { 0 }, refresh = { 0 }, header = { 0 };
	_buf_ struct buf all = { 0 };
	const char *line, *next;
	struct auth_challenge c;

	for (line = (const char *)q->headers_in.p; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : line + strlen(line);
		if (!strncmp(line, "www-authenticate: ", 18))
			buf_printf(&all, "%s%.*s", all.n ? ", " : "", (int)(next - line - 18), line + 18);
	}
	auth_challenge(buf_str(&all), &c);
	auth_find(r->auths, r->at.name, &login, &refresh);
	e->code = 0;
	if (c.scheme == AUTH_BEARER)
		return get_token(r, &c, &login, &refresh, e);
	if (c.scheme == AUTH_BASIC && login.n) {
		basic(&login, &header);
		set_authorization(r, "Basic", buf_str(&header));
		return 0;
	}
	return err_set(e, -EACCES, "%.*s wants %s", (int)r->at.host, r->at.name,
	        c.scheme == AUTH_BASIC ? "credentials, and there are none for it"
	                               : "an authentication that is not known");
}

static void prepare(struct fetch *f)
{
	size_t n = 0;

	if (f->accept)
		f->headers[n++] = f->accept;
	if (f->r->authorization && of_registry(f->r, f->url))
		f->headers[n++] = f->r->authorization;
	f->ranged = f->have;
	if (f->ranged) {
		snprintf(f->range, sizeof(f->range), "Range: bytes=%" PRIu64 "-", f->have);
		f->headers[n++] = f->range;
	}
	f->headers[n] = NULL;
	f->q.method = "GET";
	f->q.headers = f->headers;
	f->q.url = f->url;
	if (f->blob)
		f->q.max = f->blob->size - f->have;
}

static enum next fail(struct fetch *f, struct err *e, int code, const char *what)
{
	err_set(e, code, "%.300s: %s", f->first, what);
	return FAILED;
}

static bool from_nothing(struct fetch *f, struct err *e)
{
	f->have = 0;
	if (ftruncate(f->blob->fd, 0) == 0 && lseek(f->blob->fd, 0, SEEK_SET) == 0)
		return true;
	err_errno(e, "%.300s: cannot be started again", f->first);
	return false;
}

static enum next restart(struct fetch *f, struct err *e)
{
	if (f->whole)
		return fail(
		        f, e, -EBADMSG, "the server answers with another part than that which was asked for");
	f->whole = true;
	return from_nothing(f, e) ? AGAIN : FAILED;
}

/* Again from where it broke off, if there is reason to hope and time; E holds what went wrong. */
static enum next retry(struct fetch *f, struct err *e, uint64_t progress)
{
	uint64_t wait, now = http_now();

	f->attempts = progress >= PROGRESS ? 1 : f->attempts + 1;
	if (f->attempts >= ATTEMPTS) {
		err_wrap(e, "given up after %d attempts", f->attempts);
		return FAILED;
	}
	wait = 100; /* then 0.3, 0.9, 2.7 s */
	for (int i = 1; i < f->attempts; i++)
		wait *= 3;
	if (f->r->deadline_ms && now + wait >= f->r->deadline_ms)
		return FAILED;
	f->not_before = now + wait;
	/* where redirects led may be signed for a short time */
	free(f->url);
	f->url = xstrdup(f->first);
	f->redirects = 0;
	return f->whole && f->have && !from_nothing(f, e) ? FAILED : AGAIN;
}

static enum next redirect(struct fetch *f, struct err *e)
{
	_free_ char *to = http_header(&f->q, "location");
	char *url;

	for (const char *c = to; c && *c; c++)
		if (*c <= ' ' || *c > '~')
			return fail(f, e, -EBADMSG, "it is redirected to what is no URL");
	if (!to || strlen(to) > URL_MAX)
		return fail(f, e, -EBADMSG, "it is redirected to nowhere");
	if (++f->redirects > REDIRECTS)
		return fail(f, e, -ELOOP, "it is redirected more than 5 times");
	if (to[0] == '/' && to[1] == '/') {
		url = xasprintf("%.*s%s", (int)(strchr(f->url, '/') - f->url), f->url, to);
	} else if (to[0] == '/') {
		const char *host = strstr(f->url, "://") + 3;

		url = xasprintf("%.*s%s", (int)(host + strcspn(host, "/?#") - f->url), f->url, to);
	} else {
		url = xstrdup(to);
	}
	free(f->url);
	f->url = url;
	return allowed_scheme(f->r, url) ? AGAIN : fail(f, e, -EACCES, "it is redirected away from https:");
}

static uint64_t retry_after(const struct fetch *f)
{
	_free_ char *s = http_header(&f->q, "retry-after");
	uint64_t n = s ? strtoull(s, NULL, 10) : 0; /* a date counts for 0 */

	return n < 60 ? n * 1000 : 60000;
}

static enum next bad_status(struct fetch *f, struct err *e)
{
	json_auto_t *j = json_loadb((const char *)f->q.answer.p, f->q.answer.n, 0, NULL);
	const char *code = json_text(json_array_get(json_object_get(j, "errors"), 0), "code", 40);
	long status = f->q.status;
	enum next next;

	err_set(e,
	        status == 404                    ? -ENOENT
	        : status == 401 || status == 403 ? -EACCES
	                                         : -EIO,
	        "%.300s: HTTP %ld%s%s", f->first, status, code ? ", " : "", code ? code : "");
	/* where it was redirected to a client error may be that of a link which is too old */
	if (status != 429 && status / 100 != 5 && !f->redirects)
		return FAILED;
	next = retry(f, e, 0);
	f->not_before += retry_after(f);
	if (f->r->deadline_ms && f->not_before > f->r->deadline_ms)
		f->not_before = f->r->deadline_ms;
	return next;
}

/* What follows from the answer, or from there being none. */
static enum next judge(struct fetch *f, struct err *e)
{
	_free_ char *range = NULL;
	uint64_t from;

	if (f->blob && f->q.status / 100 == 2)
		f->have += f->q.received;
	if (f->q.error) {
		*e = f->q.e;
		switch (f->q.error) {
		case -ETIMEDOUT:
			return f->q.limit == HTTP_LIMIT_TOTAL ? FAILED : retry(f, e, f->q.received);
		case -ECONNRESET:
		case -ECONNREFUSED:
		case -EIO:
			return retry(f, e, f->q.received);
		case -EFBIG:
			if (f->blob && f->ranged && !f->whole)
				return restart(f, e);
			if (f->blob)
				return fail(f, e, -EBADMSG, "it is longer than its descriptor says");
			return FAILED;
		default:
			return FAILED;
		}
	}
	switch (f->q.status) {
	case 200:
		if (f->ranged)
			return restart(f, e);
		break;
	case 206:
		range = http_header(&f->q, "content-range");
		if (!f->blob || !range || sscanf(range, "bytes %" SCNu64 "-", &from) != 1 ||
		        from != f->have - f->q.received)
			return f->blob ? restart(f, e)
			               : fail(f, e, -EBADMSG, "a part that was not asked for");
		break;
	case 416:
		return f->blob ? restart(f, e) : bad_status(f, e);
	case 401:
		if (!of_registry(f->r, f->url) || f->challenges++ >= 2)
			return bad_status(f, e);
		/* others are on their way, and libcurl is not entered from within */
		f->refused = f->blob;
		if (!f->blob && authenticate(f->r, &f->q, e)) {
			err_wrap(e, "%.300s", f->first);
			return FAILED;
		}
		return AGAIN;
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return redirect(f, e);
	default:
		return bad_status(f, e);
	}
	if (!f->blob || f->have == f->blob->size)
		return DONE;
	err_set(e, -EBADMSG, "%.300s: it ends after %" PRIu64 " of %" PRIu64 " bytes", f->first, f->have,
	        f->blob->size);
	return FAILED;
}

static void wait_until(uint64_t t)
{
	uint64_t now = http_now();

	if (now < t) {
		struct timespec d = { (time_t)((t - now) / 1000), (long)((t - now) % 1000) * 1000000 };

		nanosleep(&d, NULL);
	}
}

static void fetch_free(struct fetch *f)
{
	http_request_free(&f->q);
	free(f->first);
	free(f->url);
}

static int get(struct fetch *f, struct buf *body, char **type, struct err *e)
{
	enum next next;

	f->url = xstrdup(f->first);
	f->q.fd = -1;
	do {
		wait_until(f->not_before);
		prepare(f);
		http_do(f->r->http, &f->q, e);
		next = judge(f, e);
	} while (next == AGAIN);
	if (next == DONE) {
		e->code = 0;
		*body = f->q.answer;
		f->q.answer = (struct buf){ 0 };
		if (type)
			*type = http_header(&f->q, "content-type");
	}
	fetch_free(f);
	return next == DONE ? 0 : e->code;
}

int registry_get(struct registry *r, const char *path, const char *accept, size_t max, struct buf *body,
        char **type, struct err *e)
{
	_free_ char *base = base_url(r);
	struct fetch f = { .r = r, .accept = accept, .q.max = max };

	f.first = xasprintf("%sv2/%s/%s", base, r->at.name + r->at.host + 1, path);
	return get(&f, body, type, e);
}

int registry_get_url(struct registry *r, const char *url, size_t max, struct buf *body, struct err *e)
{
	struct registry plain = { .http = r->http, .at.insecure = true, .deadline_ms = r->deadline_ms };
	struct fetch f = { .r = &plain, .first = xstrdup(url), .q.max = max };

	return get(&f, body, NULL, e);
}

struct blobs {
	struct fetch *v;
	size_t n;
	int (*ended)(void *ctx, struct blob *b);
	void *ctx;
	struct err *e;
};

static int on_ended(void *arg, struct http_request *q)
{
	struct blobs *all = arg;
	struct fetch *f = (struct fetch *)((char *)q - offsetof(struct fetch, q));
	struct blob *b = f->blob;

	if (q->error == -ECANCELED)
		return 0;
	switch (judge(f, &b->e)) {
	case AGAIN:
		return 0;
	case DONE:
		f->over = true;
		b->error = all->ended ? all->ended(all->ctx, b) : 0;
		break;
	default:
		f->over = true;
		b->error = b->e.code;
	}
	if (b->error && !all->e->code)
		*all->e = b->e;
	return b->error;
}

/* One new authorization for all that were refused. */
static int authenticate_refused(struct registry *r, struct fetch *f, size_t n, struct err *e)
{
	bool done = false;

	for (size_t i = 0; i < n; i++) {
		if (f[i].refused && !done && authenticate(r, &f[i].q, e))
			return err_wrap(e, "%.300s", f[i].first);
		done |= f[i].refused;
		f[i].refused = false;
	}
	return 0;
}

int registry_blobs(struct registry *r, struct blob *v, size_t n, size_t parallel,
        int (*ended)(void *ctx, struct blob *b), void *ctx, struct err *e)
{
	_free_ struct fetch *f = xcalloc(n, sizeof(*f));
	_free_ struct http_request **q = xcalloc(n, sizeof(*q));
	_free_ char *base = base_url(r);
	struct blobs all = { f, n, ended, ctx, e };
	size_t left = n;

	e->code = 0;
	for (size_t i = 0; i < n; i++) {
		f[i] = (struct fetch){ .r = r, .blob = &v[i], .q.fd = v[i].fd };
		f[i].first = xasprintf("%sv2/%s/blobs/%s", base, r->at.name + r->at.host + 1, v[i].digest);
		f[i].url = xstrdup(f[i].first);
	}
	/* all that is left goes into each round: redirects, and what broke off */
	while (left && !e->code) {
		uint64_t from = UINT64_MAX;

		if (authenticate_refused(r, f, n, e))
			break;
		left = 0;
		for (size_t i = 0; i < n; i++)
			if (!f[i].over) {
				prepare(&f[i]);
				q[left++] = &f[i].q;
				from = f[i].not_before < from ? f[i].not_before : from;
			}
		if (!left)
			break;
		wait_until(from);
		http_many(r->http, q, left, parallel, on_ended, &all);
	}
	for (size_t i = 0; i < n; i++)
		fetch_free(&f[i]);
	return e->code;
}
