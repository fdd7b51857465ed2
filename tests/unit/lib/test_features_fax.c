/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The fax rules: RFC 2879, RFC 3949 2.2.2, and the claims that real devices make. */
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

#define WIDTHS(dpi, a, b, c) "(size-x=[" a "/" dpi "," b "/" dpi "," c "/" dpi "])"
#define FULL_SIZES \
	"(| (& (dpi=200) (dpi-xyratio=[200/100,200/200]) " WIDTHS("200", "1728", "2048", "2432") ")" \
	"   (& (dpi=204) (dpi-xyratio=[204/98,204/196,204/391]) " WIDTHS("204", "1728", "2048", "2432") ")" \
	"   (& (dpi=300) (dpi-xyratio=300/300) " WIDTHS("300", "2592", "3072", "3648") ")" \
	"   (& (dpi=400) (dpi-xyratio=400/400) " WIDTHS("400", "3456", "4096", "4864") ")" \
	"   (& (dpi=408) (dpi-xyratio=408/391) " WIDTHS("408", "3456", "4096", "4864") ") )" \
	"(paper-size=[A4, B4, A3, letter, legal])"

/* RFC 2879, Appendix B; the bracket and the parenthesis that TIFF-S lacks are put in. */
static const char tiff_s[] = "(& (image-file-structure=TIFF-S) (color=Binary) (image-coding=MH)"
    " (MRC-mode=0) (| (& (dpi=200) (dpi-xyratio=[200/100,200/200]) (size-x=1728/200) )"
    " (& (dpi=204) (dpi-xyratio=[204/98,204/196]) (size-x=1728/204) ) ) (paper-size=A4) )";
static const char tiff_f_base[] = "(& (image-file-structure=TIFF-F) (color=Binary) (image-coding=MH)"
    " (MRC-mode=0) (dpi=204) (dpi-xyratio=[204/98,204/196]) (size-x=1728/204) (paper-size=A4) )";
static const char tiff_f_full[] = "(& (image-file-structure=TIFF-F) (color=Binary)"
    " (image-coding=[MH,MR,MMR]) (MRC-mode=0) " FULL_SIZES " )";
static const char tiff_j_full[] = "(& (image-file-structure=TIFF-J) (color=Binary) (MRC-mode=0)"
    " (image-coding=JBIG) (image-coding-constraint=JBIG-T85) (JBIG-stripe-size>0) " FULL_SIZES " )";
static const char tiff_c_base[] = "(& (image-file-structure=TIFF-C) (color=grey) (color-levels<=256)"
    " (MRC-mode=0) (image-coding=JPEG) (image-coding-constraint=JPEG-T4E) (color-space=CIELAB)"
    " (CIELAB-L-depth<=101) (CIELAB-L-min>=0) (CIELAB-L-max<=100) (color-illuminant=D50)"
    " (dpi=200) (dpi-xyratio=1) (size-x=864/100) (paper-size=A4) )";
/* RFC 2879, 4.1, and RFC 4141, 9.2 */
static const char simple_mode[] = "(& (image-file-structure=TIFF-minimal) (MRC-mode=0)"
    " (color=Binary) (image-coding=MH) (MRC-mode=0) (| (& (dpi=204) (dpi-xyratio=[204/98,204/196]) )"
    " (& (dpi=200) (dpi-xyratio=[200/100,1]) ) ) (size-x<=2150/254) (paper-size=A4)"
    " (ua-media=stationery) )";
static const char example_4141[] = "(&(image-file-structure=TIFF-minimal)   (MRC-mode=0)"
    "   (color=Binary)   (|(&(dpi=204)       (dpi-xyratio=[204/98,204/196]) )     (&(dpi=200)"
    "       (dpi-xyratio=[200/100,1]) ) )   (image-coding=[MH,MR,MMR])   (size-x<=2150/254)"
    "   (paper-size=[letter,A4])   (ua-media=stationery) )";

#define PAGE(structure, coding, dpi, ratio, width, paper) \
	"(& (image-file-structure=" structure ") (MRC-mode=0) (color=Binary) (image-coding=" coding ")" \
	" (dpi=" dpi ") (dpi-xyratio=" ratio ") (size-x=" width ") (paper-size=" paper "))"

static const struct { const char *doc, *claim; int fits; } fits[] = {
	/* widths are nominal: 1728 pixels at any of these are A4 */
	{ PAGE("TIFF-minimal", "MH", "204", "204/98", "1728/204", "A4"), simple_mode, 1 },
	{ PAGE("TIFF-minimal", "MH", "200", "1", "1728/200", "A4"), simple_mode, 1 },
	{ PAGE("TIFF-minimal", "MH", "200", "2", "864/100", "A4"), example_4141, 1 },
	{ PAGE("TIFF-minimal", "MH", "204", "204/196", "2150/254", "letter"), example_4141, 1 },
	{ PAGE("TIFF-minimal", "MH", "204", "204/196", "2048/204", "A4"), simple_mode, 0 },
	{ PAGE("TIFF-minimal", "MH", "200", "1", "2432/200", "A4"), simple_mode, 0 },
	{ PAGE("TIFF-minimal", "MH", "200", "1", "2150/254", "A4"), tiff_s, 1 },
	{ PAGE("TIFF-limited", "MMR", "400", "1", "4864/400", "A3"), tiff_f_full, 1 },
	{ PAGE("TIFF-limited", "MMR", "408", "408/391", "4096/408", "B4"), tiff_f_full, 1 },
	{ PAGE("TIFF-limited", "MMR", "408", "1", "4096/408", "B4"), tiff_f_full, 0 },
	/* RFC 2531's names for RFC 2879's structures */
	{ PAGE("TIFF-S", "MH", "200", "1", "2150/254", "A4"), simple_mode, 1 },
	{ PAGE("TIFF-F", "MH", "200", "1", "2150/254", "A4"), simple_mode, 0 },
	{ PAGE("TIFF-F", "MR", "200", "1", "2150/254", "A4"), tiff_f_full, 1 },
	{ PAGE("TIFF", "MR", "200", "1", "2150/254", "A4"), tiff_f_full, 1 },
	{ PAGE("TIFF", "MH", "200", "1", "2150/254", "A4"), tiff_s, 0 },
	{ "(image-file-structure=TIFF-M)", "(image-file-structure=TIFF-MRC)", 1 },
	{ "(image-file-structure=TIFF-MRC)", "(image-file-structure=TIFF-M)", 1 },
	{ "(image-file-structure=TIFF-M)", tiff_f_full, 0 },
	/* who takes TIFF takes what is more restricted, and not the other way */
	{ "(image-file-structure=TIFF-minimal)", "(image-file-structure=TIFF)", 1 },
	{ "(image-file-structure=TIFF-limited)", "(image-file-structure=TIFF)", 1 },
	{ "(image-file-structure=TIFF-minimal)", "(image-file-structure=TIFF-limited)", 1 },
	{ "(image-file-structure=TIFF)", "(image-file-structure=TIFF-limited)", 0 },
	{ "(image-file-structure=TIFF-limited)", "(image-file-structure=TIFF-minimal)", 0 },
	{ "(image-file-structure=TIFF-MRC)", "(image-file-structure=TIFF)", 0 },
	{ "(image-file-structure=TIFF-MRC-limited)", "(image-file-structure=TIFF-MRC)", 1 },
	{ "(image-file-structure=TIFF-minimal)", "(! (image-file-structure=TIFF))", 1 },
	{ "(image-file-structure=TIFF)", "(! (image-file-structure=TIFF))", 0 },
	/* RFC 3949, 2.2.2: inch and metric are equal, for bi-level */
	{ PAGE("TIFF-limited", "MH", "200", "1", "2150/254", "A4"), tiff_f_base, 1 },
	{ PAGE("TIFF-limited", "MH", "200", "2", "2150/254", "A4"), tiff_f_base, 1 },
	{ PAGE("TIFF-limited", "MH", "300", "1", "2150/254", "A4"), tiff_f_base, 0 },
	{ PAGE("TIFF-limited", "MH", "204", "204/391", "2150/254", "A4"), tiff_f_base, 0 },
	{ "(& (color=Binary) (dpi=204) (dpi-xyratio=204/98))",
	    "(& (color=Binary) (dpi=200) (dpi-xyratio=2))", 1 },
	{ "(& (color=Binary) (dpi=204) (dpi-xyratio=204/196))",
	    "(& (color=Binary) (dpi=200) (dpi-xyratio=2))", 0 },
	{ "(& (color=Binary) (dpi=408) (dpi-xyratio=408/391))",
	    "(& (color=Binary) (dpi=400) (dpi-xyratio=1))", 1 },
	{ "(& (color=Binary) (dpi=400))", "(& (color=Binary) (dpi=408) (dpi-xyratio=408/391))", 1 },
	{ "(& (color=Grey) (dpi=204) (dpi-xyratio=204/196))",
	    "(& (color=Grey) (dpi=200) (dpi-xyratio=1))", 0 },
	{ "(& (color=Binary) (dpi=204) (dpi-xyratio=204/196))",
	    "(& (color=Grey) (dpi=200) (dpi-xyratio=1))", 0 },
	{ "(& (color=Grey) (dpi=204) (dpi-xyratio=204/196))",
	    "(& (color=[Grey,Binary]) (dpi=200) (dpi-xyratio=1))", 0 },
	{ "(& (color=Binary) (dpi=204) (dpi-xyratio=204/196))",
	    "(& (color=[Grey,Binary]) (dpi=200) (dpi-xyratio=1))", 1 },
	{ "(& (color=Binary) (dpi=204) (dpi-xyratio=204/196))", "(dpi=200)", 1 },
	{ "(& (color=Binary) (dpi=204) (dpi-xyratio=204/196))", "(dpi=[190..210])", 1 },
	{ "(& (color=Binary) (dpi=204) (dpi-xyratio=204/196))", "(dpi=200dpi)", 1 },
	/* a document without dpi-xyratio is square */
	{ "(& (color=Binary) (dpi=200))", "(& (dpi=200) (dpi-xyratio=2))", 0 },
	{ "(& (color=Binary) (dpi=200))", "(& (dpi=200) (dpi-xyratio=[1,2]))", 1 },
	/* grey */
	{ "(& (image-file-structure=TIFF-C) (color=grey) (color-levels=256) (MRC-mode=0)"
	    " (image-coding=JPEG) (image-coding-constraint=JPEG-T4E) (dpi=200) (size-x=1728/200))",
	    tiff_c_base, 1 },
	{ "(& (image-file-structure=TIFF-C) (color=full))", tiff_c_base, 0 },
};

START_TEST(document_fits_claim)
{
	struct feat *doc = parse(fits[_i].doc, FEAT_DOCUMENT);
	struct feat *claim = parse(fits[_i].claim, FEAT_CLAIM);
	struct err e = { 0 };

	ck_assert_int_eq(feat_match(doc, claim, &e), fits[_i].fits);
	feat_free(doc);
	feat_free(claim);
}
END_TEST

/* Without a flag nothing is added to what RFC 2533 says. */
START_TEST(plain_reading_has_no_fax_rules)
{
	struct feat *doc = parse("(size-x=1728/204)", 0), *claim = parse("(size-x<=2150/254)", 0);
	struct feat *s = parse("(image-file-structure=TIFF-S)", 0);
	struct feat *m = parse("(image-file-structure=TIFF-minimal)", 0);
	struct err e = { 0 };

	ck_assert_int_eq(feat_match(doc, claim, &e), 0);
	ck_assert_int_eq(feat_match(s, m, &e), 0);
	feat_free(doc);
	feat_free(claim);
	feat_free(s);
	feat_free(m);
}
END_TEST

static const struct { const char *in; unsigned flags; const char *out; } normal[] = {
	{ "(image-file-structure=TIFF-S)", FEAT_DOCUMENT, "(image-file-structure=TIFF-minimal)" },
	{ "(image-file-structure=tiff-l)", FEAT_DOCUMENT, "(image-file-structure=TIFF-limited)" },
	{ "(image-file-structure=TIFF-J)", FEAT_CLAIM,
	    "(& (image-file-structure=[TIFF,TIFF-limited,TIFF-minimal])"
	    " (type=[\"image/tiff\",\"image/tiff-fx\"]))" },
	{ "(image-file-structure=TIFF-limited)", FEAT_CLAIM,
	    "(& (image-file-structure=[TIFF-limited,TIFF-minimal])"
	    " (type=[\"image/tiff\",\"image/tiff-fx\"]))" },
	{ "(image-file-structure=TIFF-minimal)", FEAT_CLAIM,
	    "(& (image-file-structure=TIFF-minimal) (type=[\"image/tiff\",\"image/tiff-fx\"]))" },
	{ "(image-coding=MH)", FEAT_CLAIM, "(& (image-coding=MH) (type=[\"image/tiff\",\"image/tiff-fx\"]))" },
	{ "(image-coding=MH)", FEAT_DOCUMENT, "(image-coding=MH)" },
	{ "(& (image-coding=MH) (type=\"image/png\"))", FEAT_CLAIM,
	    "(& (image-coding=MH) (type=\"image/png\"))" },
	{ "(| (image-coding=MH) (color=Full))", FEAT_CLAIM,
	    "(| (color=Full) (& (image-coding=MH) (type=[\"image/tiff\",\"image/tiff-fx\"])))" },
	{ "(! (image-coding=MH))", FEAT_CLAIM, "(! (image-coding=MH))" },
	{ "(size-x=[1728/200,2048/204,3648/300])", FEAT_DOCUMENT,
	    "(size-x=[1075/127,1275/127,1515/127])" },
	{ "(size-x<=1024/100)", FEAT_CLAIM, "(size-x<=1275/127)" },
	{ "(size-x=[0..4864/408])", FEAT_CLAIM, "(& (size-x>=0) (size-x<=1515/127))" },
	{ "(size-x=8)", FEAT_DOCUMENT, "(size-x=8)" },
	{ "(size-y=1728/200)", FEAT_DOCUMENT, "(size-y=216/25)" },
	{ "(dpi=200)", FEAT_DOCUMENT, "(& (dpi=200) (dpi-xyratio=1))" },
	{ "(dpi=300)", FEAT_CLAIM, "(dpi=300)" },
	{ "(& (color=Binary) (dpi=200) (dpi-xyratio=[1,2]))", FEAT_CLAIM,
	    "(| (& (color=Binary) (dpi=200) (dpi-xyratio=[1,2]))"
	    " (& (color=Binary) (dpi=204) (dpi-xyratio=[51/49,102/49])))" },
	{ "(& (color=Binary) (dpi=400) (dpi-xyratio=1))", FEAT_CLAIM,
	    "(| (& (color=Binary) (dpi=400) (dpi-xyratio=1))"
	    " (& (color=Binary) (dpi=408) (dpi-xyratio=24/23)))" },
	{ "(h x) where (h t) :- (t=TIFF-S) end", FEAT_DOCUMENT, "(x=tiff-s)" },
	{ "(h image-file-structure) where (h t) :- (t=TIFF-S) end", FEAT_DOCUMENT,
	    "(image-file-structure=TIFF-minimal)" },
};

START_TEST(normalised_text)
{
	struct feat *f = parse(normal[_i].in, normal[_i].flags);
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, FEAT_MAX_TEXT);
	ck_assert_int_eq(feat_print(f, &b, &e), 0);
	ck_assert_msg(span_is(buf_view(&b), normal[_i].out), "%s: %.*s", normal[_i].in, (int)b.n,
	    b.p);
	buf_free(&b);
	feat_free(f);
}
END_TEST

/* Claims that have been expanded are not expanded further; S is in F is in the two together. */
START_TEST(profiles_contain_each_other)
{
	struct feat *s = parse(tiff_s, FEAT_CLAIM), *fb = parse(tiff_f_base, FEAT_CLAIM);
	struct feat *ff = parse(tiff_f_full, FEAT_CLAIM), *j = parse(tiff_j_full, FEAT_CLAIM),
	    *both, *again;
	struct err e = { 0 };
	struct buf b;

	ck_assert_int_eq(feat_within(s, ff, &e), 1);
	ck_assert_int_eq(feat_within(ff, s, &e), 0);
	ck_assert_int_eq(feat_within(fb, ff, &e), 1);
	ck_assert_int_eq(feat_within(s, j, &e), 0);
	ck_assert_int_eq(feat_match(ff, j, &e), 0);
	ck_assert_int_eq(feat_or(ff, j, &both, &e), 0);
	ck_assert_int_eq(feat_within(j, both, &e), 1);
	ck_assert_int_eq(feat_within(fb, both, &e), 1);
	buf_init(&b, FEAT_MAX_TEXT);
	ck_assert_int_eq(feat_print(both, &b, &e), 0);
	ck_assert_int_eq(feat_parse(buf_view(&b), FEAT_CLAIM, &again, &e), 0);
	ck_assert(feat_same(both, again));
	buf_free(&b);
	feat_free(s);
	feat_free(fb);
	feat_free(ff);
	feat_free(j);
	feat_free(both);
	feat_free(again);
}
END_TEST

/* The simple mode claim in the form RFC 4141's server would send, broken as RFC 4141 6 says. */
struct pieces { struct buf joined, spaced; size_t max, n; bool last; };

static int
take_piece(void *arg, struct span s, bool last, struct err *e)
{
	struct pieces *p = arg;

	ck_assert(!p->last);
	ck_assert_uint_gt(s.n, 0);
	ck_assert_uint_le(s.n, p->max);
	p->last = last;
	p->n++;
	if (p->n > 1 && buf_add_byte(&p->spaced, ' ', e) == -1)
		return -1;
	return buf_add(&p->joined, s, e) == -1 || buf_add(&p->spaced, s, e) == -1 ? -1 : 0;
}

START_TEST(pieces_join_with_and_without_a_space)
{
	static const size_t sizes[] = { 70, 80, 100, 490, 65536 };
	struct feat *f = parse(example_4141, FEAT_STRICT), *g;
	struct pieces p = { .max = sizes[_i] };
	struct err e = { 0 };

	buf_init(&p.joined, FEAT_MAX_TEXT);
	buf_init(&p.spaced, FEAT_MAX_TEXT);
	ck_assert_int_eq(feat_pieces(span_str(example_4141), p.max, take_piece, &p, &e), 0);
	ck_assert(p.last);
	ck_assert_uint_ge(p.n, strlen(example_4141) / p.max);
	ck_assert_int_eq(feat_parse(buf_view(&p.joined), FEAT_STRICT, &g, &e), 0);
	ck_assert(feat_same(f, g));
	feat_free(g);
	ck_assert_int_eq(feat_parse(buf_view(&p.spaced), FEAT_STRICT, &g, &e), 0);
	ck_assert(feat_same(f, g));
	feat_free(g);
	feat_free(f);
	buf_free(&p.joined);
	buf_free(&p.spaced);
}
END_TEST

/* want: the pieces with "|" between; NULL: refused. */
static const struct { const char *in; size_t max; const char *want; } breaks[] = {
	{ "(& (a=1) (b=2))", 100, "(& (a=1) (b=2))" },
	{ "(& (a=1) (b=2))", 14, "(& (a=1) (b=2)|)" },
	{ "(& (a=1) (b=2))", 8, "(& (a=1)|(b=2))" },
	{ "(& (a=1) (b=2))", 7, "(&|(a=1)|(b=2))" },
	{ "(& (a=1) (b=2))", 5, "(&|(a=1)|(b=2)|)" },
	{ "(& (a=1) (b=2))", 4, NULL },
	{ "(a=1);q=0.5", 6, "(a=1)|;q=0.5" },
	{ "(&(a=\") (\")(b=1))", 10, "(&|(a=\") (\")|(b=1))" },
	{ "(&(a=\") (\")(b=1))", 8, NULL },
	{ "(a=123456)", 9, NULL },
	{ "(a=1)", 0, NULL },
	{ "", 10, NULL },
	{ "(a=1\r\n)", 10, NULL },
	{ "(& (a=1)\r\n (b=2))", 9, "(& (a=1)|(b=2))" },
	{ " (a=1) ", 5, "(a=1)" },
};

static int
take_break(void *arg, struct span s, bool last, struct err *e)
{
	return buf_add(arg, s, e) == -1 || (!last && buf_add_byte(arg, '|', e) == -1) ? -1 : 0;
}

START_TEST(pieces_break_between_filters_only)
{
	struct err e = { 0 };
	struct buf b;
	int got;

	buf_init(&b, 1000);
	got = feat_pieces(span_str(breaks[_i].in), breaks[_i].max, take_break, &b, &e);
	ck_assert_int_eq(got, breaks[_i].want == NULL ? -1 : 0);
	if (breaks[_i].want != NULL)
		ck_assert_msg(span_is(buf_view(&b), breaks[_i].want), "%.*s", (int)b.n, b.p);
	else
		ck_assert_int_eq(e.kind, ERR_PERM);
	buf_free(&b);
}
END_TEST

/* A field's body: 76 octets where there is a break, else up to 990, else none. */
START_TEST(fields_are_folded)
{
	char text[2000] = "(a=1)", word[1000] = "";
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 10000);
	ck_assert_int_eq(feat_fold(span_str(example_4141), 17, &b, &e), 0);
	for (struct span rest = buf_view(&b), line; span_line(&rest, &line);) {
		ck_assert(line.n <= (line.p == b.p ? 76u - 17 : 76) && line.n > 1 && line.p[0] == ' ');
		ck_assert(!ascii_wsp(line.p[1]) && !ascii_wsp(line.p[line.n - 1]));
	}
	ck_assert(span_is(span_sub(buf_view(&b), b.n - 2, b.n), "\r\n"));
	memset(word, 'b', 900);
	snprintf(text + 5, sizeof text - 5, "(%s=1)", word);
	buf_clear(&b);
	ck_assert_int_eq(feat_fold(span_str(text), 17, &b, &e), 0);
	ck_assert_uint_eq(b.n, 1 + strlen(text) + 2);
	memset(word, 'b', 990);
	snprintf(text + 5, sizeof text - 5, "(%s=1)", word);
	buf_clear(&b);
	ck_assert_int_eq(buf_add_str(&b, "before", &e), 0);
	ck_assert_int_eq(feat_fold(span_str(text), 17, &b, &e), -1);
	ck_assert(e.kind == ERR_PERM && span_is(buf_view(&b), "before"));
	buf_free(&b);
}
END_TEST

static int
refuse_piece(void *arg, struct span s, bool last, struct err *e)
{
	(void)s, (void)last;
	++*(int *)arg;
	return err_set(e, ERR_TEMP, "4.4.2", "line gone");
}

START_TEST(pieces_stop_when_refused)
{
	struct err e = { 0 };
	int calls = 0;

	ck_assert_int_eq(feat_pieces(span_str(example_4141), 80, refuse_piece, &calls, &e), -1);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
}
END_TEST

/* FEAT_OWN_DPI: what the claim itself names, without what T.4 makes equal to it. */
START_TEST(a_devices_own_resolutions)
{
	static const char claim[] = "(& (color=Binary) (dpi=200) (dpi-xyratio=1))";
	struct feat *doc = parse("(& (color=Binary) (dpi=204) (dpi-xyratio=204/196))", FEAT_DOCUMENT);
	struct feat *all = parse(claim, FEAT_CLAIM), *own = parse(claim, FEAT_CLAIM | FEAT_OWN_DPI);
	struct err e = { 0 };

	ck_assert_int_eq(feat_match(doc, all, &e), 1);
	ck_assert_int_eq(feat_match(doc, own, &e), 0);
	feat_free(doc);
	feat_free(all);
	feat_free(own);
}
END_TEST

Suite *suite_features_fax(void);
Suite *
suite_features_fax(void)
{
	Suite *s = suite_create("features_fax");
	TCase *tc = tcase_create("features_fax");

	tcase_add_loop_test(tc, document_fits_claim, 0, COUNT(fits));
	tcase_add_test(tc, plain_reading_has_no_fax_rules);
	tcase_add_loop_test(tc, normalised_text, 0, COUNT(normal));
	tcase_add_test(tc, profiles_contain_each_other);
	tcase_add_loop_test(tc, pieces_join_with_and_without_a_space, 0, 5);
	tcase_add_loop_test(tc, pieces_break_between_filters_only, 0, COUNT(breaks));
	tcase_add_test(tc, fields_are_folded);
	tcase_add_test(tc, pieces_stop_when_refused);
	tcase_add_test(tc, a_devices_own_resolutions);
	suite_add_tcase(s, tc);
	return s;
}
