/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/plan.h"

#include <check.h>

static struct edit_range some_ranges[] = { { 10, 0, RANGE_HEADER }, { 10, 5, RANGE_HEADER },
    { 20, 7, RANGE_BODY }, { 30, 20, RANGE_PART }, { 35, 10, RANGE_BODY } };

static void
sample(struct plan *p, struct plan_verdict v[3])
{
	v[0] = (struct plan_verdict){ .fate = PLAN_FITS };
	v[1] = (struct plan_verdict){ .fate = PLAN_CONVERTS, .key = span_str("1=MH/204x196/A4*2"),
	    .detail = span_str("part: 1\nconverted: MH\n") };
	v[2] = (struct plan_verdict){ .fate = PLAN_EMPTY, .dsn = "5.6.2",
	    .detail = span_str("part: 1\n") };
	*p = (struct plan){ .verdict = v, .nverdict = 3, .range = some_ranges, .nrange = 5,
	    .has_permission = true };
}

START_TEST(a_plan_comes_back)
{
	struct plan_verdict v[3];
	struct plan p, back;
	struct buf b;
	struct err e = { 0 };

	sample(&p, v);
	buf_init(&b, 4096);
	ck_assert_int_eq(plan_encode(&p, &b, &e), 0);
	ck_assert_int_eq(plan_decode(buf_view(&b), &back, &e), 0);
	ck_assert(back.has_permission);
	ck_assert_uint_eq(back.nverdict, 3);
	ck_assert_uint_eq(back.nrange, 5);
	ck_assert_int_eq(back.verdict[0].fate, PLAN_FITS);
	ck_assert(span_is(back.verdict[1].key, "1=MH/204x196/A4*2"));
	ck_assert(span_is(back.verdict[1].detail, "part: 1\nconverted: MH\n"));
	ck_assert_str_eq(back.verdict[2].dsn, "5.6.2");
	ck_assert_uint_eq(back.range[2].off, 20);
	ck_assert_int_eq(back.range[2].kind, RANGE_BODY);
	ck_assert_int_eq(back.range[3].kind, RANGE_PART);
	plan_free(&back);
	for (size_t n = 0; n < b.n; n++)
		ck_assert_int_eq(plan_decode(span_of(b.p, n), &back, &e), -1);
	ck_assert_int_eq(buf_add_byte(&b, 0, &e), 0);
	ck_assert_int_eq(plan_decode(buf_view(&b), &back, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *name;
	struct plan_verdict v;
	struct edit_range r;
} bad[] = {
	{ "no such fate", { .fate = 3 }, { 0, 1, 0 } },
	{ "empty without a code", { .fate = PLAN_EMPTY }, { 0, 1, 0 } },
	{ "a code of success", { .fate = PLAN_EMPTY, .dsn = "2.6.5" }, { 0, 1, 0 } },
	{ "a code cut", { .fate = PLAN_EMPTY, .dsn = "5.6" }, { 0, 1, 0 } },
	{ "a code and no end", { .fate = PLAN_EMPTY, .dsn = { '5', '.', '6', '.', '1', '1', '1', '1',
	    '1', '1', '1', '1' } }, { 0, 1, 0 } },
	{ "octets after the code", { .fate = PLAN_EMPTY, .dsn = "5.6.5\0x" }, { 0, 1, 0 } },
	{ "a code that speaks", { .fate = PLAN_EMPTY, .dsn = "5.6.5\r\n" }, { 0, 1, 0 } },
	{ "a code where nothing failed", { .fate = PLAN_FITS, .dsn = "5.6.5" }, { 0, 1, 0 } },
	{ "conversion without a key", { .fate = PLAN_CONVERTS }, { 0, 1, 0 } },
	{ "a key without conversion", { .fate = PLAN_FITS, .key = { (const void *)"a", 1 } },
	    { 0, 1, 0 } },
	{ "a key that is not text", { .fate = PLAN_CONVERTS, .key = { (const void *)"\r", 1 } },
	    { 0, 1, 0 } },
	{ "detail that is not text", { .fate = PLAN_FITS, .detail = { (const void *)"\r", 1 } },
	    { 0, 1, 0 } },
	{ "an empty body", { .fate = PLAN_FITS }, { 5, 0, RANGE_BODY } },
	{ "a range that wraps", { .fate = PLAN_FITS }, { 5, UINT64_MAX, 0 } },
	{ "no such kind", { .fate = PLAN_FITS }, { 5, 1, 6 } },
};

START_TEST(plans_are_checked)
{
	struct plan_verdict v = bad[_i].v;
	struct edit_range r = bad[_i].r;
	struct plan p = { .verdict = &v, .nverdict = 1, .range = &r, .nrange = 1 }, back;
	struct buf b;
	struct err e = { 0 };

	buf_init(&b, 4096);
	ck_assert_int_eq(plan_encode(&p, &b, &e), 0);
	ck_assert_msg(plan_decode(buf_view(&b), &back, &e) == -1, "%s", bad[_i].name);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	buf_free(&b);
}
END_TEST

Suite *suite_plan(void);
Suite *
suite_plan(void)
{
	Suite *s = suite_create("plan");
	TCase *tc = tcase_create("plan");

	tcase_add_test(tc, a_plan_comes_back);
	tcase_add_loop_test(tc, plans_are_checked, 0, sizeof bad / sizeof *bad);
	suite_add_tcase(s, tc);
	return s;
}
