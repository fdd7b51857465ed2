/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/result.h"

#include <check.h>
#include <stdlib.h>

#include "lib/msg.h"

static struct rcpt_result
sample(uint32_t slot)
{
	return (struct rcpt_result){ .slot = slot, .outcome = OUTCOME_FAILED,
	    .flags = RESULT_CONNEG_TRY, .code = 550, .dsn = "5.6.5", .mta = "a [192.0.2.1]:25",
	    .text = "550 5.6.5 no" };
}

START_TEST(records_come_back)
{
	static const char *const details[] = { "", "x", "part: 1.2\ntakes: (color=binary)\n" };
	struct buf b;
	struct err e = { 0 };
	struct rcpt_result r, got;
	struct span rest, detail;

	buf_init(&b, 65536);
	for (uint32_t i = 0; i < 3; i++) {
		r = sample(i);
		ck_assert_int_eq(result_add(&b, &r, span_str(details[i]), &e), 0);
		ck_assert_uint_eq(b.n % 8, 0);
	}
	rest = buf_view(&b);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(result_next(&rest, &got, &detail, &e), 1);
		ck_assert_uint_eq(got.slot, i);
		ck_assert_uint_eq(got.code, 550);
		ck_assert_str_eq(got.text, "550 5.6.5 no");
		ck_assert(span_is(detail, details[i]));
	}
	ck_assert_int_eq(result_next(&rest, &got, &detail, &e), 0);
	buf_free(&b);
}
END_TEST

/* Every cut of a good record is refused, and nothing beyond it is read (exact-size copies). */
START_TEST(cut_records_are_refused)
{
	struct buf b;
	struct err e = { 0 };
	struct rcpt_result r = sample(7), got;

	buf_init(&b, 65536);
	ck_assert_int_eq(result_add(&b, &r, span_str("part: 1\n"), &e), 0);
	for (size_t n = 1; n < b.n; n++) {
		unsigned char *p = malloc(n);
		struct span rest = { p, n }, detail;

		memcpy(p, b.p, n);
		ck_assert_int_eq(result_next(&rest, &got, &detail, &e), -1);
		ck_assert_int_eq(e.kind, ERR_PROTO);
		free(p);
	}
	buf_free(&b);
}
END_TEST

/* What is wrong in a record that has its whole length. */
START_TEST(wrong_records_are_refused)
{
	struct rcpt_result r = sample(1), got;
	struct { struct rcpt_result r; unsigned char pad[4]; } rec = { .r = r };
	struct span rest, detail;
	struct err e = { 0 };

	rec.r.detail_len = UINT32_MAX;
	rest = span_of(&rec, sizeof rec);
	ck_assert_int_eq(result_next(&rest, &got, &detail, &e), -1);
	rec.r = r;
	rec.r.outcome = OUTCOME_FAILED + 1;
	ck_assert_int_eq(result_next(&rest, &got, &detail, &e), -1);
	rec.r = r;
	memset(rec.r.text, 'x', sizeof rec.r.text);
	ck_assert_int_eq(result_next(&rest, &got, &detail, &e), -1);
	rec.r = r;
	memset(rec.r.dsn, '5', sizeof rec.r.dsn);
	ck_assert_int_eq(result_next(&rest, &got, &detail, &e), -1);
	rec.r = r;
	memcpy(rec.r.text, "a\r\nb", 5);
	ck_assert_int_eq(result_next(&rest, &got, &detail, &e), 1);
	ck_assert_str_eq(got.text, "a??b");
}
END_TEST

START_TEST(long_detail_is_cut_at_a_line)
{
	static char text[RESULT_DETAIL_MAX + 100];
	struct buf b;
	struct err e = { 0 };
	struct rcpt_result r = sample(1), got;
	struct span rest, detail;

	memset(text, 'x', sizeof text - 1);
	text[99] = '\n';
	buf_init(&b, 65536);
	ck_assert_int_eq(result_add(&b, &r, span_str(text), &e), 0);
	rest = buf_view(&b);
	ck_assert_int_eq(result_next(&rest, &got, &detail, &e), 1);
	ck_assert_uint_eq(detail.n, 100);
	buf_free(&b);
	buf_init(&b, 100);
	ck_assert_int_eq(result_add(&b, &r, span_str(text), &e), -1);
	ck_assert_uint_eq(b.n, 0);
	buf_free(&b);
}
END_TEST

/* The longest details of a whole job, as MSG_RESULT or MSG_REPORT. */
START_TEST(the_records_of_a_job_fit_one_packet)
{
	static const uint32_t counts[] = { 1, 2, 15, 16, 63, 64, 128 };
	static char long_detail[RESULT_DETAIL_MAX + 1];
	struct err e = { 0 };

	memset(long_detail, 'x', RESULT_DETAIL_MAX);
	for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
		uint32_t n = counts[k];
		struct buf b;

		for (size_t i = 60; i < RESULT_DETAIL_MAX; i += 61)
			long_detail[i] = '\n';
		buf_init(&b, MSG_MAX - sizeof(struct msg_job));
		for (uint32_t i = 0; i < n; i++) {
			struct rcpt_result r = sample(i);
			struct span d = result_share(span_str(long_detail), n);

			ck_assert_int_eq(result_add(&b, &r, d, &e), 0);
			ck_assert(n > 64 || (d.n > 0 && d.n % 61 == 0) || d.n == RESULT_DETAIL_MAX);
		}
		buf_free(&b);
	}
	ck_assert_uint_eq(result_share(span_str("x"), 1000).n, 0);
}
END_TEST

Suite *suite_result(void);
Suite *
suite_result(void)
{
	Suite *s = suite_create("result");
	TCase *tc = tcase_create("result");

	tcase_add_test(tc, records_come_back);
	tcase_add_test(tc, cut_records_are_refused);
	tcase_add_test(tc, wrong_records_are_refused);
	tcase_add_test(tc, long_detail_is_cut_at_a_line);
	tcase_add_test(tc, the_records_of_a_job_fit_one_packet);
	suite_add_tcase(s, tc);
	return s;
}
