/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Two expressions, split at a NUL, after an octet of flags.  What is read prints, what is printed
 * reads as the same set, and the laws of sets hold, each unless a limit is met; a refusal has a
 * reason and a column.
 */
#include "lib/features.h"

#include <assert.h>

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

static void
check_one(const struct feat *f)
{
	struct err e = { 0 };
	struct feat *g;
	int got;

	check_print(f);
	if (feat_and(f, f, &g, &e) == 0) {
		assert(feat_same(f, g));
		feat_free(g);
	}
	got = feat_within(f, f, &e);
	assert(got != 0);
	got = feat_match(f, f, &e);
	assert(got == -1 || got == !feat_empty(f));
}

static void
check_two(const struct feat *a, const struct feat *b)
{
	struct err e = { 0 };
	struct feat *both, *either;
	int got;

	if (feat_and(a, b, &both, &e) == 0) {
		got = feat_match(a, b, &e);
		assert(got == -1 || got == !feat_empty(both));
		got = feat_within(both, a, &e);
		assert(got != 0);
		got = feat_within(both, b, &e);
		assert(got != 0);
		got = feat_within(a, b, &e) == 1 ? feat_within(a, both, &e) : 1;
		assert(got != 0);
		feat_free(both);
	}
	if (feat_or(a, b, &either, &e) == 0) {
		got = feat_within(a, either, &e);
		assert(got != 0);
		got = feat_within(b, either, &e);
		assert(got != 0);
		feat_free(either);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span text = span_of(p, n);
	unsigned flags = n > 0 ? p[0] & 7 : 0;
	size_t split;
	struct feat *a, *b;

	text = span_sub(text, 1, n);
	split = span_find(text, '\0');
	a = read_one(span_sub(text, 0, split), flags);
	b = read_one(span_sub(text, split + 1, text.n), flags);
	if (a != NULL)
		check_one(a);
	if (a != NULL && b != NULL)
		check_two(a, b);
	feat_free(a);
	feat_free(b);
	return 0;
}
