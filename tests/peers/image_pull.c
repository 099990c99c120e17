/* image_pull from the command line, for tests: image_pull [NAME=VALUE…] REFERENCE STORE prints what was
 * pulled as JSON. NAME is policy, auths, registries, sigstore, roots (files), proxy, pull, stall, request
 * (milliseconds), tee (1). */
#include "confine.h"
#include "image/image.h"
#include "lib/io.h"

static char *value_of(const char *arg, const char *name)
{
	size_t n = strlen(name);

	return strncmp(arg, name, n) || arg[n] != '=' ? NULL : xstrdup(arg + n + 1);
}

int main(int argc, char **argv)
{
	struct config c = { 0 };
	struct image_ask ask = { .config = &c };
	const struct {
		const char *name;
		char **text;
		uint64_t *number;
	} options[] = {
		{ "policy", &c.image.policy_uri, NULL },
		{ "auths", &c.image.auth_uri, NULL },
		{ "registries", &c.image.registries_uri, NULL },
		{ "sigstore", &c.image.sigstore_uri, NULL },
		{ "roots", &c.image.extra_roots, NULL },
		{ "proxy", &c.image.https_proxy, NULL },
		{ "pull", NULL, &c.image.pull_ms },
		{ "stall", NULL, &c.image.stall_ms },
		{ "request", NULL, &c.image.request_ms },
	};
	const struct kbs_how none = { 0 };
	struct err e = { 0 };
	json_t *got = NULL;
	char *text;

	ask.kbs = kbs_new(&none, NULL);
	for (; argc > 3; argc--, argv++) {
		for (size_t i = 0; i < ARRAY_LEN(options); i++) {
			_free_ char *v = value_of(argv[1], options[i].name);

			if (v && options[i].text)
				*options[i].text = TAKE(v);
			else if (v)
				*options[i].number = strtoull(v, NULL, 10);
		}
		ask.tee |= !strcmp(argv[1], "tee=1");
	}
	if (argc != 3)
		return 2;
	if (c.image.extra_roots) {
		_buf_ struct buf pem = { 0 };

		if (io_read_file(c.image.extra_roots, 1 << 20, &pem, &e))
			return 2;
		c.image.extra_roots = xstrdup(buf_str(&pem));
	}
	/* as the agent's job is */
	if (confine(CONFINE_WORK, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	ask.reference = argv[1];
	ask.store = argv[2];
	if (image_pull(&ask, &got, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	text = json_dumps(got, JSON_INDENT(2));
	puts(text);
	return 0;
}
