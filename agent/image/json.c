#include "json.h"
#include <errno.h>

int json_read(const char *name, struct slice text, size_t max, json_t **ret, struct err *e)
{
	enum { VALUES = 65536 };
	json_error_t je;
	size_t n = 0;

	if (text.n > max)
		return err_set(
		        e, -EFBIG, "%s: it is %zu bytes long, at most %zu are taken", name, text.n, max);
	/* every value but the first comes after one of these, and takes some 100 bytes once it is read */
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ',' || text.p[i] == '[' || text.p[i] == '{';
	if (n > VALUES)
		return err_set(e, -EFBIG, "%s: it has more than %d values", name, VALUES);
	*ret = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	if (*ret)
		return 0;
	for (char *c = je.text; *c; c++) /* it cites the text */
		*c = *c < ' ' || *c > '~' ? '?' : *c;
	return err_set(e, -EBADMSG, "%s: line %d: %s", name, je.line, je.text);
}

const char *json_text(const json_t *object, const char *name, size_t max)
{
	const char *s = json_string_value(json_object_get(object, name));
	size_t n = s ? strlen(s) : 0;

	if (n > max)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return NULL;
	return s;
}
