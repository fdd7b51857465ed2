/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/features.h"
#include "lib/feat_impl.h"

#include <stdlib.h>

int
feat_parse(struct span text, unsigned flags, struct feat **out, struct err *e)
{
	struct list l = { 0 };
	struct node *tree;
	struct work w;
	int got;

	work_init(&w, e);
	*out = NULL;
	got = feat_read(&w, text, flags, &tree);
	if (got == 0)
		got = feat_eval(&w, tree, flags, &l);
	w.column = 1;
	if (got == 0)
		got = fax_expand(&w, flags, &l);
	if (got == 0 && (*out = feat_pack(&l, e)) == NULL)
		got = -1;
	work_free(&w);
	return got;
}

void
feat_free(struct feat *f)
{
	free(f);
}

struct feat *
feat_any(void)
{
	static const struct conj everything = { .q = FEAT_BEST };
	const struct conj *v = &everything;
	struct err e;

	return feat_pack(&(struct list){ &v, 1, 1 }, &e);
}

int
feat_and(const struct feat *a, const struct feat *b, struct feat **out, struct err *e)
{
	struct list x, y, l;
	struct work w;

	work_init(&w, e);
	*out = NULL;
	if (list_from(&w, a, &x) == 0 && list_from(&w, b, &y) == 0 && list_and(&w, &x, &y, &l) == 0)
		*out = feat_pack(&l, e);
	work_free(&w);
	return *out == NULL ? -1 : 0;
}

int
feat_or(const struct feat *a, const struct feat *b, struct feat **out, struct err *e)
{
	struct list x, y;
	struct work w;

	work_init(&w, e);
	*out = NULL;
	if (list_from(&w, a, &x) == 0 && list_from(&w, b, &y) == 0 &&
	    list_append(&w, &x, &y) == 0 && list_normal(&w, &x) == 0)
		*out = feat_pack(&x, e);
	work_free(&w);
	return *out == NULL ? -1 : 0;
}

/* c, and of base what c says nothing about. */
static const struct conj *
conj_inherit(struct work *w, const struct conj *c, const struct conj *base)
{
	for (uint32_t i = 0; c != NULL && i < base->n; i++)
		if (vset_full(conj_get(c, &base->t[i]->key)))
			c = conj_put(w, c, &base->t[i]->key, base->t[i]->set);
	return c;
}

int
feat_inherit(const struct feat *f, const struct feat *base, struct feat **out, struct err *e)
{
	struct list l = { 0 };
	struct work w;
	int r = 0;

	work_init(&w, e);
	*out = NULL;
	for (size_t i = 0; r == 0 && i < f->n; i++)
		for (size_t k = 0; r == 0 && k < base->n; k++)
			if ((r = work_step(&w, 1 + base->c[k].n)) == 0)
				r = list_push(&w, &l, conj_inherit(&w, &f->c[i], &base->c[k]));
	if (r == 0 && list_normal(&w, &l) == 0)
		*out = feat_pack(&l, e);
	work_free(&w);
	return *out == NULL ? -1 : 0;
}

int
feat_match(const struct feat *a, const struct feat *b, struct err *e)
{
	struct work w;

	work_init(&w, e);
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++) {
			if (!conj_disjoint(&a->c[i], &b->c[j]))
				return 1;
			if (work_step(&w, 1 + ((size_t)a->c[i].n + b->c[j].n) / 2) == -1)
				return -1;
		}
	return 0;
}

int
feat_rank(const struct feat *a, const struct feat *b, int *q, struct err *e)
{
	struct work w;
	int best = -1;

	work_init(&w, e);
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++) {
			const struct conj *x = &a->c[i], *y = &b->c[j];

			if (x->q <= best || y->q <= best)
				break;		/* those that follow are no better */
			if (work_step(&w, 1 + ((size_t)x->n + y->n) / 2) == -1)
				return -1;
			if (!conj_disjoint(x, y))
				best = x->q < y->q ? x->q : y->q;
		}
	*q = best;
	return best != -1;
}

int
within_steps(const struct feat *a, const struct feat *b, uint64_t *steps, struct err *e)
{
	struct list l;
	struct work w;
	int got;

	work_init(&w, e);
	w.steps = *steps;
	got = list_from(&w, b, &l) == -1 ? -1 : 1;
	for (size_t i = 0; i < a->n && got == 1; i++)
		got = list_covers(&w, &l, &a->c[i]);
	*steps = w.steps;
	work_free(&w);
	return got;
}

int
feat_within(const struct feat *a, const struct feat *b, struct err *e)
{
	uint64_t steps = 0;

	return within_steps(a, b, &steps, e);
}

bool
feat_empty(const struct feat *f)
{
	return f->n == 0;
}

bool
feat_is_any(const struct feat *f)
{
	return f->n > 0 && f->c[f->n - 1].n == 0;	/* of the worst quality there is in f: last */
}

bool
feat_same(const struct feat *a, const struct feat *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (conj_cmp(&a->c[i], &b->c[i]) != 0)
			return false;
	return true;
}
