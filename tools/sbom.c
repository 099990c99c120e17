#include "sbom.h"
#include "format/uuid.h"
#include "locked.h"
#include <time.h>

enum { CREATED_LEN = sizeof("9999-12-31T23:59:59Z") };

static const struct lock_file *find_locked(const struct lock *l, const struct dpkg_package *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, p->name) && !strcmp(l->v[i].arch, p->arch))
			return &l->v[i];
	return NULL;
}

static int add_package(const struct sbom *s, const struct dpkg_package *p, json_t *packages, struct err *e)
{
	const struct lock_file *f = find_locked(s->lock, p);
	_free_ char *id = locked_spdx_id("Package", p->name, p->arch),
	            *url = locked_purl(p->name, p->version, p->arch),
	            *source = xasprintf("built from Debian source %s", p->source);
	json_t *j;

	if (!f || strcmp(f->version, p->version))
		return err_set(e, -ENOENT, "%s: package %s:%s is %s, expected %s, which is installed",
		        s->lock_name, p->name, p->arch, f ? f->version : "not there", p->version);
	j = json_pack("{ss ss ss ss sb ss ss ss ss ss s[{ss ss}] s[{ss ss ss}]}", "SPDXID", id, "name",
	        p->name, "versionInfo", p->version, "downloadLocation", "NOASSERTION", "filesAnalyzed", 0,
	        "supplier", "Organization: Debian", "sourceInfo", source, "licenseConcluded", "NOASSERTION",
	        "licenseDeclared", "NOASSERTION", "copyrightText", "NOASSERTION", "checksums", "algorithm",
	        "SHA256", "checksumValue", f->sha256, "externalRefs", "referenceCategory", "PACKAGE-MANAGER",
	        "referenceType", "purl", "referenceLocator", url);
	if (!j)
		return err_set(e, -EILSEQ, "package %s:%s: its fields are not UTF-8", p->name, p->arch);
	json_array_append_new(packages, j);
	return 0;
}

/* A package that was installed to make the root but left nothing in it is said to be just that. */
static json_t *relationship(const struct dpkg_package *p, bool present)
{
	_free_ char *id = locked_spdx_id("Package", p->name, p->arch);

	if (present)
		return json_pack("{ss ss ss}", "spdxElementId", "SPDXRef-Root", "relationshipType",
		        "CONTAINS", "relatedSpdxElement", id);
	return json_pack("{ss ss ss ss}", "spdxElementId", "SPDXRef-Root", "relationshipType", "OTHER",
	        "relatedSpdxElement", id, "comment",
	        "installed while the root was made; none of its files is in it");
}

/* The URI that SPDX 2.3, 6.5 gives to those who have no site of their own. */
void sbom_set_namespace(json_t *doc, const char *name)
{
	_free_ char *text = json_dumps(doc, JSON_SORT_KEYS | JSON_COMPACT), *uri = NULL;
	uint8_t digest[SHA256_LEN], uuid[UUID_LEN];
	char hex[UUID_TEXT];

	sha256(slice_str(text), digest);
	uuid_of_digest(digest, uuid);
	uri = xasprintf("https://spdx.org/spdxdocs/%s-%s", name, uuid_text(hex, uuid));
	json_object_set_new(doc, "documentNamespace", json_string(uri));
}

int sbom_make(const struct sbom *s, json_t **ret, struct err *e)
{
	json_auto_t *doc = NULL;
	json_t *packages, *relationships;
	char created[CREATED_LEN];
	time_t when = (time_t)s->epoch;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return err_set(e, -ERANGE, "epoch %llu: after the year 9999", (unsigned long long)s->epoch);
	doc = json_pack("{ss ss ss ss s{ss s[s]} s[{ss ss ss sb ss ss ss ss}] s[{ss ss ss}]}", "spdxVersion",
	        "SPDX-2.3", "dataLicense", "CC0-1.0", "SPDXID", "SPDXRef-DOCUMENT", "name", "bulla-root",
	        "creationInfo", "created", created, "creators", "Tool: bulla", "packages", "SPDXID",
	        "SPDXRef-Root", "name", "root", "downloadLocation", "NOASSERTION", "filesAnalyzed", 0,
	        "licenseConcluded", "NOASSERTION", "licenseDeclared", "NOASSERTION", "copyrightText",
	        "NOASSERTION", "primaryPackagePurpose", "OPERATING_SYSTEM", "relationships", "spdxElementId",
	        "SPDXRef-DOCUMENT", "relationshipType", "DESCRIBES", "relatedSpdxElement", "SPDXRef-Root");
	packages = json_object_get(doc, "packages");
	relationships = json_object_get(doc, "relationships");
	for (size_t i = 0; i < s->dpkg->n; i++) {
		if (add_package(s, &s->dpkg->v[i], packages, e))
			return e->code;
		json_array_append_new(
		        relationships, relationship(&s->dpkg->v[i], !s->present || s->present[i]));
	}
	sbom_set_namespace(doc, "bulla-root");
	*ret = TAKE(doc);
	return 0;
}
