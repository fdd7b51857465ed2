/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* When a commit waits for others to share its flush. */
#include "queue/queue.h"
#include "tests/unit/clock.h"

enum { SESSIONS = 10 };

static struct queue q;
static struct session s[SESSIONS];
static struct qmsg first;
static int64_t *shift_ms;

static void
setup(void)
{
	shift_ms = test_clock();
	for (int i = 0; i < SESSIONS; i++)
		s[i].q = &q;
}

/* The first n were answered now, and none has come back since. */
static void
answered(int n)
{
	for (int i = 0; i < n; i++)
		company_answered(&s[i]);
}

/* The last n wait; the first of them since now. */
static void
wait_now(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		s[SESSIONS - 1 - i].nwaiting = 1;
	first.since_ms = clock_ms();
	q.wait_first = &first;
	q.nwait = n;
}

START_TEST(a_session_alone_waits_for_nobody)
{
	company_answered(&s[SESSIONS - 1]);
	wait_now(1);
	ck_assert_int_eq(company_wait(&q), 0);
	answered(1);			/* nor two for each other */
	ck_assert_int_eq(company_wait(&q), 0);
}
END_TEST

START_TEST(while_more_are_out_than_wait)
{
	answered(3);
	wait_now(2);
	ck_assert_int_gt(company_wait(&q), 0);
	ck_assert_int_le(company_wait(&q), COMPANY_MS);
	company_gone(&s[1]);		/* of three there are two: as many as wait */
	ck_assert_int_eq(company_wait(&q), 0);
	company_answered(&s[1]);
	ck_assert_int_gt(company_wait(&q), 0);
	company_answered(&s[1]);	/* twice is one */
	company_gone(&s[0]);
	ck_assert_int_eq(company_wait(&q), 0);
}
END_TEST

START_TEST(those_who_wait_are_not_out)
{
	answered(SESSIONS);
	wait_now(5);
	ck_assert_int_eq(company_wait(&q), 0);
	wait_now(4);
	s[5].nwaiting = 0;
	ck_assert_int_gt(company_wait(&q), 0);
}
END_TEST

START_TEST(nobody_waits_for_long)
{
	answered(3);
	wait_now(1);
	*shift_ms += COMPANY_MS;
	ck_assert_int_eq(company_wait(&q), 0);
}
END_TEST

START_TEST(who_was_answered_long_ago_is_not_expected)
{
	answered(3);
	*shift_ms += COMPANY_RECENT_MS;
	wait_now(1);
	ck_assert_int_eq(company_wait(&q), 0);
	answered(2);
	ck_assert_int_gt(company_wait(&q), 0);
}
END_TEST

/* What a list is easily wrong about: taking out the first, the last, the only one. */
START_TEST(sessions_come_and_go)
{
	answered(3);
	company_gone(&s[2]);
	company_gone(&s[0]);
	company_gone(&s[1]);
	ck_assert_ptr_null(q.latest);
	company_gone(&s[1]);
	answered(4);
	company_answered(&s[0]);
	ck_assert_ptr_eq(q.latest, &s[0]);
	ck_assert_ptr_eq(s[0].earlier, &s[3]);
	ck_assert_ptr_eq(s[1].later, &s[2]);
	ck_assert_ptr_null(s[1].earlier);
}
END_TEST

Suite *suite_company(void);
Suite *
suite_company(void)
{
	Suite *x = suite_create("company");
	TCase *tc = tcase_create("company");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_session_alone_waits_for_nobody);
	tcase_add_test(tc, while_more_are_out_than_wait);
	tcase_add_test(tc, those_who_wait_are_not_out);
	tcase_add_test(tc, nobody_waits_for_long);
	tcase_add_test(tc, who_was_answered_long_ago_is_not_expected);
	tcase_add_test(tc, sessions_come_and_go);
	suite_add_tcase(x, tc);
	return x;
}
