#include "difference.h"
#include "lib/buf.h"
#include "lib/term.h"
#include "measure/align.h"
#include <inttypes.h>

struct sides {
	const struct measured *old, *new;
	uint8_t *moved_old, *moved_new;
	bool differs;
};

/* The next of two sorted lists: which of I and K come next, by their names. */
static void next_names(const char *old, const char *new, bool *take_old, bool *take_new, bool versions)
{
	int order = !old ? 1 : !new ? -1 : versions ? strverscmp(old, new) : strcmp(old, new);

	*take_old = order <= 0;
	*take_new = order >= 0;
}

static const char *change_of(const void *old, const void *new, bool same)
{
	return !old ? "added" : !new ? "removed" : same ? "same" : "changed";
}

static size_t split(char *text, const char ***ret)
{
	char *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(text, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
		*ret = xrealloc(*ret, n + 1, sizeof(**ret));
		(*ret)[n++] = w;
	}
	return n;
}

struct words {
	const char **old, **new;
};

static enum alike same_word(const void *ctx, size_t a, size_t b)
{
	const struct words *w = ctx;

	return strcmp(w->old[a], w->new[b]) ? ALIKE_NOT : ALIKE_SAME;
}

/* The words of two texts in order: "=word" in both, "-word" in the old one alone, "+word" in the new one. */
static json_t *words_json(const char *old, const char *new)
{
	_free_ char *a = xstrdup(old), *b = xstrdup(new);
	_free_ const char **v = NULL, **w = NULL;
	size_t n = split(a, &v), m = split(b, &w), k;
	_free_ struct align_pair *pairs = xcalloc(n + m + 1, sizeof(*pairs));
	struct words words = { v, w };
	json_t *j = json_array();

	k = align(n, m, same_word, &words, pairs);
	for (size_t i = 0; i < k; i++) {
		_free_ char *word = xasprintf("%c%s",
		        pairs[i].b == ALIGN_NONE   ? '-'
		        : pairs[i].a == ALIGN_NONE ? '+'
		                                   : '=',
		        pairs[i].a == ALIGN_NONE ? w[pairs[i].b] : v[pairs[i].a]);

		json_array_append_new(j, json_string(word));
	}
	return j;
}

static json_t *input_json(const struct measured_input *in)
{
	return in->sha256 ? json_pack("{sI ss}", "size", (json_int_t)in->size, "sha256", in->sha256)
	                  : json_string(in->text);
}

static bool same_input(const struct measured_input *a, const struct measured_input *b)
{
	if (!a->sha256 != !b->sha256)
		return false;
	return a->sha256 ? a->size == b->size && !strcmp(a->sha256, b->sha256) : !strcmp(a->text, b->text);
}

static json_t *inputs_json(
        struct sides *s, const struct measured_input *a, size_t n, const struct measured_input *b, size_t m)
{
	json_t *all = json_array();
	bool take_a, take_b;

	for (size_t i = 0, k = 0; i < n || k < m; i += take_a, k += take_b) {
		const struct measured_input *old, *new;
		json_t *j;
		bool same;

		next_names(i < n ? a[i].name : NULL, k < m ? b[k].name : NULL, &take_a, &take_b, false);
		old = take_a ? &a[i] : NULL;
		new = take_b ? &b[k] : NULL;
		same = old && new &&same_input(old, new);
		j = json_pack(
		        "{ss ss}", "name", old ? old->name : new->name, "change", change_of(old, new, same));
		if (old)
			json_object_set_new(j, "old", input_json(old));
		if (new)
			json_object_set_new(j, "new", input_json(new));
		if (old && new && !same && old->text &&new->text &&
		        (strpbrk(old->text, " \t\n") || strpbrk(new->text, " \t\n")))
			json_object_set_new(j, "words", words_json(old->text, new->text));
		s->differs = s->differs || !same;
		json_array_append_new(all, j);
	}
	return all;
}

struct lanes { /* the steps of one register on both sides */
	const struct measured_step *old_steps, *new_steps;
	size_t *old, *new;
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static enum alike same_step(const void *ctx, size_t a, size_t b)
{
	const struct lanes *l = ctx;
	const struct measured_step *x = &l->old_steps[l->old[a]], *y = &l->new_steps[l->new[b]];
	bool named = !strcmp(x->what, y->what) && !strcmp(x->from, y->from);

	/* the same bytes by another name are the same; what is unknown is so when all that is known is */
	if (same_text(x->digest, y->digest) && x->count == y->count && !strcmp(x->gpa, y->gpa) &&
	        (x->digest || named))
		return ALIKE_SAME;
	return named || !strcmp(x->what, y->what) ? ALIKE_KIN : ALIKE_NOT;
}

static size_t steps_of(const struct measured *m, const char *reg, size_t **ret)
{
	size_t n = 0;

	*ret = xcalloc(m->n_steps + 1, sizeof(**ret));
	for (size_t i = 0; i < m->n_steps; i++)
		if (!strcmp(m->registers[m->steps[i].reg].name, reg))
			(*ret)[n++] = i;
	return n;
}

static json_t *hex_or_null(const char *hex)
{
	return hex ? json_string(hex) : json_null();
}

/* The steps of a register that have no equal on the other side; numbers as explain shows them. */
static json_t *steps_json(struct sides *s, const char *reg)
{
	_free_ size_t *a = NULL, *b = NULL;
	size_t n = steps_of(s->old, reg, &a), m = steps_of(s->new, reg, &b), k;
	_free_ struct align_pair *pairs = xcalloc(n + m + 1, sizeof(*pairs));
	struct lanes lanes = { s->old->steps, s->new->steps, a, b };
	json_t *all = json_array();

	k = align(n, m, same_step, &lanes, pairs);
	for (size_t i = 0; i < k; i++) {
		bool has_old = pairs[i].a != ALIGN_NONE, has_new = pairs[i].b != ALIGN_NONE;
		const struct measured_step *old = has_old ? &s->old->steps[a[pairs[i].a]] : NULL,
		                           *new = has_new ? &s->new->steps[b[pairs[i].b]] : NULL;
		json_t *j;

		if (pairs[i].alike == ALIKE_SAME) {
			if (!same_text(old->after, new->after))
				s->moved_old[a[pairs[i].a]] = s->moved_new[b[pairs[i].b]] = MOVED_AFTER;
			continue;
		}
		j = json_pack("{ss ss ss}", "change", change_of(old, new, false), "what",
		        new ? new->what : old->what, "from", new ? new->from : old->from);
		if (has_old) {
			s->moved_old[a[pairs[i].a]] = MOVED_STEP;
			json_object_set_new(j, "old", hex_or_null(old->digest));
			json_object_set_new(j, "old_step", json_integer((json_int_t)a[pairs[i].a] + 1));
		}
		if (has_new) {
			s->moved_new[b[pairs[i].b]] = MOVED_STEP;
			json_object_set_new(j, "new", hex_or_null(new->digest));
			json_object_set_new(j, "new_step", json_integer((json_int_t)b[pairs[i].b] + 1));
		}
		json_array_append_new(all, j);
	}
	return all;
}

static json_t *registers_json(struct sides *s)
{
	const struct measured *a = s->old, *b = s->new;
	json_t *all = json_array();
	bool take_a, take_b;

	for (size_t i = 0, k = 0; i < a->n_registers || k < b->n_registers; i += take_a, k += take_b) {
		const struct measured_register *old, *new;
		json_t *j, *steps;
		bool same;

		next_names(i < a->n_registers ? a->registers[i].name : NULL,
		        k < b->n_registers ? b->registers[k].name : NULL, &take_a, &take_b, true);
		old = take_a ? &a->registers[i] : NULL;
		new = take_b ? &b->registers[k] : NULL;
		same = old && new &&same_text(old->value, new->value);
		steps = steps_json(s, old ? old->name : new->name);
		/* of two unknown values, the steps say whether they could be the same */
		if (same && !old->value && json_array_size(steps))
			same = false;
		j = json_pack("{ss ss so}", "name", old ? old->name : new->name, "change",
		        change_of(old, new, same), "steps", steps);
		if (old)
			json_object_set_new(j, "old", hex_or_null(old->value));
		if (new)
			json_object_set_new(j, "new", hex_or_null(new->value));
		s->differs = s->differs || !same;
		json_array_append_new(all, j);
	}
	return all;
}

/* Is the input NAME, or a part of it ("uki .linux"), among those that FROM lists? */
static bool is_from(const char *from, const char *name)
{
	size_t n = strlen(name);

	for (; *from; from += strspn(from, ", ")) {
		if (!strncmp(from, name, n) && strchr(", ", from[n]))
			return true;
		from += strcspn(from, ",");
	}
	return false;
}

static bool is_source(const struct measured *m, const char *name)
{
	for (size_t i = 0; i < m->n_steps; i++)
		if (is_from(m->steps[i].from, name))
			return true;
	return false;
}

/* Does a changed step of the register take from the input? One that no step names (a number of vCPUs) shows
 * in the steps without a source. */
static bool moves(const json_t *reg, const char *input, bool named)
{
	const json_t *step;
	size_t i;

	json_array_foreach (json_object_get(reg, "steps"), i, step) {
		const char *from = json_string_value(json_object_get(step, "from"));

		if (named ? is_from(from, input) : !*from)
			return true;
	}
	return false;
}

static void add_moves(const struct sides *s, json_t *inputs, json_t *registers)
{
	bool steps = s->old->n_steps && s->new->n_steps;
	json_t *in, *reg;
	size_t i, k;

	json_array_foreach (inputs, i, in) {
		const char *name = json_string_value(json_object_get(in, "name"));
		bool named = is_source(s->old, name) || is_source(s->new, name);
		json_t *moved;

		if (!strcmp(json_string_value(json_object_get(in, "change")), "same"))
			continue;
		moved = json_array();
		json_array_foreach (registers, k, reg) {
			if (strcmp(json_string_value(json_object_get(reg, "change")), "same") &&
			        (!steps || moves(reg, name, named)))
				json_array_append(moved, json_object_get(reg, "name"));
		}
		json_object_set_new(in, "moves", moved);
	}
}

int difference(const struct measured *old, const struct measured *new, uint8_t *moved_old, uint8_t *moved_new,
        json_t **ret, struct err *e)
{
	struct sides s = { old, new, moved_old, moved_new, false };
	json_t *stack, *inputs, *registers;

	if (old->bundle != new->bundle || (!old->bundle && strcmp(old->platform, new->platform))) {
		err_set(e, -EINVAL, "%s is %s of %s, %s is %s of %s: expected two of a kind", old->name,
		        old->bundle ? "a bundle" : "a measurement", old->platform, new->name,
		        new->bundle ? "a bundle" : "a measurement", new->platform);
		if (old->bundle != new->bundle)
			err_hint(
			        e, "`bulla explain PLATFORM --bundle DIR --json` makes the one of the other");
		return err_exit(e, EX_USAGE);
	}
	stack = inputs_json(&s, old->stack, old->n_stack, new->stack, new->n_stack);
	inputs = inputs_json(&s, old->inputs, old->n_inputs, new->inputs, new->n_inputs);
	registers = registers_json(&s);
	add_moves(&s, inputs, registers);
	*ret = json_pack("{ss ss ss sb so so so}", "schema", "bulla.diff/1", "old", old->name, "new",
	        new->name, "same", !s.differs, "stack", stack, "inputs", inputs, "registers", registers);
	return 0;
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* A file as size and digest, a text as it is; the caller frees. */
static char *value_text(const json_t *value)
{
	char size[16], *text;

	if (json_is_object(value))
		return xasprintf("%s %.12s",
		        term_size(size, (uint64_t)json_integer_value(json_object_get(value, "size"))),
		        text_of(value, "sha256"));
	text = xstrdup(json_is_string(value) ? json_string_value(value) : "unknown");
	for (char *c = text; *c; c++) /* a command line may have what a terminal would obey */
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return text;
}

static void print_words(const json_t *words)
{
	const json_t *word;
	bool moved = false, gap = false;
	size_t i;

	json_array_foreach (words, i, word) {
		_free_ char *w = value_text(word);

		if (*w == '=') {
			gap = true;
			continue;
		}
		printf("%s%s", moved ? " " : "", gap ? "… " : "");
		printf("%s", w);
		moved = true;
		gap = false;
	}
	fputs(moved ? gap ? " …" : "" : "the same words, other blanks", stdout);
}

static void print_input(const json_t *in, int width)
{
	const json_t *old = json_object_get(in, "old"), *new = json_object_get(in, "new"),
	             *words = json_object_get(in, "words"), *reg;
	_free_ char *a = value_text(old), *b = value_text(new);
	size_t i;

	printf("  %-*s  %-8s ", width, text_of(in, "name"), text_of(in, "change"));
	if (words)
		print_words(words);
	else if (old && new &&strcmp(text_of(in, "change"), "same"))
		printf("%s → %s", a, b);
	else
		fputs(old ? a : b, stdout);
	if (json_object_get(in, "moves") && !json_array_size(json_object_get(in, "moves")))
		fputs("   moves nothing", stdout);
	json_array_foreach (json_object_get(in, "moves"), i, reg)
		printf("%s%s", i ? ", " : "   moves ", json_string_value(reg));
	putchar('\n');
}

static void print_register(const json_t *reg, int width)
{
	const json_t *old = json_object_get(reg, "old"), *new = json_object_get(reg, "new"), *step;
	_free_ char *a = value_text(old), *b = value_text(new);
	size_t i;

	printf("  %-*s  %-8s ", width, text_of(reg, "name"), text_of(reg, "change"));
	if (old && new &&strcmp(text_of(reg, "change"), "same"))
		printf("%s\n%*s→ %s\n", a, width + 11, "", b);
	else
		printf("%s\n", old ? a : b);
	json_array_foreach (json_object_get(reg, "steps"), i, step) {
		const json_t *number = json_object_get(step, "new_step");
		const char *from = text_of(step, "from");

		if (!number)
			number = json_object_get(step, "old_step");
		printf("%*s  step %" JSON_INTEGER_FORMAT " %s: %s%s%s%s", width, "",
		        json_integer_value(number), text_of(step, "change"), text_of(step, "what"),
		        *from ? " (" : "", from, *from ? ")" : "");
		if (!strcmp(text_of(step, "change"), "changed"))
			printf(": %.12s → %.12s", text_of(step, "old"), text_of(step, "new"));
		putchar('\n');
	}
}

void difference_print(json_t *diff)
{
	static const char *const parts[] = { "stack", "inputs", "registers" };
	int width = 0;
	size_t i;
	json_t *j;

	for (size_t p = 0; p < ARRAY_LEN(parts); p++)
		json_array_foreach (json_object_get(diff, parts[p]), i, j) {
			int n = (int)strlen(text_of(j, "name"));

			width = n > width ? n : width;
		}
	for (size_t p = 0; p < ARRAY_LEN(parts); p++) {
		if (json_array_size(json_object_get(diff, parts[p])))
			printf("%s\n", parts[p]);
		json_array_foreach (json_object_get(diff, parts[p]), i, j) {
			if (p < 2)
				print_input(j, width);
			else
				print_register(j, width);
		}
	}
}
