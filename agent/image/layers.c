#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "manifest.h"
#include "pull.h"
#include "store.h"

enum { PARALLEL = 3 };
static const uint64_t COMPRESSED_MAX = 16ULL << 30; /* bytes of an image's layers, as they come */

/* One layer that is not there yet. */
struct work {
	size_t i;
	const json_t *descriptor;
	const char *diff_id;
	bool encrypted, fetched;
	struct layer at;
	int blob;
	pid_t child; /* that unpacks it; 0: none */
	int answer;  /* what it writes its error to */
};

struct works {
	struct pull *p;
	struct work *v;
	size_t n, children;
};

static int name_layer(const struct work *w, struct err *e)
{
	return err_wrap(e, "layer %zu (%s)", w->i, descriptor_digest(w->descriptor));
}

static int unpack(struct works *all, struct work *w, struct err *e)
{
	const struct layer_ask ask = {
		.descriptor = w->descriptor,
		.diff_id = w->diff_id,
		.blob = w->blob,
		.dir = w->at.fresh,
		.kbs = all->p->ask->kbs,
		.decrypt_key_uri = all->p->ask->config->image.decrypt_key_uri,
	};

	if (lseek(w->blob, 0, SEEK_SET) < 0)
		return err_errno(e, "cannot be read back");
	return layer_unpack(&ask, e);
}

/* Takes in what a child that has ended, or that is waited for, says of its layer. */
static int finish(struct works *all, struct work *w, struct err *e)
{
	struct err said;
	ssize_t n = read(w->answer, &said, sizeof(said));
	int status;

	while (waitpid(w->child, &status, 0) < 0 && errno == EINTR)
		;
	w->child = 0;
	close(TAKE_FD(w->answer));
	all->children--;
	if (n != sizeof(said))
		return err_set(e, -EIO, "it was killed while it was unpacked (out of memory?)");
	said.msg[sizeof(said.msg) - 1] = 0;
	*e = said;
	close(TAKE_FD(w->blob));
	return said.code ? said.code : layer_publish(&w->at, e);
}

static int start(struct works *all, struct work *w, struct err *e)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	/* what an unpacking child leaves when it is killed is waited for, too */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0) {
		struct err said = { 0 };

		said.code = unpack(all, w, &said);
		_exit(write(ends[1], &said, sizeof(said)) != sizeof(said));
	}
	close(ends[1]);
	if (pid < 0) {
		err_errno(e, "fork");
		close(ends[0]);
		return e->code;
	}
	w->child = pid;
	w->answer = ends[0];
	all->children++;
	return 0;
}

/*
 * Unpacks layers while others are fetched, at most PARALLEL at a time; WAIT for all of them. Encrypted ones
 * come last, in this process, so that the session with the broker which they open is kept.
 */
static int pump(struct works *all, bool wait, struct err *e)
{
	for (;;) {
		struct pollfd polls[PARALLEL];
		struct work *of[PARALLEL];
		size_t n = 0;

		for (size_t i = 0; i < all->n; i++) {
			struct work *w = &all->v[i];

			if (w->fetched && !w->encrypted && !w->child && !w->at.there &&
			        all->children < PARALLEL && start(all, w, e))
				return name_layer(w, e);
			if (w->child) {
				polls[n] = (struct pollfd){ w->answer, POLLIN, 0 };
				of[n++] = w;
			}
		}
		if (!n || poll(polls, n, wait ? -1 : 0) <= 0)
			break;
		for (size_t i = 0; i < n; i++)
			if (polls[i].revents && finish(all, of[i], e))
				return name_layer(of[i], e);
	}
	return 0;
}

static int on_blob(void *ctx, struct blob *b)
{
	struct works *all = ctx;
	struct work *w = b->arg;

	if (digest_check_file(b->fd, b->size, b->digest, &b->e))
		return b->e.code;
	w->fetched = true;
	b->e.code = 0;
	return pump(all, false, &b->e);
}

static void works_free(struct works *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].child) {
			kill(all->v[i].child, SIGKILL);
			mem_closep(&all->v[i].answer);
		}
	/* only then nobody writes any more into what is removed */
	while (all->children && (waitpid(-1, NULL, 0) > 0 || errno == EINTR))
		;
	for (size_t i = 0; i < all->n; i++) {
		mem_closep(&all->v[i].blob);
		layer_close(&all->v[i].at);
	}
	free(all->v);
}

static int fetch(struct works *all, struct registry *r, struct err *e)
{
	unsigned int parallel = all->p->ask->config->image.parallel;
	_free_ struct blob *blobs = xcalloc(all->n, sizeof(*blobs));

	for (size_t i = 0; i < all->n; i++) {
		struct work *w = &all->v[i];

		w->blob = store_file(all->p->ask->store, e);
		if (w->blob < 0)
			return e->code;
		blobs[i] = (struct blob){ descriptor_digest(w->descriptor), descriptor_size(w->descriptor),
			w->blob, w, 0, { 0 } };
	}
	if (!registry_blobs(r, blobs, all->n, parallel ? parallel : PARALLEL, on_blob, all, e))
		return 0;
	for (size_t i = 0; i < all->n; i++)
		if (blobs[i].error && blobs[i].error != -ECANCELED)
			return blobs[i].e.code && !strncmp(e->msg, "layer ", 6) ? e->code
			                                                        : name_layer(&all->v[i], e);
	return e->code;
}

int pull_layers(struct pull *p, struct registry *r, const json_t *manifest, const json_t *config,
        json_t **layers, struct err *e)
{
	const json_t *list = json_object_get(manifest, "layers");
	const json_t *ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	__attribute__((cleanup(works_free))) struct works all = { .p = p };
	json_auto_t *dirs = json_array();
	uint64_t total = 0;

	all.v = xcalloc(json_array_size(list), sizeof(*all.v));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *d = json_array_get(list, i);

		if (!manifest_layer(d, NULL))
			return err_set(e, -EOPNOTSUPP, "layer %zu (%s): media type '%.100s' is not taken", i,
			        descriptor_digest(d), json_string_value(json_object_get(d, "mediaType")));
		if (descriptor_size(d) > COMPRESSED_MAX || (total += descriptor_size(d)) > COMPRESSED_MAX)
			return err_set(e, -EFBIG,
			        "the layers have more than %" PRIu64 " bytes, the most that are taken",
			        COMPRESSED_MAX);
	}
	if (store_open(p->ask->store, e))
		return e->code;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct work *w = &all.v[all.n];
		char chain[DIGEST_TEXT];

		*w = (struct work){ .i = i, .blob = -1, .answer = -1 };
		w->descriptor = json_array_get(list, i);
		w->diff_id = json_string_value(json_array_get(ids, i));
		manifest_layer(w->descriptor, &w->encrypted);
		manifest_chain(config, i, chain);
		all.n++;
		if (layer_open(p->ask->store, chain, p->deadline_ms, &w->at, e))
			return name_layer(w, e);
		json_array_append_new(dirs, json_string(w->at.dir));
		if (w->at.there) {
			layer_close(&w->at);
			all.n--;
		}
	}
	if (all.n && (fetch(&all, r, e) || pump(&all, true, e)))
		return e->code;
	for (size_t i = 0; i < all.n; i++) {
		struct work *w = &all.v[i];

		if (!w->at.there && (unpack(&all, w, e) || layer_publish(&w->at, e)))
			return name_layer(w, e);
		mem_closep(&w->blob); /* which may lie in memory */
		w->blob = -1;
	}
	*layers = TAKE(dirs);
	return 0;
}
