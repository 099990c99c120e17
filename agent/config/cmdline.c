#include "config/internal.h"

enum {
	DEFAULT_PARALLEL = 3,
	DEFAULT_PULL = 1200000,
	DEFAULT_STALL = 30000,
	DEFAULT_REQUEST = 60000,
	DEFAULT_KBS = 50000
};

void config_defaults(struct config *c)
{
	const struct {
		uint64_t *to, ms;
	} times[] = {
		{ &c->image.pull_ms, DEFAULT_PULL },
		{ &c->image.stall_ms, DEFAULT_STALL },
		{ &c->image.request_ms, DEFAULT_REQUEST },
		{ &c->kbs_ms, DEFAULT_KBS },
	};

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (!*times[i].to)
			*times[i].to = times[i].ms;
	if (!c->image.parallel)
		c->image.parallel = DEFAULT_PARALLEL;
}

/* The next word from *AT on, with its quotes; false at the end. The kernel splits at white space outside of
 * double quotes. */
static bool next_word(const char **at, char **ret)
{
	static const char space[] = " \t\n\v\f\r";
	const char *start = *at + strspn(*at, space), *p = start;
	bool quoted = false;

	for (; *p && (quoted || !strchr(space, *p)); p++)
		if (*p == '"')
			quoted = !quoted;
	*at = p;
	free(*ret);
	*ret = p > start ? xasprintf("%.*s", (int)(p - start), start) : NULL;
	return *ret;
}

/* "50s", "50": seconds as Kata writes durations. 0 for anything else. */
static uint64_t seconds(const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	return *value >= '0' && *value <= '9' && n <= 86400 && (!*end || !strcmp(end, "s")) ? n * 1000 : 0;
}

static void set(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
}

/* Kata's agent options of which something is meant here; all others are passed over. */
static void option(const char *key, const char *value, struct config *c)
{
	uint64_t ms = seconds(value);

	if (!strcmp(key, "agent.guest_components_rest_api") && config_rest_api(value))
		set(&c->rest_api, value);
	else if (!strcmp(key, "agent.aa_kbc_params") && !strncmp(value, "cc_kbc::", 8))
		set(&c->kbs_url, value + 8);
	else if (!strcmp(key, "agent.https_proxy"))
		set(&c->image.https_proxy, value);
	else if (!strcmp(key, "agent.no_proxy"))
		set(&c->image.no_proxy, value);
	else if (!strcmp(key, "agent.image_pull_timeout") && ms)
		c->image.pull_ms = ms;
	else if (!strcmp(key, "agent.cdh_api_timeout") && ms)
		c->kbs_ms = ms;
}

void config_cmdline(const char *line, struct config *c)
{
	_free_ char *word = NULL;

	while (next_word(&line, &word)) {
		char *value = strchr(word, '=');

		c->sample |= !strcmp(word, "bulla.tee=sample");
		c->debug |= !strcmp(word, "bulla.debug");
		if (value) {
			*value = 0;
			option(word, value + 1, c);
		}
	}
	config_defaults(c);
}

void config_free(struct config *c)
{
	struct config_image *i = &c->image;
	char *const all[] = { c->kbs_url, c->kbs_ca, c->kbs_key, c->rest_api, i->policy_uri, i->policy,
		i->auth_uri, i->sigstore_uri, i->registries_uri, i->registries, i->https_proxy, i->http_proxy,
		i->no_proxy, i->extra_roots, i->decrypt_key_uri };

	for (size_t n = 0; n < ARRAY_LEN(all); n++)
		free(all[n]);
	buf_free(&c->toml);
	buf_free(&c->policy);
	*c = (struct config){ 0 };
}
