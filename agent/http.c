#include "http.h"
#include <ctype.h>
#include <openssl/crypto.h>
#include <time.h>
#include "lib/curl.h"
#include "lib/io.h"

enum {
	SECOND = 1000,
	TICK = 100,             /* how often limits are looked at, in milliseconds */
	STALL_BYTES = 1024,     /* what a transfer has to bring in stall_ms */
	ERROR_MAX = 64 << 10,   /* of the body of an error status */
	HEADERS_MAX = 64 << 10, /* of one answer */
	ROOTS_MAX = 4 << 20,
};
static const char system_roots[] = "/etc/ssl/certs/ca-certificates.crt"; /* of Debian's ca-certificates */

struct http {
	struct curl curl;
	CURLM *multi;
	struct buf roots; /* empty: libcurl's own */
	char *proxy, *no_proxy;
	uint64_t connect_ms, request_ms, stall_ms, deadline_ms;
};

struct transfer {
	struct http *h;
	struct http_request *r;
	CURL *easy;
	struct curl_slist *headers;
	char why[CURL_ERROR_SIZE];
	uint64_t started, mark, mark_bytes; /* when, and how much there was, as it last was not stalled */
	bool answered;                      /* the headers are whole */
	bool ranged;                        /* the request has a Range header */
	bool enough; /* of the body nothing more is wanted, and the answer counts as whole */
};

uint64_t http_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec / 1000000;
}

int http_open(const struct http_how *how, struct http **ret, struct err *e)
{
	struct http *h = xcalloc(1, sizeof(*h));

	*h = (struct http){
		.proxy = xstrdup(how->proxy ?: ""),
		.no_proxy = xstrdup(how->no_proxy ?: ""),
		.connect_ms = how->connect_ms ?: 30 * SECOND,
		.request_ms = how->request_ms ?: 60 * SECOND,
		.stall_ms = how->stall_ms ?: 30 * SECOND,
		.deadline_ms = how->deadline_ms ?: UINT64_MAX,
	};
	if (curl_load(CURL_SONAME, &h->curl, e)) {
		http_freep(&h);
		return e->code;
	}
	if (how->ca_pem) {
		_buf_ struct buf system = { 0 };
		struct err ignored = { 0 };

		buf_add(&h->roots, how->ca_pem, strlen(how->ca_pem));
		if (!how->only_ca_pem && io_read_file(system_roots, ROOTS_MAX, &system, &ignored) == 0) {
			buf_add(&h->roots, "\n", 1);
			buf_add(&h->roots, system.p, system.n);
		}
	}
	h->curl.global_init(CURL_GLOBAL_DEFAULT);
	h->multi = h->curl.multi_init();
	*ret = h;
	return 0;
}

void http_freep(struct http **h)
{
	if (!*h)
		return;
	if ((*h)->multi)
		(*h)->curl.multi_cleanup((*h)->multi);
	buf_free(&(*h)->roots);
	free((*h)->proxy);
	free((*h)->no_proxy);
	free(TAKE(*h));
}

/* Ends R with an error that names it, but for its query, which may hold what nobody else should read. */
static void fail(struct http_request *r, enum http_limit limit, int code, const char *what)
{
	int n = (int)strcspn(r->url, "?");

	r->limit = limit;
	r->error = err_set(&r->e, code, "%s %.*s: %s", r->method, n < 200 ? n : 200, r->url, what);
}

static void fail_after(struct http_request *r, enum http_limit limit, const char *what, uint64_t ms)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %g s", what, (double)ms / SECOND);
	fail(r, limit, -ETIMEDOUT, text);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct http_request *r = t->r;
	char *colon = memchr(p, ':', n), *end = p + n, *at;

	(void)size;                             /* always 1 */
	if (n >= 5 && !memcmp(p, "HTTP/", 5)) { /* each 1xx before the answer has one too */
		r->headers_in.n = 0;
		t->answered = false;
	} else if (t->answered) {
		return n; /* a trailer */
	} else if (*p == '\r' || *p == '\n') {
		t->h->curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &r->status);
		t->answered = r->status >= 200;
		t->mark = http_now();
	} else if (r->headers_in.n + n > HEADERS_MAX) {
		fail(r, HTTP_LIMIT_SIZE, -EFBIG, "the answer's header is longer than 64 KiB");
		return 0;
	} else if (colon) {
		for (at = p; at < colon; at++)
			*at = (char)tolower((unsigned char)*at);
		for (at = colon + 1; at < end && isspace((unsigned char)*at);)
			at++;
		while (end > at && isspace((unsigned char)end[-1]))
			end--;
		buf_printf(&r->headers_in, "%.*s: %.*s\n", (int)(colon - p), p, (int)(end - at), at);
	}
	return n;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return true;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct http_request *r = t->r;
	bool wanted = r->status / 100 == 2;
	size_t room = ERROR_MAX - (r->answer.n < ERROR_MAX ? r->answer.n : ERROR_MAX);

	(void)size;
	/* the whole, where a part was asked for: it does not belong at fd's offset */
	if (wanted && t->ranged && r->status != 206) {
		t->enough = true;
		return 0;
	}
	if (!wanted) {
		buf_add(&r->answer, p, n < room ? n : room);
		t->enough = n > room;
		return t->enough ? 0 : n;
	}
	if (n > r->max - r->received) {
		fail(r, HTTP_LIMIT_SIZE, -EFBIG, "the answer is longer than what is taken of it");
		return 0;
	}
	r->received += n;
	if (r->fd < 0) {
		buf_add(&r->answer, p, n);
	} else if (!write_all(r->fd, p, n)) {
		fail(r, HTTP_LIMIT_NONE, -errno, strerror(errno));
		return 0;
	}
	return n;
}

static void add_header(struct transfer *t, const char *line)
{
	t->headers = t->h->curl.slist_append(t->headers, line) ?: t->headers;
}

static bool transfer_start(struct transfer *t)
{
	struct http *h = t->h;
	struct http_request *r = t->r;
	const struct curl *c = &h->curl;
	CURL *easy = t->easy = c->easy_init();
	int status = easy ? 0 : CURLE_OUT_OF_MEMORY;

	if (!easy)
		goto failed;
	add_header(t, "Expect:");
	for (const char *const *s = r->headers; s && *s; s++) {
		add_header(t, *s);
		t->ranged |= !strncasecmp(*s, "range:", 6);
	}
#define SET(name, value) status |= c->easy_setopt(easy, CURLOPT_##name, value)
	SET(URL, r->url);
	SET(PROTOCOLS_STR, "http,https");
	/* one parser less for what a server sends; parallel transfers have connections of their own */
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(BUFFERSIZE, 256L << 10);
	SET(NOSIGNAL, 1L);
	SET(PATH_AS_IS, 1L);
	SET(DISALLOW_USERNAME_IN_URL, 1L);
	SET(PROXY, h->proxy);
	SET(NOPROXY, h->no_proxy);
	SET(SUPPRESS_CONNECT_HEADERS, 1L);
	SET(USERAGENT, "bulla-agent/" AGENT_VERSION);
	SET(HTTPHEADER, t->headers);
	SET(CONNECTTIMEOUT_MS, (long)h->connect_ms);
	SET(ERRORBUFFER, t->why);
	SET(PRIVATE, t);
	SET(HEADERFUNCTION, on_header);
	SET(HEADERDATA, t);
	SET(WRITEFUNCTION, on_body);
	SET(WRITEDATA, t);
	if (h->roots.n) {
		struct curl_blob blob = { h->roots.p, h->roots.n, CURL_BLOB_NOCOPY };

		SET(CAINFO_BLOB, &blob);
		SET(CAPATH, NULL);
	}
	if (!strcmp(r->method, "HEAD")) {
		SET(NOBODY, 1L);
	} else {
		if (!strcmp(r->method, "POST") || !strcmp(r->method, "PUT")) {
			SET(POSTFIELDS, r->body.n ? (const char *)r->body.p : "");
			SET(POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
		}
		SET(CUSTOMREQUEST, r->method);
	}
#undef SET
	if (!status)
		status = (int)c->multi_add_handle(h->multi, easy);
	t->started = t->mark = http_now();
failed:
	if (status)
		fail(r, HTTP_LIMIT_NONE, -EINVAL, "libcurl does not take the request");
	return !status;
}

static void transfer_end(struct transfer *t)
{
	if (t->easy) {
		t->h->curl.multi_remove_handle(t->h->multi, t->easy);
		t->h->curl.easy_cleanup(t->easy);
	}
	t->h->curl.slist_free_all(t->headers);
	t->easy = NULL;
	t->headers = NULL;
}

/* What libcurl's RESULT is for the caller. */
static void outcome(struct transfer *t, CURLcode result)
{
	struct http_request *r = t->r;
	const char *why = t->why[0] ? t->why : t->h->curl.easy_strerror(result);

	if (r->error || result == CURLE_OK || (t->enough && result == CURLE_WRITE_ERROR))
		return;
	switch (result) {
	case CURLE_OPERATION_TIMEDOUT: /* of ours only the connection's is libcurl's */
		return fail_after(
		        r, HTTP_LIMIT_REQUEST, "no connection within connect_timeout,", t->h->connect_ms);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return fail(r, HTTP_LIMIT_NONE, -EHOSTUNREACH, why);
	case CURLE_COULDNT_CONNECT:
		return fail(r, HTTP_LIMIT_NONE, -ECONNREFUSED, why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return fail(r, HTTP_LIMIT_NONE, -EKEYREJECTED, why);
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return fail(r, HTTP_LIMIT_NONE, -ECONNRESET, why);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return fail(r, HTTP_LIMIT_NONE, -EINVAL, why);
	default:
		return fail(r, HTTP_LIMIT_NONE, -EIO, why);
	}
}

/* The limits that are ours to watch. */
static bool over_limit(struct transfer *t, uint64_t now)
{
	const struct http *h = t->h;
	struct http_request *r = t->r;

	if (r->received - t->mark_bytes >= STALL_BYTES) {
		t->mark = now;
		t->mark_bytes = r->received;
	}
	if (now >= h->deadline_ms)
		fail(r, HTTP_LIMIT_TOTAL, -ETIMEDOUT, "the time for all of it is over");
	else if (!t->answered && now - t->started >= h->request_ms)
		fail_after(r, HTTP_LIMIT_REQUEST, "no answer within request_timeout,", h->request_ms);
	else if (t->answered && now - t->mark >= h->stall_ms)
		fail_after(r, HTTP_LIMIT_STALL, "less than 1 KiB came within stall_timeout,", h->stall_ms);
	return r->error;
}

void http_many(struct http *h, struct http_request *const *r, size_t n, size_t parallel,
        int (*ended)(void *arg, struct http_request *r), void *arg)
{
	_free_ struct transfer *all = xcalloc(n ?: 1, sizeof(*all));
	size_t next = 0, running = 0;
	bool stop = false;
	static const char given_up[] = "given up, as another one failed";

	for (size_t i = 0; i < n; i++) {
		r[i]->status = 0;
		r[i]->received = 0;
		r[i]->answer.n = r[i]->headers_in.n = 0;
		r[i]->limit = HTTP_LIMIT_NONE;
		r[i]->error = 0;
		r[i]->e = (struct err){ 0 };
		all[i].h = h;
		all[i].r = r[i];
	}
	while (next < n || running) {
		struct transfer *over = NULL;
		CURLMsg *m;
		int left;

		if (next < n && running < (parallel ?: 1)) {
			struct transfer *t = &all[next++];

			if (stop)
				fail(t->r, HTTP_LIMIT_NONE, -ECANCELED, given_up);
			else if (http_now() >= h->deadline_ms)
				over_limit(t, http_now());
			else if (transfer_start(t))
				running++;
			if (t->r->error)
				over = t;
		} else {
			h->curl.multi_perform(h->multi, &left);
			if ((m = h->curl.multi_info_read(h->multi, &left))) {
				h->curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &over);
				outcome(over, m->data.result);
			}
			for (size_t i = 0; i < next && !over && stop; i++)
				if (all[i].easy) {
					over = &all[i];
					fail(over->r, HTTP_LIMIT_NONE, -ECANCELED, given_up);
				}
			for (size_t i = 0; i < next && !over; i++)
				if (all[i].easy && over_limit(&all[i], http_now()))
					over = &all[i];
			if (over)
				running--;
			else
				h->curl.multi_poll(h->multi, NULL, 0, TICK, NULL);
		}
		if (over) {
			transfer_end(over);
			stop |= ended && ended(arg, over->r) && !stop;
		}
	}
}

int http_do(struct http *h, struct http_request *r, struct err *e)
{
	http_many(h, &r, 1, 1, NULL, NULL);
	if (r->error)
		*e = r->e;
	return r->error;
}

char *http_header(const struct http_request *r, const char *name)
{
	const char *at = (const char *)r->headers_in.p, *end = at ? at + r->headers_in.n : NULL;
	size_t n = strlen(name);

	while (at && at < end) {
		const char *line = at, *stop = memchr(at, '\n', (size_t)(end - at));

		if (!stop)
			break;
		at = stop + 1;
		if ((size_t)(stop - line) >= n + 2 && !memcmp(line, name, n) && line[n] == ':')
			return xasprintf("%.*s", (int)(stop - line - (ssize_t)n - 2), line + n + 2);
	}
	return NULL;
}

void http_request_free(struct http_request *r)
{
	if (r->answer.p)
		OPENSSL_cleanse(r->answer.p, r->answer.cap); /* a token, or what a key is wrapped in */
	buf_free(&r->answer);
	buf_free(&r->headers_in);
}
