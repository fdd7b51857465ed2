/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/feat_impl.h"

static int
span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

int
key_cmp(const struct key *a, const struct key *b)
{
	int c;

	if (a->tag.p != b->tag.p || a->tag.n != b->tag.n)
		if ((c = span_cmp(a->tag, b->tag)) != 0)
			return c;
	if (a->predicate != b->predicate)
		return a->predicate ? 1 : -1;
	return span_cmp(a->unit, b->unit);
}

int
term_cmp(const struct term *a, const struct term *b)
{
	int c;

	if (a == b)
		return 0;
	c = key_cmp(&a->key, &b->key);
	return c != 0 ? c : vset_cmp(a->set, b->set);
}

static uint64_t
key_hash(const struct key *k)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) + k->predicate;	/* FNV-1a */

	for (size_t i = 0; i < k->tag.n; i++)
		h = (h ^ k->tag.p[i]) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < k->unit.n; i++)
		h = (h ^ (k->unit.p[i] + 256u)) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

const struct term *
term_new(struct work *w, const struct key *key, const struct vset *set)
{
	struct term *t = set == NULL ? NULL : work_alloc(w, sizeof *t);

	if (t == NULL)
		return NULL;
	*t = (struct term){ .key = *key, .set = set, .key_hash = key_hash(key) };
	t->hash = (t->key_hash ^ vset_hash(set)) * UINT64_C(0x9e3779b97f4a7c15);
	t->hash ^= t->hash >> 31;
	return t;
}

/* Nothing for the best quality, which nearly all have. */
static uint64_t
quality_hash(uint16_t q)
{
	return (uint64_t)(FEAT_BEST - q) * UINT64_C(0xff51afd7ed558ccd);
}

const struct conj *
conj_new(struct work *w, const struct term *const *t, size_t n, uint16_t q)
{
	struct conj *c = work_alloc(w, sizeof *c);
	const struct term **copy = work_alloc(w, (n + 1) * sizeof *copy);

	if (c == NULL || copy == NULL || work_step(w, 1 + n / 4) == -1)
		return NULL;
	*c = (struct conj){ .t = copy, .n = (uint32_t)n, .q = q, .hash = quality_hash(q) };
	for (size_t i = 0; i < n; i++) {
		copy[i] = t[i];
		c->keys |= UINT64_C(1) << (t[i]->key_hash & 63);
		if (vset_single(t[i]->set))
			c->singles |= UINT64_C(1) << (t[i]->hash & 63);
		c->hash += t[i]->hash;
	}
	return c;
}

int
conj_cmp(const struct conj *a, const struct conj *b)
{
	int c;

	if (a->q != b->q)
		return a->q < b->q ? 1 : -1;
	for (uint32_t i = 0; i < a->n && i < b->n; i++)
		if ((c = term_cmp(a->t[i], b->t[i])) != 0)
			return c;
	return (a->n > b->n) - (a->n < b->n);
}

bool
conj_disjoint(const struct conj *a, const struct conj *b)
{
	uint32_t i = 0, j = 0;
	int c;

	while (i < a->n && j < b->n) {
		if (a->t[i] == b->t[j]) {
			i++, j++;
			continue;
		}
		c = key_cmp(&a->t[i]->key, &b->t[j]->key);
		if (c == 0 && vset_disjoint(a->t[i]->set, b->t[j]->set))
			return true;
		i += c <= 0;
		j += c >= 0;
	}
	return false;
}

bool
conj_within(const struct conj *a, const struct conj *b)
{
	uint32_t i = 0;

	if ((b->keys & ~a->keys) != 0 || (b->singles & ~a->singles) != 0)
		return false;
	for (uint32_t j = 0; j < b->n; j++) {
		while (i < a->n && key_cmp(&a->t[i]->key, &b->t[j]->key) < 0)
			i++;
		if (i == a->n || key_cmp(&a->t[i]->key, &b->t[j]->key) != 0 ||
		    !vset_within(a->t[i]->set, b->t[j]->set))
			return false;
	}
	return true;
}

const struct vset *
conj_get(const struct conj *c, const struct key *key)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (key_cmp(&c->t[i]->key, key) == 0)
			return c->t[i]->set;
	return &vset_all;
}

const struct conj *
conj_put(struct work *w, const struct conj *c, const struct key *key, const struct vset *set)
{
	const struct term **t = work_alloc(w, (c->n + (size_t)1) * sizeof *t);
	uint32_t i = 0, n = 0;

	if (t == NULL || set == NULL)
		return NULL;
	while (i < c->n && key_cmp(&c->t[i]->key, key) < 0)
		t[n++] = c->t[i++];
	if (!vset_full(set) && (t[n++] = term_new(w, key, set)) == NULL)
		return NULL;
	if (i < c->n && key_cmp(&c->t[i]->key, key) == 0)
		i++;
	while (i < c->n)
		t[n++] = c->t[i++];
	return conj_new(w, t, n, c->q);
}

const struct conj *
conj_rank(struct work *w, const struct conj *c, uint16_t q)
{
	return c->q == q ? c : conj_new(w, c->t, c->n, q);
}

/* One term for both a's and b's set of the same key. */
static const struct term *
term_and(struct work *w, const struct term *a, const struct term *b)
{
	if (vset_within(a->set, b->set))
		return a;
	if (vset_within(b->set, a->set))
		return b;
	return term_new(w, &a->key, vset_and(w, a->set, b->set));
}

const struct conj *
conj_and(struct work *w, const struct conj *a, const struct conj *b)
{
	const struct term **t = work_alloc(w, ((size_t)a->n + b->n + 1) * sizeof *t);
	uint32_t i = 0, j = 0, n = 0;
	int c;

	if (t == NULL)
		return NULL;
	while (i < a->n || j < b->n) {
		c = i == a->n ? 1 : j == b->n ? -1 : key_cmp(&a->t[i]->key, &b->t[j]->key);
		t[n] = c < 0 ? a->t[i] : c > 0 ? b->t[j] : term_and(w, a->t[i], b->t[j]);
		if (t[n++] == NULL)
			return NULL;
		i += c <= 0;
		j += c >= 0;
	}
	return conj_new(w, t, n, a->q < b->q ? a->q : b->q);
}
