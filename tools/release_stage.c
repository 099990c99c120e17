#include "release.h"
#include "lib/io.h"
#include <time.h>

char *release_time(uint64_t epoch)
{
	time_t when = (time_t)epoch;
	char text[sizeof("9999-12-31T23:59:59Z")];
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return NULL;
	return xstrdup(text);
}

bool release_packs(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (!strcmp(dot, ".raw") || !strcmp(dot, ".vhd"));
}

int release_write_json(const char *dir, const char *name, const json_t *j, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", dir, name),
	            *text = json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2));
	_buf_ struct buf b = { 0 };

	buf_printf(&b, "%s\n", text);
	return io_write_file(path, buf_slice(&b), 0644, e);
}

static int stage_file(const struct bundle *b, const char *name, const char *dir, struct err *e)
{
	_free_ char *from = xasprintf("%s/%s", b->dir, name),
	            *to = xasprintf("%s/" RELEASE_PREFIX "/%s/%s", dir, b->platform, name);

	return io_mkparents(to, e) || io_link(from, to, e) ? e->code : 0;
}

int release_stage(const struct bundle *b, const char *dir, struct err *e)
{
	_free_ char *below = release_kata_path(b), *path = xasprintf("%s/%s", dir, below), *text = NULL;

	if (stage_file(b, "manifest.json", dir, e))
		return e->code;
	for (size_t i = 0; i < b->n_files; i++)
		if (stage_file(b, b->files[i].name, dir, e))
			return e->code;
	if (!release_kata(b, &text))
		return 0;
	return io_mkparents(path, e) || io_write_file(path, slice_str(text), 0644, e) ? e->code : 0;
}
