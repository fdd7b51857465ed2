/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* libconneg's functions: that each is the one it is said to be, and what it says when it fails.  What
 * they find is tested with lib/features.h; the installed library by tests/system/test_libconneg.py. */
#include "lib/conneg.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct conneg_set *
parse(const char *text)
{
	struct conneg_error e;
	struct conneg_set *s;

	ck_assert_msg(conneg_parse(text, strlen(text), CONNEG_STRICT, &s, &e) == 0, "%s: %s", text, e.text);
	return s;
}

static void
check_text(const struct conneg_set *s, const char *want)
{
	char *text = conneg_print(s, NULL);

	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, want);
	free(text);
}

START_TEST(sets)
{
	struct conneg_set *a = parse("(| (a=1);q=0.5 (a=2))"), *b = parse("(a=[1..3])"), *any = conneg_any();
	struct conneg_set *none = parse("(& (a=1) (a=2))"), *got;
	struct conneg_error e;
	int q;

	ck_assert_int_eq(conneg_and(a, b, &got, &e), 0);
	check_text(got, "(| (a=2) (a=1);q=0.5)");
	conneg_free(got);
	ck_assert_int_eq(conneg_or(b, none, &got, &e), 0);
	check_text(got, "(& (a>=1) (a<=3))");
	conneg_free(got);
	ck_assert_int_eq(conneg_match(a, b, &e), 1);
	ck_assert_int_eq(conneg_match(a, none, &e), 0);
	ck_assert_int_eq(conneg_within(a, b, &e), 1);
	ck_assert_int_eq(conneg_within(b, a, &e), 0);
	ck_assert_int_eq(conneg_equal(a, b, &e), 0);
	ck_assert_int_eq(conneg_equal(a, a, &e), 1);
	ck_assert_int_eq(conneg_rank(b, a, &q, &e), 1);
	ck_assert_int_eq(q, CONNEG_BEST);
	ck_assert_int_eq(conneg_rank(none, a, &q, &e), 0);
	ck_assert(conneg_is_any(any) && !conneg_is_any(a));
	ck_assert(conneg_is_empty(none) && !conneg_is_empty(a));
	conneg_free(a);
	conneg_free(b);
	conneg_free(any);
	conneg_free(none);
	conneg_free(NULL);
}
END_TEST

START_TEST(canonical)
{
	struct conneg_set *a = parse("(| (a=1) (& (! (a=1)) (b=1)))"), *got;

	ck_assert_int_eq(conneg_canonical(a, &got, NULL), 0);
	check_text(got, "(| (a=1) (b=1))");
	conneg_free(a);
	conneg_free(got);
}
END_TEST

START_TEST(hash)
{
	const char text[] = "(& (pix-x<=200) (pix-y<=150) )";
	char name[CONNEG_HASH_SIZE];

	conneg_hash(text, strlen(text), name);
	ck_assert_str_eq(name, "h.SBB5REAOMHC09CP2GM4V07PQP0");
}
END_TEST

START_TEST(dis)
{
	unsigned char out[CONNEG_DIS_OCTETS], in[4] = { 0, 0xc0, 0, 0x40 };	/* 15, 16, 31 */
	struct conneg_set *s, *f = parse("(image-coding=MR)");
	struct conneg_error e;

	ck_assert_int_eq(conneg_from_dis(in, sizeof in, &s, &e), 0);
	ck_assert_int_eq(conneg_to_dis(s, out, &e), 1);
	ck_assert_int_eq(memcmp(in, out, sizeof in), 0);
	for (size_t i = sizeof in; i < sizeof out; i++)
		ck_assert_int_eq(out[i], 0);
	conneg_free(s);
	ck_assert_int_eq(conneg_to_dis(f, out, &e), 0);
	conneg_free(f);
	in[2] = 0x0c;		/* 19 and 20 */
	ck_assert_int_eq(conneg_from_dis(in, sizeof in, &s, &e), -1);
	ck_assert_ptr_null(s);
	ck_assert_int_eq(e.kind, CONNEG_REFUSED);
	ck_assert_str_eq(e.text, "DIS: bits 19 and 20 exclude each other");
}
END_TEST

START_TEST(errors)
{
	struct conneg_error e = { 0 };
	struct conneg_set *s = conneg_any();

	conneg_free(s);
	ck_assert_int_eq(conneg_parse("(a=)", 4, 0, &s, &e), -1);
	ck_assert_ptr_null(s);
	ck_assert_int_eq(e.kind, CONNEG_REFUSED);
	ck_assert_str_eq(e.text, "column 4: a value expected");
	ck_assert_int_eq(conneg_parse("(a>1)", 5, CONNEG_STRICT, &s, NULL), -1);
	ck_assert_int_eq(conneg_parse("(a>1)", 5, 0, &s, NULL), 0);
	conneg_free(s);
}
END_TEST

Suite *suite_conneg(void);
Suite *
suite_conneg(void)
{
	Suite *s = suite_create("conneg");
	TCase *tc = tcase_create("conneg");

	tcase_add_test(tc, sets);
	tcase_add_test(tc, canonical);
	tcase_add_test(tc, hash);
	tcase_add_test(tc, dis);
	tcase_add_test(tc, errors);
	suite_add_tcase(s, tc);
	return s;
}
