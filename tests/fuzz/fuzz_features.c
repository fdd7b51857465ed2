/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Two expressions, split at a NUL, after an octet of flags; or, by its highest bit, the octets of a DIS.
 * What is read prints, what is printed reads as the same form, and the laws of a lattice hold: for sets
 * and, since the worse and the better of two qualities are one too, for qualities.  The canonical form
 * decides equality.  A DIS comes back.  Each unless a limit is met; a refusal has a reason, and a column
 * if it is of a text; and no input takes more than a bounded work.
 */
#include "lib/features.h"

#include <assert.h>
#include <time.h>

enum { SECONDS_MOST = 30 };	/* of CPU, with sanitizers, for some fifty calls; usual are milliseconds */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct feat *
read_one(struct span text, unsigned flags)
{
	struct err e = { 0 };
	struct feat *f = NULL;

	if (feat_parse(text, flags, &f, &e) == 0)
		return f;
	assert(f == NULL);
	assert(e.kind == ERR_TEMP || (e.kind == ERR_PERM && strncmp(e.what, "column ", 7) == 0));
	return NULL;
}

/* The text goes through feat_pieces too: a join with or without spaces means the same. */
static int
join(void *arg, struct span s, bool last, struct err *e)
{
	assert(s.n > 0 && s.n <= 120);
	if (buf_add(arg, s, e) == -1)
		return -1;
	return !last && s.n % 2 == 0 ? buf_add_byte(arg, ' ', e) : 0;
}

static void
check_print(const struct feat *f)
{
	struct err e = { 0 };
	struct buf text, joined, again;
	struct feat *g;

	buf_init(&text, FEAT_MAX_TEXT);
	buf_init(&joined, 2 * FEAT_MAX_TEXT);
	buf_init(&again, FEAT_MAX_TEXT);
	if (feat_print(f, &text, &e) == 0 && (g = read_one(buf_view(&text), FEAT_STRICT)) != NULL) {
		assert(feat_same(f, g));
		assert(feat_print(g, &again, &e) == 0);
		assert(span_eq(buf_view(&text), buf_view(&again)));
		feat_free(g);
		if (feat_pieces(buf_view(&text), 120, join, &joined, &e) == 0 &&
		    (g = read_one(buf_view(&joined), FEAT_STRICT)) != NULL) {
			assert(feat_same(f, g));
			feat_free(g);
		}
	}
	buf_free(&text);
	buf_free(&joined);
	buf_free(&again);
}

/* The same text, if both have one. */
static void
check_texts(const struct feat *f, const struct feat *g, bool same)
{
	struct err e = { 0 };
	struct buf a, b;

	buf_init(&a, FEAT_MAX_TEXT);
	buf_init(&b, FEAT_MAX_TEXT);
	if (feat_print(f, &a, &e) == 0 && feat_print(g, &b, &e) == 0)
		assert(span_eq(buf_view(&a), buf_view(&b)) == same);
	buf_free(&a);
	buf_free(&b);
}

/* Equal, as far as can be told. */
static void
check_equal(const struct feat *f, const struct feat *g)
{
	struct err e = { 0 };

	assert(feat_equal(f, g, &e) != 0);
}

static void
check_canonical(const struct feat *f)
{
	struct err e = { 0 };
	struct feat *canon, *again;

	if (feat_canonical(f, &canon, &e) == -1) {
		assert(canon == NULL && e.kind != ERR_NONE);
		return;
	}
	check_equal(f, canon);
	assert(feat_within(f, canon, &e) != 0 && feat_within(canon, f, &e) != 0);
	assert(feat_is_any(f) == feat_is_any(canon) && feat_empty(f) == feat_empty(canon));
	check_print(canon);
	if (feat_canonical(canon, &again, &e) == 0) {
		assert(feat_same(canon, again));
		feat_free(again);
	}
	feat_free(canon);
}

static void
check_one(const struct feat *f)
{
	struct err e = { 0 };
	struct feat *g;
	int got;

	check_print(f);
	check_canonical(f);
	if (feat_and(f, f, &g, &e) == 0) {
		assert(feat_same(f, g));
		feat_free(g);
	}
	if (feat_or(f, f, &g, &e) == 0) {
		assert(feat_same(f, g));
		feat_free(g);
	}
	got = feat_within(f, f, &e);
	assert(got != 0);
	got = feat_match(f, f, &e);
	assert(got == -1 || got == !feat_empty(f));
}

/* The intersection: within both, of what is within both all, the worse quality. */
static void
check_and(const struct feat *a, const struct feat *b)
{
	struct err e = { 0 };
	struct feat *both, *back;
	int got, q, best;

	if (feat_and(a, b, &both, &e) == -1)
		return;
	got = feat_match(a, b, &e);
	assert(got == -1 || got == !feat_empty(both));
	assert(feat_within(both, a, &e) != 0 && feat_within(both, b, &e) != 0);
	got = feat_within(a, b, &e) == 1 ? feat_within(a, both, &e) : 1;
	assert(got != 0);
	if (feat_rank(a, b, &q, &e) != -1 && feat_rank(both, both, &best, &e) != -1)
		assert(q == best);
	if (feat_and(b, a, &back, &e) == 0) {
		check_equal(both, back);
		feat_free(back);
	}
	if (feat_or(a, both, &back, &e) == 0) {		/* absorption */
		check_equal(a, back);
		feat_free(back);
	}
	feat_free(both);
}

static void
check_or(const struct feat *a, const struct feat *b)
{
	struct err e = { 0 };
	struct feat *either, *back;

	if (feat_or(a, b, &either, &e) == -1)
		return;
	assert(feat_within(a, either, &e) != 0 && feat_within(b, either, &e) != 0);
	assert(feat_empty(either) == (feat_empty(a) && feat_empty(b)));
	if (feat_or(b, a, &back, &e) == 0) {
		check_equal(either, back);
		feat_free(back);
	}
	if (feat_and(a, either, &back, &e) == 0) {
		check_equal(a, back);
		feat_free(back);
	}
	feat_free(either);
}

/* Equality goes by the canonical form, and implies containment. */
static void
check_equality(const struct feat *a, const struct feat *b)
{
	struct err e = { 0 };
	struct feat *x, *y = NULL;
	int got = feat_equal(a, b, &e);

	if (got == 1)
		assert(feat_within(a, b, &e) != 0 && feat_within(b, a, &e) != 0);
	if (got != -1 && feat_canonical(a, &x, &e) == 0) {
		if (feat_canonical(b, &y, &e) == 0) {
			assert(feat_same(x, y) == got);
			check_texts(x, y, got);
		}
		feat_free(x);
		feat_free(y);
	}
}

static void
check_dis(struct span dis)
{
	unsigned char out[FEAT_DIS_OCTETS], again[FEAT_DIS_OCTETS];
	struct err e = { 0 };
	struct feat *f, *g;

	if (feat_from_dis(dis, &f, &e) == -1) {
		assert(f == NULL && strncmp(e.what, "DIS: ", 5) == 0);
		return;
	}
	assert(feat_to_dis(f, out, &e) == 1);
	assert(feat_from_dis(span_of(out, sizeof out), &g, &e) == 0);
	assert(feat_equal(f, g, &e) == 1);
	assert(feat_to_dis(g, again, &e) == 1 && memcmp(out, again, sizeof out) == 0);
	feat_free(f);
	feat_free(g);
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
check_texts_of(struct span text, unsigned flags)
{
	size_t split = span_find(text, '\0');
	struct feat *a = read_one(span_sub(text, 0, split), flags);
	struct feat *b = read_one(span_sub(text, split + 1, text.n), flags);

	if (a != NULL)
		check_one(a);
	if (a != NULL && b != NULL) {
		check_and(a, b);
		check_or(a, b);
		check_equality(a, b);
	}
	feat_free(a);
	feat_free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span text = span_sub(span_of(p, n), 1, n);
	double from = cpu_seconds();

	if (n > 0 && p[0] & 0x80)
		check_dis(text);
	else
		check_texts_of(text, n > 0 ? p[0] & 15 : 0);
	assert(cpu_seconds() - from < SECONDS_MOST);
	return 0;
}
