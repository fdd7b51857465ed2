/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/failures.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/suites.h"

static struct failures t;

static struct netaddr
addr(const char *text)
{
	struct netaddr a;
	struct err e;

	ck_assert_int_eq(netaddr_parse(span_str(text), &a, &e), 0);
	return a;
}

static uint32_t
failed(const char *text, int64_t now_ms)
{
	struct netaddr a = addr(text);

	return failures_add(&t, &a, now_ms);
}

START_TEST(networks_are_counted_and_forgotten)
{
	t = (struct failures){ 0 };
	ck_assert_uint_eq(failed("192.0.2.1", 1000), 1);
	ck_assert_uint_eq(failed("192.0.2.99", 1000), 2);		/* of the same /24 */
	ck_assert_uint_eq(failed("192.0.3.1", 1000), 1);
	ck_assert_uint_eq(failed("2001:db8:1:2::1", 1000), 1);
	ck_assert_uint_eq(failed("2001:db8:1:3::1", 1000), 2);	/* of the same /48 */
	ck_assert_uint_eq(failed("2001:db8:2::1", 1000), 1);
	ck_assert_uint_eq(failed("192.0.2.1", 1000 + FAILURES_FORGET_MS - 1), 3);
	ck_assert_uint_eq(failed("192.0.2.1", 1000 + 3 * FAILURES_FORGET_MS - 1), 2);	/* two were forgotten */
	ck_assert_uint_eq(failed("192.0.2.1", 1000 + 300 * (int64_t)FAILURES_FORGET_MS), 1);
}
END_TEST

/* Who fails often is never forgotten for others who fail once. */
START_TEST(the_oldest_makes_room)
{
	char text[40];
	uint32_t n = 0;

	t = (struct failures){ 0 };
	for (int i = 0; i < 60000; i++) {
		snprintf(text, sizeof text, "10.%d.%d.1", i / 256, i % 256);
		ck_assert_uint_eq(failed(text, i), 1);
		if (i % 100 == 0)
			ck_assert_uint_ge(failed("192.0.2.1", i), n++ < 1 ? 1 : 2);
	}
}
END_TEST

START_TEST(each_waits_longer_up_to_a_limit)
{
	static const uint32_t want[] = { 1000, 2000, 4000, 8000, 16000, 16000, 16000 };

	for (uint32_t i = 0; i < sizeof want / sizeof *want; i++)
		ck_assert_uint_eq(failures_pause_ms(i + 1), want[i]);
	ck_assert_uint_eq(failures_pause_ms(UINT32_MAX), 16000);
}
END_TEST

Suite *suite_failures(void);
Suite *
suite_failures(void)
{
	Suite *s = suite_create("failures");
	TCase *tc = tcase_create("failures");

	tcase_add_test(tc, networks_are_counted_and_forgotten);
	tcase_add_test(tc, the_oldest_makes_room);
	tcase_add_test(tc, each_waits_longer_up_to_a_limit);
	suite_add_tcase(s, tc);
	return s;
}
