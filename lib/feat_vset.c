/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Sets of values.  Numbers are dense (RFC 2533, 5.8.1): (dpi>200) and (dpi<201) have members in
 * common.  What a set says of tokens and strings it says of each one by itself, since they have
 * no order (5.8.2).
 */
#include "lib/feat_impl.h"

static const struct range every_number[] = {
	{ { 0, 1 }, { 0, 1 }, BOUND_NONE, BOUND_NONE }
};
const struct vset vset_all = { .r = every_number, .nr = 1, .co = true };

int
num_cmp(struct num a, struct num b)
{
	__int128 x, y;

	if (a.d == 1 && b.d == 1)
		return (a.n > b.n) - (a.n < b.n);
	x = (__int128)a.n * b.d;
	y = (__int128)b.n * a.d;
	return (x > y) - (x < y);
}

int
word_cmp(const struct word *a, const struct word *b)
{
	size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
	int c;

	if (a->quoted != b->quoted)
		return a->quoted ? 1 : -1;
	c = n == 0 ? 0 : memcmp(a->text.p, b->text.p, n);
	return c != 0 ? c : (a->text.n > b->text.n) - (a->text.n < b->text.n);
}

/* Where a begins against where b begins. */
static int
lo_cmp(const struct range *a, const struct range *b)
{
	int c;

	if (a->lo_b == BOUND_NONE || b->lo_b == BOUND_NONE)
		return (b->lo_b == BOUND_NONE) - (a->lo_b == BOUND_NONE);
	c = num_cmp(a->lo, b->lo);
	return c != 0 ? c : (a->lo_b == BOUND_OPEN) - (b->lo_b == BOUND_OPEN);
}

/* Where a ends against where b ends. */
static int
hi_cmp(const struct range *a, const struct range *b)
{
	int c;

	if (a->hi_b == BOUND_NONE || b->hi_b == BOUND_NONE)
		return (a->hi_b == BOUND_NONE) - (b->hi_b == BOUND_NONE);
	c = num_cmp(a->hi, b->hi);
	return c != 0 ? c : (b->hi_b == BOUND_OPEN) - (a->hi_b == BOUND_OPEN);
}

/*
 * a's end against b's beginning: -1 there is a gap, if only of one number; 0 they touch and have
 * nothing in common; 1 they have.
 */
static int
hi_lo_cmp(const struct range *a, const struct range *b)
{
	int c;

	if (a->hi_b == BOUND_NONE || b->lo_b == BOUND_NONE)
		return 1;
	c = num_cmp(a->hi, b->lo);
	if (c != 0)
		return c > 0 ? 1 : -1;
	return 1 - (a->hi_b == BOUND_OPEN) - (b->lo_b == BOUND_OPEN);
}

static struct vset *
vset_new(struct work *w, size_t nr, size_t nw)
{
	struct vset *s;
	struct range *r;
	struct word *words;

	if (work_step(w, 1 + (nr + nw) / 4) == -1 || (s = work_alloc(w, sizeof *s)) == NULL)
		return NULL;
	r = NULL;
	words = NULL;
	if ((nr > 0 && (r = work_alloc(w, nr * sizeof *r)) == NULL) ||
	    (nw > 0 && (words = work_alloc(w, nw * sizeof *words)) == NULL))
		return NULL;
	*s = (struct vset){ .r = r, .w = words };
	return s;
}

const struct vset *
vset_range(struct work *w, struct range r)
{
	struct vset *s = vset_new(w, 1, 0);

	if (s != NULL && hi_lo_cmp(&r, &r) > 0) {
		*(struct range *)s->r = r;
		s->nr = 1;
	}
	return s;
}

const struct vset *
vset_word(struct work *w, struct word word)
{
	struct vset *s = vset_new(w, 0, 1);

	if (s != NULL) {
		*(struct word *)s->w = word;
		s->nw = 1;
	}
	return s;
}

enum { ONLY_A = 1, ONLY_B = 2, BOTH = 4 };

/* To out: the words of two sorted lists that are where keep says.  Returns how many. */
static uint32_t
words_merge(const struct vset *a, const struct vset *b, unsigned keep, struct word *out)
{
	uint32_t i = 0, j = 0, n = 0;
	int c;

	while (i < a->nw || j < b->nw) {
		c = i == a->nw ? 1 : j == b->nw ? -1 : word_cmp(&a->w[i], &b->w[j]);
		if (keep & (c < 0 ? ONLY_A : c > 0 ? ONLY_B : BOTH))
			out[n++] = c > 0 ? b->w[j] : a->w[i];
		i += c <= 0;
		j += c >= 0;
	}
	return n;
}

static uint32_t
ranges_or(const struct vset *a, const struct vset *b, struct range *out)
{
	uint32_t i = 0, j = 0, n = 0;
	const struct range *r;

	while (i < a->nr || j < b->nr) {
		if (j == b->nr || (i < a->nr && lo_cmp(&a->r[i], &b->r[j]) <= 0))
			r = &a->r[i++];
		else
			r = &b->r[j++];
		if (n == 0 || hi_lo_cmp(&out[n - 1], r) < 0) {
			out[n++] = *r;
		} else if (hi_cmp(r, &out[n - 1]) > 0) {
			out[n - 1].hi = r->hi;
			out[n - 1].hi_b = r->hi_b;
		}
	}
	return n;
}

static uint32_t
ranges_and(const struct vset *a, const struct vset *b, struct range *out)
{
	uint32_t i = 0, j = 0, n = 0;

	while (i < a->nr && j < b->nr) {
		const struct range *x = &a->r[i], *y = &b->r[j];
		const struct range *lo = lo_cmp(x, y) >= 0 ? x : y, *hi = hi_cmp(x, y) <= 0 ? x : y;

		if (hi_lo_cmp(hi, lo) > 0)
			out[n++] = (struct range){ lo->lo, hi->hi, lo->lo_b, hi->hi_b };
		if (hi == x)
			i++;
		else
			j++;
	}
	return n;
}

const struct vset *
vset_or(struct work *w, const struct vset *a, const struct vset *b)
{
	struct vset *s = vset_new(w, (size_t)a->nr + b->nr, (size_t)a->nw + b->nw);

	if (s == NULL)
		return NULL;
	s->nr = ranges_or(a, b, (struct range *)s->r);
	s->co = a->co || b->co;
	s->nw = words_merge(a, b, a->co && b->co ? BOTH : a->co ? ONLY_A : b->co ? ONLY_B :
	    ONLY_A | ONLY_B | BOTH, (struct word *)s->w);
	return s;
}

const struct vset *
vset_and(struct work *w, const struct vset *a, const struct vset *b)
{
	struct vset *s = vset_new(w, (size_t)a->nr + b->nr, (size_t)a->nw + b->nw);

	if (s == NULL)
		return NULL;
	s->nr = ranges_and(a, b, (struct range *)s->r);
	s->co = a->co && b->co;
	s->nw = words_merge(a, b, s->co ? ONLY_A | ONLY_B | BOTH : a->co ? ONLY_B : b->co ? ONLY_A :
	    BOTH, (struct word *)s->w);
	return s;
}

const struct vset *
vset_not(struct work *w, const struct vset *a)
{
	struct vset *s = vset_new(w, (size_t)a->nr + 1, 0);
	struct range gap = { .lo_b = BOUND_NONE }, *out;

	if (s == NULL)
		return NULL;
	out = (struct range *)s->r;
	for (uint32_t i = 0; i < a->nr; i++) {
		gap.hi = a->r[i].lo;
		gap.hi_b = a->r[i].lo_b == BOUND_CLOSED ? BOUND_OPEN : BOUND_CLOSED;
		if (a->r[i].lo_b != BOUND_NONE)
			out[s->nr++] = gap;
		gap.lo = a->r[i].hi;
		gap.lo_b = a->r[i].hi_b == BOUND_CLOSED ? BOUND_OPEN : BOUND_CLOSED;
	}
	gap.hi_b = BOUND_NONE;
	if (a->nr == 0 || a->r[a->nr - 1].hi_b != BOUND_NONE)
		out[s->nr++] = gap;
	s->w = a->w;
	s->nw = a->nw;
	s->co = !a->co;
	return s;
}

bool
vset_empty(const struct vset *a)
{
	return a->nr == 0 && a->nw == 0 && !a->co;
}

bool
vset_full(const struct vset *a)
{
	return a->co && a->nw == 0 && a->nr == 1 && a->r[0].lo_b == BOUND_NONE &&
	    a->r[0].hi_b == BOUND_NONE;
}

bool
vset_single(const struct vset *a)
{
	if (a->co || a->nr + a->nw != 1)
		return false;
	return a->nw == 1 || (a->r[0].lo_b == BOUND_CLOSED && a->r[0].hi_b == BOUND_CLOSED &&
	    num_cmp(a->r[0].lo, a->r[0].hi) == 0);
}

static bool
ranges_disjoint(const struct vset *a, const struct vset *b)
{
	uint32_t i = 0, j = 0;

	while (i < a->nr && j < b->nr) {
		if (hi_lo_cmp(&a->r[i], &b->r[j]) <= 0)
			i++;
		else if (hi_lo_cmp(&b->r[j], &a->r[i]) <= 0)
			j++;
		else
			return false;
	}
	return true;
}

/* How many words both name. */
static uint32_t
words_common(const struct vset *a, const struct vset *b)
{
	uint32_t i = 0, j = 0, n = 0;
	int c;

	while (i < a->nw && j < b->nw) {
		c = word_cmp(&a->w[i], &b->w[j]);
		n += c == 0;
		i += c <= 0;
		j += c >= 0;
	}
	return n;
}

bool
vset_disjoint(const struct vset *a, const struct vset *b)
{
	if (a->co && b->co)
		return false;		/* there is always a token that neither names */
	if (a->co || b->co) {
		if (words_common(a, b) != (a->co ? b->nw : a->nw))
			return false;
	} else if (words_common(a, b) != 0) {
		return false;
	}
	return ranges_disjoint(a, b);
}

bool
vset_within(const struct vset *a, const struct vset *b)
{
	uint32_t j = 0, common;

	if (a == b)
		return true;
	if (a->co && !b->co)
		return false;
	for (uint32_t i = 0; i < a->nr; i++) {
		while (j < b->nr && hi_cmp(&b->r[j], &a->r[i]) < 0)
			j++;
		if (j == b->nr || lo_cmp(&a->r[i], &b->r[j]) < 0)
			return false;
	}
	common = words_common(a, b);
	if (!b->co)
		return common == a->nw;
	return a->co ? common == b->nw : common == 0;
}

bool
vset_has_num(const struct vset *a, struct num n)
{
	struct range r = { n, n, BOUND_CLOSED, BOUND_CLOSED };

	return !ranges_disjoint(a, &(struct vset){ .r = &r, .nr = 1 });
}

bool
vset_has_word(const struct vset *a, const struct word *word)
{
	return (words_common(a, &(struct vset){ .w = word, .nw = 1 }) == 1) != a->co;
}

int
vset_cmp(const struct vset *a, const struct vset *b)
{
	int c;

	if (a == b)
		return 0;
	if (a->co != b->co)
		return a->co ? 1 : -1;
	for (uint32_t i = 0; i < a->nr && i < b->nr; i++)
		if ((c = lo_cmp(&a->r[i], &b->r[i])) != 0 || (c = hi_cmp(&a->r[i], &b->r[i])) != 0)
			return c;
	if (a->nr != b->nr)
		return a->nr > b->nr ? 1 : -1;
	for (uint32_t i = 0; i < a->nw && i < b->nw; i++)
		if ((c = word_cmp(&a->w[i], &b->w[i])) != 0)
			return c;
	return (a->nw > b->nw) - (a->nw < b->nw);
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

uint64_t
vset_hash(const struct vset *a)
{
	uint64_t h = mix(a->co, a->nr);

	for (uint32_t i = 0; i < a->nr; i++) {
		const struct range *r = &a->r[i];

		h = mix(h, (uint64_t)r->lo_b * 3 + r->hi_b);
		if (r->lo_b != BOUND_NONE)
			h = mix(mix(h, (uint64_t)r->lo.n), (uint64_t)r->lo.d);
		if (r->hi_b != BOUND_NONE)
			h = mix(mix(h, (uint64_t)r->hi.n), (uint64_t)r->hi.d);
	}
	for (uint32_t i = 0; i < a->nw; i++) {
		h = mix(h, a->w[i].quoted);
		for (size_t k = 0; k < a->w[i].text.n; k++)
			h = mix(h, a->w[i].text.p[k]);
	}
	return h;
}
