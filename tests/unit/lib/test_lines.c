/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/lines.h"

#include <check.h>
#include <string.h>

static const struct { const char *text; size_t n; int ok; } cases[] = {
#define CASE(text, ok) { text, sizeof text - 1, ok }
	CASE("a: b\r\n\r\nc\r\n", 1), CASE("\r\n", 1), CASE("\xc3\xa4\r\n", 1), CASE("", 0), CASE("a", 0), CASE("a\r", 0),
	CASE("a\nb\r\n", 0), CASE("a\rb\r\n", 0), CASE("a\r\r\n", 0), CASE("\n", 0), CASE("a\0b\r\n", 0), CASE(" a\r\n", 0),
	CASE("\ta\r\n", 0),
};

/* In one piece, and octet by octet. */
START_TEST(only_crlf_ends_a_line)
{
	struct lines whole = { 0 }, bits = { 0 };
	struct span s = span_of(cases[_i].text, cases[_i].n);
	struct err e = { 0 };
	int one = lines_check(&whole, s, &e) == 0 && lines_end(&whole, &e) == 0, many = 1;

	for (size_t i = 0; i < s.n; i++)
		many &= lines_check(&bits, span_sub(s, i, i + 1), &e) == 0;
	many &= lines_end(&bits, &e) == 0;
	ck_assert_int_eq(one, cases[_i].ok);
	ck_assert_int_eq(many, cases[_i].ok);
	ck_assert(!one || whole.eight == (s.p[0] == 0xc3));
}
END_TEST

START_TEST(a_line_is_bounded)
{
	static unsigned char line[LINES_MAX + 1];
	struct err e = { 0 };

	memset(line, 'a', sizeof line);
	for (size_t more = 0; more < 2; more++) {
		struct lines l = { 0 };
		int r = lines_check(&l, span_of(line, LINES_MAX + more), &e) == 0 && lines_check(&l, span_str("\r\n"), &e) == 0;

		ck_assert_int_eq(r, more == 0);
	}
}
END_TEST

Suite *suite_lines(void);
Suite *
suite_lines(void)
{
	Suite *s = suite_create("lines");
	TCase *t = tcase_create("lines");

	tcase_add_loop_test(t, only_crlf_ends_a_line, 0, sizeof cases / sizeof *cases);
	tcase_add_test(t, a_line_is_bounded);
	suite_add_tcase(s, t);
	return s;
}
