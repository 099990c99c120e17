/*
 * The SBOM of a release (SPDX 2.3): the root's, and around it what was built from sources and what was taken
 * from packages as it is. An artefact is a package with a digest; one that platforms share is there once.
 */
#include "lib/io.h"
#include "locked.h"
#include "release.h"
#include "sbom.h"

#define OUR_SOURCE "SPDXRef-Source-bulla"

struct making {
	const struct release *r;
	json_t *packages, *relations;
	json_t *ids; /* those of packages there are, as keys */
};

static void relate(struct making *m, const char *from, const char *type, const char *to)
{
	json_array_append_new(m->relations, json_pack("{ss ss ss}", "spdxElementId", from, "relationshipType",
	                                            type, "relatedSpdxElement", to));
}

/* Takes MORE over. False where there is one of that id already. */
static bool add_package(struct making *m, const char *id, const char *name, json_t *more)
{
	bool added = !json_object_get(m->ids, id);
	json_t *j;

	if (added) {
		json_object_set_new(m->ids, id, json_true());
		j = json_pack("{ss ss ss sb ss ss ss}", "SPDXID", id, "name", name, "downloadLocation",
		        "NOASSERTION", "filesAnalyzed", 0, "licenseConcluded", "NOASSERTION",
		        "licenseDeclared", "NOASSERTION", "copyrightText", "NOASSERTION");
		json_object_update(j, more);
		json_array_append_new(m->packages, j);
	}
	json_decref(more);
	return added;
}

static json_t *file_fields(const char *sha256)
{
	return json_pack("{s[{ss ss}] ss}", "checksums", "algorithm", "SHA256", "checksumValue", sha256,
	        "primaryPackagePurpose", "FILE");
}

/* The id of a locked package, which is added when it is not there; NULL where no lock of that name has it.
 * Caller frees. */
static char *add_locked(struct making *m, const char *lock, const char *package)
{
	const struct lock_file *f = NULL;

	for (size_t i = 0; i < m->r->n_locks && !f; i++)
		if (!strcmp(m->r->locks[i].name, lock))
			f = locked_find(&m->r->locks[i], package);
	if (!f)
		return NULL;
	_free_ char *prefix = xasprintf("Locked-%s", lock), *url = locked_purl(f->name, f->version, f->arch);
	char *id = locked_spdx_id(prefix, f->name, f->arch);

	add_package(m, id, f->name,
	        json_pack("{ss ss s[{ss ss}] s[{ss ss ss}]}", "versionInfo", f->version, "supplier",
	                "Organization: Debian", "checksums", "algorithm", "SHA256", "checksumValue",
	                f->sha256, "externalRefs", "referenceCategory", "PACKAGE-MANAGER", "referenceType",
	                "purl", "referenceLocator", url));
	return id;
}

static void relate_locked(
        struct making *m, const char *from, const char *type, const char *lock, const char *package)
{
	_free_ char *id = add_locked(m, lock, package);

	if (id)
		relate(m, from, type, id);
}

static void relate_kernel(struct making *m, const char *id)
{
	for (size_t i = 0; i < m->r->n_locks; i++)
		for (size_t k = 0; !strcmp(m->r->locks[i].name, "kernel") && k < m->r->locks[i].lock.n; k++)
			relate_locked(m, id, "GENERATED_FROM", "kernel", m->r->locks[i].lock.v[k].name);
}

static char *artefact_id(const char *name, const char *sha256)
{
	_free_ char *tail = xasprintf("%s-%.12s", name, sha256);
	char *id = locked_spdx_id("Artefact", tail, "");

	for (char *s = id; *s; s++)
		if (*s == '/' || *s == '_')
			*s = '-';
	return id;
}

/* One of our own programs. WHERE contains it. */
static int add_program(struct making *m, const char *name, const char *where, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", m->r->guest, name), *id = NULL;
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];

	if (io_sha256(path, digest, NULL, e))
		return e->code;
	id = artefact_id(name, hex_encode(hex, digest, sizeof(digest)));
	relate(m, where, "CONTAINS", id);
	if (!add_package(m, id, name, file_fields(hex)))
		return 0;
	relate(m, id, "GENERATED_FROM", OUR_SOURCE);
	if (strcmp(name, "bulla-agent"))
		relate_locked(m, id, "STATIC_LINK", "builder", "musl");
	return 0;
}

/* The locked packages that an artefact is a file of, by its digest. */
static void relate_origin(struct making *m, const char *id, const char *sha256)
{
	for (size_t i = 0; i < m->r->n_origins; i++) {
		const struct release_origin *o = &m->r->origins[i];

		if (!strcmp(o->sha256, sha256)) {
			_free_ char *package = add_locked(m, o->lock, o->package);

			if (package)
				relate(m, package, "CONTAINS", id);
		}
	}
}

static void relate_file(
        struct making *m, const char *id, const char *type, const struct bundle *b, const char *name)
{
	const struct bundle_file *f = bundle_file(b, name);
	_free_ char *to = f ? artefact_id(f->name, f->sha256) : NULL;

	if (to)
		relate(m, id, type, to);
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static int add_artefact(struct making *m, const struct bundle *b, const struct bundle_file *f,
        const char *platform, struct err *e)
{
	_free_ char *id = artefact_id(f->name, f->sha256);

	relate(m, platform, "CONTAINS", id);
	if (!add_package(m, id, f->name, file_fields(f->sha256)))
		return 0;
	relate_origin(m, id, f->sha256);
	if (!strcmp(f->name, "vmlinuz"))
		relate_kernel(m, id);
	if (!strcmp(f->name, "initrd"))
		return add_program(m, "init", id, e);
	if (!strcmp(f->name, "rootfs.img"))
		relate(m, id, "CONTAINS", "SPDXRef-Root");
	if (starts(f->name, "uki")) {
		relate_file(m, id, "CONTAINS", b, "vmlinuz");
		relate_file(m, id, "CONTAINS", b, "initrd");
		relate_locked(m, id, "CONTAINS", "builder", "systemd-boot-efi");
	}
	if (starts(f->name, "disk")) {
		relate_file(m, id, "CONTAINS", b, "uki.efi");
		relate(m, id, "CONTAINS", "SPDXRef-Root");
		if (starts(f->name, "disk-shim"))
			relate_locked(m, id, "CONTAINS", "shim", "shim-signed");
	}
	return 0;
}

static int add_platform(
        struct making *m, const struct release_bundle *rb, const struct sums *sums, struct err *e)
{
	const struct bundle *b = rb->bundle;
	_free_ char *file = xasprintf("%s.tar.zst", b->platform),
	            *id = locked_spdx_id("Platform", b->platform, "");
	const struct sum *sum = sums_find(sums, file);
	char hex[SHA256_HEX];
	json_t *fields = json_pack("{s[{ss ss}] ss ss ss}", "checksums", "algorithm", "SHA256",
	        "checksumValue", hex_encode(hex, sum->sha256, SHA256_LEN), "packageFileName", file,
	        "versionInfo", m->r->name, "primaryPackagePurpose", "ARCHIVE");

	add_package(m, id, b->platform, fields);
	relate(m, "SPDXRef-Release", "CONTAINS", id);
	for (size_t i = 0; i < b->n_files; i++)
		if (add_artefact(m, b, &b->files[i], id, e))
			return e->code;
	return 0;
}

/* Everything of the root's document but that it describes the root. */
static int take_root(struct making *m, json_t *root, const char *name, struct err *e)
{
	json_t *packages = json_object_get(root, "packages"),
	       *relations = json_object_get(root, "relationships"), *j;
	const char *version = json_string_value(json_object_get(root, "spdxVersion"));
	size_t i;

	if (!version || strcmp(version, "SPDX-2.3") || !json_is_array(packages) || !json_is_array(relations))
		return err_set(e, -EINVAL, "%s: expected an SBOM as `bulla manifest` writes it", name);
	json_array_extend(m->packages, packages);
	json_array_foreach (relations, i, j) {
		const char *from = json_string_value(json_object_get(j, "spdxElementId"));

		if (from && strcmp(from, "SPDXRef-DOCUMENT"))
			json_array_append(m->relations, j);
	}
	return 0;
}

int release_sbom(const struct release *r, const struct sums *sums, json_t **ret, struct err *e)
{
	json_auto_t *root = NULL, *packages = json_array(), *relations = json_array(), *ids = json_object();
	struct making m = { .r = r, .packages = packages, .relations = relations, .ids = ids };
	_free_ char *created = release_time(r->epoch);
	_buf_ struct buf text = { 0 };
	json_error_t je;

	if (io_read_file(r->root_sbom, 0, &text, e))
		return e->code;
	root = json_loadb((const char *)text.p, text.n, 0, &je);
	if (!root)
		return err_set(e, -EINVAL, "%s:%d: %s", r->root_sbom, je.line, je.text);
	add_package(&m, "SPDXRef-Release", "bulla",
	        json_pack("{ss ss}", "versionInfo", r->name, "primaryPackagePurpose", "OPERATING_SYSTEM"));
	relate(&m, "SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Release");
	add_package(&m, OUR_SOURCE, "bulla-source", json_pack("{ss}", "primaryPackagePurpose", "SOURCE"));
	for (size_t i = 0; i < r->n; i++)
		if (add_platform(&m, &r->v[i], sums, e))
			return e->code;
	if (take_root(&m, root, r->root_sbom, e) || add_program(&m, "bulla-init", "SPDXRef-Root", e) ||
	        add_program(&m, "bulla-agent", "SPDXRef-Root", e))
		return e->code;
	*ret = json_pack("{ss ss ss ss s{ss s[s]} sO sO}", "spdxVersion", "SPDX-2.3", "dataLicense",
	        "CC0-1.0", "SPDXID", "SPDXRef-DOCUMENT", "name", "bulla", "creationInfo", "created", created,
	        "creators", "Tool: bulla", "packages", packages, "relationships", relations);
	sbom_set_namespace(*ret, "bulla");
	return 0;
}
