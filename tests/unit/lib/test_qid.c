/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/qid.h"

#include <check.h>
#include <string.h>

START_TEST(ids_grow_whatever_the_clock_does)
{
	static const uint64_t clock[] = { 1000, 1000, 1000, 2000, 500, 500, 2001, 1, 3000 };
	struct qid_maker m = { 0 };
	char id[QID_SIZE], last[QID_SIZE] = "";

	for (size_t i = 0; i < sizeof clock / sizeof *clock; i++) {
		qid_make(&m, UINT64_C(1795000000000000) + clock[i], id);
		ck_assert_uint_eq(strlen(id), QID_LEN);
		ck_assert(qid_ok(id));
		ck_assert_int_gt(strcmp(id, last), 0);
		memcpy(last, id, sizeof id);
	}
}
END_TEST

START_TEST(the_counter_runs_over_into_the_time)
{
	struct qid_maker m = { .last_us = 1000, .count = (1u << 25) - 1 };
	char id[QID_SIZE], first[QID_SIZE];
	struct qid_maker before = { .last_us = 1000, .count = (1u << 25) - 2 };

	qid_make(&before, 10, first);
	qid_make(&m, 10, id);
	ck_assert_uint_eq(qid_us(first), 1000);
	ck_assert_uint_eq(qid_us(id), 1001);
	ck_assert_int_gt(strcmp(id, first), 0);
}
END_TEST

START_TEST(the_time_comes_back)
{
	const uint64_t us = UINT64_C(1795000123456789);
	struct qid_maker m = { 0 };
	char id[QID_SIZE];

	qid_make(&m, us, id);
	ck_assert_uint_eq(qid_us(id), us);
	qid_make(&m, us, id);
	ck_assert_uint_eq(qid_us(id), us);
}
END_TEST

START_TEST(after_another_ones_ids)
{
	struct qid_maker old = { 0 }, m = { 0 };
	char last[QID_SIZE], id[QID_SIZE];

	for (int i = 0; i < 5; i++)
		qid_make(&old, 5000, last);
	qid_after(&m, last);
	qid_make(&m, 100, id);			/* the clock went back */
	ck_assert_int_gt(strcmp(id, last), 0);
	qid_after(&m, last);			/* an older one changes nothing */
	qid_make(&m, 9000, last);
	ck_assert_uint_eq(qid_us(last), 9000);
}
END_TEST

static const struct { const char *id; bool ok; } ids[] = {
	{ "0123456789abcdef", true },
	{ "vvvvvvvvvvvvvvvv", true },
	{ "0123456789abcdew", false },
	{ "0123456789ABCDEF", false },
	{ "../../etc/passwd", false },
	{ "0123456789abcde", false },
	{ "0123456789abcdef0", false },
	{ "", false },
};

START_TEST(names_are_judged)
{
	char field[QID_SIZE] = "";

	strncpy(field, ids[_i].id, sizeof field - 1);
	ck_assert_msg(qid_ok(field) == ids[_i].ok, "'%s'", ids[_i].id);
}
END_TEST

/* IDs that follow each other must not fall into one directory. */
START_TEST(directories_are_used_evenly)
{
	enum { N = 25600 };
	struct qid_maker m = { 0 };
	unsigned count[256] = { 0 };
	char id[QID_SIZE], hh[3];

	for (unsigned i = 0; i < N; i++) {
		static const char hex[] = "0123456789abcdef";

		qid_make(&m, UINT64_C(1795000000000000) + i * 337, id);
		qid_dir(id, hh);
		ck_assert(strchr(hex, hh[0]) != NULL && strchr(hex, hh[1]) != NULL && hh[2] == '\0');
		count[(strchr(hex, hh[0]) - hex) * 16 + (strchr(hex, hh[1]) - hex)]++;
	}
	for (int i = 0; i < 256; i++)
		ck_assert_msg(count[i] > 50 && count[i] < 200, "%02x has %u of %d", i, count[i], N);
}
END_TEST

Suite *suite_qid(void);
Suite *
suite_qid(void)
{
	Suite *s = suite_create("qid");
	TCase *tc = tcase_create("qid");

	tcase_add_test(tc, ids_grow_whatever_the_clock_does);
	tcase_add_test(tc, the_counter_runs_over_into_the_time);
	tcase_add_test(tc, the_time_comes_back);
	tcase_add_test(tc, after_another_ones_ids);
	tcase_add_loop_test(tc, names_are_judged, 0, sizeof ids / sizeof *ids);
	tcase_add_test(tc, directories_are_used_evenly);
	suite_add_tcase(s, tc);
	return s;
}
