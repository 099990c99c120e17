#include "cmdline.h"
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word from *AT on; false at the end. */
static bool next_word(const char **at, const char **word, size_t *n)
{
	const char *p = *at;
	bool quoted = false;

	while (is_space(*p))
		p++;
	*word = p;
	for (; *p && (quoted || !is_space(*p)); p++)
		if (*p == '"')
			quoted = !quoted;
	*n = (size_t)(p - *word);
	*at = p;
	return *n > 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

const char *cmdline_roothash(const char *cmdline, uint8_t ret[ROOT_HASH_LEN])
{
	static const char key[] = "roothash=";
	const size_t key_len = sizeof(key) - 1;
	const char *word, *value = NULL;
	size_t n;

	while (next_word(&cmdline, &word, &n)) {
		if (n < key_len || memcmp(word, key, key_len))
			continue;
		if (value)
			return "roothash= is given twice";
		value = word + key_len;
		if (n - key_len != 2 * ROOT_HASH_LEN)
			return "roothash= is not 64 hex digits";
	}
	if (!value)
		return "no roothash= on the command line";
	for (size_t i = 0; i < ROOT_HASH_LEN; i++) {
		int hi = digit(value[2 * i]), lo = digit(value[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return "roothash= is not 64 hex digits";
		ret[i] = (uint8_t)(hi << 4 | lo);
	}
	return NULL;
}

bool cmdline_has(const char *cmdline, const char *want)
{
	const char *word;
	size_t n;

	while (next_word(&cmdline, &word, &n))
		if (n == strlen(want) && !memcmp(word, want, n))
			return true;
	return false;
}
