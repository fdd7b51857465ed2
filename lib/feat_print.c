/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The canonical text.  A constraint on one feature is printed as one or more filters that stand
 * in the "&" of the conjunction: (dpi=[200,300]), or (size-x>=2) (size-x<=5) (! (size-x=5)).
 */
#include "lib/feat_impl.h"

#include <inttypes.h>
#include <stdio.h>

/* RFC 2533 has no words for everything and nothing. */
static const char text_any[] = "(| (type=\"*/*\") (! (type=\"*/*\")))";
static const char text_empty[] = "(& (type=\"*/*\") (! (type=\"*/*\")))";

/* A failure sticks. */
struct print {
	struct work w;
	struct buf *out;
	size_t from;
	bool bad;
	const struct key *key;
};

static void
put(struct print *p, struct span s)
{
	if (p->bad)
		return;
	if (s.n > FEAT_MAX_TEXT - (p->out->n - p->from)) {
		err_set(p->w.e, ERR_PERM, "5.6.0", "a feature set of more than %d octets",
		    FEAT_MAX_TEXT);
		p->bad = true;
		return;
	}
	p->bad = buf_add(p->out, s, p->w.e) == -1;
}

static void
put_str(struct print *p, const char *s)
{
	put(p, span_str(s));
}

static void
put_num(struct print *p, struct num n)
{
	char text[64];

	snprintf(text, sizeof text, n.d == 1 ? "%" PRId64 : "%" PRId64 "/%" PRId64, n.n, n.d);
	put_str(p, text);
	put(p, p->key->unit);
}

static void
put_word(struct print *p, const struct word *w)
{
	if (w->quoted)
		put_str(p, "\"");
	put(p, w->quoted ? w->text : fax_token(w->text));
	if (w->quoted)
		put_str(p, "\"");
}

static void
put_comparison(struct print *p, const char *rel, struct num n)
{
	put_str(p, "(");
	put(p, fax_tag(p->key->tag));
	put_str(p, rel);
	put_num(p, n);
	put_str(p, ")");
}

static bool
is_point(const struct range *r)
{
	return r->lo_b == BOUND_CLOSED && r->hi_b == BOUND_CLOSED && num_cmp(r->lo, r->hi) == 0;
}

/* Is it only one number that b, the next range, leaves out after a? */
static bool
one_between(const struct range *a, const struct range *b)
{
	return a->hi_b == BOUND_OPEN && b->lo_b == BOUND_OPEN && num_cmp(a->hi, b->lo) == 0;
}

/* (tag=value) or (tag=[value,value]): the numbers of n points and the words. */
static void
put_values(struct print *p, const struct num *num, size_t n, const struct word *w, size_t nw)
{
	put_str(p, "(");
	put(p, fax_tag(p->key->tag));
	put_str(p, n + nw > 1 ? "=[" : "=");
	for (size_t i = 0; i < n; i++) {
		put_str(p, i > 0 ? "," : "");
		put_num(p, num[i]);
	}
	for (size_t i = 0; i < nw; i++) {
		put_str(p, n + i > 0 ? "," : "");
		put_word(p, &w[i]);
	}
	put_str(p, n + nw > 1 ? "])" : ")");
}

/* Ranges with single numbers left out between them, and at the ends that are open. */
struct run { const struct range *first; size_t n; };

/* The first run at or after *i, which goes on to its end; false: only points are left. */
static bool
next_run(const struct vset *s, uint32_t *i, struct run *out)
{
	while (*i < s->nr && is_point(&s->r[*i]))
		++*i;
	if (*i == s->nr)
		return false;
	*out = (struct run){ &s->r[*i], 1 };
	while (++*i < s->nr && one_between(&s->r[*i - 1], &s->r[*i]))
		out->n++;
	return true;
}

/* How many filters a run is. */
static unsigned
run_filters(const struct run *u)
{
	const struct range *first = u->first, *last = u->first + u->n - 1;
	bool lo = first->lo_b != BOUND_NONE, hi = last->hi_b != BOUND_NONE;

	return (lo || hi ? lo + hi : 1) +
	    (u->n > 1 || first->lo_b == BOUND_OPEN || last->hi_b == BOUND_OPEN);
}

static void
put_run(struct print *p, const struct run *u)
{
	const struct range *first = u->first, *last = u->first + u->n - 1;
	struct num *out = work_alloc(&p->w, (u->n + 1) * sizeof *out);
	size_t n = 0;

	if (out == NULL) {
		p->bad = true;
		return;
	}
	if (first->lo_b != BOUND_NONE)
		put_comparison(p, ">=", first->lo);
	if (first->lo_b != BOUND_NONE && last->hi_b != BOUND_NONE)
		put_str(p, " ");
	if (last->hi_b != BOUND_NONE)
		put_comparison(p, "<=", last->hi);
	if (first->lo_b == BOUND_NONE && last->hi_b == BOUND_NONE) {	/* all numbers, no tokens */
		put_str(p, "(| ");
		put_comparison(p, "<=", (struct num){ 0, 1 });
		put_str(p, " ");
		put_comparison(p, ">=", (struct num){ 0, 1 });
		put_str(p, ")");
	}
	if (first->lo_b == BOUND_OPEN)
		out[n++] = first->lo;
	for (size_t i = 0; i < u->n; i++)
		if (first[i].hi_b == BOUND_OPEN)
			out[n++] = first[i].hi;
	if (n == 0)
		return;
	put_str(p, " (! ");
	put_values(p, out, n, NULL, 0);
	put_str(p, ")");
}

/* In how many parts, to be joined by "|", a set falls. */
static size_t
set_parts(const struct vset *s, struct run *run)
{
	bool points = s->nw > 0;
	struct run u;
	size_t n = 0;

	for (uint32_t i = 0; i < s->nr; i++)
		points = points || is_point(&s->r[i]);
	for (uint32_t i = 0; next_run(s, &i, &u); n++)
		*run = u;
	return n + points;
}

/* What is not a run.  Returns whether there is something. */
static bool
put_points(struct print *p, const struct vset *s)
{
	struct num *n = work_alloc(&p->w, ((size_t)s->nr + 1) * sizeof *n);
	size_t count = 0;

	if (n == NULL) {
		p->bad = true;
		return false;
	}
	for (uint32_t i = 0; i < s->nr; i++)
		if (is_point(&s->r[i]))
			n[count++] = s->r[i].lo;
	if (count + s->nw > 0)
		put_values(p, n, count, s->w, s->nw);
	return count + s->nw > 0;
}

/* How many filters put_set prints. */
static unsigned
set_filters(const struct vset *s)
{
	struct run run = { NULL, 0 };

	if (s->co || set_parts(s, &run) > 1 || run.n == 0)
		return 1;
	return run_filters(&run);
}

/* The parts of a set, each one filter, with spaces between. */
static void
put_parts(struct print *p, const struct vset *s)
{
	bool space = put_points(p, s);
	struct run run;

	for (uint32_t i = 0; next_run(s, &i, &run); space = true) {
		put_str(p, space ? " " : "");
		put_str(p, run_filters(&run) > 1 ? "(& " : "");
		put_run(p, &run);
		put_str(p, run_filters(&run) > 1 ? ")" : "");
	}
}

/* Filters whose "&" is the set. */
static void
put_set(struct print *p, const struct vset *s)
{
	struct run run = { NULL, 0 };
	const struct vset *not;

	if (s->co) {
		if ((not = vset_not(&p->w, s)) == NULL) {
			p->bad = true;
			return;
		}
		put_str(p, set_filters(not) > 1 ? "(! (& " : "(! ");
		put_set(p, not);
		put_str(p, set_filters(not) > 1 ? "))" : ")");
	} else if (set_parts(s, &run) > 1) {
		put_str(p, "(| ");
		put_parts(p, s);
		put_str(p, ")");
	} else if (run.n > 0) {
		put_run(p, &run);
	} else {
		(void)put_points(p, s);
	}
}

static void
put_term(struct print *p, const struct term *t)
{
	p->key = &t->key;
	if (!t->key.predicate) {
		put_set(p, t->set);
		return;
	}
	put_str(p, t->set->co ? "(! (" : "(");
	put(p, t->key.tag);
	put_str(p, t->set->co ? "))" : ")");
}

/* Its parameter, but for the best, which is understood. */
static void
put_quality(struct print *p, uint16_t q)
{
	char text[sizeof ";q=0.999"];
	size_t n;

	if (q == FEAT_BEST)
		return;
	snprintf(text, sizeof text, ";q=0.%03u", q % FEAT_BEST);
	for (n = strlen(text); text[n - 1] == '0' && n > sizeof ";q=0." - 1; n--)
		continue;
	put(p, span_of(text, text[n - 1] == '.' ? n - 1 : n));
}

static void
put_conj(struct print *p, const struct conj *c)
{
	unsigned filters = 0;

	if (c->n == 0)
		put_str(p, text_any);
	for (uint32_t i = 0; i < c->n; i++)
		filters += c->t[i]->key.predicate ? 1 : set_filters(c->t[i]->set);
	put_str(p, filters > 1 ? "(& " : "");
	for (uint32_t i = 0; i < c->n && !p->bad; i++) {
		put_str(p, i > 0 ? " " : "");
		put_term(p, c->t[i]);
	}
	put_str(p, filters > 1 ? ")" : "");
	put_quality(p, c->q);
}

int
feat_print(const struct feat *f, struct buf *out, struct err *e)
{
	struct print p = { .out = out, .from = out->n };

	work_init(&p.w, e);
	if (f->n == 0) {
		put_str(&p, text_empty);
	} else {
		put_str(&p, f->n > 1 ? "(| " : "");
		for (size_t i = 0; i < f->n && !p.bad; i++) {
			put_str(&p, i > 0 ? " " : "");
			put_conj(&p, &f->c[i]);
		}
		put_str(&p, f->n > 1 ? ")" : "");
	}
	work_free(&p.w);
	if (p.bad)
		out->n = p.from;
	return p.bad ? -1 : 0;
}
