/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What is announced of a machine whose mail is converted here.  With all that convertd can do: convertd/test_ensure.c. */
#include "lib/ensure.h"

#include "lib/caplines.h"
#include "lib/features.h"
#include "tests/unit/suites.h"

#define ANY_FORM " (& (color=Binary)(MRC-mode=0)(type=[\"image/tiff\",\"image/tiff-fx\"])" \
    "(image-file-structure=[TIFF,TIFF-limited,TIFF-minimal])(| (image-coding=[MH,MR,MMR])" \
    "(& (image-coding=JBIG)(image-coding-constraint=JBIG-T85)(JBIG-stripe-size>=0)))(| "
#define WIDTHS "(| (size-x=2150/254)(size-x=2550/254)(size-x=3030/254))"
#define FINE "(& (dpi=200)(dpi-xyratio=1))(& (dpi=204)(dpi-xyratio=204/196))(& (dpi=204)(dpi-xyratio=204/391))" \
    "(& (dpi=300)(dpi-xyratio=1))(& (dpi=400)(dpi-xyratio=1))(& (dpi=408)(dpi-xyratio=408/391))"
#define BEST "(& (dpi=400)(dpi-xyratio=1))(& (dpi=408)(dpi-xyratio=408/391))"

static const struct { const char *caps, *claim; } claims[] = {
	/* pages are made smaller, never larger */
	{ "(& (color=Binary) (image-coding=MH) (dpi=204) (dpi-xyratio=204/196) )", "(| (& (color=Binary) (image-coding=MH) "
	    "(dpi=204) (dpi-xyratio=204/196) )" ANY_FORM "(& (| " FINE ")" WIDTHS "))))" },
	{ "(& (color=Binary)(dpi=400)(dpi-xyratio=1)(size-x=3030/254))", "(| (& (color=Binary)(dpi=400)(dpi-xyratio=1)"
	    "(size-x=3030/254))" ANY_FORM "(& (| " BEST ")(| (size-x=3030/254))))))" },
	/* lengths stay what they are, unless the width becomes another */
	{ "(& (dpi=400)(dpi-xyratio=1)(size-x<=2150/254)(size-y<=2970/254))", "(| (& (dpi=400)(dpi-xyratio=1)"
	    "(size-x<=2150/254)(size-y<=2970/254))" ANY_FORM "(& (| " BEST ")(| "
	    "(& (size-x=2150/254)(size-y=[0/254..2970/254])(paper-size=[letter,A4]))"
	    "(& (size-x=2550/254)(size-y=[0/254..3640/254]))"
	    "(& (size-x=3030/254)(size-y=[0/254..4200/254])))))))" },
	{ "(& (dpi=400)(dpi-xyratio=1)(size-x=2150/254)(paper-size=A4))", "(| (& (dpi=400)(dpi-xyratio=1)(size-x=2150/254)"
	    "(paper-size=A4))" ANY_FORM "(& (| " BEST ")(| "
	    "(& (size-x=2150/254)(size-y=[0/254..2970/254,3557/254..60000/254])(paper-size=[letter,A4]))"
	    "(& (size-x=2550/254)(size-y=[0/254..3640/254]))(& (size-x=3030/254)(size-y=[0/254..4200/254])))))))" },
	/* resolutions that take the same stand together, others apart */
	{ "(| (& (dpi=200)(dpi-xyratio=2)(size-x=2150/254)) (& (dpi=300)(dpi-xyratio=1)(size-x=[2150/254,3030/254])) );q=0.5",
	    NULL },
	/* nothing bi-level: nothing is converted */
	{ "(& (color=Grey) (image-coding=JPEG) )", "(& (color=Grey) (image-coding=JPEG) )" },
	{ "(type=\"text/plain\")", "(type=\"text/plain\")" },
	{ "(& (color=Binary)(image-coding=MH)(MRC-mode=1))", "(& (color=Binary)(image-coding=MH)(MRC-mode=1))" },
};

START_TEST(claims_are_written_so)
{
	struct span caps = span_str(claims[_i].caps), claim;
	struct feat *was, *now;
	struct buf out, lines;
	struct err e = { 0 };

	buf_init(&out, FEAT_MAX_TEXT);
	buf_init(&lines, CAPLINES_OCTETS);
	ck_assert_msg(ensure_claim(caps, &out, &e) == 0, "%s", e.what);
	claim = buf_view(&out);
	ck_assert_msg(claims[_i].claim == NULL || span_is(claim, claims[_i].claim), "%.*s", (int)claim.n, claim.p);
	/* all of it that was there before is there still; it can be told, to the letter */
	ck_assert_msg(feat_parse(caps, FEAT_CLAIM, &was, &e) == 0 && feat_parse(claim, FEAT_CLAIM | FEAT_STRICT, &now,
	    &e) == 0, "%s", e.what);
	ck_assert_int_eq(feat_within(was, now, &e), 1);
	ck_assert_msg(caplines_make(claim, &lines, &e) == 0, "%s", e.what);
	feat_free(was);
	feat_free(now);
	buf_free(&lines);
	buf_free(&out);
}
END_TEST

START_TEST(what_is_no_expression_is_announced_by_nobody)
{
	static const char *const bad[] = { "", "any", "(& (dpi=200)", "(dpi=200) )", "(& (dpi=200)(dpi-xyratio=1)" };
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, FEAT_MAX_TEXT);
	ck_assert_int_eq(buf_add_str(&out, "as it was", &e), 0);
	ck_assert_msg(ensure_claim(span_str(bad[_i]), &out, &e) == -1, "%s", bad[_i]);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert(span_is(buf_view(&out), "as it was"));
	buf_free(&out);
}
END_TEST

Suite *suite_ensure(void);

Suite *
suite_ensure(void)
{
	Suite *s = suite_create("ensure");
	TCase *tc = tcase_create("ensure");

	tcase_add_loop_test(tc, claims_are_written_so, 0, (int)(sizeof claims / sizeof *claims));
	tcase_add_loop_test(tc, what_is_no_expression_is_announced_by_nobody, 0, 5);
	suite_add_tcase(s, tc);
	return s;
}
