/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/feat_impl.h"

#include <stdlib.h>

enum { CHUNK_OCTETS = 16384, WORK_ALIGN = 16 };

struct work_chunk { struct work_chunk *next; };

void
work_init(struct work *w, struct err *e)
{
	*w = (struct work){ .e = e };
}

void
work_free(struct work *w)
{
	struct work_chunk *next;

	for (struct work_chunk *c = w->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	w->chunks = NULL;
}

int
work_fail(struct work *w, const char *what)
{
	if (w->column == 0)
		return err_set(w->e, ERR_PERM, "5.6.0", "feature expression: %s", what);
	return err_set(w->e, ERR_PERM, "5.6.0", "column %zu: %s", w->column, what);
}

void *
work_alloc(struct work *w, size_t n)
{
	size_t want;
	struct work_chunk *c;
	void *p;

	if (n > WORK_MAX_OCTETS || w->used > WORK_MAX_OCTETS) {
		work_fail(w, "the expression needs too much memory");
		return NULL;
	}
	n = (n + (n == 0) + WORK_ALIGN - 1) & ~(size_t)(WORK_ALIGN - 1);
	if (n > w->left) {
		want = n + WORK_ALIGN > CHUNK_OCTETS ? n + WORK_ALIGN : CHUNK_OCTETS;
		if ((c = malloc(want)) == NULL) {
			err_set(w->e, ERR_TEMP, "4.3.0", "no memory for %zu octets", want);
			return NULL;
		}
		c->next = w->chunks;
		w->chunks = c;
		w->at = (unsigned char *)c + WORK_ALIGN;
		w->left = want - WORK_ALIGN;
		w->used += want;
	}
	p = w->at;
	w->at += n;
	w->left -= n;
	return p;
}

int
work_step(struct work *w, uint64_t n)
{
	w->steps += n;
	return w->steps > WORK_MAX_STEPS ? work_fail(w, "the expression needs too much work") : 0;
}
