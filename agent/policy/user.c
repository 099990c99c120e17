/* Names of users, looked up in the container's own files (passwd(5), group(5)). */
#include "policy/rules.h"

enum { FIELDS = 4, FILE_MAX = 1 << 20 };

/* The next line's fields off *REST; those that are missing are empty. False at the end. */
static bool next_entry(struct slice *rest, struct slice f[FIELDS])
{
	const uint8_t *nl;
	struct slice line;

	if (!rest->n)
		return false;
	nl = memchr(rest->p, '\n', rest->n);
	line = slice_of(rest->p, nl ? (size_t)(nl - rest->p) : rest->n);
	*rest = slice_of(rest->p + line.n + (nl != NULL), rest->n - line.n - (nl != NULL));
	for (int i = 0; i < FIELDS; i++) {
		const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;

		f[i] = slice_of(line.p, colon ? (size_t)(colon - line.p) : line.n);
		line = slice_of(line.p + f[i].n + (colon != NULL), line.n - f[i].n - (colon != NULL));
	}
	return true;
}

/* A number of at most 32 bits, less -1. */
static bool number(struct slice s, uint32_t *ret)
{
	uint64_t n = 0;

	if (!s.n || s.n > 10)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = 10 * n + (s.p[i] - '0');
	}
	if (n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool is_member(struct slice list, struct slice name)
{
	while (list.n) {
		const uint8_t *comma = memchr(list.p, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.p) : list.n;

		if (slice_eq(slice_of(list.p, n), name))
			return true;
		list = slice_of(list.p + n + (comma != NULL), list.n - n - (comma != NULL));
	}
	return false;
}

/* Groups that list NAME as a member. */
static void add_groups(struct slice group, struct slice name, json_t *gids)
{
	struct slice f[FIELDS];
	uint32_t gid;

	while (next_entry(&group, f) && json_array_size(gids) < NAMES_MAX)
		if (number(f[2], &gid) && is_member(f[3], name))
			json_array_append_new(gids, json_integer(gid));
}

int policy_user(json_t *process, struct slice passwd, struct slice group, struct err *e)
{
	json_t *user = json_object_get(process, "user"), *gids;
	_free_ char *text = NULL;
	const char *name = text_of(json_object_get(user, "username"));
	struct slice who, of, f[FIELDS], rest = passwd, account = { 0 };
	uint32_t uid = 0, gid = 0;
	bool by_number, found = false;

	if (!name)
		return 0;
	if (passwd.n > FILE_MAX || group.n > FILE_MAX)
		return err_set(e, -EBADMSG, "/etc/passwd or /etc/group: more than %d bytes", FILE_MAX);
	text = xstrdup(name);
	who = slice_of(text, strcspn(text, ":"));
	of = text[who.n] ? slice_str(text + who.n + 1) : slice_of(NULL, 0);
	by_number = number(who, &uid);
	while (!found && next_entry(&rest, f)) {
		uint32_t n;

		if (f[0].n && number(f[2], &n) && (slice_eq(f[0], who) || (by_number && n == uid))) {
			found = true;
			uid = n;
			account = f[0];
			number(f[3], &gid);
		}
	}
	if (!found && !by_number)
		return err_set(e, -ENOENT, "user '%s': the image's /etc/passwd has none of that name", text);
	gids = json_object_get(user, "additionalGids");
	if (!gids)
		json_object_set_new(user, "additionalGids", gids = json_array());
	if (!of.n && found)
		add_groups(group, account, gids);
	if (of.n && !number(of, &gid)) {
		for (found = false, rest = group; !found && next_entry(&rest, f);)
			found = slice_eq(f[0], of) && number(f[2], &gid);
		if (!found)
			return err_set(
			        e, -ENOENT, "user '%s': the image's /etc/group has no such group", text);
	}
	json_object_set_new(user, "uid", json_integer(uid));
	json_object_set_new(user, "gid", json_integer(gid));
	json_object_del(user, "username");
	return 0;
}
