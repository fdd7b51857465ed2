/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/caplist.h"

#include "tests/unit/suites.h"

#define MH "(image-coding=MH)"

static const struct {
	const char *name, *in;
	const char *want;		/* NULL: no list */
	bool why;			/* ... and something to log */
} cases[] = {
	{ "RFC 4141", "250-<a@b> ok\r\n250-CONNEG (& (image-coding=MH)\r\n250 CONNEG (dpi=200))\r\n",
	    "(& (image-coding=MH) (dpi=200))", false },
	{ "with status codes", "250-2.1.5 ok\r\n250-2.1.5 CONNEG (&\r\n250 2.1.5 CONNEG "
	    MH " (dpi=200))\r\n", "(& " MH " (dpi=200))", false },
	{ "last line empty", "250-ok\r\n250-CONNEG " MH "\r\n250 CONNEG\r\n", MH, false },
	{ "last line with a space", "250-ok\r\n250-CONNEG " MH "\r\n250 CONNEG \r\n", MH, false },
	{ "lower case", "250-ok\r\n250 conneg " MH "\r\n", MH, false },
	{ "in one line", "250 2.1.5 CONNEG " MH "\r\n", MH, false },
	{ "no space before the address", "250-2.1.5<a@b>\r\n250 2.1.5  CONNEG " MH "\r\n", MH, false },
	{ "chopped anywhere", "250-ok\r\n250-CONNEG (image-coding\r\n250-CONNEG =\r\n250 CONNEG MH)\r\n",
	    "(image-coding = MH)", false },
	{ "other lines between", "250-CONNEG (&\r\n250-hello\r\n250 CONNEG " MH ")\r\n", "(& " MH ")",
	    false },
	{ "no CONNEG line", "250 2.1.5 ok\r\n", NULL, false },
	{ "empty lines only", "250-CONNEG\r\n250 CONNEG\r\n", NULL, true },
	{ "one empty line", "250 2.1.5 CONNEG \r\n", NULL, true },
	{ "another word", "250-CONNEGATIVE " MH "\r\n250 ok\r\n", NULL, false },
	{ "in the text", "250-ok\r\n250 the CONNEG " MH "\r\n", NULL, false },
	{ "no space after the status", "250 2.1.5CONNEG " MH "\r\n", NULL, false },
	{ "half a list", "250-CONNEG (& (image-coding=MH)\r\n250 ok\r\n", NULL, true },
	{ "rubbish", "250 CONNEG )(\r\n", NULL, true },
	{ "not a filter", "250 CONNEG MH\r\n", NULL, true },
	{ "another reply code", "251 CONNEG " MH "\r\n", NULL, false },
	{ "a refusal", "550-no\r\n550 CONNEG " MH "\r\n", NULL, false },
};

START_TEST(list_is_collected)
{
	struct reply r;
	struct buf out;
	struct err e = { 0 };
	size_t used;
	int got;

	reply_init(&r);
	buf_init(&out, 65536);
	ck_assert_int_eq(reply_feed(&r, span_str(cases[_i].in), &used, &e), 1);
	got = caplist_read(&r, &out, &e);
	ck_assert_msg(got == (cases[_i].want != NULL), "%s: %d %s", cases[_i].name, got, e.what);
	if (got == 1)
		ck_assert_msg(span_is(buf_view(&out), cases[_i].want), "%s: %.*s", cases[_i].name,
		    (int)out.n, (const char *)out.p);
	else
		ck_assert_msg(cases[_i].why == (e.kind != ERR_NONE) && out.n == 0, "%s",
		    cases[_i].name);
	buf_free(&out);
	reply_free(&r);
}
END_TEST

/* Too deep, too long, too many: no list, in bounded time, and the reply is read to its end. */
START_TEST(hostile_list_is_no_list)
{
	static const struct { const char *head, *body; size_t times; const char *tail; } rows[] = {
		{ "250 CONNEG ", "(&", 5000, "\r\n" },
		{ "250 CONNEG ", "(& (| (a=1) (a=2)) ", 3000, "\r\n" },
		{ "", "250-CONNEG (a=1)\r\n", 9000, "250 ok\r\n" },
		{ "250 CONNEG (a=", "0123456789012345", 20000, ")\r\n" },
	};
	struct reply r;
	struct buf out;
	struct err e = { 0 };
	size_t used;
	int got = 0;

	reply_init(&r);
	buf_init(&out, 65536);
	ck_assert_int_eq(reply_feed(&r, span_str(rows[_i].head), &used, &e), 0);
	for (size_t i = 0; i < rows[_i].times && got == 0; i++)
		got = reply_feed(&r, span_str(rows[_i].body), &used, &e);
	ck_assert_int_eq(reply_feed(&r, span_str(rows[_i].tail), &used, &e), 1);
	ck_assert_int_eq(caplist_read(&r, &out, &e), 0);
	ck_assert_int_ne(e.kind, ERR_NONE);
	ck_assert_uint_eq(out.n, 0);
	buf_free(&out);
	reply_free(&r);
}
END_TEST

static const struct { const char *in; bool later; } laters[] = {
	{ "404 4.3.3 CONNEG not now\r\n", true }, { "404 5.3.3 CONNEG\r\n", true },
	{ "404\r\n", true }, { "450 4.3.3 x\r\n", true }, { "451-x\r\n451 4.3.3 x\r\n", true },
	{ "450 4.2.0 greylisted\r\n", false }, { "452 4.5.3 too many\r\n", false },
	{ "504 5.3.3 CONNEG\r\n", false }, { "250 4.3.3\r\n", false },
};

START_TEST(later_is_recognized)
{
	struct reply r;
	struct err e = { 0 };
	size_t used;

	reply_init(&r);
	ck_assert_int_eq(reply_feed(&r, span_str(laters[_i].in), &used, &e), 1);
	ck_assert_int_eq(caplist_later(&r), laters[_i].later);
	reply_free(&r);
}
END_TEST

Suite *suite_caplist(void);

Suite *
suite_caplist(void)
{
	Suite *s = suite_create("caplist");
	TCase *tc = tcase_create("caplist");

	tcase_add_loop_test(tc, list_is_collected, 0, (int)(sizeof cases / sizeof *cases));
	tcase_add_loop_test(tc, hostile_list_is_no_list, 0, 4);
	tcase_add_loop_test(tc, later_is_recognized, 0, (int)(sizeof laters / sizeof *laters));
	suite_add_tcase(s, tc);
	return s;
}
