/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Quality values: RFC 2533, 3.6 and 3.7. */
#include "lib/features.h"

#include <check.h>
#include <stdlib.h>

#define COUNT(a) (sizeof (a) / sizeof *(a))

static struct feat *
parse(const char *text)
{
	struct err e = { 0 };
	struct feat *f = NULL;

	ck_assert_msg(feat_parse(span_str(text), FEAT_STRICT, &f, &e) == 0, "%s: %s", text, e.what);
	return f;
}

static void
check_text(const struct feat *f, const char *want)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, FEAT_MAX_TEXT);
	ck_assert_int_eq(feat_print(f, &b, &e), 0);
	ck_assert_int_eq(buf_add_byte(&b, '\0', &e), 0);
	ck_assert_str_eq((char *)b.p, want);
	buf_free(&b);
}

/* What is kept of the qualities; out NULL: the same as in. */
static const struct { const char *in, *out; } kept[] = {
	{ "(a=1);q=0.5", NULL },
	{ "(a=1);q=1", "(a=1)" },
	{ "(a=1);q=1.000", "(a=1)" },
	{ "(a=1);q=0", NULL },
	{ "(a=1);q=0.", "(a=1);q=0" },
	{ "(a=1);q=0.050", "(a=1);q=0.05" },
	{ "(a=1);q=0.999", NULL },
	{ "(a=1);q=0.5;q=0.7", "(a=1);q=0.7" },
	/* RFC 2533, 3.6 */
	{ "(| (& (pix-x=750) (pix-y=500) (color=15) );q=0.8 (& (dpi>=150) (papersize=iso-A4) )     ;q=0.7 )",
	    "(| (& (color=15) (pix-x=750) (pix-y=500));q=0.8 (& (dpi>=150) (papersize=iso-a4));q=0.7)" },
	/* the better first, whatever the names */
	{ "(| (a=1);q=0.2 (b=2) (c=3);q=0.9)", "(| (b=2) (c=3);q=0.9 (a=1);q=0.2)" },
	/* 3.7: clauses that "&" combines are not top-level; nor is what "!" negates */
	{ "(& (a=1);q=0.8 (b=1);q=0.7 )", "(& (a=1) (b=1))" },
	{ "(& (a=1);q=0.8 (b=1);q=0.7 );q=0.6", "(& (a=1) (b=1));q=0.6" },
	{ "(! (a=1);q=0.8)", "(! (a=1))" },
	{ "(! (| (a=1);q=0.8 (b=1));q=0.3);q=0.2", "(& (! (a=1)) (! (b=1)));q=0.2" },
	{ "(& (a=1) (| (b=1);q=0.5 (c=1)))", "(| (& (a=1) (b=1)) (& (a=1) (c=1)))" },
	{ "(& (a=1))", "(a=1)" },
	{ "(& (a=1);q=0.4)", "(a=1)" },
	/* the innermost is the clause's own */
	{ "(| (a=1);q=0.8 (b=1));q=0.5", "(| (a=1);q=0.8 (b=1);q=0.5)" },
	{ "(| (| (a=1);q=0.3 (b=1));q=0.6 (c=1))", "(| (c=1) (b=1);q=0.6 (a=1);q=0.3)" },
	{ "(| (r);q=0.9 (a=1)) where (r) :- (| (b=1);q=0.5 (c=1)) end",
	    "(| (a=1) (c=1);q=0.9 (b=1);q=0.5)" },
	{ "(foo);q=0.25", NULL },
	/* what can be left out or joined, and what cannot */
	{ "(| (a=1);q=0.5 (& (a=1) (b=2)))", "(| (& (a=1) (b=2)) (a=1);q=0.5)" },
	{ "(| (a=1) (& (a=1) (b=2));q=0.5)", "(a=1)" },
	{ "(| (a=1) (a=1);q=0.5)", "(a=1)" },
	{ "(| (a=1);q=0.5 (a=2);q=0.5)", "(a=[1,2]);q=0.5" },
	{ "(| (a=1);q=0.5 (a=2);q=0.4)", NULL },
	{ "(| (& (a=1) (b=1));q=0.5 (& (a=1) (b=2));q=0.4)", NULL },
	{ "(| (& (a=1) (b=1));q=0.5 (& (a=1) (b=2));q=0.5)", "(& (a=1) (b=[1,2]));q=0.5" },
	/* everything, at no less than the worst of them */
	{ "(| (a=1);q=0.5 (! (a=1));q=0.4)",
	    "(| (a=1);q=0.5 (| (type=\"*/*\") (! (type=\"*/*\")));q=0.4)" },
};

START_TEST(qualities_are_kept)
{
	struct feat *f = parse(kept[_i].in), *g;
	const char *out = kept[_i].out != NULL ? kept[_i].out : kept[_i].in;

	check_text(f, out);
	g = parse(out);
	ck_assert(feat_same(f, g));
	feat_free(f);
	feat_free(g);
}
END_TEST

/* How well b takes a; -1: not at all. */
static const struct { const char *a, *b; int q; } ranks[] = {
	{ "(a=1)", "(a=1)", 1000 },
	{ "(a=1)", "(a=1);q=0.5", 500 },
	{ "(a=1)", "(a=2);q=0.5", -1 },
	{ "(a=1)", "(a=1);q=0", 0 },
	{ "(a=1)", "(| (a=1);q=0.3 (b=1);q=0.7)", 700 },	/* b is not told, so it may be 1 */
	{ "(& (a=1) (b=2))", "(| (a=1);q=0.3 (b=1);q=0.7)", 300 },
	{ "(& (a=3) (b=2))", "(| (a=1);q=0.3 (b=1);q=0.7)", -1 },
	{ "(& (a=1) (b=2))", "(| (a=1);q=0.3 (& (a=1) (b=2));q=0.9)", 900 },
	{ "(& (a=1) (b=2))", "(| (a=1);q=0.9 (& (a=1) (b=2));q=0.3)", 900 },	/* the best it satisfies */
	{ "(| (a=1) (a=2))", "(| (a=1);q=0.3 (a=2);q=0.4)", 400 },
	{ "(| (a=1);q=0.6 (a=2);q=0.2)", "(| (a=1);q=0.3 (a=2);q=0.4)", 300 },
	{ "(| (a=1);q=0.1 (a=2);q=0.2)", "(a=[1,2])", 200 },
	{ "(& (a=1) (a=2))", "(a=1)", -1 },
	/* RFC 2533, 4.3 */
	{ "(& (pix-x=640) (pix-y=480))", "(| (& (Pix-x=1024) (Pix-y=768)) (& (Pix-x=800) (Pix-y=600));q=0.9"
	    " (& (Pix-x=640) (Pix-y=480)) ;q=0.8 )", 800 },
	{ "(& (pix-x=800) (pix-y=600))", "(| (& (Pix-x=1024) (Pix-y=768)) (& (Pix-x=800) (Pix-y=600));q=0.9"
	    " (& (Pix-x=640) (Pix-y=480)) ;q=0.8 )", 900 },
};

START_TEST(rank)
{
	struct feat *a = parse(ranks[_i].a), *b = parse(ranks[_i].b), *both;
	struct err e = { 0 };
	int q = -7;

	ck_assert_int_eq(feat_rank(a, b, &q, &e), ranks[_i].q != -1);
	ck_assert_int_eq(q, ranks[_i].q);
	ck_assert_int_eq(feat_rank(b, a, &q, &e), ranks[_i].q != -1);
	ck_assert_int_eq(q, ranks[_i].q);
	/* which is that of the best member of the intersection */
	ck_assert_int_eq(feat_and(a, b, &both, &e), 0);
	ck_assert_int_eq(feat_rank(both, both, &q, &e), ranks[_i].q != -1);
	ck_assert_int_eq(q, ranks[_i].q);
	/* and the set does not depend on it */
	ck_assert_int_eq(feat_match(a, b, &e), ranks[_i].q != -1);
	feat_free(a);
	feat_free(b);
	feat_free(both);
}
END_TEST

/* The worse of two in the intersection, the better in the union. */
START_TEST(qualities_that_meet)
{
	struct feat *a = parse("(| (a=1);q=0.6 (a=2);q=0.2)"), *b = parse("(| (a=1);q=0.3 (a=2);q=0.4)");
	struct feat *plain = parse("(a=[1,2])"), *got;
	struct err e = { 0 };

	ck_assert_int_eq(feat_and(a, b, &got, &e), 0);
	check_text(got, "(| (a=1);q=0.3 (a=2);q=0.2)");
	feat_free(got);
	ck_assert_int_eq(feat_or(a, b, &got, &e), 0);
	check_text(got, "(| (a=1);q=0.6 (a=2);q=0.4)");
	feat_free(got);
	ck_assert_int_eq(feat_and(a, plain, &got, &e), 0);
	ck_assert(feat_same(got, a));
	feat_free(got);
	ck_assert_int_eq(feat_within(a, plain, &e), 1);
	ck_assert_int_eq(feat_within(plain, a, &e), 1);
	ck_assert(!feat_same(a, plain));
	feat_free(a);
	feat_free(b);
	feat_free(plain);
}
END_TEST

START_TEST(everything_at_any_quality)
{
	struct feat *f = parse("(| (a=1);q=0.5 (! (a=1));q=0.4)"), *g = parse("(| (a=1);q=0.5 (a=2))");

	ck_assert(feat_is_any(f));
	ck_assert(!feat_is_any(g));
	feat_free(f);
	feat_free(g);
}
END_TEST

/* Recipients' claims are expanded by the fax rules, and what follows from a clause is as good as it. */
START_TEST(what_follows_is_as_good)
{
	struct feat *f, *doc = parse("(& (image-file-structure=TIFF-minimal) (color=Binary) (dpi=200)"
	    " (dpi-xyratio=1))");
	struct err e = { 0 };
	int q;

	ck_assert_int_eq(feat_parse(span_str("(| (& (image-file-structure=TIFF) (color=Binary) (dpi=204)"
	    " (dpi-xyratio=204/196));q=0.3 (image-file-structure=TIFF-MRC))"), FEAT_CLAIM, &f, &e), 0);
	ck_assert_int_eq(feat_rank(doc, f, &q, &e), 1);
	ck_assert_int_eq(q, 300);
	feat_free(f);
	feat_free(doc);
}
END_TEST

Suite *suite_features_quality(void);
Suite *
suite_features_quality(void)
{
	Suite *s = suite_create("features_quality");
	TCase *tc = tcase_create("features_quality");

	tcase_add_loop_test(tc, qualities_are_kept, 0, COUNT(kept));
	tcase_add_loop_test(tc, rank, 0, COUNT(ranks));
	tcase_add_test(tc, qualities_that_meet);
	tcase_add_test(tc, everything_at_any_quality);
	tcase_add_test(tc, what_follows_is_as_good);
	suite_add_tcase(s, tc);
	return s;
}
