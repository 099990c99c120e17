/* What `bulla release` makes of bundles: archives' content, an OCI layout, an SBOM, provenance, checksums. */
#ifndef BULLA_RELEASE_H
#define BULLA_RELEASE_H
#include "bundle.h"
#include "format/sums.h"
#include "locked.h"

/* Under the install prefix, where users of kata-deploy look for what a guest boots. */
#define RELEASE_PREFIX "opt/kata/share/kata-containers/bulla"

struct release_bundle {
	struct bundle *bundle;
	char *packed; /* folder with its archive, bundle.tar.zst, and NAME.zst of its disks; NULL when staging
	               */
};

struct release_origin { /* a file that was taken out of a locked package as it is */
	char sha256[SHA256_HEX];
	char *lock, *package;
};

struct release {
	const char *name;         /* of this release, which tags begin with */
	uint64_t epoch;           /* every time stamp, seconds since 1970 */
	struct release_bundle *v; /* by platform */
	size_t n;
	const char *out;       /* the folder being made */
	const char *root_sbom; /* SBOM of the sealed root */
	const char *guest;     /* folder of our own programs: init, bulla-init, bulla-agent */
	const char *commit;    /* of the source, or NULL */
	const char *builder;   /* who built, a URI */
	const char *keys;      /* kind of the key set that signs */
	struct locked *locks;
	size_t n_locks;
	struct release_origin *origins;
	size_t n_origins;
};

/* "2026-11-23T00:00:00Z"; caller frees. After the year 9999 NULL. */
char *release_time(uint64_t epoch);
/* Does an OCI layout, and a pull of it, carry the file as NAME.zst? Disks without compression of their own.
 */
bool release_packs(const char *name);
/* The JSON with sorted keys and a newline as DIR/NAME. */
int release_write_json(const char *dir, const char *name, const json_t *j, struct err *e);

/*
 * Lays out B under DIR as its archive has it, by hard links: the bundle under RELEASE_PREFIX, and for a
 * platform that Kata has a runtime class for a drop-in of its configuration.
 */
int release_stage(const struct bundle *b, const char *dir, struct err *e);
/* The drop-in's text, or false where Kata has nothing that B could be for. */
bool release_kata(const struct bundle *b, char **ret);
/* Where it is in the archive; caller frees. */
char *release_kata_path(const struct bundle *b);
/* OUT/oci: one manifest per platform, tagged NAME-PLATFORM, and an index of all of them, tagged NAME. *TOP is
 * the layout's index.json. */
int release_oci(const struct release *r, json_t **top, struct err *e);
/* SUMS has the archives. */
int release_sbom(const struct release *r, const struct sums *sums, json_t **ret, struct err *e);
/* The statement. SUMS: what it is about; RECIPES: files that say what was built; MANIFESTS of the OCI
 * layout's index. */
json_t *release_slsa(const struct release *r, const struct sums *sums, const struct sums *recipes,
        const json_t *manifests);
#endif
