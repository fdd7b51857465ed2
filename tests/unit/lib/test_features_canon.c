/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Equality, and the canonical form that decides it.  At random: test_features_random.c. */
#include "lib/features.h"

#include <check.h>
#include <stdio.h>

#define COUNT(a) (sizeof (a) / sizeof *(a))

static struct feat *
parse(const char *text)
{
	struct err e = { 0 };
	struct feat *f = NULL;

	ck_assert_msg(feat_parse(span_str(text), FEAT_STRICT, &f, &e) == 0, "%s: %s", text, e.what);
	return f;
}

/* The text of the canonical form. */
static void
canonical(const struct feat *f, struct buf *out)
{
	struct err e = { 0 };
	struct feat *c;

	ck_assert_msg(feat_canonical(f, &c, &e) == 0, "%s", e.what);
	buf_clear(out);
	ck_assert_int_eq(feat_print(c, out, &e), 0);
	ck_assert_int_eq(buf_add_byte(out, '\0', &e), 0);
	feat_free(c);
}

/* in: as it is written; out: the canonical text; NULL: the same. */
static const struct { const char *in, *out; } forms[] = {
	{ "(a=1)", NULL },
	{ "(| (a=1) (b=1))", NULL },
	{ "(| (a=1) (b=1) (c=1))", NULL },
	{ "(| (& (a=1) (b=1)) (& (c=1) (d=1)))", NULL },
	{ "(| (a=1) (& (! (a=1)) (b=1)))", "(| (a=1) (b=1))" },
	{ "(| (& (a=1) (b=1)) (& (a=2) (b=[1,2])))", "(| (& (a=[1,2]) (b=1)) (& (a=2) (b=[1,2])))" },
	{ "(! (& (a=1) (b=1)))", "(| (! (a=1)) (! (b=1)))" },
	/* everything, in conjunctions that overlap or do not */
	{ "(| (& (a=1) (b=1)) (! (a=1)) (! (b=1)))", "(| (type=\"*/*\") (! (type=\"*/*\")))" },
	{ "(& (a=1) (| (b=1) (! (b=1))))", "(a=1)" },
	{ "(& (a=1) (a=2))", "(& (type=\"*/*\") (! (type=\"*/*\")))" },
	/* dense numbers */
	{ "(| (& (a>=1) (a<=3)) (& (a>=2) (a<=5)))", "(& (a>=1) (a<=5))" },
	{ "(| (& (a<=2) (b>=1)) (& (! (a<=2)) (b>=1)))", "(b>=1)" },
	/* the better quality first; a worse one is left out where the better is, and told to its end */
	{ "(| (a=1);q=0.5 (& (a=1) (b=2)))", "(| (& (a=1) (b=2)) (a=1);q=0.5)" },
	{ "(| (a=1);q=0.5 (a=2);q=0.4 (& (a=[1,2]) (b=1));q=0.3)", "(| (a=1);q=0.5 (a=[1,2]);q=0.4)" },
	{ "(| (a=1);q=0.5 (! (a=1));q=0.4)", "(| (a=1);q=0.5 (| (type=\"*/*\") (! (type=\"*/*\")));q=0.4)" },
	{ "(| (a=1);q=0.5 (! (a=1));q=0.9)",
	    "(| (! (a=1));q=0.9 (| (type=\"*/*\") (! (type=\"*/*\")));q=0.5)" },
	{ "(| (foo) (& (! (foo)) (bar x)))", "(| (bar x) (foo))" },
};

START_TEST(canonical_form)
{
	struct feat *f = parse(forms[_i].in);
	const char *want = forms[_i].out != NULL ? forms[_i].out : forms[_i].in;
	struct feat *g = parse(want);
	struct buf b;

	buf_init(&b, FEAT_MAX_TEXT);
	canonical(f, &b);
	ck_assert_str_eq((char *)b.p, want);
	canonical(g, &b);		/* once more: nothing changes */
	ck_assert_str_eq((char *)b.p, want);
	feat_free(f);
	feat_free(g);
	buf_free(&b);
}
END_TEST

/* Pairs whose normal forms differ, of equal sets and of others. */
static const struct { const char *a, *b; int equal; } pairs[] = {
	{ "(| (& (a=1) (b=1)) (& (a=[1,2]) (c=1)) (& (a=2) (b=2)))",
	    "(| (& (a=1) (| (b=1) (c=1))) (& (a=2) (| (b=2) (c=1))))", 1 },
	{ "(| (& (a=[1,2]) (b=1)) (& (a=2) (b=2)))", "(| (& (a=1) (b=1)) (& (a=2) (b=[1,2])))", 1 },
	/* a consensus term changes nothing */
	{ "(| (& (a=1) (b=1)) (& (! (a=1)) (c=1)) (& (b=1) (c=1)))",
	    "(| (& (a=1) (b=1)) (& (! (a=1)) (c=1)))", 1 },
	{ "(| (& (a=1) (b=1)) (& (! (a=1)) (c=1)) (& (b=1) (c=2)))",
	    "(| (& (a=1) (b=1)) (& (! (a=1)) (c=1)))", 0 },
	/* boxes cut in two ways */
	{ "(| (& (x=[0..2]) (y=[0..4])) (& (x=[2..4]) (y=[0..2])))",
	    "(| (& (x=[0..4]) (y=[0..2])) (& (x=[0..2]) (y=[2..4])))", 1 },
	{ "(| (& (x=[0..2]) (y=[0..4])) (& (x=[2..4]) (y=[0..2])))",
	    "(| (& (x=[0..4]) (y=[0..2])) (& (x=[0..2]) (y=[3..4])))", 0 },
	/* one point, one word, one kind of value */
	{ "(a=[1..3])", "(& (a=[1..3]) (! (a=2)))", 0 },
	{ "(a=x)", "(a=\"x\")", 0 },
	{ "(a=1)", "(a=1dpi)", 0 },
	{ "(foo)", "(foo=TRUE)", 0 },
	{ "(a=1)", "(b=1)", 0 },
	{ "(a=1)", "(& (a=1) (| (b=1) (! (b=1))))", 1 },
	/* qualities count */
	{ "(a=1)", "(a=1);q=0.9", 0 },
	{ "(| (a=1);q=0.5 (& (a=1) (b=1));q=0.4)", "(a=1);q=0.5", 1 },
	{ "(| (a=1);q=0.5 (& (a=1) (b=1));q=0.6)", "(a=1);q=0.5", 0 },
	{ "(| (a=1);q=0.5 (a=2);q=0.4)", "(| (a=1);q=0.4 (a=2);q=0.5)", 0 },
	{ "(| (a=1);q=0.5 (a=2);q=0.4)", "(| (a=1);q=0.5 (a=[1,2]);q=0.4)", 1 },
	{ "(& (a=1) (a=2))", "(& (b=1) (b=2));q=0.5", 1 },	/* no members, no qualities */
	{ "(& (a=1) (a=2))", "(| (b=1) (! (b=1)))", 0 },
};

START_TEST(equality)
{
	struct feat *a = parse(pairs[_i].a), *b = parse(pairs[_i].b);
	struct err e = { 0 };
	struct buf x, y;

	buf_init(&x, FEAT_MAX_TEXT);
	buf_init(&y, FEAT_MAX_TEXT);
	ck_assert_int_eq(feat_equal(a, b, &e), pairs[_i].equal);
	ck_assert_int_eq(feat_equal(b, a, &e), pairs[_i].equal);
	ck_assert_int_eq(feat_equal(a, a, &e), 1);
	canonical(a, &x);
	canonical(b, &y);
	ck_assert_msg(span_eq(buf_view(&x), buf_view(&y)) == pairs[_i].equal, "%s\n%s", x.p, y.p);
	buf_free(&x);
	buf_free(&y);
	feat_free(a);
	feat_free(b);
}
END_TEST

/* What is too large is an error and not a guess. */
START_TEST(limits_are_errors)
{
	struct err e = { 0 };
	struct feat *f, *g, *out;
	struct buf b, c;

	buf_init(&b, FEAT_MAX_TEXT);
	buf_init(&c, FEAT_MAX_TEXT);
	ck_assert_int_eq(buf_add_str(&b, "(| (x=1)", &e), 0);
	ck_assert_int_eq(buf_add_str(&c, "(| (x=2)", &e), 0);
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(buf_addf(&b, &e, "(&(a%d=1)(b%d=1))", i, i), 0);
		ck_assert_int_eq(buf_addf(&c, &e, "(&(a%d=1)(b%d=1))", i, i), 0);
	}
	ck_assert_int_eq(buf_add_str(&b, ")", &e), 0);
	ck_assert_int_eq(buf_add_str(&c, ")", &e), 0);
	ck_assert_int_eq(feat_parse(buf_view(&b), FEAT_STRICT, &f, &e), 0);
	ck_assert_int_eq(feat_parse(buf_view(&c), FEAT_STRICT, &g, &e), 0);
	ck_assert_int_eq(feat_canonical(f, &out, &e), -1);
	ck_assert(out == NULL);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_str_eq(e.dsn, "5.6.0");
	e = (struct err){ 0 };
	ck_assert_int_eq(feat_equal(f, g, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_int_eq(feat_equal(f, f, &e), 1);	/* the same: needs no form */
	feat_free(f);
	feat_free(g);
	buf_free(&b);
	buf_free(&c);
}
END_TEST

START_TEST(features_are_counted)
{
	struct err e = { 0 };
	struct feat *f, *g;
	struct buf b;

	buf_init(&b, FEAT_MAX_TEXT);
	ck_assert_int_eq(buf_add_str(&b, "(&", &e), 0);
	for (int i = 0; i < 512 + _i; i++)
		ck_assert_int_eq(buf_addf(&b, &e, "(a%d=1)", i), 0);
	ck_assert_int_eq(buf_add_str(&b, ")", &e), 0);
	ck_assert_int_eq(feat_parse(buf_view(&b), FEAT_STRICT, &f, &e), 0);
	ck_assert_int_eq(feat_canonical(f, &g, &e), _i == 0 ? 0 : -1);
	ck_assert(_i == 0 ? feat_same(f, g) : strstr(e.what, "too many features") != NULL);
	feat_free(f);
	feat_free(g);
	buf_free(&b);
}
END_TEST

Suite *suite_features_canon(void);
Suite *
suite_features_canon(void)
{
	Suite *s = suite_create("features_canon");
	TCase *tc = tcase_create("features_canon");

	tcase_add_loop_test(tc, canonical_form, 0, COUNT(forms));
	tcase_add_loop_test(tc, equality, 0, COUNT(pairs));
	tcase_add_test(tc, limits_are_errors);
	tcase_add_loop_test(tc, features_are_counted, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
