#include "lib/mem.h"
#include "log.h"
#include "rpc/rpc.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>

enum { AGENT_VSOCK_PORT = 1024 };

struct listener {
	struct watch w;
	struct rpc_server *server;
};

static void on_connect(struct watch *w, uint32_t events)
{
	struct listener *l = container_of(w, struct listener, w);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int k;

	(void)events;
	if (fd < 0)
		return;
	k = rpc_serve(l->server, fd, false, NULL, NULL);
	if (k < 0)
		log_line(LOG_WARNING, "vsock: connection refused: %s", strerror(-k));
}

/* AF_VSOCK can be built in and listen with nothing below it; then the local CID is "any". */
static bool has_transport(void)
{
	_close_ int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
	unsigned int cid = VMADDR_CID_ANY;

	return fd >= 0 && !ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) && cid != VMADDR_CID_ANY;
}

int rpc_listen_vsock(struct rpc_server *s)
{
	const struct sockaddr_vm at = {
		.svm_family = AF_VSOCK, .svm_port = AGENT_VSOCK_PORT, .svm_cid = VMADDR_CID_ANY
	};
	_close_ int fd = -1;
	struct listener *l;
	int k;

	if (!has_transport())
		return -ENODEV;
	fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0)
		return -errno;
	l = xcalloc(1, sizeof(*l));
	*l = (struct listener){ .w = { fd, on_connect }, .server = s };
	k = loop_add(rpc_loop(s), &l->w, EPOLLIN);
	if (k < 0)
		free(l);
	else
		fd = -1;
	return k;
}
