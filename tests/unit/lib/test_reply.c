/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/reply.h"

#include <stdlib.h>

#include "tests/unit/suites.h"

static const struct {
	const char *name, *in;
	size_t n;			/* 0: strlen */
	int want;			/* of reply_feed */
	unsigned code, nline;
	const char *dsn, *print, *left;	/* left: what follows the reply */
} cases[] = {
	{ "one line", "250 2.1.0 fine\r\n", 0, 1, 250, 1, "2.1.0", "250 2.1.0 fine", "" },
	{ "code alone", "250\r\n", 0, 1, 250, 1, "2.0.0", "250", "" },
	{ "code and space", "354 \r\n", 0, 1, 354, 1, "2.0.0", "354", "" },
	{ "several lines", "250-a\r\n250-\r\n250 b\r\n", 0, 1, 250, 3, "2.0.0", "250-a 250- 250 b", "" },
	{ "the next reply stays", "250 a\r\n550 b\r\n", 0, 1, 250, 1, "2.0.0", "250 a", "550 b\r\n" },
	{ "no space after the status", "250-2.1.5<a@b>\r\n250 ok\r\n", 0, 1, 250, 2, "2.1.5",
	    "250-2.1.5<a@b> 250 ok", "" },
	{ "status on the second line", "550-no\r\n550 5.1.1 one\r\n", 0, 1, 550, 2, "5.1.1",
	    "550-no 550 5.1.1 one", "" },
	{ "RFC 3461, 9.2", "550-mailbox unavailable\r\n550 user has moved with no forwarding address\r\n", 0, 1,
	    550, 2, "5.0.0", "550-mailbox unavailable 550 user has moved with no forwarding address", "" },
	{ "status of another class", "450 5.1.1 x\r\n", 0, 1, 450, 1, "4.0.0", "450 5.1.1 x", "" },
	{ "status with too many digits", "550 5.1.1234 x\r\n", 0, 1, 550, 1, "5.0.0",
	    "550 5.1.1234 x", "" },
	{ "code unknown to us", "599 x\r\n", 0, 1, 599, 1, "5.0.0", "599 x", "" },
	{ "another code of the class", "450-x\r\n451 y\r\n", 0, 1, 451, 2, "4.0.0", "451-x 451 y", "" },
	{ "CR and NUL inside", "250 a\rb\0c\r\n", 11, 1, 250, 1, "2.0.0", "250 a?b?c", "" },
	{ "CR before the CRLF", "250 a\r\r\n", 0, 1, 250, 1, "2.0.0", "250 a?", "" },
	{ "octets over 127", "250 \xc3\xa4\r\n", 0, 1, 250, 1, "2.0.0", "250 ??", "" },
	{ "nothing", "", 0, 0, 0, 0, NULL, NULL, "" },
	{ "half a line", "250 a", 0, 0, 0, 0, NULL, NULL, "" },
	{ "CR at the end", "250 a\r", 0, 0, 0, 0, NULL, NULL, "" },
	{ "half a reply", "250-a\r\n250-b\r\n", 0, 0, 0, 0, NULL, NULL, "" },
	{ "LF alone", "250 a\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "LF alone before anything", "\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "empty line", "\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "two digits", "25\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "four digits", "2500 x\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "tab after the code", "250\tx\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "no code", "hello there\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "code 199", "199 x\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "code 600", "600 x\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "code 000", "000 x\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "classes mixed", "250-a\r\n550 b\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
	{ "another protocol", "HTTP/1.1 200 OK\r\n", 0, -1, 0, 0, NULL, NULL, NULL },
};
enum { NCASES = sizeof cases / sizeof *cases };

static void
check_row(int i, const struct reply *r, int got, const struct err *e)
{
	char dsn[12], text[200];

	ck_assert_msg(got == cases[i].want, "%s: %d %s", cases[i].name, got, e->what);
	ck_assert_msg((got == -1) == (e->kind != ERR_NONE), "%s", cases[i].name);
	if (got != 1)
		return;
	reply_dsn(r, dsn);
	reply_print(r, text, sizeof text);
	ck_assert_msg(r->code == cases[i].code && r->nline == cases[i].nline && !r->over, "%s",
	    cases[i].name);
	ck_assert_str_eq(dsn, cases[i].dsn);
	ck_assert_str_eq(text, cases[i].print);
}

START_TEST(reply_is_read)
{
	struct span in = { (const unsigned char *)cases[_i].in,
	    cases[_i].n > 0 ? cases[_i].n : strlen(cases[_i].in) };
	struct reply r;
	struct err e = { 0 };
	size_t used;
	int got;

	reply_init(&r);
	got = reply_feed(&r, in, &used, &e);
	check_row(_i, &r, got, &e);
	if (got != -1)
		ck_assert(span_is(span_sub(in, used, in.n), cases[_i].left));
	reply_free(&r);
}
END_TEST

START_TEST(reply_is_read_octet_by_octet)
{
	size_t n = cases[_i].n > 0 ? cases[_i].n : strlen(cases[_i].in), used;
	struct reply r;
	struct err e = { 0 };
	int got = 0;

	reply_init(&r);
	for (size_t i = 0; i < n && got == 0; i++)
		got = reply_feed(&r, span_of(cases[_i].in + i, 1), &used, &e);
	check_row(_i, &r, got, &e);
	reply_free(&r);
}
END_TEST

/* Feeds head, then n times body, then tail; what the last call said. */
static int
feed_many(struct reply *r, const char *head, const char *body, size_t n, const char *tail,
    struct err *e)
{
	size_t used;
	int got = reply_feed(r, span_str(head), &used, e);

	for (size_t i = 0; i < n && got == 0; i++)
		got = reply_feed(r, span_str(body), &used, e);
	return got == 0 ? reply_feed(r, span_str(tail), &used, e) : got;
}

static const struct {
	const char *name, *head, *body;
	size_t times;
	const char *tail;
	int want;
	bool over;
} floods[] = {
	{ "a list of 64 KiB in one line", "250 CONNEG ", "0123456789abcdef", 4096, "\r\n", 1, false },
	{ "a longer line", "250 ", "0123456789abcdef", 5000, "\r\n", 1, true },
	{ "as many lines as are kept", "", "250-x\r\n", REPLY_MAX_LINES - 1, "250 x\r\n", 1, false },
	{ "one line more", "", "250-x\r\n", REPLY_MAX_LINES, "250 x\r\n", 1, true },
	{ "an endless line", "250 ", "0123456789abcdef", 1 << 20, "\r\n", -1, false },
	{ "endless lines", "", "250-0123456789abcdef\r\n", 1 << 20, "", -1, false },
};

START_TEST(flood_is_bounded)
{
	struct reply r;
	struct err e = { 0 };
	int got;

	reply_init(&r);
	got = feed_many(&r, floods[_i].head, floods[_i].body, floods[_i].times, floods[_i].tail, &e);
	ck_assert_msg(got == floods[_i].want, "%s: %d %s", floods[_i].name, got, e.what);
	ck_assert_int_eq(got == -1, e.kind == ERR_PROTO);
	if (got == 1)
		ck_assert_msg(r.over == floods[_i].over, "%s", floods[_i].name);
	ck_assert_uint_le(r.text.n, REPLY_MAX_TEXT);
	ck_assert_uint_le(r.line.n, REPLY_MAX_LINE);
	reply_clear(&r);	/* the same memory reads the next one */
	ck_assert_int_eq(feed_many(&r, "220 ", "x", 1, "\r\n", &e), 1);
	ck_assert(!r.over && r.code == 220 && r.nline == 1);
	reply_free(&r);
}
END_TEST

START_TEST(print_is_cut)
{
	struct reply r;
	struct err e = { 0 };
	char out[20];

	reply_init(&r);
	ck_assert_int_eq(feed_many(&r, "550-ab\r\n", "550-cd\r\n", 50, "550 e\r\n", &e), 1);
	reply_print(&r, out, sizeof out);
	ck_assert_str_eq(out, "550-ab 550-cd [...]");
	reply_print(&r, out, 5);	/* no room for more */
	ck_assert_str_eq(out, "550-");
	reply_free(&r);
}
END_TEST

Suite *suite_reply(void);

Suite *
suite_reply(void)
{
	Suite *s = suite_create("reply");
	TCase *tc = tcase_create("reply");

	tcase_add_loop_test(tc, reply_is_read, 0, NCASES);
	tcase_add_loop_test(tc, reply_is_read_octet_by_octet, 0, NCASES);
	tcase_add_loop_test(tc, flood_is_bounded, 0, (int)(sizeof floods / sizeof *floods));
	tcase_add_test(tc, print_is_cut);
	suite_add_tcase(s, tc);
	return s;
}
