/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/rates.h"

#include <check.h>
#include <stdio.h>

static struct rates t;
static const struct userrate ten = { .messages = 10, .messages_s = 3600 };

static void
teardown(void)
{
	rates_free(&t);
}

START_TEST(so_many_at_once_and_then_one_by_one)
{
	const int64_t at = 1000, each = 360000;		/* a tenth of an hour */

	for (int i = 0; i < 10; i++)
		ck_assert(rates_take(&t, &ten, "joe", 1, 0, at));
	ck_assert(!rates_take(&t, &ten, "joe", 1, 0, at));
	ck_assert(rates_take(&t, &ten, "ann", 1, 0, at));
	ck_assert(!rates_take(&t, &ten, "joe", 1, 0, at + each - 1));
	ck_assert(rates_take(&t, &ten, "joe", 1, 0, at + each));
	ck_assert(!rates_take(&t, &ten, "joe", 1, 0, at + each));
	/* what was not used is no more than one time's worth */
	for (int i = 0; i < 10; i++)
		ck_assert(rates_take(&t, &ten, "joe", 1, 0, at + 100 * each));
	ck_assert(!rates_take(&t, &ten, "joe", 1, 0, at + 100 * each));
}
END_TEST

START_TEST(recipients_are_counted_apart)
{
	struct userrate max = { 2, 60, 3, 60 };

	ck_assert(rates_take(&t, &max, "joe", 1, 0, 0));
	ck_assert(rates_take(&t, &max, "joe", 0, 3, 0));
	ck_assert(!rates_take(&t, &max, "joe", 1, 1, 0));	/* then neither counts */
	ck_assert(rates_take(&t, &max, "joe", 1, 0, 0));
	ck_assert(!rates_take(&t, &max, "joe", 1, 0, 0));
	ck_assert(!rates_take(&t, &max, "joe", 0, 4, 1000000));	/* never at once */
	ck_assert(rates_take(&t, &(struct userrate){ 0 }, "joe", 1000, 1000, 0));
}
END_TEST

START_TEST(the_table_is_bounded)
{
	char name[RATES_NAME];

	ck_assert(rates_take(&t, &ten, "joe", 10, 0, 0));
	for (int i = 0; i < RATES_USERS + 100; i++) {
		snprintf(name, sizeof name, "user%d", i);
		ck_assert(rates_take(&t, &ten, name, 1, 0, 1));
	}
	ck_assert_uint_eq(t.n, RATES_USERS);
	ck_assert(!rates_take(&t, &ten, "joe", 1, 0, 2));	/* who has sent most is forgotten last */
}
END_TEST

Suite *suite_rates(void);
Suite *
suite_rates(void)
{
	Suite *s = suite_create("rates");
	TCase *tc = tcase_create("rates");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, so_many_at_once_and_then_one_by_one);
	tcase_add_test(tc, recipients_are_counted_apart);
	tcase_add_test(tc, the_table_is_bounded);
	suite_add_tcase(s, tc);
	return s;
}
