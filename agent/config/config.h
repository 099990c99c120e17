/*
 * What the guest was told, by whom: the measured command line, and initdata, which the host hands over and
 * the hardware vouches for. Of anything else that a host offers nothing is read.
 */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H
#include <jansson.h>
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"

struct config_image {              /* cdh.toml, [image]; strings may be NULL */
	char *policy_uri, *policy; /* image_security_policy_uri: kbs: or file:; image_security_policy: the
	                              JSON itself */
	char *auth_uri;            /* authenticated_registry_credentials_uri: docker's auth.json */
	char *sigstore_uri;        /* sigstore_config_uri: registries.d YAML, for simple signing */
	char *registries_uri, *registries; /* registry_configuration_uri: TOML; [image.registry_config], the
	                                      same as JSON: mirrors, insecure registries */
	char *https_proxy, *http_proxy, *no_proxy; /* [image.image_pull_proxy] */
	char *extra_roots;                         /* extra_root_certificates, joined; PEM */
	unsigned int parallel;                     /* max_concurrent_layer_downloads_per_image; 3 */
	/* our own, [bulla]: image_pull_timeout, stall_timeout, request_timeout, in seconds there */
	uint64_t pull_ms, stall_ms, request_ms;
	char *decrypt_key_uri; /* image_decryption_key_uri: kbs: URI of a private key (PEM) for JWE-wrapped
	                          layers */
};

struct config {
	bool sample, debug; /* bulla.tee=sample, bulla.debug on the command line */
	bool initdata;      /* one was found, and bound */
	enum hash_alg alg;
	uint8_t digest[HASH_MAX];
	struct buf toml; /* the file as it was hashed */
	char *kbs_url,
	        *kbs_ca; /* of cdh.toml [kbc], else aa.toml [token_configs.kbs], else the command line */
	char *kbs_key;   /* kbs_key of [bulla]: "P-256", "P-521", "RSA" */
	uint64_t kbs_ms; /* kbs_timeout of [bulla]: deadline of a request to the KBS with all its retries */
	char *rest_api;  /* agent.guest_components_rest_api: "resource", "attestation", "all"; NULL: off */
	struct config_image image;
	struct buf policy; /* policy.json of initdata: what the host may ask; empty for none */
};

/* What the command line says. Pure. */
void config_cmdline(const char *line, struct config *c);
/*
 * Looks for initdata: a disk that begins with the magic (kata's), or a cloud's user data on a disk labelled
 * cidata. DEV and SYS are "/dev" and "/sys" but in tests. 0 with the file's bytes appended to *TOML, -ENOENT
 * where there is none, or another negative errno. Blocks; for a job.
 */
int config_find(const char *dev, const char *sys, struct buf *toml, struct err *e);
/* Reads initdata into *C, whose digest the caller has bound to the hardware before (attest_bind). Errors:
 * -EBADMSG with the place; -EOPNOTSUPP for a policy.rego, which is never ignored. Pure. */
int config_read(struct slice toml, struct config *c, struct err *e);
/* Digest and algorithm alone, for attest_bind: reads version and algorithm, uses nothing else. Pure. */
int config_digest(struct slice toml, enum hash_alg *alg, uint8_t digest[HASH_MAX], struct err *e);
void config_free(struct config *c);
#endif
