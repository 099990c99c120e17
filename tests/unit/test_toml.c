/* Witness: Python's tomllib, which reads the same documents, and refuses the same ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include "format/toml.h"
#include "lib/io.h"

static const char *const documents[] = {
	/* values */
	"a = 1\nb = -17\nc = +0\nd = 1_000\ne = 0xDEAD_beef\nf = 0o755\ng = 0b1010\nh = "
	"9223372036854775807\ni = -9223372036854775808",
	"a = 3.14\nb = -0.01\nc = 5e+22\nd = 1e06\ne = -2E-2\nf = 6.626e-34\ng = 224_617.445_991_228\nh = "
	"+1.0",
	"a = true\nb = false",
	"a = \"\\b\\t\\n\\f\\r\\\"\\\\ \\u00e9 \\U0001F512\"\nb = 'C:\\x'\nc = \"\"\nd = ''",
	"a = \"\"\"\n\nx\\\n   \n  y \"\" z\"\"\"\"\"\nb = '''\n'a' ''b\\'''''\nc = \"\"\"\\\"\"\"\"\"\"",
	"a = [ 1, [ 'x', [] ], # c\n\n { k = 1 }, ] # d\nb = []\nc=[[1,2],[3.0]]",
	"a = { b = 1, c.d = 'x', \"e.f\" = [ {} ] }\ng = {}\nh = { i.j = 1, i.k = 2 }",
	"a = '\xc3\xa4 \xf0\x9f\x94\x92'\t# \xe2\x82\xac\r\nb = 1\r\n\r\n",
	/* keys */
	"a-b_C1 = 1\n1234 = 2\n\"quoted key\" = 3\n'lit.eral' = 4\n\"\" = 5\n-- = 6\n\"\xc3\xa4\" = 7",
	"a.b.c = 1\na . b . d = 2\na.'e'.f = 3\n3.14159 = 'pi'",
	"fruit.apple.smooth = true\nfruit.orange = 2\nfruit.apple.x = 1",
	/* tables */
	"[a]\nx = 1\n[a.b]\ny = 2\n[ c . \"d e\" ]\nz = 3\n[f]",
	"[x.y.z.w]\n[x]\nk = 1",
	"[fruit]\napple.color = 'red'\napple.taste.sweet = true\n[fruit.apple.texture]\nsmooth = true",
	"[[a]]\nx = 1\n[[a]]\n[[a]]\nx = 3\n[a.b]\ny = 1\n[[a.c]]\nz = 1\n[[a.c]]\nz = 2",
	"[a]\n[[a.b]]\n[a.b.c]\n[[a.b]]\n[a.b.c]\nd = 1",
	"",
	"# only\n",
	"\n\n",
	"a = 1 # no end",
	"[a]#c\n[b] # c",
	/* and what is none */
	"a",
	"a =",
	"a = \n",
	"= 1",
	"a = 1 b = 2",
	"a = b",
	"a b = 1",
	"a. = 1",
	".a = 1",
	"a..b = 1",
	"a = 1\na = 2",
	"a = 1\n\"a\" = 2",
	"a.b = 1\na = 2",
	"a = 1\na.b = 2",
	"a.b = 1\na.b.c = 2",
	"[a]\n[a]",
	"[a]\nb = 1\n[a.b]",
	"[a.b]\n[a]\nb.c = 1",
	"a.b = 1\n[a]",
	"[a]\nb.c = 1\n[a.b]",
	"a = {}\na.b = 1",
	"a = {}\n[a.b]",
	"a = { b = {} }\n[a.b.c]",
	"[a]\nb = { c = 1 }\nb.d = 2",
	"a = []\n[[a]]",
	"a = [{}]\n[[a]]",
	"[[a]]\n[a]",
	"[a]\n[[a]]",
	"[a.b]\n[[a]]",
	"[[a.b]]\n[a]\nb = 1",
	"a = { b = 1, b = 2 }",
	"a = { b = 1, }",
	"a = { b = 1\n}",
	"a = { , }",
	"a = { b }",
	"a = { b.c = 1, b = 2 }",
	"a = [ 1 2 ]",
	"a = [ , ]",
	"a = [ 1,, 2 ]",
	"a = [",
	"a = [ 1",
	"a = {",
	"a = { b = 1",
	"[a",
	"[a]]",
	"[[a]",
	"[]",
	"[a.]",
	"[.a]",
	"[a] x",
	"[[a] ]",
	"[ [a]]",
	"[a\n]",
	"a = 01",
	"a = 1__0",
	"a = _1",
	"a = 1_",
	"a = 0x",
	"a = 0x_1",
	"a = +0x1",
	"a = 0xg",
	"a = 1.",
	"a = .1",
	"a = 1.e5",
	"a = 1e",
	"a = 1._5",
	"a = 00",
	"a = +_1",
	"a = 0b2",
	"a = 0o8",
	"a = True",
	"a = tru",
	"a = 1x",
	"a = --1",
	"a = 03.14",
	"a = '",
	"a = \"",
	"a = 'x\n'",
	"a = \"x\n\"",
	"a = '''x''",
	"a = \"\"\"x\"\"",
	"a = \"\\x\"",
	"a = \"\\u12\"",
	"a = \"\\ud800\"",
	"a = \"\\U00110000\"",
	"a = \"\\\n\"",
	"a = 'x' 'y'",
	"a = \"\"\"\\ x\"\"\"",
	"\"\"\"a\"\"\" = 1",
	"'''a''' = 1",
	"a = '\x01'",
	"a = \"\x7f\"",
	"# \x01",
	"a = 1\rb = 2",
	"\"a\nb\" = 1",
	"a = '''x'''''''",
};

/* None for a document that Python refuses. */
static const char reader[] = "import json, sys, tomllib\n"
                             "def read(t):\n"
                             "    try: return tomllib.loads(t)\n"
                             "    except tomllib.TOMLDecodeError: return None\n"
                             "print(json.dumps([read(t) for t in json.load(open(sys.argv[1]))]))\n";

static json_t *as_python_reads(void)
{
	json_auto_t *all = json_array();
	json_t *ret;
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	_free_ char *cmd = xasprintf("python3 -c '%s' /proc/%d/fd/%d 2>/dev/null", reader, (int)getpid(), fd);
	FILE *p;

	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		json_array_append_new(all, json_string_nocheck(documents[i]));
	assert_true(fd >= 0 && !json_dumpfd(all, fd, JSON_ENSURE_ASCII));
	p = popen(cmd, "r");
	assert_non_null(p);
	ret = json_loadf(p, 0, NULL);
	pclose(p);
	close(fd);
	return ret;
}

static void documents_are_what_python_reads(void **state)
{
	json_auto_t *theirs = as_python_reads();

	(void)state;
	if (!theirs) {
		print_message("# SKIP python3 is missing, or older than 3.11\n");
		skip();
	}
	assert_int_equal(json_array_size(theirs), ARRAY_LEN(documents));
	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		json_auto_t *ours = NULL;
		const json_t *want = json_array_get(theirs, i);
		struct err e = { 0 };
		int k = toml_parse("t", slice_str(documents[i]), 4096, &ours, &e);

		if (k != (json_is_null(want) ? -EBADMSG : 0) || (!k && !json_equal(ours, want))) {
			_free_ char *a = json_dumps(ours, JSON_ENCODE_ANY),
			            *b = json_dumps(want, JSON_ENCODE_ANY);

			fail_msg("%s\nours: %s %s\ntheirs: %s", documents[i], a ? a : "none", e.msg, b);
		}
	}
}

static void what_is_refused_is_said_with_its_line(void **state)
{
	static const struct {
		const char *toml, *says;
	} bad[] = {
		{ "a = 1\n\nb = 1979-05-27", "t:3: found '1979-05-27', expected a string, a number, true, "
		                             "false, an array or a table" },
		{ "a = inf",
		        "t:1: found 'inf', expected a string, a number, true, false, an array or a table" },
		{ "a = 9223372036854775808", "t:1: 9223372036854775808 is beyond 64 bits" },
		{ "a = 1e999", "t:1: 1e999 is beyond a double" },
		{ "a = \"\\u0000\"", "t:1: escape names no character that text holds: U+0000" },
		{ "[a]\n[b]\n[a]", "t:3: 'a' is given twice" },
		{ "a = [\n1,\n2\n3]", "t:4: an array: expected , or ]" },
		{ "a = { b = 1 ]", "t:1: an inline table: expected , or }" },
		{ "a = 1\na.b = 1", "t:2: 'a' is given already, and cannot be added to here" },
		{ "[x]\na = \xff", "t:2: expected a value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_t *j;
		struct err e = { 0 };

		assert_int_equal(toml_parse("t", slice_str(bad[i].toml), 4096, &j, &e), -EBADMSG);
		assert_null(j);
		assert_string_equal(e.msg, bad[i].says);
	}
}

static void hostile_sizes_end_at_the_limits(void **state)
{
	static const struct {
		const char *start, *unit, *end, *says;
		size_t n;
	} all[] = {
		{ "a = ", "[", "", "t:1: nested more than 16 deep", 1 << 19 },
		{ "a = ", "{a=", "", "t:1: nested more than 16 deep", 1 << 18 },
		{ "a", ".a", " = 1", "t:1: a key of more than 16 parts", 1 << 18 },
		{ "", "[[a]]\n", "", "t:1024: more than 1024 tables", 1 << 16 },
		{ "a = [", "1,", "]", "t:1: more than 16384 values", 1 << 18 },
		{ "a = '", "x", "'", "t: 1048582 bytes, expected at most 1048576", 1 << 20 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		_buf_ struct buf b = { 0 };
		json_t *j;
		struct err e = { 0 };

		buf_printf(&b, "%s", all[i].start);
		for (size_t k = 0; k < all[i].n; k++)
			buf_add(&b, all[i].unit, strlen(all[i].unit));
		buf_printf(&b, "%s", all[i].end);
		assert_int_equal(toml_parse("t", buf_slice(&b), 1 << 20, &j, &e), -EBADMSG);
		assert_string_equal(e.msg, all[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_what_python_reads),
		cmocka_unit_test(what_is_refused_is_said_with_its_line),
		cmocka_unit_test(hostile_sizes_end_at_the_limits),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
