/*
 * HTTP over libcurl, which is loaded when it is needed. Everything here blocks: for jobs only. Redirects are
 * followed by nobody but the caller. What a server sends is bounded in size and in time.
 */
#ifndef AGENT_HTTP_H
#define AGENT_HTTP_H
#include "lib/buf.h"
#include "lib/err.h"

struct http; /* connections are kept between requests */

struct http_how {
	const char *ca_pem; /* further roots, PEM; NULL for none. The system's always count, unless ... */
	bool only_ca_pem;   /* ... this is set */
	const char *proxy, *no_proxy;    /* NULL for none; the environment is not asked */
	uint64_t connect_ms, request_ms; /* a request that gets no answer; 0: 30 s and 60 s */
	uint64_t stall_ms;               /* a transfer that brings less than 1 KiB in so long; 0: 30 s */
	uint64_t deadline_ms; /* CLOCK_BOOTTIME in milliseconds at which all must be over; 0: none */
};

enum http_limit { HTTP_LIMIT_NONE, HTTP_LIMIT_REQUEST, HTTP_LIMIT_STALL, HTTP_LIMIT_TOTAL, HTTP_LIMIT_SIZE };

struct http_request {
	const char *method, *url;   /* http: or https: */
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	struct slice body;          /* of POST and PUT */
	uint64_t max;               /* bytes of the answer's body that are taken */
	int fd;                     /* where the body goes, at its offset; -1: into .answer */
	/* Where .headers ask for a Range, only a 206's body is taken; of a 200 there is the status alone. */
	/* filled in */
	long status;       /* HTTP status; 0 while there was none */
	struct buf answer; /* the body, also of an error status (then at most 64 KiB of it, whatever fd is) */
	struct buf headers_in; /* as received, "name: value\n" each with the name in lower case */
	uint64_t received;     /* bytes of body */
	enum http_limit limit; /* which limit ended it */
	/* 0 when an answer of any status came whole, or a negative errno: -ETIMEDOUT and -EFBIG (see .limit),
	 * -ECONNRESET (it was cut), -ECONNREFUSED, -EHOSTUNREACH (no such name), -EKEYREJECTED (the
	 * certificate), -EINVAL (the URL), -EIO */
	int error;
	struct err e; /* and the message */
};

int http_open(const struct http_how *how, struct http **ret, struct err *e);
void http_freep(struct http **h);
#define _http_ __attribute__((cleanup(http_freep)))
/* CLOCK_BOOTTIME in milliseconds. */
uint64_t http_now(void);
/* Performs R alone: r->error, with the message in *e too. */
int http_do(struct http *h, struct http_request *r, struct err *e);
/* Performs N requests, at most PARALLEL at once; each has its outcome. Calls ENDED (or NULL) as each one
 * ends; a non-zero return ends all others with -ECANCELED. */
void http_many(struct http *h, struct http_request *const *r, size_t n, size_t parallel,
        int (*ended)(void *arg, struct http_request *r), void *arg);
/* The value of header NAME (lower case) of an answer, copied, or NULL. Caller frees. */
char *http_header(const struct http_request *r, const char *name);
void http_request_free(struct http_request *r);
#endif
