/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The algebra and the grammar; fax rules are in test_features_fax.c. */
#include "lib/features.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(a) (sizeof (a) / sizeof *(a))

static struct feat *
parse(const char *text, unsigned flags)
{
	struct err e = { 0 };
	struct feat *f = NULL;

	ck_assert_msg(feat_parse(span_str(text), flags, &f, &e) == 0, "%s: %s", text, e.what);
	return f;
}

/* Its text, to be freed. */
static char *
print(const struct feat *f)
{
	struct err e = { 0 };
	struct buf b;
	size_t n;

	buf_init(&b, FEAT_MAX_TEXT + 1);
	ck_assert_msg(feat_print(f, &b, &e) == 0, "%s", e.what);
	ck_assert_int_eq(buf_add_byte(&b, '\0', &e), 0);
	return buf_take(&b, &n);
}

/* Normal forms as text.  out NULL: the same as in. */
static const struct { const char *in, *out; unsigned flags; } normal[] = {
	/* RFC 2533, 4.2 */
	{ "(a=1)", NULL, FEAT_STRICT },
	{ " ( a = 1 ) ", "(a=1)", FEAT_STRICT },
	{ "(Pix-X>=1)", "(pix-x>=1)", FEAT_STRICT },
	{ "(a=+15/10)", "(a=3/2)", FEAT_STRICT },
	{ "(a=[3/2,600/400,1])", "(a=[1,3/2])", FEAT_STRICT },
	{ "(a=-4/2)", "(a=-2)", FEAT_STRICT },
	{ "(a=0/7)", "(a=0)", FEAT_STRICT },
	{ "(a=-0)", "(a=0)", FEAT_STRICT },
	{ "(a=true)", "(a=TRUE)", FEAT_STRICT },
	{ "(a=tOkEn)", "(a=token)", FEAT_STRICT },
	{ "(a=\"Two Words\")", NULL, FEAT_STRICT },
	{ "(a=\"\")", NULL, FEAT_STRICT },
	{ "(| (a=x) (a=\"x\"))", "(a=[x,\"x\"])", FEAT_STRICT },
	{ "(x:y/z.1-%=1)", NULL, FEAT_STRICT },
	/* 4.2.5, with the setentry of RFC 2738 */
	{ "( paper-size=[A4,B4] )", "(paper-size=[A4,B4])", FEAT_STRICT },
	{ "( width=[4..17/2] )", "(& (width>=4) (width<=17/2))", FEAT_STRICT },
	{ "( width=[3,4,6..17/2] )", "(| (width=[3,4]) (& (width>=6) (width<=17/2)))",
	    FEAT_STRICT },
	{ "(w=[3,4,3..4])", "(& (w>=3) (w<=4))", FEAT_STRICT },
	{ "(w=[1 .. 1])", "(w=1)", FEAT_STRICT },
	{ "(w=[a..a])", "(w=a)", FEAT_STRICT },
	{ "(w=[1..2,2..3])", "(& (w>=1) (w<=3))", FEAT_STRICT },
	/* 5.4, 5.5: negation */
	{ "(! (a=1))", NULL, FEAT_STRICT },
	{ "(! (! (a=1)))", "(a=1)", FEAT_STRICT },
	{ "(! (a<=200))", NULL, FEAT_STRICT },
	{ "(! (| (a=x) (a=y)))", "(! (a=[x,y]))", FEAT_STRICT },
	{ "(! (& (a=1) (b=2)))", "(| (! (a=1)) (! (b=2)))", FEAT_STRICT },
	{ "(& (! (a=x)) (! (a=y)))", "(! (a=[x,y]))", FEAT_STRICT },
	{ "(! (a=[1..2,x]))", "(! (| (a=x) (& (a>=1) (a<=2))))", FEAT_STRICT },
	/* 5.8.1: ordered values */
	{ "(& (f<=2) (f<=3))", "(f<=2)", FEAT_STRICT },
	{ "(& (f>=2) (f>=3))", "(f>=3)", FEAT_STRICT },
	{ "(& (f<=3) (! (f<=2)))", "(& (f>=2) (f<=3) (! (f=2)))", 0 },
	{ "(& (f>=2) (! (f=2)))", NULL, FEAT_STRICT },
	{ "(& (f>=2) (! (f<=2)))", "(& (f>=2) (! (f=2)))", FEAT_STRICT },
	{ "(& (f>=1) (f<=5) (! (f=[2,5])))", NULL, FEAT_STRICT },
	{ "(| (f<=0) (f>=0))", NULL, FEAT_STRICT },
	{ "(& (| (f<=0) (f>=0)) (! (f=7)))", NULL, FEAT_STRICT },
	{ "(| (f<=1) (f>=3) (f=2))", "(| (f=2) (f<=1) (f>=3))", FEAT_STRICT },
	/* 5.8.2: unordered values; the second rule as RFC 2738 has it */
	{ "(& (f<=a) (f>=a))", "(f=a)", FEAT_STRICT },
	{ "(& (f=a) (! (f=b)))", "(f=a)", FEAT_STRICT },
	/* what can be left out, and what can be joined */
	{ "(| (a=1) (& (a=1) (b=2)))", "(a=1)", FEAT_STRICT },
	{ "(| (& (a=1) (b=2)) (& (b=2) (a=2)))", "(& (a=[1,2]) (b=2))", FEAT_STRICT },
	{ "(& (z=1) (y=2))", "(& (y=2) (z=1))", FEAT_STRICT },
	{ "(| (b=1) (a=1))", "(| (a=1) (b=1))", FEAT_STRICT },
	/* 6.1: auxiliary predicates */
	{ "(& (r) (c=1)) where (r) :- (| (a=1) (b=2)) end",
	    "(| (& (a=1) (c=1)) (& (b=2) (c=1)))", FEAT_STRICT },
	{ "(& (r x y) (r z x))where(r a b):-(& (a=1)(c=2)(b=[1,3]))end",
	    "(& (c=2) (x=1) (y=[1,3]) (z=1))", FEAT_STRICT },
	{ "(! (r)) where (r) :- (a=1) end", "(! (a=1))", FEAT_STRICT },
	{ "(& (r) (s)) where (r) :- (s) (s) :- (a=1) end", "(& (a=1) (s))", FEAT_STRICT },
	{ "(r) where (r) :- (r) end", "(r)", FEAT_STRICT },
	{ "(& (r) where (r) :- (s a) end (c=1)) where (s b) :- (b=9) end", "(& (a=9) (c=1))",
	    FEAT_STRICT },
	{ "(r x) where (r y) :- (q y) where (q z) :- (& (z=1) (y=2)) end end",
	    "(& (type=\"*/*\") (! (type=\"*/*\")))", FEAT_STRICT },
	{ "(R A) WHERE (r A) :- (a=1) END", "(a=1)", FEAT_STRICT },
	/* opaque predicates: equal to themselves only */
	{ "(foo)", NULL, FEAT_STRICT },
	{ "(& (Foo x  y) (! (bar)))", "(& (! (bar)) (foo x y))", FEAT_STRICT },
	{ "(& (foo) (foo=TRUE))", "(& (foo=TRUE) (foo))", FEAT_STRICT },
	{ "(| (& (foo) (a=1)) (& (! (foo)) (a=1)))", "(a=1)", FEAT_STRICT },
	{ "(color-space-CIELAB)", "(color-space-cielab)", 0 },
	{ "(h.SBB5REAOMHC09CP2GM4V07PQP0)", "(h.sbb5reaomhc09cp2gm4v07pqp0)", FEAT_STRICT },
	/* 6.2: a unit makes another feature */
	{ "(& (res=200) (res=200dpi))", NULL, FEAT_STRICT },
	{ "(res=144/2 dpi)", "(res=72dpi)", FEAT_STRICT },
	{ "(res=[1,72dpi,2,90dpi])", "(| (res=[1,2]) (res=[72dpi,90dpi]))", FEAT_STRICT },
	{ "(! (res=[1,72dpi]))", "(& (! (res=1)) (! (res=72dpi)))", FEAT_STRICT },
	/* parameters: q is kept, see test_features_quality.c, others are not */
	{ "(a=1);Q=0;ext=\"x)\";y=z", "(a=1);q=0", FEAT_STRICT },
	{ "(a=1;q=0.5) where (r) :- (b=1) end", "(a=1);q=0.5", FEAT_STRICT },
	{ "(a=1;q=0.5)", "(a=1);q=0.5", 0 },
	/* RFC 2913: type in lower case */
	{ "(type=\"Image/TIFF\")", "(type=\"image/tiff\")", FEAT_STRICT },
	{ "(typed=\"Image/TIFF\")", NULL, FEAT_STRICT },
	/* everything and nothing */
	{ "(| (a=1) (! (a=1)))", "(| (type=\"*/*\") (! (type=\"*/*\")))", FEAT_STRICT },
	{ "(| (& (a=1) (b=1)) (! (a=1)) (! (b=1)))", "(| (type=\"*/*\") (! (type=\"*/*\")))", 0 },
	{ "(& (f>=3) (f<=2))", "(& (type=\"*/*\") (! (type=\"*/*\")))", FEAT_STRICT },
	{ "(f=[3..2])", "(& (type=\"*/*\") (! (type=\"*/*\")))", FEAT_STRICT },
	/* liberal reading */
	{ "(JBIG-stripe-size>0)", "(JBIG-stripe-size>=0)", 0 },
	{ "(a<7)", "(a<=7)", 0 },
	{ "(& (a=1) (b=2)", "(& (a=1) (b=2))", 0 },
	{ "(& (a=1) (| (b=2)\r\n", "(& (a=1) (b=2))", 0 },
	{ "(a=1) ) )", "(a=1)", 0 },
	/* the registered spelling, whatever was read */
	{ "(& (mrc-mode=0) (image-coding=[mh,jbig]) (COLOR=GREY) (Grey=2))",
	    "(& (color=Grey) (grey=2) (image-coding=[JBIG,MH]) (MRC-mode=0))", FEAT_STRICT },
	/* 63 bits after reduction */
	{ "(a=[-9223372036854775807,9223372036854775807])", NULL, FEAT_STRICT },
	{ "(a=92233720368547758070/10)", "(a=9223372036854775807)", FEAT_STRICT },
	{ "(a=9223372036854775806/9223372036854775807)", NULL, FEAT_STRICT },
	{ "(& (a>=9223372036854775805/9223372036854775806)"
	    "(a<=9223372036854775806/9223372036854775807))",
	    "(& (a>=9223372036854775805/9223372036854775806)"
	    " (a<=9223372036854775806/9223372036854775807))", FEAT_STRICT },
};

START_TEST(normal_form)
{
	struct feat *f, *g;
	char *text;

	f = parse(normal[_i].in, normal[_i].flags);
	text = print(f);
	ck_assert_str_eq(text, normal[_i].out != NULL ? normal[_i].out : normal[_i].in);
	g = parse(text, FEAT_STRICT);
	ck_assert(feat_same(f, g));
	free(text);
	feat_free(f);
	feat_free(g);
}
END_TEST

/* RFC 2533, 4.3 and 6.1.5: the same set, with and without a predicate. */
START_TEST(predicate_example_of_2533)
{
	static const char res[] = "(| (& (Res-x=150) (Res-y=150)) (& (Res-x=150) (Res-y=300))"
	    "(& (Res-x=300) (Res-y=300)) (& (Res-x=300) (Res-y=600)) (& (Res-x=600) (Res-y=600)))";
	char plain[2000], aux[2000];
	struct feat *f, *g;

	snprintf(plain, sizeof plain,
	    "(| (& (Pix-x=1024) (Pix-y=768) %s) (& (Pix-x=800) (Pix-y=600) %s)"
	    ";q=0.9 (& (Pix-x=640) (Pix-y=480) %s) ;q=0.8 )", res, res, res);
	snprintf(aux, sizeof aux, "(| (& (Pix-x=1024) (Pix-y=768) (Res Res-x Res-y) )"
	    "(& (Pix-x=800)  (Pix-y=600) (Res Res-x Res-y) );q=0.9"
	    "(& (Pix-x=640)  (Pix-y=480) (Res Res-x Res-y) );q=0.8 )\n"
	    "where\n(Res Res-x Res-y) :-\n%s\nend\n", res);
	f = parse(plain, FEAT_STRICT);
	g = parse(aux, FEAT_STRICT);
	ck_assert(feat_same(f, g));
	feat_free(f);
	feat_free(g);
}
END_TEST

/* The intersection of the two, as text. */
static const struct { const char *a, *b, *both; } intersections[] = {
	/* RFC 2533, 7.1: exactly two conjunctions */
	{ "(& (dpi=[200,300]) (grey=2) (color=0) (image-coding=[MH,MR]) )",
	    "(| (& (dpi=300) (grey=2) (image-coding=MR) )"
	    "   (& (dpi=200) (grey=2) (image-coding=[MH,MMR]) )"
	    "   (& (dpi=300) (color<=256) (image-coding=JPEG) ) )",
	    "(| (& (color=0) (dpi=200) (grey=2) (image-coding=MH))"
	    " (& (color=0) (dpi=300) (grey=2) (image-coding=MR)))" },
	/* RFC 2533, 3.4, its own misprint "papersize" and all */
	{ "(| (& (pix-x=750) (pix-y=500) (color=15) ) (& (dpi>=150) (papersize=iso-A4) ) )",
	    "(| (& (| (& (pix-x<=640)  (pix-y<=480) (color<=16777216) )"
	    "         (& (pix-x<=800)  (pix-y<=600) (color<=65535) )"
	    "         (& (pix-x<=1024) (pix-y<=768) (color<=256) ) )"
	    "      (ua-media=screen) )"
	    "   (& (dpi=300) (ua-media=stationery) (papersize=iso-A4) ) )",
	    NULL },
	/* RFC 2533, 7.2: one tag has one value for the whole image */
	{ "(& (MRC-mode=1) (stripe-size=256) )",
	    "(| (& (image-coding=JBIG-2-LEVEL) (stripe-size=128) ) (image-coding=[MH,MR,MMR]) )",
	    "(& (image-coding=[MH,MMR,MR]) (MRC-mode=1) (stripe-size=256))" },
	/* RFC 2879, 4.7, dpi-xyatio corrected */
	{ "(& (| (& (dpi=200) (dpi-xyratio=200/100) ) (& (dpi=200) (dpi-xyratio=1) )"
	    "     (& (dpi=300) (dpi-xyratio=1) ) (& (dpi=400) (dpi-xyratio=1) ) )"
	    "  (color=Binary)"
	    "  (| (& (paper-size=A4) (ua-media=[stationery,transparency]) )"
	    "     (& (paper-size=B4) (ua-media=continuous) ) )"
	    "  (image-coding=[MH,MR,JBIG]) )",
	    "(| (& (dpi=300) (dpi-xyratio=1) (color=Binary) (paper-size=A4) (image-coding=[MMR,JBIG]) )"
	    "   (& (dpi=200) (dpi-xyratio=200/100) (color=Binary) (paper-size=B4) (image-coding=[MH,MR]) )"
	    "   (& (dpi=300) (dpi-xyratio=1) (color=Mapped) (color-levels=42) (paper-size=A4)"
	    "      (image-coding=JPEG) ) )",
	    "(| (& (color=Binary) (dpi=200) (dpi-xyratio=2) (image-coding=[MH,MR]) (paper-size=B4)"
	    " (ua-media=continuous))"
	    " (& (color=Binary) (dpi=300) (dpi-xyratio=1) (image-coding=JBIG) (paper-size=A4)"
	    " (ua-media=[stationery,transparency])))" },
	/* RFC 2938, 3: what a hashed reference resolves to */
	{ "(& (pix-x=100) (pix-y<=300))", "(& (pix-x<=200) (pix-y<=150) )",
	    "(& (pix-x=100) (pix-y<=150))" },
	{ "(a=1)", "(b=2)", "(& (a=1) (b=2))" },
	{ "(a=1)", "(a=2)", "(& (type=\"*/*\") (! (type=\"*/*\")))" },
};

START_TEST(intersection)
{
	struct feat *a = parse(intersections[_i].a, FEAT_STRICT), *both, *back;
	struct feat *b = parse(intersections[_i].b, FEAT_STRICT);
	struct err e = { 0 };
	char *text;

	ck_assert_int_eq(feat_and(a, b, &both, &e), 0);
	ck_assert_int_eq(feat_and(b, a, &back, &e), 0);
	ck_assert(feat_same(both, back));
	ck_assert_int_eq(feat_match(a, b, &e), !feat_empty(both));
	ck_assert_int_eq(feat_within(both, a, &e), 1);
	ck_assert_int_eq(feat_within(both, b, &e), 1);
	text = print(both);
	if (intersections[_i].both != NULL)
		ck_assert_str_eq(text, intersections[_i].both);
	free(text);
	feat_free(a);
	feat_free(b);
	feat_free(both);
	feat_free(back);
}
END_TEST

/* RFC 2533, 3.4.3 calls this the intersection; every member of it is one. */
START_TEST(printed_result_of_2533_3_4_3_is_contained)
{
	struct feat *a = parse(intersections[1].a, 0), *b = parse(intersections[1].b, 0), *both;
	struct feat *printed = parse("(| (& (pix-x=750) (pix-y=500) (color=15) (ua-media=screen))"
	    "(& (dpi=300) (ua-media=stationery) (papersize=iso-A4) ) )", 0);
	struct err e = { 0 };

	ck_assert_int_eq(feat_and(a, b, &both, &e), 0);
	ck_assert_int_eq(feat_within(printed, both, &e), 1);
	feat_free(a);
	feat_free(b);
	feat_free(both);
	feat_free(printed);
}
END_TEST

static const struct { const char *a, *b; int match, within; } pairs[] = {
	{ "(a=1)", "(a=1)", 1, 1 },
	{ "(a=1)", "(b=1)", 1, 0 },		/* not mentioned: unconstrained */
	{ "(a=200)", "(a=200dpi)", 1, 0 },	/* RFC 2533, 6.2 */
	{ "(a=x)", "(a=X)", 1, 1 },
	{ "(a=\"x\")", "(a=\"X\")", 0, 0 },
	{ "(a=x)", "(a=\"x\")", 0, 0 },
	{ "(a=1)", "(a=x)", 0, 0 },
	{ "(a=1)", "(! (a=x))", 1, 1 },
	{ "(a=1/3)", "(a=333333333/1000000000)", 0, 0 },
	{ "(& (a>=200) (! (a=200)))", "(& (a<=201) (! (a=201)))", 1, 0 },	/* dense */
	{ "(& (a>=200) (! (a=200)))", "(a<=200)", 0, 0 },
	{ "(a=[1..3])", "(a=[0..5])", 1, 1 },
	{ "(a=[1..3])", "(| (a=[0..2]) (a=[2..5]))", 1, 1 },
	{ "(a=[1..3])", "(! (a=2))", 1, 0 },
	{ "(a=[1,3])", "(! (a=2))", 1, 1 },
	/* contained in the union, in no member of it */
	{ "(a=[1,2])",
	    "(| (& (a=1) (b=1)) (& (a=2) (! (b=1))) (& (a=1) (! (b=1))) (& (a=2) (b=1)))", 1, 1 },
	{ "(& (a=[0..4]) (b=[0..4]))", "(| (& (a<=2) (b>=1)) (a>=2) (b<=1))", 1, 1 },
	{ "(& (a=[0..4]) (b=[0..4]))", "(| (& (a<=2) (b>=1)) (! (a<=2)) (b<=1))", 1, 1 },
	{ "(& (a=[0..4]) (b=[0..4]))", "(| (& (a<=2) (b>=2)) (a>=3) (b<=1))", 1, 0 },
	{ "(foo)", "(foo)", 1, 1 },
	{ "(foo)", "(! (foo))", 0, 0 },
	{ "(foo)", "(foo x)", 1, 0 },
	{ "(foo)", "(foo=TRUE)", 1, 0 },
	{ "(h.123)", "(H.123)", 1, 1 },
	{ "(& (a=1) (a=2))", "(a=3)", 0, 1 },		/* nothing is in everything */
	{ "(a=3)", "(& (a=1) (a=2))", 0, 0 },
	{ "(a=1)", "(| (x=1) (! (x=1)))", 1, 1 },
	{ "(| (x=1) (! (x=1)))", "(a=1)", 1, 0 },
	{ "(color>=Grey)", "(color=grey)", 1, 1 },	/* no order: 4.2.2 */
};

START_TEST(match_and_containment)
{
	struct feat *a = parse(pairs[_i].a, FEAT_STRICT), *b = parse(pairs[_i].b, FEAT_STRICT);
	struct err e = { 0 };

	ck_assert_int_eq(feat_match(a, b, &e), pairs[_i].match);
	ck_assert_int_eq(feat_match(b, a, &e), pairs[_i].match);
	ck_assert_int_eq(feat_within(a, b, &e), pairs[_i].within);
	feat_free(a);
	feat_free(b);
}
END_TEST

START_TEST(everything_and_nothing)
{
	struct feat *any = feat_any(), *f = parse("(a=1)", 0), *none = parse("(& (a=1) (a=2))", 0),
	    *got;
	struct err e = { 0 };

	ck_assert(feat_is_any(any) && !feat_empty(any));
	ck_assert(feat_empty(none) && !feat_is_any(none));
	ck_assert(!feat_is_any(f) && !feat_empty(f));
	ck_assert_int_eq(feat_and(any, f, &got, &e), 0);
	ck_assert(feat_same(got, f));
	feat_free(got);
	ck_assert_int_eq(feat_or(any, f, &got, &e), 0);
	ck_assert(feat_is_any(got));
	feat_free(got);
	ck_assert_int_eq(feat_or(none, f, &got, &e), 0);
	ck_assert(feat_same(got, f));
	feat_free(got);
	ck_assert_int_eq(feat_and(none, any, &got, &e), 0);
	ck_assert(feat_empty(got));
	feat_free(got);
	ck_assert_int_eq(feat_match(any, any, &e), 1);
	ck_assert_int_eq(feat_match(none, any, &e), 0);
	feat_free(any);
	feat_free(f);
	feat_free(none);
	feat_free(NULL);
}
END_TEST

/* Each names the column, from 1, where reading stopped. */
static const struct { const char *in; unsigned flags; const char *what; } errors[] = {
	{ "", 0, "column 1: empty" },
	{ "  ", 0, "column 3: \"(\" expected" },
	{ "a=1", 0, "column 1: \"(\" expected" },
	{ "()", 0, "column 2: " },
	{ "(&)", 0, "column 3: \"(\" expected" },
	{ "(|)", 0, "column 3: \"(\" expected" },
	{ "(!)", 0, "column 3: \"(\" expected" },
	{ "(! (a=1) (b=1))", 0, "column 10: \"!\" takes one filter" },
	{ "(a=)", 0, "column 4: a value expected" },
	{ "(=1)", 0, "column 2: " },
	{ "(1=1)", 0, "column 2: " },
	{ "(a!=1)", 0, "column 3: \")\" expected" },
	{ "(a=1.5)", 0, "column 5: \")\" expected" },
	{ "(a=1/0)", 0, "column 7: division by zero" },
	{ "(a=3/+2)", 0, "column 6: a digit expected" },
	{ "(a=15/-10)", 0, "column 7: a digit expected" },
	{ "(a=+-1)", 0, "column 5: a digit expected" },
	{ "(a=9223372036854775808)", 0, "column 23: number too large" },
	{ "(a=1/9223372036854775808)", 0, "column 25: number too large" },
	{ "(a=92233720368547758080/10)", 0, "column 27: number too large" },	/* 2^63 */
	{ "(a=9999999999999999999999999999999999999999999)", 0, "number too large" },
	{ "(a=[])", 0, "column 5: a value expected" },
	{ "(a=[1,])", 0, "column 7: a value expected" },
	{ "(a=[1 2])", 0, "column 7: \",\" or \"]\" expected" },
	{ "(a=[1.2])", 0, "column 7: \"..\" expected" },
	{ "(a=[1..2dpi])", 0, "column 12: a range from one unit to another" },
	{ "(a>=[1])", 0, "column 5: a value expected" },
	{ "(a=\"x)", 0, "column 7: no end of the string" },
	{ "(a=\"x\ty\")", 0, "column 6: octet not allowed" },
	{ "(a=\"\xc3\xa9\")", 0, "column 5: octet not allowed" },
	{ "(\xc3=1)", 0, "column 2: " },
	{ "(a=1) x", 0, "column 7: the end expected" },
	{ "(a=1)(b=1)", 0, "column 6: the end expected" },
	{ "(& (a=1) (dpi=20", 0,
	    "column 17: \")\" missing" },	/* a value may be cut: half a list */
	{ "(& (a=1) (dpi", 0, "column 14: \")\" missing" },
	{ "(& (a=1) (", 0, "column 11: " },
	{ "(a=1);q=2", 0, "column 9: a quality" },
	{ "(a=1);q=1.001", 0, "column 13: a quality" },
	{ "(a=1);q=0.1234", 0, "column 14: more than 3 digits" },
	{ "(a=1);=1", 0, "column 7: a parameter expected" },
	{ "(a=1) where end", 0, "column 13: \"(\" expected" },
	{ "(a=1) where (r) :- (b=1)", 0, "column 25: \"end\" expected" },
	{ "(a=1) where (r) (b=1) end", 0, "column 17: \":-\" expected" },
	{ "(a=1) where (r) :- (b=1) (r) :- (b=1) end", 0, "defined twice" },
	{ "(& (b=1) (r x)) where (r) :- (b=1) end", 0, "column 10: not the number of parameters" },
	{ "(r) where (r x) :- (x=1) end", 0, "column 1: not the number of parameters" },
	{ "(f a b c d e f g h i j k l m n o p q)", 0, "too many parameters" },
	/* RFC 2938, 3.2.2: a definition with another hash */
	{ "(h.SBB5REAOMHC09CP2GM4V07PQP0) where (h.SBB5REAOMHC09CP2GM4V07PQP0) :- (a=1) end", 0,
	    "does not have the hash" },
	/* what only the liberal reading takes */
	{ "(a>0)", FEAT_STRICT, "column 4: \"=\" expected" },
	{ "(a<0)", FEAT_STRICT, "column 4: \"=\" expected" },
	{ "(& (a=1)", FEAT_STRICT, "column 9: \")\" missing" },
	{ "(a=1))", FEAT_STRICT, "column 6: the end expected" },
	{ "(a=1;q=0.5)", FEAT_STRICT, "\"where\"" },
	/* RFC 2879, 4.2: the first ")" too many ends the expression before it is complete */
	{ "(& (paper-size=[letter,A4,B4]) ) (ua-media=stationery) )", 0,
	    "column 34: the end expected" },
};

START_TEST(error_names_the_column)
{
	struct err e = { 0 };
	struct feat *f = NULL;
	int got = feat_parse(span_str(errors[_i].in), errors[_i].flags, &f, &e);

	ck_assert_msg(got == -1 && f == NULL, "%s", errors[_i].in);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_str_eq(e.dsn, "5.6.0");
	ck_assert_msg(strstr(e.what, errors[_i].what) != NULL, "%s: %s", errors[_i].in, e.what);
	ck_assert_msg(strncmp(e.what, "column ", 7) == 0, "%s", e.what);
}
END_TEST

START_TEST(hashed_definition_is_used)
{
	struct feat *f = parse("(& (dpi=100) (h.SBB5REAOMHC09CP2GM4V07PQP0) )\r\n"
	    "where\r\n(h.sbb5reaomhc09cp2gm4v07pqp0) :-\r\n\t(& (pix-x<=200) (pix-y<=150) )\r\nend",
	    FEAT_STRICT);
	char *text = print(f);

	ck_assert_str_eq(text, "(& (dpi=100) (pix-x<=200) (pix-y<=150))");
	free(text);
	feat_free(f);
}
END_TEST

static const struct { const char *in, *hash; } hashes[] = {
	{ "(& (pix-x<=200) (pix-y<=150) )", "h.SBB5REAOMHC09CP2GM4V07PQP0" },
	{ "(&(PIX-X<=200)\r\n\t(pix-y<=150))", "h.SBB5REAOMHC09CP2GM4V07PQP0" },
	/* RFC 2938, 4 */
	{ "(& (image-file-structure=TIFF-minimal) (MRC-mode=0) (color=Binary) (image-coding=MH)"
	    " (MRC-mode=0) (| (& (dpi=204) (dpi-xyratio=[204/98,204/196]) )"
	    " (& (dpi=200) (dpi-xyratio=[200/100,1]) ) ) (size-x<=2150/254) (paper-size=A4)"
	    " (ua-media=stationery) )", "h.MSB955PVIRT1QOHET9AJT5JM3O" },
	{ "(& (image-coding=JPEG) (image-coding-constraint=JPEG-T4E) (color-space=CIELAB)"
	    " (color-illuminant=D50) (CIELAB-L-min>=0) (CIELAB-L-max<=100) (dpi=[100,200,300])"
	    " (dpi-xyratio=1) )", "h.QVSEM8V2LMJ8VOR7V682J7079O" },
	/* not what the RFC prints beside this text */
	{ "(| (& (ua-media=continuous) (dpi=200) (dpi-xyratio=200/100) (color=Binary) (paper-size=B4)"
	    " (image-coding=MH) ) (& (ua-media=continuous) (dpi=200) (dpi-xyratio=200/100)"
	    " (color=Binary) (paper-size=B4) (image-coding=MR) ) (& (ua-media=stationery) (dpi=300)"
	    " (dpi-xyratio=1) (color=Binary) (paper-size=A4) (image-coding=JBIG) )"
	    " (& (ua-media=transparency) (dpi=300) (dpi-xyratio=1) (color=Binary) (paper-size=A4)"
	    " (image-coding=JBIG) ) )", "h.U965DKFHDGT0344VRHI6OONIBS" },
	/* RFC 1321, A.5: MD5 of nothing is d41d8cd98f00b204e9800998ecf8427e */
	{ "", "h.QGEOPMCF02P09QC016CEPU22FO" },
};

START_TEST(hash_vectors)
{
	char got[29];

	feat_hash(span_str(hashes[_i].in), got);
	ck_assert_str_eq(got, hashes[_i].hash);
}
END_TEST

START_TEST(hash_keeps_strings_as_they_are)
{
	char a[29], b[29], c[29];

	feat_hash(span_str("(t=\"a b\")"), a);
	feat_hash(span_str("(T = \"a b\" )"), b);
	ck_assert_str_eq(a, b);
	feat_hash(span_str("(t=\"ab\")"), c);
	ck_assert_str_ne(a, c);
	feat_hash(span_str("(t=\"A b\")"), c);
	ck_assert_str_ne(a, c);
}
END_TEST

/* RFC 3297, 4: of what is not mentioned the alternative is as the content that is there. */
static const struct { const char *f, *base, *out; } inherited[] = {
	{ "(dpi=400)", "(& (color=Binary) (dpi=200) (image-coding=MH) )", "(& (color=Binary) (dpi=400) (image-coding=MH) )" },
	{ "(| (dpi=400) (color=Full) )", "(& (color=Binary) (dpi=200) )",
	    "(| (& (color=Binary) (dpi=400) ) (& (color=Full) (dpi=200) ) )" },
	{ "(a=1)", "(| (b=1) (c=1) )", "(| (& (a=1) (b=1) ) (& (a=1) (c=1) ) )" },
	{ "(a=1)", "(a=2)", "(a=1)" },
};

START_TEST(what_is_not_said_is_inherited)
{
	struct feat *f = parse(inherited[_i].f, 0), *base = parse(inherited[_i].base, 0), *got;
	struct feat *want = parse(inherited[_i].out, 0), *none = parse("(& (a=1) (a=2) )", 0);
	struct err e = { 0 };

	ck_assert_int_eq(feat_inherit(f, base, &got, &e), 0);
	ck_assert_int_eq(feat_equal(got, want, &e), 1);
	feat_free(got);
	ck_assert_int_eq(feat_inherit(none, base, &got, &e), 0);
	ck_assert(feat_empty(got));
	feat_free(got);
	feat_free(f);
	feat_free(base);
	feat_free(want);
	feat_free(none);
}
END_TEST

Suite *suite_features(void);
Suite *
suite_features(void)
{
	Suite *s = suite_create("features");
	TCase *tc = tcase_create("features");

	tcase_add_loop_test(tc, normal_form, 0, COUNT(normal));
	tcase_add_loop_test(tc, intersection, 0, COUNT(intersections));
	tcase_add_loop_test(tc, match_and_containment, 0, COUNT(pairs));
	tcase_add_loop_test(tc, error_names_the_column, 0, COUNT(errors));
	tcase_add_loop_test(tc, hash_vectors, 0, COUNT(hashes));
	tcase_add_loop_test(tc, what_is_not_said_is_inherited, 0, COUNT(inherited));
	tcase_add_test(tc, predicate_example_of_2533);
	tcase_add_test(tc, printed_result_of_2533_3_4_3_is_contained);
	tcase_add_test(tc, everything_and_nothing);
	tcase_add_test(tc, hashed_definition_is_used);
	tcase_add_test(tc, hash_keeps_strings_as_they_are);
	suite_add_tcase(s, tc);
	return s;
}
