#include "refvals_check.h"
#include "lib/text.h"
#include "measuring.h"
#include "refvals_corim.h"
#include "refvals_file.h"
#include <openssl/pem.h>

static const char *const kinds[] = { "set", "rvps", "values", "corim" };

struct checking {
	const struct args *a;
	struct refvals **deny;
	size_t n_deny;
	EVP_PKEY *key; /* NULL: signatures are not checked */
};

static void checking_free(struct checking *c)
{
	for (size_t i = 0; i < c->n_deny; i++)
		refvals_freep(&c->deny[i]);
	free(c->deny);
	EVP_PKEY_free(c->key);
}

static int read_key(struct checking *c, struct err *e)
{
	const char *path = args_get(c->a, "key");
	FILE *f;

	if (!path)
		return 0;
	f = fopen(path, "re");
	if (!f)
		return err_errno(e, "%s", path);
	c->key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	fclose(f);
	return c->key ? 0 : err_set(e, -EINVAL, "%s: expected a public key in PEM", path);
}

static void __attribute__((format(printf, 2, 3))) problem(struct refvals_file *f, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(f->problems, json_string(text));
}

static bool all_suit(json_t *names, const struct rvps_edition *edition)
{
	const char *name;
	json_t *value;

	json_object_foreach (names, name, value) {
		const struct rvps_name *n = rvps_find(NULL, name);

		if (n && !rvps_suits(n, value, edition))
			return false;
	}
	return true;
}

/* The Trustees whose policy takes all values; where there is none, what is wrong with them for the current
 * one. */
static void find_trustee(struct refvals_file *f, struct buf *ret)
{
	const struct rvps_edition *edition;
	const char *name;
	json_t *value;

	for (size_t i = 0; (edition = rvps_edition_nth(i)); i++)
		if (all_suit(f->names, edition))
			buf_printf(ret, "%s%s", ret->n ? ", " : "", edition->trustee);
	if (ret->n)
		return;
	json_object_foreach (f->names, name, value) {
		const struct rvps_name *n = rvps_find(NULL, name);
		_free_ char *type = n ? rvps_type(n) : NULL;

		if (n && !rvps_suits(n, value, rvps_edition_nth(0)))
			problem(f, "%s is of a type that matches nothing: the policy needs a %s", name, type);
	}
}

static json_t *set_values(const struct refvals *s)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < s->n_values; i++) {
		const struct refval *v = &s->values[i];
		_free_ char *launch = refval_launch(v);

		json_array_append_new(
		        ret, json_pack("{ss ss ss}", "name", v->reg, "value", v->value, "launch", launch));
	}
	return ret;
}

static json_t *named_values(json_t *names)
{
	json_t *ret = json_array(), *value;
	const char *name;

	json_object_foreach (names, name, value) {
		json_array_append_new(ret, json_pack("{ss sO sb}", "name", name, "value", value,
		                                   "read_by_policy", rvps_find(NULL, name) != NULL));
	}
	return ret;
}

static void check_set(struct refvals_file *f)
{
	for (size_t i = 0; i < f->set->n_values; i++)
		if (refvals_contradiction(f->set, i)) {
			_free_ char *launch = refval_launch(&f->set->values[i]);

			problem(f, "%s of %s has two values from the same inputs", f->set->values[i].reg,
			        launch);
		}
}

/* "checked", "unchecked" or NULL where there is none */
static const char *check_signature(const struct checking *c, struct refvals_file *f)
{
	struct err e = { 0 };

	if (!f->corim.is_signed) {
		if (c->key)
			problem(f, "it is not signed");
		return NULL;
	}
	if (!c->key)
		return "unchecked";
	if (refvals_corim_verify(f->path, &f->corim, c->key, &e))
		problem(f, "%s", e.msg + strlen(f->path) + 2);
	return "checked";
}

static int check_file(const struct checking *c, const char *path, json_t *files, struct err *e)
{
	_refvals_file_ struct refvals_file f = { 0 };
	const char *signature = NULL, *name;
	_buf_ struct buf trustee = { 0 };
	const struct refval *denied;
	json_t *j;

	if (refvals_file_read(path, &f, e))
		return e->code;
	if (f.set)
		check_set(&f);
	else if (f.kind == REFVALS_CORIM)
		signature = check_signature(c, &f);
	else
		find_trustee(&f, &trustee);
	denied = refvals_file_denied(&f, c->deny, c->n_deny, &name);
	if (denied)
		problem(&f, "%s has a value of %s, which is denied", name, denied->platform);
	j = json_pack("{ss ss so sO}", "file", path, "kind", kinds[f.kind], "values",
	        f.set ? set_values(f.set) : named_values(f.names), "problems", f.problems);
	if (!j)
		return err_set(e, -EILSEQ, "%s: its name is not UTF-8", path);
	if (trustee.n)
		json_object_set_new(j, "trustee", json_string(buf_str(&trustee)));
	if (signature)
		json_object_set_new(j, "signature", json_string(signature));
	if (f.kind == REFVALS_CORIM)
		json_object_set_new(j, "passed_over", json_integer((json_int_t)f.corim.skipped));
	json_array_append_new(files, j);
	return 0;
}

static const char *titles(const char *kind)
{
	static const struct {
		const char *kind, *title;
	} all[] = { { "set", "reference values of bulla" }, { "rvps", "RVPS message" },
		{ "values", "names and values" }, { "corim", "CoRIM" } };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!strcmp(all[i].kind, kind))
			return all[i].title;
	return kind;
}

static void print_text(const char *text)
{
	_buf_ struct buf b = { 0 };

	text_ascii(&b, slice_str(text));
	fputs(buf_str(&b), stdout);
}

static void print_value(json_t *v)
{
	json_t *value = json_object_get(v, "value"), *launch = json_object_get(v, "launch"),
	       *read = json_object_get(v, "read_by_policy");
	_free_ char *text =
	        json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS);

	printf("  ");
	if (launch) {
		print_text(json_string_value(launch));
		printf(": ");
	}
	print_text(json_string_value(json_object_get(v, "name")));
	printf("=");
	print_text(text ? text : json_string_value(value));
	puts(json_is_false(read) ? "  (no default policy reads it)" : "");
}

static void print(json_t *files)
{
	json_t *f, *one;
	size_t i, k;

	json_array_foreach (files, i, f) {
		const char *trustee = json_string_value(json_object_get(f, "trustee")),
		           *signature = json_string_value(json_object_get(f, "signature"));
		json_int_t over = json_integer_value(json_object_get(f, "passed_over"));

		print_text(json_string_value(json_object_get(f, "file")));
		printf(": %s", titles(json_string_value(json_object_get(f, "kind"))));
		if (trustee)
			printf(" for Trustee %s", trustee);
		if (signature)
			printf(", signature %s", signature);
		if (over)
			printf(", %lld entries of other kinds passed over", (long long)over);
		puts("");
		json_array_foreach (json_object_get(f, "values"), k, one)
			print_value(one);
		json_array_foreach (json_object_get(f, "problems"), k, one) {
			printf("  PROBLEM: ");
			print_text(json_string_value(one));
			puts("");
		}
	}
}

int refvals_check(const struct args *a, struct err *e)
{
	struct checking c __attribute__((cleanup(checking_free))) = { .a = a };
	json_auto_t *files = json_array();
	bool fine = true;
	json_t *f;
	size_t i;

	if (a->n_rest < 2) {
		err_set(e, -EINVAL, "a file with reference values is needed");
		return err_exit(e, EX_USAGE);
	}
	if (read_key(&c, e) || refvals_deny_lists(a, &c.deny, &c.n_deny, e))
		return e->code;
	for (i = 1; i < a->n_rest; i++)
		if (check_file(&c, a->rest[i], files, e))
			return e->code;
	json_array_foreach (files, i, f)
		fine &= !json_array_size(json_object_get(f, "problems"));
	if (a->json)
		json_print(json_pack("{ss sO}", "schema", "bulla.refvals-check/1", "files", files));
	else
		print(files);
	return fine ? 0 : EX_NO;
}
