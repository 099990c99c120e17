#include "policy/rules.h"
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

int no(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return err_set(e, -EPERM, "%s", text);
}

const char *text_of(const json_t *v)
{
	const char *text = json_string_value(v);

	return text && json_string_length(v) == strlen(text) && json_string_length(v) <= TEXT_MAX ? text
	                                                                                          : NULL;
}

int list_of(const json_t *object, const char *key, size_t max, const json_t **ret, struct err *e)
{
	*ret = json_object_get(object, key);
	if (json_is_null(*ret))
		*ret = NULL;
	if (*ret && !json_is_array(*ret))
		return no(e, "%s: expected a list", key);
	if (json_array_size(*ret) > max)
		return no(e, "%s: %zu entries, expected at most %zu", key, json_array_size(*ret), max);
	return 0;
}

int copy_integer(
        const json_t *from, const char *key, json_int_t min, json_int_t max, json_t *to, struct err *e)
{
	const json_t *v = json_object_get(from, key);
	json_int_t n = json_integer_value(v);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || n < min || n > max)
		return no(e, "%s: expected a number from %lld to %lld", key, (long long)min, (long long)max);
	json_object_set_new(to, key, json_integer(n));
	return 0;
}

bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

bool path_clean(const char *path)
{
	size_t n;

	if (*path != '/' || strlen(path) >= PATH_MAX)
		return false;
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	if (!path[1])
		return true;
	do {
		n = strcspn(++path, "/");
		if (!n || n > NAME_MAX || (n <= 2 && !strncmp(path, "..", n)))
			return false;
		path += n;
	} while (*path);
	return true;
}

char *tidy_path(const char *path)
{
	size_t n = strlen(path);
	_free_ char *ret = NULL;

	while (n > 1 && path[n - 1] == '/')
		n--;
	ret = xasprintf("%.*s", (int)(n < PATH_MAX ? n : PATH_MAX), path);
	return path_clean(ret) ? TAKE(ret) : NULL;
}

bool path_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return begins(path, dir) && (!path[n] || path[n] == '/');
}

bool own_file(const char *name, const char *id)
{
	enum { RANDOM = 16 };
	size_t n = strlen(id);

	if (!begins(name, id) || name[n] != '-')
		return false;
	name += n + 1;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == RANDOM && name[RANDOM] == '-' &&
	       name[RANDOM + 1] && !strchr(name, '/');
}

bool glob(const char *pattern, const char *text)
{
	const char *star = NULL, *retry = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool glob_any(const json_t *patterns, const char *text)
{
	const json_t *v;
	size_t i;

	json_array_foreach (patterns, i, v)
		if (glob(json_string_value(v), text))
			return true;
	return false;
}

static bool argv_is(const json_t *patterns, const json_t *argv)
{
	size_t n = json_array_size(patterns), given = json_array_size(argv);

	for (size_t i = 0; i < n; i++) {
		const char *pattern = json_string_value(json_array_get(patterns, i));

		if (i + 1 == n && !strcmp(pattern, "**"))
			return true;
		if (i == given || !glob(pattern, json_string_value(json_array_get(argv, i))))
			return false;
	}
	return n == given;
}

bool argv_any(const json_t *patterns, const json_t *argv)
{
	const json_t *v;
	size_t i;

	json_array_foreach (patterns, i, v)
		if (argv_is(v, argv))
			return true;
	return false;
}
