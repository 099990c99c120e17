#include "lib/mem.h"
#include "log.h"
#include "rpc/rpc.h"
#include <dirent.h>
#include <fcntl.h>

#define PORTS "/sys/class/virtio-ports"
#define PORT_NAME "org.bulla.agent"
enum { STEP_MS = 20, SLOW_STEP_MS = 1000, QUICK_STEPS = 250 };

struct port {
	struct timer timer;
	struct rpc_server *server;
	unsigned int looked;
	void (*up)(void *arg);
	void *arg;
};

static bool is_ours(const char *entry)
{
	_fclose_ FILE *f = NULL;
	char path[300], name[64];

	snprintf(path, sizeof(path), PORTS "/%s/name", entry);
	f = fopen(path, "re");
	if (!f || !fgets(name, sizeof(name), f))
		return false;
	name[strcspn(name, "\n")] = 0;
	return !strcmp(name, PORT_NAME);
}

/* The opened port, or -ENOENT, or -errno. */
static int open_port(void)
{
	_closedir_ DIR *dir = opendir(PORTS);
	struct dirent *d;
	char node[300];
	int fd;

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.' || !is_ours(d->d_name))
			continue;
		snprintf(node, sizeof(node), "/dev/%s", d->d_name);
		fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

static void unplugged(void *arg)
{
	struct port *p = arg;

	log_line(LOG_WARNING, PORT_NAME ": the port has gone");
	timer_set(&p->timer, SLOW_STEP_MS);
}

static void look(struct timer *t)
{
	struct port *p = container_of(t, struct port, timer);
	int fd = open_port();
	int k = fd < 0 ? fd : rpc_serve(p->server, fd, true, unplugged, p);

	if (!k) {
		p->up(p->arg);
		return;
	}
	if (k != -ENOENT && p->looked <= QUICK_STEPS)
		log_line(LOG_WARNING, PORT_NAME ": %s", strerror(-k));
	p->looked++;
	timer_set(t, p->looked < QUICK_STEPS ? STEP_MS : SLOW_STEP_MS);
}

int rpc_open_port(struct rpc_server *s, void (*up)(void *arg), void *arg)
{
	struct port *p = xcalloc(1, sizeof(*p));
	int k;

	*p = (struct port){ .server = s, .up = up, .arg = arg };
	k = timer_open(rpc_loop(s), &p->timer, look);
	if (k < 0)
		free(p);
	else
		look(&p->timer);
	return k;
}
