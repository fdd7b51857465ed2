/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "qmgr/sched_impl.h"

#include <stdlib.h>

enum { HEAP_MIN = 64 };

bool
heap_room(struct sched *s, size_t n)
{
	size_t cap = s->capheap == 0 ? HEAP_MIN : s->capheap;
	struct when **heap;

	if (n <= s->capheap)
		return true;
	while (cap < n)
		cap += cap / 2;
	heap = realloc(s->heap, cap * sizeof *heap);
	if (heap == NULL)
		return false;
	s->heap = heap;
	s->capheap = cap;
	return true;
}

static void
heap_put(struct sched *s, size_t i, struct when *w)
{
	s->heap[i] = w;
	w->at = (uint32_t)i + 1;
}

/* Moves w from the free place i to where it belongs. */
static void
heap_fix(struct sched *s, size_t i, struct when *w)
{
	while (i > 0 && s->heap[(i - 1) / 2]->due_ms > w->due_ms) {
		heap_put(s, i, s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t kid = 2 * i + 1;

		if (kid + 1 < s->nheap && s->heap[kid + 1]->due_ms < s->heap[kid]->due_ms)
			kid++;
		if (kid >= s->nheap || s->heap[kid]->due_ms >= w->due_ms)
			break;
		heap_put(s, i, s->heap[kid]);
		i = kid;
	}
	heap_put(s, i, w);
}

void
heap_add(struct sched *s, struct when *w)
{
	s->heap[s->nheap] = w;
	s->nheap++;
	heap_fix(s, s->nheap - 1, w);
}

void
heap_remove(struct sched *s, struct when *w)
{
	size_t i;

	if (w->at == 0)
		return;
	i = w->at - 1;
	w->at = 0;
	s->nheap--;
	if (i < s->nheap)
		heap_fix(s, i, s->heap[s->nheap]);
}
