/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/form.h"

#include <check.h>

static const struct { const char *text; uint32_t width; bool minimal; } forms[] = {
	{ "MH/204x196/A4", 1728, true }, { "MH/200x100/A4", 1728, true },
	{ "MH/204x98/A4", 1728, true }, { "MH/200x200/A4", 1728, true },
	{ "MH/204x391/A4", 1728, false }, { "MH/204x98/B4", 2048, false },
	{ "MR/204x196/A4", 1728, false }, { "MMR/200x200/A3", 2432, false },
	{ "MMR/300x300/A4", 2592, false }, { "MMR/300x300/B4", 3072, false },
	{ "JBIG/300x300/A3", 3648, false }, { "JBIG/400x400/A4", 3456, false },
	{ "JBIG/408x391/B4", 4096, false }, { "MR/400x400/A3", 4864, false },
};

START_TEST(forms_are_printed_and_scanned)
{
	struct form f, again;
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 100);
	ck_assert_msg(form_scan(span_str(forms[_i].text), &f, &e) == 0, "%s", e.what);
	ck_assert_uint_eq(form_width(&f), forms[_i].width);
	ck_assert_int_eq(form_minimal(&f), forms[_i].minimal);
	ck_assert_int_eq(form_print(&f, &b, &e), 0);
	ck_assert(span_is(buf_view(&b), forms[_i].text));
	ck_assert_int_eq(form_scan(buf_view(&b), &again, &e), 0);
	ck_assert(memcmp(&f, &again, sizeof f) == 0);
	buf_free(&b);
}
END_TEST

static const char *const no_forms[] = { "", "/", "//", "MH", "MH/204x196", "MH/204x196/",
	"MH/204x196/A5", "XX/204x196/A4", "other/204x196/A4", "MH/204x200/A4", "MH/204/A4",
	"MH/x/A4", "MH/204x196x1/A4", "MH/204x196/A4/", "MH/-204x196/A4", "MH/99999x196/A4",
	"MH/204x196/A4 " };

START_TEST(other_text_is_no_form)
{
	struct form f;
	struct err e = { 0 };

	ck_assert_msg(form_scan(span_str(no_forms[_i]), &f, &e) == -1, "%s", no_forms[_i]);
	ck_assert_int_eq(e.kind, ERR_PROTO);
}
END_TEST

START_TEST(features_are_the_nominal_ones)
{
	struct form mh = { CODING_MH, PAPER_A4, 204, 98 };
	struct form jbig = { CODING_JBIG, PAPER_B4, 400, 400 };
	struct form bad = { CODING_MH, PAPER_A4, 204, 99 };
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_int_eq(form_features(&mh, STRUCTURE_MINIMAL, 0, 1143, &b, &e), 0);
	ck_assert(span_is(buf_view(&b), "(& (color=Binary)(dpi=204)(dpi-xyratio=204/98)"
	    "(image-coding=MH)(image-file-structure=TIFF-minimal)(MRC-mode=0)(size-x=2150/254)"
	    "(size-y=2970/254)(paper-size=A4)(type=\"image/tiff\"))"));
	buf_clear(&b);
	ck_assert_int_eq(form_features(&jbig, STRUCTURE_LIMITED, 128, 4000, &b, &e), 0);
	ck_assert(span_is(buf_view(&b), "(& (color=Binary)(dpi=400)(dpi-xyratio=400/400)"
	    "(image-coding=JBIG)(image-file-structure=TIFF-limited)(MRC-mode=0)(size-x=2550/254)"
	    "(size-y=2970/254)(JBIG-stripe-size=128)(image-coding-constraint=JBIG-T85)(type=\"image/tiff-fx\"))"));
	ck_assert_int_eq(form_features(&bad, STRUCTURE_LIMITED, 128, 1, &b, &e), -1);
	ck_assert_int_eq(e.kind, ERR_BUG);
	buf_free(&b);
}
END_TEST

/* rows at a resolution, and what is said of their length; 1143, 2287 and 4574 are T.4's for A4. */
static const struct { const char *form; uint32_t rows; const char *want; } page_lengths[] = {
	{ "MH/204x98/A4", 1143, "(size-y=2970/254)(paper-size=A4)" },
	{ "MH/204x196/A4", 2287, "(size-y=2970/254)(paper-size=A4)" },
	{ "MH/204x391/A4", 4574, "(size-y=2970/254)(paper-size=A4)" },
	{ "MH/200x200/A4", 2339, "(size-y=2970/254)(paper-size=A4)" },
	{ "MH/200x200/A4", 2432, "(size-y=2970/254)(paper-size=A4)" },		/* 4 % */
	{ "MH/200x200/A4", 2433, "(size-y=3556/254)(paper-size=legal)" },
	{ "MH/200x200/A4", 2200, "(size-y=2794/254)(paper-size=[A4,letter])" },
	{ "MH/204x196/A4", 2200, "(size-y=2794/254)(paper-size=[A4,letter])" },
	{ "MH/204x196/A4", 1, "(size-y=2794/254)(paper-size=[A4,letter])" },
	{ "MH/200x200/A4", 2800, "(size-y=3556/254)(paper-size=legal)" },
	{ "MH/204x196/A4", 2800, "(size-y=3556/254)(paper-size=legal)" },
	{ "MH/200x200/A4", 2950, "(size-y=3640/254)" },
	{ "MH/200x200/A4", 3300, "(size-y=4200/254)" },
	{ "MH/200x200/A4", 3440, "(size-y=4572/254)" },				/* 17.2: 18 inches */
	{ "MH/200x200/A4", 4000, "(size-y=5080/254)" },
	{ "MH/200x200/A4", 4001, "(size-y=5334/254)" },
	{ "MH/200x200/B4", 2200, "(size-y=2970/254)" },
	{ "MH/200x200/B4", 2866, "(size-y=3640/254)(paper-size=B4)" },
	{ "MH/204x196/B4", 2802, "(size-y=3640/254)(paper-size=B4)" },
	{ "MH/200x200/B4", 3307, "(size-y=4200/254)" },
	{ "MH/200x200/A3", 2866, "(size-y=3640/254)" },
	{ "MH/300x300/A3", 4961, "(size-y=4200/254)(paper-size=A3)" },
};

START_TEST(lengths_are_those_of_paper)
{
	struct form f;
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_int_eq(form_scan(span_str(page_lengths[_i].form), &f, &e), 0);
	ck_assert_int_eq(form_features(&f, STRUCTURE_LIMITED, 0, page_lengths[_i].rows, &b, &e), 0);
	ck_assert_msg(memmem(b.p, b.n, page_lengths[_i].want, strlen(page_lengths[_i].want)) != NULL &&
	    (strstr(page_lengths[_i].want, "paper") != NULL) == (memmem(b.p, b.n, "paper", 5) != NULL),
	    "%s %u: %.*s", page_lengths[_i].form, page_lengths[_i].rows, (int)b.n, (const char *)b.p);
	buf_free(&b);
}
END_TEST

/* RFC 2879 Appendix B, and claims as devices make them (RFC 2880). */
#define F_RES "(| (& (dpi=200)(dpi-xyratio=[200/100,200/200])(size-x=[1728/200,2048/200,2432/200]))" \
	"(& (dpi=204)(dpi-xyratio=[204/98,204/196,204/391])(size-x=[1728/204,2048/204,2432/204]))" \
	"(& (dpi=300)(dpi-xyratio=300/300)(size-x=[2592/300,3072/300,3648/300]))" \
	"(& (dpi=400)(dpi-xyratio=400/400)(size-x=[3456/400,4096/400,4864/400]))" \
	"(& (dpi=408)(dpi-xyratio=408/391)(size-x=[3456/408,4096/408,4864/408])))" \
	"(paper-size=[A4,B4,A3,letter,legal])"
#define TIFF_S "(& (image-file-structure=TIFF-S)(color=Binary)(image-coding=MH)(MRC-mode=0)" \
	"(| (& (dpi=200)(dpi-xyratio=[200/100,200/200])(size-x=1728/200))" \
	"(& (dpi=204)(dpi-xyratio=[204/98,204/196])(size-x=1728/204)))(paper-size=A4))"
#define TIFF_F_FULL "(& (image-file-structure=TIFF-F)(color=Binary)(image-coding=[MH,MR,MMR])" \
	"(MRC-mode=0)" F_RES ")"
#define TIFF_J_FULL "(& (image-file-structure=TIFF-J)(color=Binary)(MRC-mode=0)(image-coding=JBIG)" \
	"(image-coding-constraint=JBIG-T85)(JBIG-stripe-size>=0)" F_RES ")"
#define FINE_MMR "(& (image-file-structure=TIFF-limited)(image-coding=[MH,MMR])(color=Binary)" \
	"(dpi=[200,204])(dpi-xyratio=[200/100,204/98,204/196,1])(size-x<=2150/254))"

static const struct { const char *src, *caps, *permitted, *want; } choices[] = {
	/* What fits stays as it is. */
	{ "JBIG/400x400/A3", TIFF_J_FULL, "", "JBIG/400x400/A3" },
	{ "MMR/408x391/A4", TIFF_F_FULL, "", "MMR/408x391/A4" },
	{ "MH/204x98/A4", TIFF_S, "", "MH/204x98/A4" },
	/* Down to what the device has: JBIG 400 to MMR 200, never 98 lines where 196 are taken. */
	{ "JBIG/400x400/A4", FINE_MMR, "", "MMR/200x200/A4" },
	{ "JBIG/408x391/A4", FINE_MMR, "", "MMR/204x196/A4" },
	{ "JBIG/400x400/A4", TIFF_S, "", "MH/200x200/A4" },
	{ "MMR/300x300/A4", TIFF_S, "", "MH/200x200/A4" },
	{ "MMR/204x391/A4", TIFF_S, "", "MH/204x196/A4" },
	{ "JBIG/400x400/A3", TIFF_S, "", "MH/200x200/A4" },
	{ "MMR/200x100/B4", TIFF_S, "", "MH/200x100/A4" },
	/* Fewest octets. */
	{ "MH/204x196/A4", "(| " TIFF_J_FULL TIFF_F_FULL ")", "", "JBIG/204x196/A4" },
	{ "MH/204x196/A4", TIFF_F_FULL, "", "MMR/204x196/A4" },
	{ "MMR/400x400/A4", TIFF_F_FULL, "(image-coding=[MH,MR])", "MR/400x400/A4" },
	/* Three-way: permitted, accepted, made by us (R10). */
	{ "MMR/400x400/A4", TIFF_F_FULL, "(& (dpi=200)(image-coding=MH))", "MH/200x200/A4" },
	{ "MMR/400x400/A4", TIFF_F_FULL, "(image-coding=JPEG)", NULL },
	{ "MMR/400x400/A4", "(image-coding=JPEG)", "", NULL },
	{ "MMR/400x400/A4", "(& (color=Binary)(ua-media=stationery))", "(ua-media=screen)", NULL },
	{ "MMR/400x400/A4", "(color=grey)", "", NULL },
	{ "MMR/400x400/A4", "(type=\"text/plain\")", "", NULL },
	/* 200 and 204 are one (RFC 3949 2.2.2): accept one, accept both; no pixel changes. */
	{ "MMR/200x200/A4", "(& (image-coding=MMR)(dpi=204)(dpi-xyratio=204/196))", "",
	    "MMR/200x200/A4" },
	/* Nothing is made larger. */
	{ "MMR/204x98/A4", "(& (image-coding=MMR)(dpi=204)(dpi-xyratio=204/196))", "", NULL },
	{ "MMR/200x200/A4", "(dpi=300)", "", NULL },
	/* A smaller paper only if it must be. */
	{ "MMR/200x200/A3", "(& (image-coding=MMR)(size-x<=2550/254))", "", "MMR/200x200/B4" },
	/* No page is longer than is taken, but scaled to a narrower paper it is shorter. */
	{ "MMR/200x200/A4", "(& (image-coding=MMR)(size-y<=2970/254))", "", "MMR/200x200/A4" },
	{ "MMR/200x200/A4", "(& (image-coding=MMR)(size-y<=2700/254))", "", NULL },
	{ "MMR/200x200/B4", "(& (image-coding=MMR)(size-y<=2970/254))", "", "MMR/200x200/A4" },
	{ "MMR/200x200/A3", "(& (image-coding=MMR)(size-y<=2970/254))", "", "MMR/200x200/A4" },
	{ "MMR/200x200/A3", "(& (image-coding=MMR)(paper-size=A4))", "", "MMR/200x200/A4" },
	{ "MMR/204x196/A4", "(& (image-coding=MMR)(dpi=200)(dpi-xyratio=1)(paper-size=A4))", "", "MMR/204x196/A4" },
};

static struct feat *
set_of(const char *text)
{
	struct feat *f = NULL;
	struct err e = { 0 };

	if (text[0] == '\0')
		return feat_any();
	ck_assert_msg(feat_parse(span_str(text), FEAT_CLAIM, &f, &e) == 0, "%s: %s", text, e.what);
	return f;
}

/* A page of that form, as long as its paper. */
static struct form_page
page_of(const char *text, bool turned)
{
	static const uint32_t tenths_mm[] = { 2970, 3640, 4200 };
	struct form_page p = { .turned = turned };
	struct err e = { 0 };
	uint32_t rows;

	ck_assert_int_eq(form_scan(span_str(text), &p.form, &e), 0);
	rows = tenths_mm[p.form.paper] * p.form.dpi_y / 254;
	p.width_px = turned ? rows : form_width(&p.form);
	p.length_px = turned ? form_width(&p.form) : rows;
	return p;
}

START_TEST(r10_the_best_form_is_chosen)
{
	struct feat *caps = set_of(choices[_i].caps), *permitted = set_of(choices[_i].permitted);
	struct form_page src = page_of(choices[_i].src, false);
	struct form out;
	struct err e = { 0 };
	struct buf b;
	int got;

	buf_init(&b, 100);
	got = form_choose_file(&src, 1, caps, permitted, &out, &e);
	ck_assert_msg(got == (choices[_i].want != NULL), "%s to %s: %d %s", choices[_i].src,
	    choices[_i].caps, got, e.what);
	if (got == 1) {
		ck_assert_int_eq(form_print(&out, &b, &e), 0);
		ck_assert_msg(span_is(buf_view(&b), choices[_i].want), "%s to %s: %.*s",
		    choices[_i].src, choices[_i].want, (int)b.n, (const char *)b.p);
	}
	buf_free(&b);
	feat_free(caps);
	feat_free(permitted);
}
END_TEST

/* Pages of one file: one profile for all of them. */
static const struct { const char *src[2], *caps, *want[2]; } files[] = {
	/* JBIG is taken at 200 dpi alone, MMR at 400 too: all MMR keeps more than all JBIG. */
	{ { "MMR/400x400/A4", "MMR/200x200/A4" },
	    "(| (& (image-coding=JBIG)(dpi=200)(dpi-xyratio=1)) (& (image-coding=MMR)"
	    "(dpi=[200,400])(dpi-xyratio=1)))",
	    { "MMR/400x400/A4", "MMR/200x200/A4" } },
	{ { "MMR/400x400/A4", "MH/204x196/A4" }, "(| " TIFF_J_FULL TIFF_F_FULL ")",
	    { "JBIG/400x400/A4", "JBIG/204x196/A4" } },
	{ { "MMR/400x400/A4", "MH/204x98/A4" }, TIFF_S, { "MH/200x200/A4", "MH/204x98/A4" } },
	/* A device of Profile S and of MMR at 400 dpi cannot have both in one file. */
	{ { "MMR/400x400/A4", "MH/204x98/A4" }, "(| " TIFF_S
	    "(& (image-file-structure=TIFF-limited)(image-coding=MMR)(dpi=400)(dpi-xyratio=1)))",
	    { "MH/200x200/A4", "MH/204x98/A4" } },
	{ { "MMR/400x400/A4", "MH/204x98/A4" }, "(& (image-coding=MMR)(dpi=400))", { NULL, NULL } },
};

START_TEST(r10_a_file_is_of_one_profile)
{
	struct feat *caps = set_of(files[_i].caps), *any = feat_any();
	struct form_page src[2];
	struct form out[2], want;
	struct err e = { 0 };

	for (int i = 0; i < 2; i++)
		src[i] = page_of(files[_i].src[i], false);
	ck_assert_int_eq(form_choose_file(src, 2, caps, any, out, &e), files[_i].want[0] != NULL);
	for (int i = 0; i < 2 && files[_i].want[0] != NULL; i++) {
		ck_assert_int_eq(form_scan(span_str(files[_i].want[i]), &want, &e), 0);
		ck_assert_msg(memcmp(&want, &out[i], sizeof want) == 0, "case %d page %d", _i, i);
	}
	feat_free(caps);
	feat_free(any);
}
END_TEST

/* Pages of one form, but not of one length. */
START_TEST(r10_each_page_has_its_length)
{
	struct feat *caps = set_of("(| (& (image-coding=JBIG)(size-y<=2970/254)) (image-coding=MMR))");
	struct feat *any = feat_any();
	struct form_page src[2] = { page_of("MR/200x200/A4", false), page_of("MR/200x200/A4", false) };
	struct form out[2];
	struct err e = { 0 };

	src[1].length_px = 2800;
	ck_assert_int_eq(form_choose_file(src, 2, caps, any, out, &e), 1);
	ck_assert_int_eq(out[0].coding, CODING_MMR);
	src[1].length_px = 2200;
	ck_assert_int_eq(form_choose_file(src, 2, caps, any, out, &e), 1);
	ck_assert_int_eq(out[0].coding, CODING_JBIG);
	feat_free(caps), feat_free(any);
}
END_TEST

/* Lying on its side it becomes as wide as the paper, and so shorter. */
START_TEST(r10_a_turned_page)
{
	struct feat *caps = set_of("(& (image-coding=MMR)(size-y<=2794/254))"), *any = feat_any();
	struct form_page src = page_of("MMR/200x200/A4", true);
	struct form out;
	struct err e = { 0 };

	ck_assert_int_eq(form_choose_file(&src, 1, caps, any, &out, &e), 1);
	src = page_of("MMR/200x200/A4", false);
	ck_assert_int_eq(form_choose_file(&src, 1, caps, any, &out, &e), 0);
	feat_free(caps), feat_free(any);
}
END_TEST

Suite *suite_form(void);
Suite *
suite_form(void)
{
	Suite *s = suite_create("form");
	TCase *tc = tcase_create("form");

	tcase_add_loop_test(tc, forms_are_printed_and_scanned, 0, sizeof forms / sizeof *forms);
	tcase_add_loop_test(tc, other_text_is_no_form, 0, sizeof no_forms / sizeof *no_forms);
	tcase_add_test(tc, features_are_the_nominal_ones);
	tcase_add_loop_test(tc, lengths_are_those_of_paper, 0, sizeof page_lengths / sizeof *page_lengths);
	tcase_add_loop_test(tc, r10_the_best_form_is_chosen, 0, sizeof choices / sizeof *choices);
	tcase_add_loop_test(tc, r10_a_file_is_of_one_profile, 0, sizeof files / sizeof *files);
	tcase_add_test(tc, r10_each_page_has_its_length);
	tcase_add_test(tc, r10_a_turned_page);
	suite_add_tcase(s, tc);
	return s;
}
