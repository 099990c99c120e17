#include "run/state.h"

static struct rpc_call *take(struct waiting **at)
{
	struct waiting *w = *at;
	struct rpc_call *c = w->call;

	*at = w->next;
	free(w);
	return c;
}

void wait_add(struct waiting **list, struct rpc_call *c)
{
	struct waiting *w = xcalloc(1, sizeof(*w));

	w->call = c;
	while (*list)
		if (rpc_gone((*list)->call))
			rpc_answer(take(list), slice_of(NULL, 0));
		else
			list = &(*list)->next;
	*list = w;
}

struct rpc_call *wait_take(struct waiting **list)
{
	while (*list && rpc_gone((*list)->call))
		rpc_answer(take(list), slice_of(NULL, 0));
	return *list ? take(list) : NULL;
}
