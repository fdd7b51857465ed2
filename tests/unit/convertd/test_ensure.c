/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * What lib/ensure announces is what convertd does: of every form of a page, in every length of paper, it
 * says exactly those that fit the machine or are made into one that does.
 */
#include "lib/ensure.h"

#include <check.h>

#include "convertd/form.h"
#include "tests/unit/suites.h"

#define DEVICE(more) "(& (color=Binary)(MRC-mode=0)" more ")"
#define S200 "(dpi=200)(dpi-xyratio=[200/100,1])"
#define FILES(s) "(image-file-structure=" s ")"

static const char *const machines[] = {
	DEVICE(FILES("TIFF-minimal") "(image-coding=MH)(dpi=204)(dpi-xyratio=204/196)(size-x<=2150/254)"),
	DEVICE(FILES("TIFF-limited") "(image-coding=[MH,MR,MMR])(dpi=200)(dpi-xyratio=1)(size-x<=2150/254)"),
	DEVICE(FILES("TIFF-limited") "(image-coding=[MH,MMR,JBIG])(dpi=[200,400])(dpi-xyratio=1)(size-x<=2150/254)"),
	/* RFC 2879's Profile S; lengths by paper */
	DEVICE(FILES("TIFF-minimal") "(image-coding=MH)(size-x=1728/200)" S200 "(paper-size=A4)"),
	DEVICE(FILES("TIFF") "(image-coding=MMR)(dpi=300)(dpi-xyratio=1)(paper-size=[A4,B4,A3])"),
	DEVICE(FILES("TIFF") "(image-coding=MMR)" S200 "(paper-size=[A4,legal])"),
	/* RFC 2880: lengths as a fax machine says them */
	DEVICE("(image-coding=[MH,MR])" S200 "(size-x<=2150/254)(size-y<=2970/254)"),
	DEVICE("(image-coding=[MH,MR])" S200 "(size-x<=2550/254)(size-y<=3640/254)(paper-size=[A4,B4])"),
	DEVICE("(image-coding=[MH,MR])" S200 "(size-x<=3030/254)(paper-size=[A3,A4,B4,letter,legal])"),
	DEVICE("(image-coding=JBIG)(image-coding-constraint=JBIG-T85)(JBIG-stripe-size=128)(dpi=[300,400])(dpi-xyratio=1)"),
	/* in parts, that go with each other or not */
	"(| " DEVICE("(image-coding=MH)(dpi=200)(dpi-xyratio=2)(size-x=2150/254)") " "
	    DEVICE("(image-coding=JBIG)(dpi=400)(dpi-xyratio=1)(size-x=3030/254)(size-y<=4200/254)") " )",
	"(& (| (& (dpi=204)(dpi-xyratio=204/391)) (& (dpi=300)(dpi-xyratio=1)) ) (size-x=2550/254) )",
	DEVICE("(dpi=204)(dpi-xyratio=204/98)(image-coding=MH)(size-y>=3556/254)"),
	/* nothing that can be made */
	DEVICE("(image-coding=MH)(dpi=100)(dpi-xyratio=1)"),
	DEVICE("(image-coding=MH)(dpi=200)(dpi-xyratio=1)(size-x<=2000/254)"),
	DEVICE("(image-coding=MH)(dpi=200)(dpi-xyratio=1)(ua-media=screen)(type=\"text/plain\")"),
	"(& (color=Grey)(image-coding=JPEG)(dpi=200)(dpi-xyratio=1))",
};

static const uint16_t pairs[][2] = { { 400, 400 }, { 408, 391 }, { 300, 300 }, { 204, 391 }, { 200, 200 }, { 204, 196 },
	{ 200, 100 }, { 204, 98 } };
/* letter, A4, legal, B4, A3; a roll. */
static const uint32_t papers[] = { 2794, 2970, 3556, 3640, 4200, 20 * 254 };
enum { B4 = 3640, A3 = 4200 };

/*
 * More is done than is announced: of rolls that is announced which can be done with all of them; and on
 * A4's width a length of B4 is one of legal, or as 204x196, which makes 2 % of 200x200, none that has a
 * name.
 */
static bool
is_on_the_edge(enum paper width, uint32_t paper)
{
	return paper > A3 || (width == PAPER_A4 && paper == B4);
}

/* Does the machine take the page as it is, or *made of it? */
static int
is_usable(const struct form_page *p, struct span doc, const struct feat *caps, const struct feat *anything,
    struct form *made, struct err *e)
{
	struct feat *f = NULL;
	int r;

	ck_assert_int_eq(feat_parse(doc, FEAT_DOCUMENT, &f, e), 0);
	r = feat_match(f, caps, e);
	feat_free(f);
	return r != 0 ? r : form_choose_file(p, 1, caps, anything, made, e);
}

static int
is_announced(struct span doc, const struct feat *claim, struct err *e)
{
	struct feat *f = NULL;
	int r;

	ck_assert_int_eq(feat_parse(doc, FEAT_DOCUMENT, &f, e), 0);
	r = feat_match(f, claim, e);
	feat_free(f);
	return r;
}

static void
check_page(const char *machine, const struct form *f, uint32_t paper, const struct feat *caps, const struct feat *claim,
    const struct feat *anything)
{
	struct form_page p = { .form = *f, .width_px = form_width(f), .length_px = paper * f->dpi_y / 254 };
	enum structure structure = form_minimal(f) ? STRUCTURE_MINIMAL : STRUCTURE_LIMITED;
	struct form made = p.form;
	struct buf doc;
	struct err e = { 0 };
	int usable, announced;

	buf_init(&doc, 1024);
	ck_assert_int_eq(form_features(f, structure, 128, p.length_px, &doc, &e), 0);
	usable = is_usable(&p, buf_view(&doc), caps, anything, &made, &e);
	announced = is_announced(buf_view(&doc), claim, &e);
	ck_assert_msg(usable != -1 && (usable == announced || (usable && is_on_the_edge(f->paper, paper))),
	    "%s: %.*s: usable %d (%d, %ux%u, width %d), announced %d", machine, (int)doc.n, doc.p, usable,
	    made.coding, made.dpi_x, made.dpi_y, made.paper, announced);
	buf_free(&doc);
}

START_TEST(announced_is_what_can_be_used)
{
	struct feat *caps, *claim, *anything;
	struct buf text;
	struct err e = { 0 };

	buf_init(&text, FEAT_MAX_TEXT);
	ck_assert_msg(ensure_claim(span_str(machines[_i]), &text, &e) == 0, "%s", e.what);
	ck_assert_int_eq(feat_parse(span_str(machines[_i]), FEAT_CLAIM, &caps, &e), 0);
	ck_assert_int_eq(feat_parse(buf_view(&text), FEAT_CLAIM, &claim, &e), 0);
	ck_assert_int_eq(feat_parse(span_str("(| (x.y=1) (! (x.y=1)) )"), FEAT_CLAIM, &anything, &e), 0);
	ck_assert(feat_is_any(anything));
	for (size_t d = 0; d < sizeof pairs / sizeof *pairs; d++)
		for (int coding = CODING_MH; coding <= CODING_JBIG; coding++)
			for (int w = PAPER_A4; w <= PAPER_A3; w++)
				for (size_t l = 0; l < sizeof papers / sizeof *papers; l++) {
					struct form f = { (enum coding)coding, (enum paper)w, pairs[d][0], pairs[d][1] };

					check_page(machines[_i], &f, papers[l], caps, claim, anything);
				}
	feat_free(caps);
	feat_free(claim);
	feat_free(anything);
	buf_free(&text);
}
END_TEST

Suite *suite_ensure(void);

Suite *
suite_ensure(void)
{
	Suite *s = suite_create("ensure");
	TCase *tc = tcase_create("ensure");

	tcase_add_loop_test(tc, announced_is_what_can_be_used, 0, (int)(sizeof machines / sizeof *machines));
	suite_add_tcase(s, tc);
	return s;
}
