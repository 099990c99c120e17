#include "session.h"
#include <openssl/rand.h>
#include <time.h>

enum { PAUSE_FIRST = 200, PAUSE_MAX = 8000 };

int call_begin(struct kbs *k, struct call *c, struct err *e)
{
	uint64_t ms = k->ms ?: KBS_MS;

	if (!k->url)
		return err_set(e, -ENODEV, "key broker: none is configured");
	if (!kbs_attests(k))
		return err_set(e, -ENODEV, "key broker: there is no TEE to attest with");
	*c = (struct call){ .k = k, .deadline = http_now() + ms };
	/* a server that hangs leaves time to ask again */
	return http_open(&(struct http_how){ .ca_pem = k->ca_pem,
	                         .connect_ms = ms / 4,
	                         .request_ms = ms / 2,
	                         .stall_ms = ms / 4,
	                         .deadline_ms = c->deadline },
	        &c->http, e);
}

void call_end(struct call *c)
{
	http_freep(&c->http);
}

/* The cookie after this one of a jar, or NULL. */
static const char *next_cookie(const char *at)
{
	const char *blank = strchr(at, ' ');

	return blank ? blank + 1 : NULL;
}

/* Adds a cookie, N bytes of "name=value", unless the jar has one of that name. */
static void add_cookie(struct buf *jar, const char *cookie, size_t n)
{
	size_t name = strcspn(cookie, "=;\n") + 1;

	if (name > n || jar->n + n + 2 > KBS_COOKIES)
		return;
	for (const char *at = jar->n ? (char *)jar->p : NULL; at; at = next_cookie(at))
		if (!strncmp(at, cookie, name))
			return;
	buf_printf(jar, "%s%.*s", jar->n ? "; " : "", (int)n, cookie);
}

void call_cookies(struct buf *jar, const struct buf *headers)
{
	static const char name[] = "set-cookie: ";
	struct buf fresh = { 0 };

	for (const char *at = headers->n ? (char *)headers->p : NULL; at;
	        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, name, strlen(name)))
			add_cookie(&fresh, at + strlen(name), strcspn(at + strlen(name), "; \n"));
	for (const char *at = jar->n ? (char *)jar->p : NULL; at; at = next_cookie(at))
		add_cookie(&fresh, at, strcspn(at, ";"));
	kbs_wipe(jar);
	*jar = fresh;
}

static bool passes(const struct http_request *r)
{
	switch (r->error) {
	case 0:
		return r->status >= 500 || r->status == 429 || r->status == 408;
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EHOSTUNREACH:
	case -EIO:
		return true;
	default:
		return r->limit == HTTP_LIMIT_REQUEST || r->limit == HTTP_LIMIT_STALL;
	}
}

/* Waits; false where that would be past the deadline. */
static bool wait_for(struct call *c, uint64_t ms)
{
	struct timespec t;
	uint8_t random = 0;

	RAND_bytes(&random, 1); /* guests that started together do not come back together */
	ms += ms * random / 512;
	if (http_now() + ms >= c->deadline)
		return false;
	t = (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
	return true;
}

int call_request(struct call *c, const char *path, const char *body, struct http_request *r, struct err *e)
{
	struct kbs *k = c->k;
	_free_ char *url = xasprintf("%s/kbs/v0/%s", k->url, path), *who = NULL, *bearer = NULL;
	const char *headers[] = { "Accept: application/json", NULL, NULL, NULL, NULL };
	size_t n = 1, tries = 0;

	if (k->cookies.n)
		headers[n++] = who = xasprintf("Cookie: %s", (const char *)k->cookies.p);
	if (k->token) /* counts where the session is forgotten */
		headers[n++] = bearer = xasprintf("Authorization: Bearer %s", k->token);
	if (body)
		headers[n++] = "Content-Type: application/json";
	*r = (struct http_request){ .method = body ? "POST" : "GET",
		.url = url,
		.headers = headers,
		.fd = -1,
		.max = KBS_ANSWER,
		.body = body ? slice_str(body) : slice_of(NULL, 0) };
	for (uint64_t pause = PAUSE_FIRST;; pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX) {
		tries++;
		http_do(c->http, r, e);
		if (!passes(r) || !wait_for(c, pause))
			break;
	}
	r->url = NULL;
	r->headers = NULL;
	if (!r->error && !passes(r)) {
		call_cookies(&k->cookies, &r->headers_in);
		*e = (struct err){ 0 }; /* of a try before */
		return 0;
	}
	if (!r->error)
		call_refused(r, "key broker", e);
	else
		err_wrap(e, "key broker");
	if (tries > 1 || r->limit == HTTP_LIMIT_TOTAL) {
		err_wrap(e, "given up after %zu tries, kbs_timeout is %g s", tries,
		        (double)(k->ms ?: KBS_MS) / 1000);
		e->code = -ETIMEDOUT;
	}
	return e->code;
}

int call_refused(const struct http_request *r, const char *what, struct err *e)
{
	struct rcar_error why;

	rcar_error(buf_slice(&r->answer), &why);
	return err_set(e,
	        r->status == 404   ? -ENOENT
	        : r->status >= 500 ? -EIO
	                           : -EKEYREJECTED,
	        "%s: status %ld%s%s%s%s", what, r->status, why.type[0] ? ", " : "", why.type,
	        why.detail[0] ? ": " : "", why.detail);
}
