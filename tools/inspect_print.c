#include "inspect.h"
#include "lib/mem.h"
#include "lib/text.h"
#include <inttypes.h>

void put_hex(json_t *o, const char *key, struct slice bytes)
{
	_free_ char *hex = xcalloc(1, 2 * bytes.n + 1);

	json_object_set_new(o, key, json_string(hex_encode(hex, bytes.p, bytes.n)));
}

void put_mask(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_sprintf("0x%" PRIx64, v));
}

void put_int(json_t *o, const char *key, uint64_t v)
{
	/* JSON numbers of more than 53 bits are cut by many readers */
	if (v >> 53)
		json_object_set_new(o, key, json_sprintf("%" PRIu64, v));
	else
		json_object_set_new(o, key, json_integer((json_int_t)v));
}

void put_str(json_t *o, const char *key, const char *s)
{
	json_object_set_new(o, key, json_string(s));
}

void put_bool(json_t *o, const char *key, bool v)
{
	json_object_set_new(o, key, json_boolean(v));
}

void put_text(json_t *o, const char *key, struct slice s)
{
	_buf_ struct buf b = { 0 };

	text_ascii(&b, s);
	put_str(o, key, buf_str(&b));
}

json_t *put_object(json_t *o, const char *key)
{
	json_object_set_new(o, key, json_object());
	return json_object_get(o, key);
}

json_t *put_array(json_t *o, const char *key)
{
	json_object_set_new(o, key, json_array());
	return json_object_get(o, key);
}

json_t *add_object(json_t *array)
{
	json_array_append_new(array, json_object());
	return json_array_get(array, json_array_size(array) - 1);
}

void put_bits(json_t *o, const char *key, uint64_t v, const char *(*name)(unsigned bit))
{
	json_t *list = put_array(o, key);

	for (unsigned bit = 0; bit < 64; bit++)
		if (v >> bit & 1) {
			const char *s = name(bit);

			json_array_append_new(list, s ? json_string(s) : json_sprintf("bit %u", bit));
		}
}

/* What stands for a value in text, appended. */
static void add_value(struct buf *b, const json_t *v)
{
	size_t i;
	json_t *item;

	if (json_is_string(v))
		buf_printf(b, "%s", json_string_value(v));
	else if (json_is_integer(v))
		buf_printf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_boolean(v))
		buf_printf(b, "%s", json_is_true(v) ? "yes" : "no");
	else if (json_is_array(v) && !json_array_size(v))
		buf_printf(b, "-");
	else if (json_is_array(v))
		json_array_foreach (v, i, item) {
			buf_printf(b, "%s", i ? " " : "");
			add_value(b, item);
		}
}

static bool is_table(const json_t *v)
{
	return json_is_array(v) && json_is_object(json_array_get(v, 0));
}

static size_t key_width(const json_t *o, size_t before)
{
	const char *key;
	json_t *v;
	size_t w = 0;

	json_object_foreach ((json_t *)(uintptr_t)o, key, v) {
		size_t n = before + strlen(key);

		if (json_is_object(v))
			n = key_width(v, n + 1);
		else if (is_table(v))
			n = 0;
		if (n > w)
			w = n;
	}
	return w;
}

static void cell(struct buf *b, const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);

	if (v)
		add_value(b, v);
	else
		buf_printf(b, "-");
}

static size_t column_width(const json_t *rows, const char *key)
{
	size_t w = strlen(key), i;
	const json_t *row;

	json_array_foreach (rows, i, row) {
		_buf_ struct buf b = { 0 };

		cell(&b, row, key);
		w = b.n > w ? b.n : w;
	}
	return w;
}

/* Columns are the keys of the first row; the last one is not padded. ROW NULL: the head. */
static void print_row(const json_t *first, const size_t *widths, const json_t *row)
{
	size_t n = json_object_size(first), i = 0;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)first, key, v) {
		_buf_ struct buf b = { 0 };

		if (row)
			cell(&b, row, key);
		else
			buf_printf(&b, "%s", key);
		printf("  %-*s", i + 1 < n ? (int)widths[i] : 0, buf_str(&b));
		i++;
	}
	putchar('\n');
}

static void print_table(const char *name, const json_t *rows)
{
	const json_t *first = json_array_get(rows, 0), *row;
	_free_ size_t *widths = xcalloc(json_object_size(first) + 1, sizeof(*widths));
	size_t i = 0;
	const char *key;
	json_t *v;

	printf("%s:\n", name);
	json_object_foreach ((json_t *)(uintptr_t)first, key, v)
		widths[i++] = column_width(rows, key);
	print_row(first, widths, NULL);
	json_array_foreach (rows, i, row)
		print_row(first, widths, row);
}

static void print_object(const json_t *o, const char *prefix, size_t width)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)o, key, v) {
		_free_ char *name = xasprintf("%s%s", prefix, key);

		if (json_is_object(v)) {
			_free_ char *below = xasprintf("%s.", name);

			print_object(v, below, width);
		} else if (is_table(v)) {
			print_table(name, v);
		} else {
			_buf_ struct buf b = { 0 };

			add_value(&b, v);
			printf("%s:%*s%s\n", name, (int)(width + 1 - strlen(name)), "", buf_str(&b));
		}
	}
}

void inspect_print(const json_t *o)
{
	print_object(o, "", key_width(o, 0));
}
