/* What firmware profiles know beside the order of events: builds of PEI's volume, and generated boot options.
 */
#include "lib/buf.h"
#include "measure/stack.h"

static bool take_word(char **save, char *ret, size_t size)
{
	const char *w = strtok_r(NULL, " \t", save);

	if (w && strlen(w) < size)
		snprintf(ret, size, "%s", w);
	return w && strlen(w) < size;
}

/* OFFSET=HEX */
static bool read_patch(const char *text, struct pei_fv *ret)
{
	char *end;
	size_t n;

	ret->at = (uint32_t)strtoul(text, &end, 0);
	n = *end == '=' ? strlen(end + 1) : 0;
	ret->n = n / 2;
	return n && ret->n <= sizeof(ret->patch) && hex_decode(end + 1, ret->patch, ret->n);
}

bool stack_read_pei_fv(const char *line, struct pei_fv *ret)
{
	_free_ char *copy = xstrdup(line);
	char *save = NULL, state[64];
	const char *sha = strtok_r(copy, " \t", &save);

	*ret = (struct pei_fv){ 0 };
	if (!sha || !hex_decode(sha, ret->sha256, SHA256_LEN) ||
	        !take_word(&save, ret->version, sizeof(ret->version)) ||
	        !take_word(&save, state, sizeof(state)))
		return false;
	if (!strcmp(ret->version, "-"))
		ret->version[0] = 0;
	ret->varies = !strcmp(state, "varies");
	if (!ret->varies && strcmp(state, "as-packed") && !read_patch(state, ret))
		return false;
	if (!take_word(&save, ret->bios_date, sizeof(ret->bios_date)))
		return true;
	ret->smbios_last = !strcmp(ret->bios_date, "smbios-last");
	if (ret->smbios_last && !take_word(&save, ret->bios_date, sizeof(ret->bios_date)))
		return true;
	snprintf(ret->bios_vendor, sizeof(ret->bios_vendor), "%s", save ? save : "");
	return ret->bios_vendor[0] && strlen(ret->bios_vendor) == strlen(save);
}

/* ATTRIBUTES PATH DESCRIPTION, after the conditions */
bool stack_read_boot_option(const char *line, struct boot_option *ret)
{
	_free_ char *copy = xstrdup(line);
	char *save = NULL, *end;
	const char *attributes = strtok_r(copy, " \t", &save), *path = strtok_r(NULL, " \t", &save),
	           *text = strtok_r(NULL, "", &save);

	if (!text || strlen(path) >= sizeof(ret->path) || strlen(text) >= sizeof(ret->description))
		return false;
	ret->attributes = (uint32_t)strtoul(attributes, &end, 0);
	snprintf(ret->path, sizeof(ret->path), "%s", path);
	snprintf(ret->description, sizeof(ret->description), "%s", text);
	return !*end;
}
