/* What the files of this concern share. */
#ifndef AGENT_POLICY_RULES_H
#define AGENT_POLICY_RULES_H
#include "lib/buf.h"
#include "policy/policy.h"

enum {
	TEXT_MAX = 128 << 10, /* an argument, a variable: the kernel's MAX_ARG_STRLEN */
	LIST_MAX = 4096,      /* arguments, variables */
	MOUNTS_MAX = 256,
	NAMES_MAX = 512, /* groups, limits, devices, sysctls */
};

struct policy {
	json_t *doc;  /* policy.json, checked; NULL: no policy and no TEE, and the host's word counts */
	json_t *none; /* with a policy: the rule of a container that has none of its own */
};

/* One container, or one process in it, under judgement. */
struct judge {
	const json_t *rule;  /* its entry in the policy's containers; NULL where the host's word counts */
	const json_t *image; /* "config" of the image's config */
	const char *id, *sandbox;
	struct err *e;
};

/* Sets -EPERM with what a terminal can show, and returns it. */
int no(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text of a string without NULs, at most TEXT_MAX bytes; NULL for all else. */
const char *text_of(const json_t *v);
/* Member KEY of OBJECT, a list of at most MAX, or NULL where it is missing or null. */
int list_of(const json_t *object, const char *key, size_t max, const json_t **ret, struct err *e);
/* Member KEY is a whole number from MIN to MAX: copied into TO, if it is there. */
int copy_integer(
        const json_t *from, const char *key, json_int_t min, json_int_t max, json_t *to, struct err *e);
bool begins(const char *text, const char *with);
/* Is it absolute, without "..", "." and empty parts, and printable? */
bool path_clean(const char *path);
/* Is PATH the folder DIR or in it? */
bool path_in(const char *path, const char *dir);
/* Is it ID, a dash, 16 of a to z and 0 to 9, a dash and a name, as the host's runtime calls a container's
 * files? */
bool own_file(const char *name, const char *id);
/* In a pattern * stands for any run of characters. */
bool glob(const char *pattern, const char *text);
bool glob_any(const json_t *patterns, const char *text);
/* Lists of arguments against lists of patterns; a last pattern ** stands for any number of them. */
bool argv_any(const json_t *patterns, const json_t *argv);

int document_check(const json_t *doc, struct err *e);
/* Is RPC one that a policy can speak of? */
bool document_knows(const char *rpc);

int judge_process(const struct judge *j, const json_t *host, json_t *ret);
/* Parts of a process, set in RET. HOST's variables over BASE's, both lists of "NAME=value". */
int judge_env(const struct judge *j, const json_t *base, const json_t *host, json_t *ret);
int judge_user(const struct judge *j, const json_t *user, json_t *ret);
/* Limits, terminal, no_new_privileges. */
int judge_limits(const struct judge *j, const json_t *host, json_t *ret);
/* BOUNDS are the sets of a container that may not be passed, NULL for a new one. */
int judge_capabilities(const struct judge *j, const json_t *host, const json_t *bounds, json_t *ret);
/* A path of a host or an image without slashes at its end, or NULL where it is not clean. */
char *tidy_path(const char *path);
int judge_mounts(const struct judge *j, const json_t *mounts, json_t *ret);
int judge_linux(const struct judge *j, const json_t *host, json_t *ret);
#endif
