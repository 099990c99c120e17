#include "api/api.h"
#include "api/request.h"
#include "job.h"
#include "lib/base64.h"
#include "log.h"
#include <arpa/inet.h>
#include <sys/socket.h>

enum {
	API_PORT = 8006,
	MAX_CONNS = 16,
	PATIENCE_MS = 5000,  /* for a request to come, and for its answer to be taken */
	KBS_MS = 60000,      /* what the broker's client takes where nothing is configured */
	JOB_MORE_MS = 10000, /* than that */
	JOB_MEMORY = 256 << 20,
	REPORT_DATA_MAX = 64,
};

struct api {
	struct watch w;
	struct agent *agent;
	unsigned int n_conns;
};

struct conn {
	struct watch w;
	struct timer patience;
	struct api *api;
	struct buf in, head, body; /* body may hold a key, and is of one allocation */
	size_t sent;               /* of head and body together */
	struct job *job;
	/* what the job is asked */
	struct agent *agent;
	int (*ask)(struct conn *c, struct buf *ret, struct err *e);
	struct buf about; /* a URI, report data, or an event as JSON */
};

static void conn_free(struct conn *c)
{
	if (c->job)
		job_cancel(c->job);
	loop_close(c->agent->loop, &c->w);
	loop_close(c->agent->loop, &c->patience.w);
	buf_free(&c->in);
	buf_free(&c->head);
	kbs_wipe(&c->body);
	buf_free(&c->about);
	c->api->n_conns--;
	free(c);
}

/* Sends what it can; frees C once all is sent, or where the peer has gone. */
static void flush(struct conn *c)
{
	const size_t all = c->head.n + c->body.n;

	while (c->sent < all) {
		const struct buf *b = c->sent < c->head.n ? &c->head : &c->body;
		const size_t at = b == &c->head ? c->sent : c->sent - c->head.n;
		ssize_t n = send(c->w.fd, b->p + at, b->n - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break;
		c->sent += (size_t)n;
	}
	conn_free(c);
}

static void respond(struct conn *c, int status, const char *type, struct slice body)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};
	const char *reason = "";

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			reason = reasons[i].reason;
	buf_printf(&c->head,
	        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
	        status, reason, type, body.n);
	buf_add(&c->body, body.p, body.n);
	timer_set(&c->patience, PATIENCE_MS);
	flush(c);
}

static void refuse(struct conn *c, int status, const char *why)
{
	respond(c, status, "text/plain", slice_str(why));
}

static int status_of(int error)
{
	switch (-error) {
	case EINVAL:
	case EBADMSG:
		return 400;
	case EKEYREJECTED:
	case EACCES:
	case EPERM:
		return 403;
	case ENOENT:
		return 404;
	case ETIMEDOUT:
		return 504;
	}
	return 500;
}

static void answered(void *ctx, int error, const struct err *e, struct slice result)
{
	struct conn *c = ctx;

	c->job = NULL;
	if (error)
		refuse(c, status_of(error), e->msg);
	else
		respond(c, 200, "application/octet-stream", result);
}

static int work(void *arg, struct buf *result, struct err *e)
{
	struct conn *c = arg;

	return c->ask(c, result, e);
}

static void start_job(struct conn *c, int (*ask)(struct conn *c, struct buf *ret, struct err *e))
{
	struct agent *a = c->agent;
	const struct job_how how = {
		.name = "api",
		.ms = (a->config.kbs_ms ?: KBS_MS) + JOB_MORE_MS,
		.memory = JOB_MEMORY,
		.confine = CONFINE_WORK,
		.save = a->kbs ? kbs_save : NULL,
		.load = a->kbs ? kbs_load : NULL,
		.state = a->kbs,
	};
	int k;

	c->ask = ask;
	timer_set(&c->patience, 0);
	k = job_start(a->loop, &how, work, c, answered, c, &c->job);
	if (k < 0)
		refuse(c, 500, strerror(-k));
}

static int ask_resource(struct conn *c, struct buf *ret, struct err *e)
{
	return kbs_resource(c->agent->kbs, buf_str(&c->about), ret, e);
}

static int ask_token(struct conn *c, struct buf *ret, struct err *e)
{
	return kbs_token_pair(c->agent->kbs, ret, e);
}

static int ask_evidence(struct conn *c, struct buf *ret, struct err *e)
{
	json_t *evidence = NULL;
	_free_ char *text = NULL;
	int k;

	if (!c->agent->attester)
		return err_set(e, -ENOENT, "no TEE");
	k = attest_evidence(c->agent->attester, buf_slice(&c->about), NULL, &evidence, e);
	if (k)
		return k;
	text = json_dumps(evidence, JSON_COMPACT);
	json_decref(evidence);
	if (text)
		buf_add(ret, text, strlen(text));
	return text ? 0 : err_set(e, -ENOMEM, "no memory");
}

/* {"domain", "operation", "content"}; the agent's own domain is its own. */
static int ask_extend(struct conn *c, struct buf *ret, struct err *e)
{
	const char *domain, *operation, *content;
	json_t *o = json_loadb((const char *)c->about.p, c->about.n, JSON_REJECT_DUPLICATES, NULL);
	int k;

	(void)ret;
	if (json_unpack(
	            o, "{s:s, s:s, s:s !}", "domain", &domain, "operation", &operation, "content", &content))
		k = err_set(e, -EBADMSG, "expected {\"domain\", \"operation\", \"content\"}, all text");
	else if (!strcmp(domain, AGENT_DOMAIN))
		k = err_set(e, -EPERM, "the domain \"" AGENT_DOMAIN "\" is the agent's");
	else if (!c->agent->attester)
		k = err_set(e, -ENOENT, "no TEE");
	else
		k = attest_extend(c->agent->attester, -1, domain, operation, content, e);
	json_decref(o);
	return k == -EOPNOTSUPP ? 0 : k; /* it is in the log */
}

static void info(struct conn *c)
{
	const struct agent *a = c->agent;
	json_t *o = json_pack("{s:s, s:[], s:s, s:s?}", "version", AGENT_VERSION, "additional_tees",
	        "feature", a->config.rest_api, "tee", a->attester ? attest_tee(a->attester) : NULL);
	_free_ char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(o);
	respond(c, 200, "application/json", slice_str(text ? text : "{}"));
}

/* What is enabled: "resource", "attestation", or "all". */
static bool enabled(const struct conn *c, const char *feature)
{
	const char *all = c->agent->config.rest_api;

	return !strcmp(all, "all") || !strcmp(all, feature);
}

static void token(struct conn *c, const struct api_request *r)
{
	_buf_ struct buf type = { 0 };

	if (api_param(r->query, "token_type", &type) != 1 || strcmp(buf_str(&type), "kbs"))
		refuse(c, 400, "token_type: expected kbs");
	else
		start_job(c, ask_token);
}

static void evidence(struct conn *c, const struct api_request *r)
{
	_buf_ struct buf data = { 0 }, encoding = { 0 };
	int k = api_param(r->query, "encoding", &encoding);
	bool text = k == 0;

	if (k < 0 || (k && strcmp(buf_str(&encoding), "base64")))
		k = -400;
	else
		k = api_param(r->query, "runtime_data", &data);
	if (k == 1 && text)
		buf_add(&c->about, data.p, data.n);
	else if (k == 1 && !base64url_decode(&c->about, buf_slice(&data)))
		k = -400;
	if (k != 1)
		refuse(c, 400, "runtime_data: expected text, or base64url with encoding=base64");
	else if (c->about.n > REPORT_DATA_MAX)
		refuse(c, 400, "runtime_data: more than 64 bytes");
	else
		start_job(c, ask_evidence);
}

static void resource(struct conn *c, struct slice path)
{
	buf_printf(&c->about, "kbs:///%.*s", (int)path.n, (const char *)path.p);
	start_job(c, ask_resource);
}

static void extend(struct conn *c, const struct api_request *r)
{
	buf_add(&c->about, r->body.p, r->body.n);
	start_job(c, ask_extend);
}

static void dispatch(struct conn *c, const struct api_request *r)
{
	static const char cdh[] = "/cdh/resource/";
	const bool get = slice_eq(r->method, slice_str("GET")), post = slice_eq(r->method, slice_str("POST"));
	const bool attestation = enabled(c, "attestation");
	const size_t n = sizeof(cdh) - 1;

	if (!get && !post)
		refuse(c, 405, "expected GET or POST");
	else if (get && slice_eq(r->path, slice_str("/info")))
		info(c);
	else if (get && enabled(c, "resource") && r->path.n > n && !memcmp(r->path.p, cdh, n))
		resource(c, slice_of(r->path.p + n, r->path.n - n));
	else if (get && attestation && slice_eq(r->path, slice_str("/aa/token")))
		token(c, r);
	else if (get && attestation && slice_eq(r->path, slice_str("/aa/evidence")))
		evidence(c, r);
	else if (post && attestation && slice_eq(r->path, slice_str("/aa/aael")))
		extend(c, r);
	else
		refuse(c, 404, "no such resource, or it is not enabled");
}

static void receive(struct conn *c)
{
	uint8_t chunk[4096];
	struct api_request r;
	int k;

	for (;;) {
		ssize_t n = recv(c->w.fd, chunk, sizeof(chunk), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			conn_free(c);
			return;
		}
		buf_add(&c->in, chunk, (size_t)n);
		k = api_parse(buf_slice(&c->in), &r);
		if (k < 0)
			refuse(c, -k, "malformed request, or too long");
		else if (k)
			dispatch(c, &r);
		if (k)
			return;
	}
}

/* Edge-triggered: what comes after a request is left where it is. */
static void on_ready(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, w);

	if (events & (EPOLLERR | EPOLLHUP))
		conn_free(c);
	else if (c->head.n)
		flush(c);
	else if (!c->job)
		receive(c);
}

static void too_slow(struct timer *t)
{
	conn_free(container_of(t, struct conn, patience));
}

static void on_connect(struct watch *w, uint32_t events)
{
	struct api *api = container_of(w, struct api, w);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *c;

	(void)events;
	if (fd < 0)
		return;
	if (api->n_conns == MAX_CONNS) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct conn){ .w = { fd, on_ready }, .patience.w.fd = -1, .api = api, .agent = api->agent };
	api->n_conns++;
	if (timer_open(api->agent->loop, &c->patience, too_slow) ||
	        loop_add(api->agent->loop, &c->w, EPOLLIN | EPOLLOUT | EPOLLET)) {
		conn_free(c);
		return;
	}
	timer_set(&c->patience, PATIENCE_MS);
}

int api_start(struct agent *a)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(API_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	const int one = 1;
	struct api *api;
	int k;

	if (!a->config.rest_api)
		return 0;
	api = xcalloc(1, sizeof(*api));
	*api = (struct api){ .w = { socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
		                     on_connect },
		.agent = a };
	k = api->w.fd < 0 || setsockopt(api->w.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	                    bind(api->w.fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	                    listen(api->w.fd, MAX_CONNS) < 0
	            ? -errno
	            : loop_add(a->loop, &api->w, EPOLLIN);
	if (k < 0) {
		loop_close(a->loop, &api->w);
		free(api);
	}
	return k;
}
