/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/feat_graph.h"

#include <stdlib.h>

/* Which cell a and b are together: found once. */
struct joined { struct joined *next; const struct cell *a, *b; struct cell *to; };

int
graph_init(struct graph *g, struct work *w, const struct list *l)
{
	*g = (struct graph){ .w = w };
	if (list_keys(w, l, &g->keys, &g->nkey) == -1)
		return -1;
	if (g->nkey > GRAPH_MAX_KEYS)
		return work_fail(w, "too many features for a canonical form");
	g->cells = work_alloc(w, GRAPH_BUCKETS * sizeof *g->cells);
	g->joined = work_alloc(w, GRAPH_BUCKETS * sizeof *g->joined);
	if (g->cells == NULL || g->joined == NULL)
		return -1;
	for (size_t i = 0; i < GRAPH_BUCKETS; i++) {
		g->cells[i] = NULL;
		g->joined[i] = NULL;
	}
	return 0;
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static bool
cell_is(const struct cell *c, const struct cell *o)
{
	if (c->hash != o->hash || c->key != o->key || c->n != o->n || c->q != o->q)
		return false;
	for (uint32_t i = 0; i < c->n; i++)
		if (c->b[i].to != o->b[i].to || vset_cmp(c->b[i].set, o->b[i].set) != 0)
			return false;
	return true;
}

/* The one cell that is equal to want, made if there is none; want's branches are borrowed. */
static struct cell *
cell_one(struct graph *g, struct cell *want)
{
	struct cell **bucket, *c;
	struct branch *b;

	want->hash = mix(want->key, (uint64_t)(want->q + 1));
	for (uint32_t i = 0; i < want->n; i++)
		want->hash = mix(mix(want->hash, want->b[i].to->hash), vset_hash(want->b[i].set));
	bucket = &g->cells[want->hash % GRAPH_BUCKETS];
	for (c = *bucket; c != NULL; c = c->next)
		if (cell_is(c, want))
			return c;
	c = work_alloc(g->w, sizeof *c);
	b = work_alloc(g->w, want->n * sizeof *b);
	if (c == NULL || b == NULL || work_step(g->w, 1 + want->n) == -1)
		return NULL;
	*c = *want;
	for (uint32_t i = 0; i < want->n; i++)
		b[i] = want->b[i];
	c->b = b;
	c->next = *bucket;
	*bucket = c;
	return c;
}

static struct cell *
cell_end(struct graph *g, int q)
{
	return cell_one(g, &(struct cell){ .key = GRAPH_MAX_KEYS, .q = q });
}

static int
by_set(const void *a, const void *b)
{
	const struct branch *x = a, *y = b;

	return vset_cmp(x->set, y->set);
}

/* The cell that asks for key and has these n branches; b is used up.  Those to one cell become one. */
static struct cell *
cell_ask(struct graph *g, uint32_t key, struct branch *b, size_t n)
{
	size_t out = 0, at;

	for (size_t i = 0; i < n; i++) {
		for (at = 0; at < out && b[at].to != b[i].to; at++)
			continue;
		if (work_step(g->w, at / 8) == -1)
			return NULL;
		if (at == out)
			b[out++] = b[i];
		else if ((b[at].set = vset_or(g->w, b[at].set, b[i].set)) == NULL)
			return NULL;
	}
	if (out == 1)
		return b[0].to;
	qsort(b, out, sizeof *b, by_set);
	return cell_one(g, &(struct cell){ .b = b, .n = (uint32_t)out, .key = key, .q = -1 });
}

/* One conjunction: a chain of cells, from its last feature to the first. */
static struct cell *
cell_of_conj(struct graph *g, const struct conj *c)
{
	struct cell *none = cell_end(g, -1), *to = cell_end(g, c->q);
	size_t key = g->nkey;

	for (uint32_t i = c->n; i-- > 0 && to != NULL && none != NULL;) {
		struct branch b[2] = { { c->t[i]->set, to }, { vset_not(g->w, c->t[i]->set), none } };

		do
			key--;
		while (key_cmp(&g->keys[key]->key, &c->t[i]->key) != 0);
		to = b[1].set == NULL ? NULL : cell_ask(g, (uint32_t)key, b, 2);
	}
	return none == NULL || work_step(g->w, g->nkey) == -1 ? NULL : to;
}

static struct cell *cell_or(struct graph *g, struct cell *a, struct cell *b);

/* Of two of which one at least asks: by the branches that have values in common. */
static struct cell *
cell_or_branches(struct graph *g, const struct cell *a, const struct cell *b)
{
	uint32_t key = a->key < b->key ? a->key : b->key, n = 0;
	const struct branch through_a = { &vset_all, (struct cell *)a };
	const struct branch through_b = { &vset_all, (struct cell *)b };
	const struct branch *x = a->key == key ? a->b : &through_a, *y = b->key == key ? b->b : &through_b;
	uint32_t nx = a->key == key ? a->n : 1, ny = b->key == key ? b->n : 1;
	struct branch *out = work_alloc(g->w, (size_t)nx * ny * sizeof *out);

	if (out == NULL)
		return NULL;
	for (uint32_t i = 0; i < nx; i++)
		for (uint32_t j = 0; j < ny; j++) {
			if (work_step(g->w, 1) == -1)
				return NULL;
			if (vset_disjoint(x[i].set, y[j].set))
				continue;
			out[n].set = nx == 1 ? y[j].set : ny == 1 ? x[i].set :
			    vset_and(g->w, x[i].set, y[j].set);
			if (out[n].set == NULL || (out[n].to = cell_or(g, x[i].to, y[j].to)) == NULL)
				return NULL;
			n++;
		}
	return cell_ask(g, key, out, n);
}

/* The members of both, each at the better quality. */
static struct cell *
cell_or(struct graph *g, struct cell *a, struct cell *b)
{
	struct joined *j, **bucket;

	if (a == b || (b->n == 0 && b->q == -1) || (a->n == 0 && a->q == FEAT_BEST))
		return a;
	if ((a->n == 0 && a->q == -1) || (b->n == 0 && b->q == FEAT_BEST))
		return b;
	if (a->n == 0 && b->n == 0)
		return a->q > b->q ? a : b;
	bucket = &g->joined[mix(a->hash, b->hash) % GRAPH_BUCKETS];
	for (j = *bucket; j != NULL; j = j->next)
		if (j->a == a && j->b == b)
			return j->to;
	if ((j = work_alloc(g->w, sizeof *j)) == NULL || work_step(g->w, 2) == -1)
		return NULL;
	*j = (struct joined){ NULL, a, b, cell_or_branches(g, a, b) };
	if (j->to == NULL)
		return NULL;
	j->next = *bucket;
	*bucket = j;
	return j->to;
}

struct cell *
graph_cell(struct graph *g, const struct list *l)
{
	struct cell **v = work_alloc(g->w, (l->n + 1) * sizeof *v);
	size_t n = l->n;

	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		if ((v[i] = cell_of_conj(g, l->v[i])) == NULL)
			return NULL;
	for (; n > 1; n = (n + 1) / 2)		/* neighbours first: they have most in common */
		for (size_t i = 0; i < n; i += 2)
			if ((v[i / 2] = i + 1 == n ? v[i] : cell_or(g, v[i], v[i + 1])) == NULL)
				return NULL;
	return n == 0 ? cell_end(g, -1) : v[0];
}
