#include "locked.h"
#include "lib/io.h"

int locked_read(const char *dir, const char *name, struct locked *ret, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s.lock", dir, name);
	_buf_ struct buf text = { 0 };

	if (io_read_file(path, 1 << 24, &text, e) || lock_parse(path, buf_slice(&text), &ret->lock, e))
		return e->code;
	ret->name = xstrdup(name);
	return 0;
}

const struct lock_file *locked_find(const struct locked *l, const char *package)
{
	for (size_t i = 0; l && i < l->lock.n; i++)
		if (!strcmp(l->lock.v[i].name, package))
			return &l->lock.v[i];
	return NULL;
}

void locked_free(struct locked *l)
{
	free(l->name);
	lock_free(&l->lock);
}

/* What a package URL escapes of the characters that a name or version may have. */
static void add_escaped(struct buf *b, const char *s)
{
	for (; *s; s++)
		if (*s == '+')
			buf_printf(b, "%%2B");
		else
			buf_add(b, s, 1);
}

char *locked_purl(const char *name, const char *version, const char *arch)
{
	_buf_ struct buf b = { 0 };

	buf_printf(&b, "pkg:deb/debian/");
	add_escaped(&b, name);
	buf_printf(&b, "@");
	add_escaped(&b, version);
	buf_printf(&b, "?arch=%s", arch);
	return xstrdup(buf_str(&b));
}

/* An SPDX id takes letters, digits, '.' and '-' (SPDX 2.3, 3.2). Package names are lower case, so P is free
 * for '+'. */
char *locked_spdx_id(const char *prefix, const char *name, const char *arch)
{
	char *ret = xasprintf("SPDXRef-%s-%s%s%s", prefix, name, *arch ? "-" : "", arch);

	for (char *s = ret; *s; s++)
		if (*s == '+')
			*s = 'P';
	return ret;
}
