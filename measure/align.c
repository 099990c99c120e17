#include "measure/align.h"
#include "lib/mem.h"
#include <stdint.h>

enum { CELLS_MAX = 1 << 22, SAME_SCORE = 1 << 16 };

struct work {
	align_compare *compare;
	const void *ctx;
	struct align_pair *ret;
	size_t n;
};

static void add(struct work *w, ptrdiff_t a, ptrdiff_t b, enum alike alike)
{
	w->ret[w->n++] = (struct align_pair){ a, b, alike };
}

static uint32_t score(enum alike alike)
{
	return alike == ALIKE_SAME ? SAME_SCORE : alike == ALIKE_KIN;
}

static uint32_t max(uint32_t x, uint32_t y)
{
	return x > y ? x : y;
}

static void by_position(struct work *w, size_t a, size_t na, size_t b, size_t nb)
{
	for (size_t i = 0; i < na || i < nb; i++) {
		enum alike alike = i < na && i < nb ? w->compare(w->ctx, a + i, b + i) : ALIKE_NOT;

		if (alike) {
			add(w, (ptrdiff_t)(a + i), (ptrdiff_t)(b + i), alike);
			continue;
		}
		if (i < na)
			add(w, (ptrdiff_t)(a + i), ALIGN_NONE, ALIKE_NOT);
		if (i < nb)
			add(w, ALIGN_NONE, (ptrdiff_t)(b + i), ALIKE_NOT);
	}
}

/* The longest common subsequence, by the best score of every pair of tails. */
static void by_score(struct work *w, size_t a, size_t na, size_t b, size_t nb)
{
	size_t row = nb + 1, i = 0, k = 0;
	_free_ uint32_t *best = xcalloc((na + 1) * row, sizeof(*best));

	for (i = na; i-- > 0;)
		for (k = nb; k-- > 0;) {
			uint32_t s = score(w->compare(w->ctx, a + i, b + k));

			best[i * row + k] = max(best[(i + 1) * row + k], best[i * row + k + 1]);
			if (s)
				best[i * row + k] = max(best[i * row + k], s + best[(i + 1) * row + k + 1]);
		}
	for (i = k = 0; i < na || k < nb;) {
		enum alike alike = i < na && k < nb ? w->compare(w->ctx, a + i, b + k) : ALIKE_NOT;

		if (alike && best[i * row + k] == score(alike) + best[(i + 1) * row + k + 1])
			add(w, (ptrdiff_t)(a + i++), (ptrdiff_t)(b + k++), alike);
		else if (i < na && (k == nb || best[i * row + k] == best[(i + 1) * row + k]))
			add(w, (ptrdiff_t)(a + i++), ALIGN_NONE, ALIKE_NOT);
		else
			add(w, ALIGN_NONE, (ptrdiff_t)(b + k++), ALIKE_NOT);
	}
}

size_t align(size_t na, size_t nb, align_compare *compare, const void *ctx, struct align_pair *ret)
{
	struct work w = { compare, ctx, ret, 0 };
	size_t head = 0, tail = 0, ma, mb;

	while (head < na && head < nb && compare(ctx, head, head) == ALIKE_SAME) {
		add(&w, (ptrdiff_t)head, (ptrdiff_t)head, ALIKE_SAME);
		head++;
	}
	while (tail < na - head && tail < nb - head &&
	        compare(ctx, na - 1 - tail, nb - 1 - tail) == ALIKE_SAME)
		tail++;
	ma = na - head - tail;
	mb = nb - head - tail;
	if (ma && mb > CELLS_MAX / ma)
		by_position(&w, head, ma, head, mb);
	else
		by_score(&w, head, ma, head, mb);
	for (size_t i = tail; i-- > 0;)
		add(&w, (ptrdiff_t)(na - 1 - i), (ptrdiff_t)(nb - 1 - i), ALIKE_SAME);
	return w.n;
}
