/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Capability lists of a job: what counts as the same one, and how much of them is kept. */
#include <check.h>
#include <string.h>

#include "lib/features.h"
#include "remote/flow.h"

static struct job job;
static struct flow f;
static struct err e;

static void
setup(void)
{
	job = (struct job){ .number = 1 };
	f = (struct flow){ .job = &job };
	e = (struct err){ 0 };
}

START_TEST(equal_lists_are_one_for_each_wish)
{
	struct span mh = span_str("(image-coding=MH)"), mr = span_str("(image-coding=MR)");
	struct batch plain = { .n = 0 }, usable = { .usable = true, .drucof = DRUCOF_REQUIRE };
	struct capset *c = flow_capset(&f, &plain, mh, &e), *d;

	ck_assert_int_eq(c->wish, WISH_ADVISORY);
	ck_assert_ptr_null(c->permitted);
	ck_assert_ptr_eq(flow_capset(&f, &plain, mh, &e), c);
	ck_assert_ptr_ne(flow_capset(&f, &plain, mr, &e), c);
	d = flow_capset(&f, &usable, mh, &e);
	ck_assert_ptr_ne(d, c);
	ck_assert_int_eq(d->wish, WISH_DRUCOF);
	ck_assert_ptr_null(d->permitted);
	job.env.conperm = true;			/* both: a second verdict, by Content-Convert alone */
	ck_assert_ptr_eq(flow_capset(&f, &usable, mh, &e), d);
	ck_assert_int_eq(d->permitted->wish, WISH_CONPERM);
	ck_assert_ptr_eq(flow_capset(&f, &plain, mh, &e), d->permitted);
	flow_forget(&f);
}
END_TEST

/* A hop that answers each of 160 recipients with another list of 64 KiB fills no memory. */
START_TEST(lists_are_kept_up_to_a_limit)
{
	static char text[FEAT_MAX_TEXT];
	struct batch b = { .n = 0 };
	struct capset *c = NULL, *first = NULL;
	uint32_t n = 0;

	memset(text, 'x', sizeof text);
	do {
		memcpy(text, &n, sizeof n);
		c = flow_capset(&f, &b, span_of(text, sizeof text), &e);
		first = n == 0 ? c : first;
		n++;
	} while (c != NULL && n < 1000);
	ck_assert_uint_eq(n, FLOW_CAPS / FEAT_MAX_TEXT + 1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_str_eq(e.dsn, "5.6.0");
	ck_assert_uint_le(f.caps_octets, FLOW_CAPS);
	memset(text, 0, sizeof n);		/* one that is there costs nothing */
	ck_assert_ptr_eq(flow_capset(&f, &b, span_of(text, sizeof text), &e), first);
	flow_forget(&f);
}
END_TEST

Suite *suite_negotiate(void);
Suite *
suite_negotiate(void)
{
	Suite *s = suite_create("negotiate");
	TCase *tc = tcase_create("negotiate");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, equal_lists_are_one_for_each_wish);
	tcase_add_test(tc, lists_are_kept_up_to_a_limit);
	suite_add_tcase(s, tc);
	return s;
}
