/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/deadline.h"

#include <check.h>

#include "tests/unit/suites.h"

enum { BY = 100, ABLE = HOP_DELIVERBY };
#define S INT64_C(1000000)

/* RFC 2852, 4.1.4.1 */
static const struct { uint8_t by; unsigned ext; uint32_t min_s; int64_t now; const char *dsn; } ways[] = {
	{ BY_RETURN, ABLE, 0, 40, "" }, { BY_RETURN, ABLE, 60, 40, "" }, { BY_RETURN, ABLE, 61, 40, "5.3.3" },
	{ BY_RETURN, 0, 0, 40, "5.3.3" }, { BY_RETURN, ABLE, 0, 100, "5.4.7" }, { BY_RETURN, 0, 0, 200, "5.4.7" },
	{ 0, 0, 0, 40, "" }, { 0, 0, 0, 200, "" }, { BY_TRACE, ABLE, 61, 40, "" },
};

START_TEST(return_goes_to_who_takes_it_on)
{
	struct envelope env = { .by_us = BY * S, .by = ways[_i].by };
	struct hop hop = { .ext = ways[_i].ext, .by_min_s = ways[_i].min_s };
	struct err e = { 0 };
	bool ok = deadline_ok(&env, &hop, ways[_i].now * S, &e);

	ck_assert_int_eq(ok, ways[_i].dsn[0] == '\0');
	ck_assert_str_eq(e.dsn, ways[_i].dsn);
	ck_assert_int_eq(e.kind, ok ? ERR_NONE : ERR_PERM);
}
END_TEST

/* 4.1.4, 4.1.4.2 */
static const struct { uint8_t by; unsigned ext; int64_t now; uint8_t notify; bool tells; uint8_t given; } told[] = {
	{ 0, 0, 40, 0, true, NOTIFY_FAILURE | NOTIFY_DELAY }, { 0, 0, 40, NOTIFY_SUCCESS, true, NOTIFY_SUCCESS | NOTIFY_DELAY },
	{ 0, 0, 40, NOTIFY_NEVER, false, NOTIFY_NEVER }, { 0, 0, 100, 0, false, 0 }, { 0, ABLE, 40, 0, false, 0 },
	{ BY_TRACE, ABLE, 40, NOTIFY_FAILURE, true, NOTIFY_FAILURE }, { BY_TRACE, ABLE, 200, 0, true, 0 },
	{ BY_TRACE, ABLE, 40, NOTIFY_NEVER, false, NOTIFY_NEVER }, { BY_RETURN, ABLE, 40, 0, false, 0 },
};

START_TEST(who_is_told)
{
	struct envelope env = { .by_us = BY * S, .by = told[_i].by };
	struct hop hop = { .ext = told[_i].ext };

	ck_assert_int_eq(deadline_tells(&env, &hop, told[_i].notify, told[_i].now * S), told[_i].tells);
	ck_assert_uint_eq(deadline_notify(&env, &hop, told[_i].notify, told[_i].now * S), told[_i].given);
}
END_TEST

START_TEST(without_a_time_nothing_changes)
{
	struct envelope env = { .by_us = 0 };
	struct hop hop = { .ext = 0 };
	struct err e;

	ck_assert(deadline_ok(&env, &hop, 0, &e) && !deadline_tells(&env, &hop, 0, 0));
	ck_assert_uint_eq(deadline_notify(&env, &hop, NOTIFY_SUCCESS, 0), NOTIFY_SUCCESS);
}
END_TEST

START_TEST(what_is_left)
{
	struct envelope env = { .by_us = BY * S };

	ck_assert_int_eq(envelope_by_s(&env, 40 * S), 60);
	ck_assert_int_eq(envelope_by_s(&env, BY * S - 1), 1);
	ck_assert_int_eq(envelope_by_s(&env, BY * S), 0);
	ck_assert_int_eq(envelope_by_s(&env, 200 * S), -100);
	ck_assert_int_eq(envelope_by_s(&env, 2000000000 * S), -999999999);
}
END_TEST

Suite *suite_deadline(void);
Suite *
suite_deadline(void)
{
	Suite *s = suite_create("deadline");
	TCase *tc = tcase_create("deadline");

	tcase_add_loop_test(tc, return_goes_to_who_takes_it_on, 0, sizeof ways / sizeof *ways);
	tcase_add_loop_test(tc, who_is_told, 0, sizeof told / sizeof *told);
	tcase_add_test(tc, without_a_time_nothing_changes);
	tcase_add_test(tc, what_is_left);
	suite_add_tcase(s, tc);
	return s;
}
