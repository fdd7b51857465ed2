/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The canonical form.  What is done here depends on the decision diagram alone, and that on the set and
 * its qualities alone: so equal sets come out alike, however they were written.
 *
 * Each way through the diagram to an end is a conjunction, all of them disjoint.  That is a form already,
 * but not one to read: (| (a=1) (b=1)) would be (| (a=1) (& (! (a=1)) (b=1))).  So each is widened,
 * feature by feature, as far as all its members are in the set at its quality or a better one.
 */
#include "lib/feat_graph.h"

struct walk {
	struct graph *g;
	const struct vset *sets[GRAPH_MAX_KEYS];	/* of the conjunction in work; vset_all: none */
	struct list *out;
	uint32_t asked;
	int q;
};

static const struct vset vset_none;

/* As vset_or, without memory for what is one of the two: most walks find little. */
static const struct vset *
outside_or(struct work *w, const struct vset *a, const struct vset *b)
{
	if (vset_within(b, a))
		return a;
	return vset_within(a, b) ? b : vset_or(w, a, b);
}

/*
 * For which values of key has the conjunction, but for what it says of key, a member that is below c
 * and not in the set at quality q?  Of all or of none, if c asks for features behind key only.  NULL:
 * *w->e is set.
 */
static const struct vset *
walk_outside(struct walk *k, struct cell *c, uint32_t key)
{
	const struct vset *out = &vset_none, *below;

	if (c->n == 0)
		return c->q >= k->q ? &vset_none : &vset_all;
	if (c->asked == k->asked)
		return c->found;
	if (work_step(k->g->w, 1 + c->n / 2) == -1)
		return NULL;
	for (uint32_t i = 0; i < c->n && out != NULL && out != &vset_all; i++) {
		if (c->key != key && vset_disjoint(c->b[i].set, k->sets[c->key]))
			continue;
		if ((below = walk_outside(k, c->b[i].to, key)) == NULL)
			return NULL;
		if (vset_empty(below))
			continue;
		out = outside_or(k->g->w, out, c->key == key ? c->b[i].set : below);
	}
	c->asked = k->asked;
	c->found = out;
	return out;
}

/* Adds the conjunction that the walk has, widened. */
static int
walk_add(struct walk *k, struct cell *root)
{
	struct work *w = k->g->w;
	const struct term *t[GRAPH_MAX_KEYS];
	const struct vset *wide[GRAPH_MAX_KEYS], *outside;
	size_t n = 0;
	int got;

	memcpy(wide, k->sets, k->g->nkey * sizeof *wide);
	for (uint32_t i = 0; i < k->g->nkey; i++) {
		if (k->sets[i] == &vset_all)
			continue;
		k->asked++;
		if ((outside = walk_outside(k, root, i)) == NULL ||
		    (k->sets[i] = vset_not(w, outside)) == NULL)
			return -1;
		if (!vset_full(k->sets[i]) && (t[n++] = term_new(w, &k->g->keys[i]->key, k->sets[i])) == NULL)
			return -1;
	}
	got = list_push(w, k->out, conj_new(w, t, n, (uint16_t)k->q));
	memcpy(k->sets, wide, k->g->nkey * sizeof *wide);
	return got;
}

/* Is what the walk has within one that was added, which is as good? */
static int
walk_known(const struct walk *k, int q)
{
	for (size_t i = 0; i < k->out->n; i++) {
		const struct conj *c = k->out->v[i];
		uint32_t t = 0, key = 0;

		if (work_step(k->g->w, 1 + c->n / 2) == -1)
			return -1;
		for (; c->q >= q && t < c->n; t++) {
			while (key_cmp(&k->g->keys[key]->key, &c->t[t]->key) != 0)
				key++;
			if (!vset_within(k->sets[key], c->t[t]->set))
				break;
		}
		if (c->q >= q && t == c->n)
			return 1;
	}
	return 0;
}

static int
walk_down(struct walk *k, struct cell *root, const struct cell *c)
{
	int got;

	if (c->n == 0) {
		if (c->q == -1)
			return 0;
		if ((got = walk_known(k, c->q)) != 0)
			return got == -1 ? -1 : 0;
		k->q = c->q;
		return walk_add(k, root);
	}
	if (work_step(k->g->w, 1) == -1)
		return -1;
	for (uint32_t i = 0; i < c->n; i++) {
		k->sets[c->key] = c->b[i].set;
		if (walk_down(k, root, c->b[i].to) == -1)
			return -1;
	}
	k->sets[c->key] = &vset_all;
	return 0;
}

int
feat_canonical(const struct feat *f, struct feat **out, struct err *e)
{
	struct list l, made = { 0 };
	struct cell *root = NULL;
	struct graph g;
	struct walk k = { .g = &g, .out = &made };
	struct work w;

	work_init(&w, e);
	*out = NULL;
	for (size_t i = 0; i < GRAPH_MAX_KEYS; i++)
		k.sets[i] = &vset_all;
	if (list_from(&w, f, &l) == 0 && graph_init(&g, &w, &l) == 0)
		root = graph_cell(&g, &l);
	if (root != NULL && walk_down(&k, root, root) == 0 && list_normal(&w, &made) == 0)
		*out = feat_pack(&made, e);
	work_free(&w);
	return *out == NULL ? -1 : 0;
}

static int
list_add_all(struct work *w, struct list *l, const struct list *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (list_add(w, l, from->v[i]) == -1)
			return -1;
	return 0;
}

int
feat_equal(const struct feat *a, const struct feat *b, struct err *e)
{
	struct list x, y, all = { 0 };
	struct cell *p, *q;
	struct graph g;
	struct work w;
	int got = -1;

	if (feat_same(a, b))
		return 1;
	work_init(&w, e);
	if (list_from(&w, a, &x) == 0 && list_from(&w, b, &y) == 0 && list_from(&w, a, &all) == 0 &&
	    list_add_all(&w, &all, &y) == 0 && graph_init(&g, &w, &all) == 0 &&
	    (p = graph_cell(&g, &x)) != NULL && (q = graph_cell(&g, &y)) != NULL)
		got = p == q;
	work_free(&w);
	return got;
}
