/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/alternative.h"

#include <check.h>
#include <stdio.h>

#define S "(& (color=Binary) (image-file-structure=TIFF-minimal) (dpi=200) (dpi-xyratio=1) (paper-size=A4) " \
    "(image-coding=MH) (MRC-mode=0) )"
#define F "(& (color=Binary) (image-file-structure=TIFF-limited) (dpi=400) (dpi-xyratio=1) (paper-size=A4) " \
    "(image-coding=MMR) (MRC-mode=0) )"
#define DEVICE "(& (type=\"image/tiff\") (color=Binary) (image-file-structure=TIFF) (dpi=[200,400]) (dpi-xyratio=1) " \
    "(image-coding=[MH,MMR]) (MRC-mode=0) (paper-size=[A4,B4]) )"
#define SMALL "(& (color=Binary) (image-file-structure=TIFF-minimal) (dpi=200) (image-coding=MH) (MRC-mode=0) )"
#define COLOUR "(& (color=[Binary,Grey,Full]) (dpi=[100,200]) )"
#define TYPE "Content-Type: image/tiff\r\n"
#define OF(filter) "Content-Features: " filter "\r\n"
#define OR(filter) "Content-Alternative: " filter "\r\n"

static const struct { const char *name, *header, *takes; bool fits, yes; } cases[] = {
	{ "RFC 3297, 8.1", TYPE OF(S) OR(F), DEVICE, true, true },
	{ "8.2: what is here is the better one", TYPE OF(F) OR(S), DEVICE, true, false },
	{ "8.2, and does not fit", TYPE OF(F) OR(S), SMALL, false, true },
	{ "8.3: nothing is described", TYPE OF(F), SMALL, false, true },
	{ "the same, and it fits", TYPE OF(F), DEVICE, true, false },
	{ "8.4: only another medium, which is not taken", TYPE OF(S) OR("(& (type=\"application/pdf\") (dpi=400))"),
	    DEVICE, true, false },
	{ "8.4: the first of two", TYPE OF(S) OR(F) OR("(& (type=\"application/pdf\") (dpi=400))"), DEVICE, true, true },
	{ "8.4: the second", TYPE OF(S) OR("(& (type=\"application/pdf\") (dpi=400))") OR(F), DEVICE, true, true },
	{ "better, and not taken", TYPE OF(S) OR(F), SMALL, true, false },
	{ "not taken, and nor is what is here", TYPE OF(F) OR(F), SMALL, false, false },
	{ "4: what is not said is as it is here", TYPE OF(S) OR("(dpi=400)"), DEVICE, true, true },
	{ "4: and so it is not taken", TYPE OF("(& (dpi=200) (image-coding=JBIG))") OR("(dpi=400)"), DEVICE, true,
	    false },
	{ "other coding alone", TYPE OF(S) OR("(image-coding=MMR)"), DEVICE, true, false },
	{ "more colour, fewer dots", TYPE OF("(& (color=Binary) (dpi=200))") OR("(& (color=Full) (dpi=100))"), COLOUR,
	    true, true },
	{ "less colour, more dots", TYPE OF("(& (color=Grey) (dpi=100))") OR("(& (color=Binary) (dpi=200))"), COLOUR, true,
	    false },
	{ "400 and 408 are the same", TYPE OF("(& (dpi=400) (dpi-xyratio=1))") OR("(& (dpi=408) (dpi-xyratio=408/391))"),
	    "(dpi=[400,408])", true, false },
	{ "more lines", TYPE OF("(& (dpi=204) (dpi-xyratio=204/98))") OR("(dpi-xyratio=204/196)"), "(dpi=204)", true,
	    true },
	{ "the whole range of an alternative counts", TYPE OF(S) OR("(dpi=[100,200,400])"), DEVICE, true, true },
	{ "nothing is said of what is here", TYPE OR(F), DEVICE, true, false },
	{ "no filter", TYPE OF(S) OR("MMR"), DEVICE, true, false },
};

START_TEST(what_is_better)
{
	struct err e = { 0 };
	struct buf m;
	bool yes;

	buf_init(&m, 65536);
	ck_assert_int_eq(buf_addf(&m, &e, "Subject: x\r\n%s\r\nbody\r\n", cases[_i].header), 0);
	ck_assert_msg(alternative_better(buf_view(&m), span_str(cases[_i].takes), cases[_i].fits, &yes, &e) == 0, "%s",
	    e.what);
	ck_assert_msg(yes == cases[_i].yes, "%s", cases[_i].name);
	buf_free(&m);
}
END_TEST

static const char mixed[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" TYPE OF(S) "\r\nx\r\n--b\r\n"
    TYPE OF(S) OR(F) "\r\nx\r\n--b--\r\n";
static const char signed_[] = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" TYPE OF(S) OR(F)
    "\r\nx\r\n--b\r\n\r\nx\r\n--b--\r\n";

START_TEST(each_part_counts_but_for_signed_ones)
{
	struct err e = { 0 };
	bool yes;

	ck_assert_int_eq(alternative_better(span_str(mixed), span_str(DEVICE), true, &yes, &e), 0);
	ck_assert(yes);
	ck_assert_int_eq(alternative_better(span_str(signed_), span_str(DEVICE), true, &yes, &e), 0);
	ck_assert(!yes);
}
END_TEST

/* The first so many of a message are looked at. */
START_TEST(their_number_is_bounded)
{
	struct err e = { 0 };
	struct buf m;
	bool yes;

	for (int more = 0; more < 2; more++) {
		buf_init(&m, 65536);
		ck_assert_int_eq(buf_add_str(&m, TYPE OF(S), &e), 0);
		for (int i = 1; i < ALTERNATIVES_MAX + more; i++)
			ck_assert_int_eq(buf_add_str(&m, OR(S), &e), 0);
		ck_assert_int_eq(buf_add_str(&m, OR(F) "\r\nbody\r\n", &e), 0);
		ck_assert_int_eq(alternative_better(buf_view(&m), span_str(DEVICE), true, &yes, &e), 0);
		ck_assert(yes == !more);
		buf_free(&m);
	}
}
END_TEST

Suite *suite_alternative(void);
Suite *
suite_alternative(void)
{
	Suite *s = suite_create("alternative");
	TCase *t = tcase_create("alternative");

	tcase_add_loop_test(t, what_is_better, 0, sizeof cases / sizeof *cases);
	tcase_add_test(t, each_part_counts_but_for_signed_ones);
	tcase_add_test(t, their_number_is_bounded);
	suite_add_tcase(s, t);
	return s;
}
