#include "net/netlink.h"
#include <sys/socket.h>

enum { ANSWER = 32768, TIMEOUT_S = 5 };

int nl_open(struct nl *n)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct timeval limit = { .tv_sec = TIMEOUT_S };
	const int one = 1;

	*n = (struct nl){ .fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) };
	if (n->fd < 0 || connect(n->fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
	        setsockopt(n->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	setsockopt(n->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

void nl_close(struct nl *n)
{
	mem_closep(&n->fd);
	buf_free(&n->out);
}

static void pad(struct buf *b)
{
	buf_zeros(b, NLMSG_ALIGN(b->n) - b->n);
}

void nl_begin(struct nl *n, uint16_t type, uint16_t flags, const void *head, size_t size)
{
	const struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST) };

	n->out.n = 0;
	buf_add(&n->out, &h, sizeof(h));
	buf_add(&n->out, head, size);
	pad(&n->out);
}

void nl_put(struct nl *n, uint16_t type, const void *value, size_t size)
{
	const struct rtattr a = { .rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(size) };

	buf_add(&n->out, &a, sizeof(a));
	buf_add(&n->out, value, size);
	pad(&n->out);
}

void nl_put_u32(struct nl *n, uint16_t type, uint32_t value)
{
	nl_put(n, type, &value, sizeof(value));
}

size_t nl_nest(struct nl *n, uint16_t type)
{
	size_t at = n->out.n;

	nl_put(n, type, NULL, 0);
	return at;
}

void nl_nested(struct nl *n, size_t at)
{
	const uint16_t size = (uint16_t)(n->out.n - at);

	memcpy(n->out.p + at + offsetof(struct rtattr, rta_len), &size, sizeof(size));
}

bool nl_next(struct slice *rest, uint16_t *type, struct slice *value)
{
	struct rtattr a;

	if (rest->n < sizeof(a))
		return false;
	memcpy(&a, rest->p, sizeof(a));
	if (a.rta_len < sizeof(a) || a.rta_len > rest->n)
		return false;
	*type = a.rta_type & NLA_TYPE_MASK;
	*value = slice_of(rest->p + sizeof(a), a.rta_len - sizeof(a));
	a.rta_len = (uint16_t)(RTA_ALIGN(a.rta_len) < rest->n ? RTA_ALIGN(a.rta_len) : rest->n);
	*rest = slice_of(rest->p + a.rta_len, rest->n - a.rta_len);
	return true;
}

bool nl_head(struct slice body, void *head, size_t size, struct slice *attributes)
{
	if (body.n < size)
		return false;
	memcpy(head, body.p, size);
	size = NLMSG_ALIGN(size) < body.n ? NLMSG_ALIGN(size) : body.n;
	*attributes = slice_of(body.p + size, body.n - size);
	return true;
}

/* Returns 1 at the end of the answer. */
static int take(
        struct slice in, bool dump, int (*each)(void *arg, uint16_t type, struct slice body), void *arg)
{
	struct nlmsghdr h;
	int32_t error = 0;

	while (in.n >= sizeof(h)) {
		struct slice body;
		size_t step;
		int k;

		memcpy(&h, in.p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > in.n)
			return -EBADMSG;
		body = slice_of(in.p + sizeof(h), h.nlmsg_len - sizeof(h));
		if (h.nlmsg_type == NLMSG_ERROR || h.nlmsg_type == NLMSG_DONE) {
			if (body.n >= sizeof(error))
				memcpy(&error, body.p, sizeof(error));
			return error < 0 ? error : 1;
		}
		k = each ? each(arg, h.nlmsg_type, body) : 0;
		if (k || !dump)
			return k ? k : 1;
		step = NLMSG_ALIGN(h.nlmsg_len) < in.n ? NLMSG_ALIGN(h.nlmsg_len) : in.n;
		in = slice_of(in.p + step, in.n - step);
	}
	return 0;
}

int nl_run(struct nl *n, int (*each)(void *arg, uint16_t type, struct slice body), void *arg)
{
	_free_ uint8_t *in = xcalloc(1, ANSWER);
	struct nlmsghdr h;
	int k = 0;

	memcpy(&h, n->out.p, sizeof(h));
	h.nlmsg_len = (uint32_t)n->out.n;
	if (!each)
		h.nlmsg_flags |= NLM_F_ACK;
	memcpy(n->out.p, &h, sizeof(h));
	if (send(n->fd, n->out.p, n->out.n, 0) < 0)
		return -errno;
	while (!k) {
		ssize_t got = recv(n->fd, in, ANSWER, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		k = take(slice_of(in, (size_t)got), h.nlmsg_flags & NLM_F_DUMP, each, arg);
	}
	return k < 0 ? k : 0;
}
