/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/span.h"

#include <check.h>

static const struct { const char *in; uint64_t max; bool ok; uint64_t want; } numbers[] = {
	{ "0", 10, true, 0 },
	{ "10", 10, true, 10 },
	{ "11", 10, false, 0 },
	{ "7", 5, false, 0 },
	{ "", 10, false, 0 },
	{ "+1", 10, false, 0 },
	{ "1 ", 10, false, 0 },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, false, 0 },
	{ "99999999999999999999999", UINT64_MAX, false, 0 },
};

START_TEST(numbers_are_bounded)
{
	uint64_t got = 0;
	bool ok = span_u64(span_str(numbers[_i].in), numbers[_i].max, &got);

	ck_assert_msg(ok == numbers[_i].ok, "'%s'", numbers[_i].in);
	if (ok)
		ck_assert_uint_eq(got, numbers[_i].want);
}
END_TEST

START_TEST(lines_and_words)
{
	struct span rest = span_str("a b\r\n\n c\td"), line, word;

	ck_assert(span_line(&rest, &line) && span_is(line, "a b"));
	ck_assert(span_word(&line, &word) && span_is(word, "a"));
	ck_assert(span_word(&line, &word) && span_is(word, "b"));
	ck_assert(!span_word(&line, &word));
	ck_assert(span_line(&rest, &line) && line.n == 0);
	ck_assert(span_line(&rest, &line) && span_is(span_trim(line), "c\td"));
	ck_assert(!span_line(&rest, &line));
}
END_TEST

START_TEST(text_is_cut_and_cleaned)
{
	char out[5];

	span_text(span_str("a\r\nb\x7f" "c"), out, sizeof out);
	ck_assert_str_eq(out, "a??b");
}
END_TEST

Suite *suite_span(void);
static const struct { const char *text; size_t cap; const char *want; } cuts[] = {
	{ "", 1, "" }, { "abc", 4, "abc" }, { "abcd", 4, "abc" }, { "abcdefg", 7, "abcdef" },
	{ "abcdefgh", 8, "a [...]" }, { "abcdefgh", 9, "abcdefgh" }, { "a longer text", 12, "a lon [...]" },
};

START_TEST(a_cut_is_marked)
{
	char out[20];

	memset(out, 'x', sizeof out);
	text_cut(cuts[_i].text, out, cuts[_i].cap);
	ck_assert_str_eq(out, cuts[_i].want);
	ck_assert_int_eq(out[cuts[_i].cap], 'x');
}
END_TEST

Suite *
suite_span(void)
{
	Suite *s = suite_create("span");
	TCase *tc = tcase_create("span");

	tcase_add_loop_test(tc, numbers_are_bounded, 0, sizeof numbers / sizeof *numbers);
	tcase_add_test(tc, lines_and_words);
	tcase_add_test(tc, text_is_cut_and_cleaned);
	tcase_add_loop_test(tc, a_cut_is_marked, 0, sizeof cuts / sizeof *cuts);
	suite_add_tcase(s, tc);
	return s;
}
