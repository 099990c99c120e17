#include "bundle_upload.h"
#include "lib/mem.h"
#include <string.h>

static json_t *words(const char *text)
{
	_free_ char *copy = xstrdup(text ? text : "");
	json_t *all = json_array();
	char *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		json_array_append_new(all, json_string(w));
	return all;
}

/* A line that was continued has the blanks of the file's layout in it. */
static json_t *line(const char *text)
{
	_free_ char *copy = xstrdup(text);
	char *to = copy;

	for (const char *s = text; *s; s++)
		if (!strchr(" \t", *s))
			*to++ = *s;
		else if (to > copy && to[-1] != ' ')
			*to++ = ' ';
	*to = 0;
	return json_string(copy);
}

/* All values of a key, each a line. */
static json_t *lines(const struct conf *c, const char *key)
{
	const char *k, *v;
	json_t *all = json_array();

	for (size_t i = 0; conf_nth(c, i, &k, &v); i++)
		if (!strcmp(k, key))
			json_array_append_new(all, line(v));
	return all;
}

static json_t *facts(const struct conf *c)
{
	static const char prefix[] = "Facts.";
	const char *k, *v;
	json_t *all = json_object();

	for (size_t i = 0; conf_nth(c, i, &k, &v); i++)
		if (!strncmp(k, prefix, strlen(prefix)))
			json_object_set_new(
			        all, k + strlen(prefix), strchr(v, ' ') ? words(v) : json_string(v));
	return all;
}

json_t *bundle_upload(const struct conf *c)
{
	const char *cloud = conf_get(c, "Upload.Cloud"), *file = conf_get(c, "Upload.File");
	_free_ char *keys = conf_list(c, "Image.Keys");

	if (!cloud || !file)
		return NULL;
	return json_pack("{ss ss so so so so}", "cloud", cloud, "file", file, "keys", words(keys), "facts",
	        facts(c), "commands", lines(c, "Upload.Command"), "sources", lines(c, "Upload.Source"));
}
