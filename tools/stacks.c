#include "stacks.h"
#include "lib/conf.h"
#include "lib/embed.h"
#include "lib/io.h"

/* Every file of recipes/stacks becomes bytes of this object; S(symbol, name, path) for each in the order of
 * names. */
#define S(symbol, name, path) EMBED(stack, symbol, path)
#include "stacks.inc"
#undef S

const char *stacks_nth(size_t i, struct slice *text)
{
#define S(symbol, name, path)                                                                                \
	if (!i--) {                                                                                          \
		*text = EMBEDDED(stack, symbol);                                                             \
		return name;                                                                                 \
	}
#include "stacks.inc"
#undef S
	return NULL;
}

static int add_file(struct stack *s, const char *path, struct err *e)
{
	_buf_ struct buf text = { 0 };
	_free_ char *name = xstrdup(strrchr(path, '/') + 1);
	char *end = name + strlen(name);

	if (io_read_file(path, 1 << 20, &text, e))
		return e->code;
	if (end - name > 5 && !strcmp(end - 5, ".conf"))
		end[-5] = 0;
	return stack_add(s, name, buf_slice(&text), e);
}

int stacks_add(struct stack *s, const char *name, struct err *e)
{
	const char *names[200] = { 0 }, *near;
	struct slice text;

	if (strchr(name, '/'))
		return add_file(s, name, e);
	for (size_t i = 0; i + 1 < ARRAY_LEN(names) && (names[i] = stacks_nth(i, &text)); i++)
		if (!strcmp(names[i], name))
			return stack_add(s, name, text, e);
	err_set(e, -ENOENT, "--stack=%s: no profile has this name", name);
	near = conf_nearest(name, names);
	if (near)
		err_hint(e, "did you mean %s? `bulla platforms --stacks` lists them all", near);
	else
		err_hint(e, "`bulla platforms --stacks` lists them");
	return err_exit(e, EX_UNSUPPORTED);
}

int stacks_add_firmware(struct stack *s, const char *digest, struct err *e)
{
	struct slice text;
	const char *name;

	for (size_t i = 0; (name = stacks_nth(i, &text)); i++) {
		_stack_ struct stack one = { 0 };

		if (stack_add(&one, name, text, e))
			return e->code;
		if (one.firmware_sha256 && strstr(one.firmware_sha256, digest))
			return stack_add(s, name, text, e) ? e->code : 1;
	}
	return 0;
}

int stacks_all(const struct stack *s, struct vary_stack **ret, size_t *n, struct err *e)
{
	struct slice text;
	const char *name;

	*ret = NULL;
	*n = 0;
	for (size_t i = 0; (name = stacks_nth(i, &text)); i++) {
		struct vary_stack *v;

		*ret = xrealloc(*ret, *n + 1, sizeof(**ret));
		v = &(*ret)[(*n)++];
		*v = (struct vary_stack){ 0 };
		if (stack_add(&v->stack, name, text, e))
			return e->code;
		while (!v->stack.profile[v->kind].name[0])
			v->kind++;
		if (!s->profile[v->kind].name[0])
			stack_free(&(*ret)[--*n].stack);
	}
	return 0;
}

void stacks_free_all(struct vary_stack *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		stack_free(&all[i].stack);
	free(all);
}
