/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Disjunctive normal form: nothing in the list can be left out for another member or joined with
 * one, and it is sorted.  Both steps depend on the members alone, not on their order,
 * so a text that prints a normal list parses to that list.
 */
#include "lib/feat_impl.h"

#include <stdlib.h>

enum { PAIRS_PER_STEP = 16 };	/* a pair that the Bloom bits reject costs about a nanosecond */

int
list_add(struct work *w, struct list *l, const struct conj *c)
{
	const struct conj **v;
	size_t cap;

	if (c == NULL)
		return -1;
	if (l->n == l->cap) {
		cap = l->cap == 0 ? 16 : l->cap * 2;
		if ((v = work_alloc(w, cap * sizeof *v)) == NULL)
			return -1;
		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof *v);
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = c;
	return 0;
}

int
list_from(struct work *w, const struct feat *f, struct list *out)
{
	*out = (struct list){ 0 };
	for (size_t i = 0; i < f->n; i++)
		if (list_add(w, out, &f->c[i]) == -1)
			return -1;
	return 0;
}

static int
by_conj(const void *a, const void *b)
{
	return conj_cmp(*(const struct conj *const *)a, *(const struct conj *const *)b);
}

/* Sorts, and drops what is there twice. */
static int
list_sort(struct work *w, struct list *l)
{
	size_t n = 0;

	if (work_step(w, l->n * 4) == -1)
		return -1;
	if (l->n > 1)
		qsort(l->v, l->n, sizeof *l->v, by_conj);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || conj_cmp(l->v[n - 1], l->v[i]) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
	return 0;
}

/* Is member i within another that is as good?  bits: two words a member, its keys and its singles. */
static bool
list_is_within(const struct list *l, const uint64_t *bits, size_t i, uint64_t *looks)
{
	uint64_t no_keys = ~bits[2 * i], no_singles = ~bits[2 * i + 1];

	for (size_t j = 0; j < l->n; j++) {
		if ((bits[2 * j] & no_keys) != 0 || (bits[2 * j + 1] & no_singles) != 0 || i == j)
			continue;
		*looks += 1 + l->v[j]->n / 2;
		if (l->v[i]->q <= l->v[j]->q && conj_within(l->v[i], l->v[j]))
			return true;
	}
	return false;
}

/* Sorts, and drops what is within another member that is as good. */
static int
list_absorb(struct work *w, struct list *l)
{
	size_t n = 0;
	uint64_t *bits;
	bool *drop;

	if (list_sort(w, l) == -1)
		return -1;
	if (l->n < 2)
		return 0;
	bits = work_alloc(w, l->n * 2 * sizeof *bits);
	drop = work_alloc(w, l->n * sizeof *drop);
	if (bits == NULL || drop == NULL || work_step(w, l->n * l->n / PAIRS_PER_STEP) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		bits[2 * i] = l->v[i]->keys;
		bits[2 * i + 1] = l->v[i]->singles;
	}
	for (size_t i = 0; i < l->n; i++) {
		uint64_t looks = 0;

		drop[i] = list_is_within(l, bits, i, &looks);
		if (work_step(w, looks) == -1)
			return -1;
	}
	for (size_t i = 0; i < l->n; i++)
		if (!drop[i])
			l->v[n++] = l->v[i];
	l->n = n;
	return 0;
}

/* A member and the place in it of the feature that is looked at. */
struct rest { const struct conj *c; uint64_t hash; uint32_t at; };

/* Compares two members without that feature. */
static int
rest_cmp(const struct rest *a, const struct rest *b)
{
	int c;

	if (a->hash != b->hash)
		return a->hash > b->hash ? 1 : -1;
	if (a->c->q != b->c->q)
		return a->c->q > b->c->q ? 1 : -1;
	if (a->c->n != b->c->n)
		return a->c->n > b->c->n ? 1 : -1;
	for (uint32_t i = 0, j = 0; i < a->c->n && j < b->c->n; i++, j++) {
		i += i == a->at;
		j += j == b->at;
		if (i < a->c->n && j < b->c->n && (c = term_cmp(a->c->t[i], b->c->t[j])) != 0)
			return c;
	}
	return 0;
}

static int
by_rest(const void *a, const void *b)
{
	return rest_cmp(a, b);
}

/* One member for the n of r, which differ in one feature only. */
static const struct conj *
rest_join(struct work *w, const struct rest *r, size_t n)
{
	const struct term **t = work_alloc(w, n * sizeof *t);
	size_t left = n;

	if (t == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		t[i] = r[i].c->t[r[i].at];
	if (terms_reduce(w, t, &left, vset_or) == -1)
		return NULL;
	return conj_put(w, r->c, &r->c->t[r->at]->key, t[0]->set);
}

/* Joins members of one quality that differ in key only.  r: room for all members.  *changed: some were
 * joined. */
static int
list_join(struct work *w, struct list *l, struct rest *r, const struct term *key, bool *changed)
{
	uint64_t bit = UINT64_C(1) << (key->key_hash & 63);
	size_t n = 0, out = 0, to;

	if (work_step(w, l->n) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		const struct conj *c = l->v[i];
		uint32_t k = 0;

		while (k < c->n && key_cmp(&c->t[k]->key, &key->key) != 0)
			k += (c->keys & bit) == 0 ? c->n : 1;
		if (k < c->n)
			r[n++] = (struct rest){ c, c->hash - c->t[k]->hash, k };
		else
			l->v[out++] = c;
	}
	if (n > 1)
		qsort(r, n, sizeof *r, by_rest);
	for (size_t i = 0; i < n; i = to) {
		for (to = i + 1; to < n && rest_cmp(&r[i], &r[to]) == 0; to++)
			continue;
		l->v[out] = to == i + 1 ? r[i].c : rest_join(w, &r[i], to - i);
		if (l->v[out++] == NULL)
			return -1;
		*changed |= to > i + 1;
	}
	l->n = out;
	return 0;
}

static int
by_term_key(const void *a, const void *b)
{
	const struct term *const *x = a, *const *y = b;

	return key_cmp(&(*x)->key, &(*y)->key);
}

int
list_keys(struct work *w, const struct list *l, const struct term ***out, size_t *nout)
{
	size_t n = 0, all = 0;
	const struct term **t;

	for (size_t i = 0; i < l->n; i++)
		all += l->v[i]->n;
	if (work_step(w, all) == -1 || (t = work_alloc(w, (all + 1) * sizeof *t)) == NULL)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		for (uint32_t k = 0; k < l->v[i]->n; k++)
			t[n++] = l->v[i]->t[k];
	if (n > 1)
		qsort(t, n, sizeof *t, by_term_key);
	*nout = 0;
	for (size_t i = 0; i < n; i++)
		if (*nout == 0 || key_cmp(&t[*nout - 1]->key, &t[i]->key) != 0)
			t[(*nout)++] = t[i];
	*out = t;
	return 0;
}

/* Could everything be covered?  Not if no member takes values that none of them names. */
static bool
list_may_be_any(const struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		uint32_t k = 0;

		while (k < l->v[i]->n && l->v[i]->t[k]->set->co)
			k++;
		if (k == l->v[i]->n)
			return true;
	}
	return false;
}

int
list_normal(struct work *w, struct list *l)
{
	const struct term **keys;
	const struct conj *any;
	bool changed = true;
	struct rest *r;
	size_t n;
	int got;

	if (list_absorb(w, l) == -1 || (r = work_alloc(w, (l->n + 1) * sizeof *r)) == NULL)
		return -1;
	while (changed && l->n > 1) {
		changed = false;
		if (list_keys(w, l, &keys, &n) == -1)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (list_join(w, l, r, keys[i], &changed) == -1)
				return -1;
		if (list_absorb(w, l) == -1)
			return -1;
	}
	if (l->n > FEAT_MAX_CONJUNCTIONS)
		return work_fail(w, "the normal form has too many conjunctions");
	if (l->n < 2 || !list_may_be_any(l))
		return 0;
	if ((any = conj_new(w, NULL, 0, l->v[l->n - 1]->q)) == NULL ||
	    (got = list_covers(w, l, any)) == -1)
		return -1;
	if (got == 1)		/* no value is worse than the last, which is of the worst quality */
		return list_add(w, l, any) == -1 ? -1 : list_absorb(w, l);
	return 0;
}

int
list_push(struct work *w, struct list *l, const struct conj *c)
{
	if (list_add(w, l, c) == -1)
		return -1;
	if (l->n <= FEAT_MAX_CONJUNCTIONS)
		return 0;
	if (list_absorb(w, l) == -1)
		return -1;
	if (l->n > FEAT_MAX_CONJUNCTIONS)
		return work_fail(w, "the normal form has too many conjunctions");
	return 0;
}

int
list_append(struct work *w, struct list *l, const struct list *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (list_push(w, l, from->v[i]) == -1)
			return -1;
	return 0;
}

int
list_and(struct work *w, const struct list *a, const struct list *b, struct list *out)
{
	struct list l = { 0 };

	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++) {
			if (work_step(w, 1 + ((size_t)a->v[i]->n + b->v[j]->n) / 2) == -1)
				return -1;
			if (conj_disjoint(a->v[i], b->v[j]))
				continue;
			if (list_push(w, &l, conj_and(w, a->v[i], b->v[j])) == -1)
				return -1;
		}
	*out = l;
	return list_normal(w, out);
}

/*
 * list_covers takes from c what member after member covers; what is left of it are boxes, each
 * with the member to go on with, until one is left that no member touches.
 */
struct box { struct box *next; const struct conj *c; size_t at; };

static int
box_push(struct work *w, struct box **stack, const struct conj *c, size_t at)
{
	struct box *b = c == NULL ? NULL : work_alloc(w, sizeof *b);

	if (b == NULL)
		return -1;
	*b = (struct box){ *stack, c, at };
	*stack = b;
	return 0;
}

/* Pushes what is in c and not in by, in boxes that have nothing in common. */
static int
box_cut(struct work *w, struct box **stack, const struct conj *c, const struct conj *by, size_t at)
{
	const struct vset *have, *without;

	for (uint32_t i = 0; i < by->n; i++) {
		const struct term *t = by->t[i];

		have = conj_get(c, &t->key);
		if (work_step(w, 1 + c->n / 4) == -1)
			return -1;
		if (vset_within(have, t->set))
			continue;
		if ((without = vset_not(w, t->set)) == NULL ||
		    (without = vset_and(w, have, without)) == NULL ||
		    box_push(w, stack, conj_put(w, c, &t->key, without), at) == -1 ||
		    (c = conj_put(w, c, &t->key, vset_and(w, have, t->set))) == NULL)
			return -1;
	}
	return 0;
}

int
list_covers(struct work *w, const struct list *l, const struct conj *c)
{
	struct box *stack = NULL, *b;
	size_t at;

	for (at = 0; at < l->n; at++)
		if (conj_within(c, l->v[at]))
			return work_step(w, at) == -1 ? -1 : 1;
	if (work_step(w, at) == -1 || box_push(w, &stack, c, 0) == -1)
		return -1;
	while (stack != NULL) {
		b = stack;
		stack = b->next;
		for (at = b->at; at < l->n; at++) {
			if (work_step(w, 1 + b->c->n / 2) == -1)
				return -1;
			if (!conj_disjoint(b->c, l->v[at]))
				break;
		}
		if (at == l->n)
			return 0;
		if (box_cut(w, &stack, b->c, l->v[at], at + 1) == -1)
			return -1;
	}
	return 1;
}

static int
by_term_key_then_set(const void *a, const void *b)
{
	return term_cmp(*(const struct term *const *)a, *(const struct term *const *)b);
}

int
terms_reduce(struct work *w, const struct term **t, size_t *n,
    const struct vset *(*op)(struct work *, const struct vset *, const struct vset *))
{
	size_t out = 0, to, count;
	const struct vset **s = work_alloc(w, (*n + 1) * sizeof *s);

	if (s == NULL || work_step(w, *n) == -1)
		return -1;
	if (*n > 1)
		qsort(t, *n, sizeof *t, by_term_key_then_set);
	for (size_t i = 0; i < *n; i = to) {
		const struct term *first = t[i];

		for (to = i; to < *n && key_cmp(&t[to]->key, &first->key) == 0; to++)
			s[to - i] = t[to]->set;
		for (count = to - i; count > 1; count = (count + 1) / 2)
			for (size_t k = 0; k < count; k += 2) {
				s[k / 2] = k + 1 == count ? s[k] : op(w, s[k], s[k + 1]);
				if (s[k / 2] == NULL)
					return -1;
			}
		t[out] = to - i == 1 ? first : term_new(w, &first->key, s[0]);
		if (t[out++] == NULL)
			return -1;
	}
	*n = out;
	return 0;
}
