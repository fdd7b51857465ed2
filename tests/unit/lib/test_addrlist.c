/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Address lists as people and programs write them (RFC 5322 3.4, 4.4, its appendix A). */
#include "lib/addrlist.h"

#include <check.h>

static const struct { const char *in, *want; } lists[] = {
	{ "a@b.example", "a@b.example;" },
	{ "root", "root?4;" },
	{ "root (Cron Daemon)", "root?4;" },
	{ " a@b.example , c@d.example,,", "a@b.example;c@d.example;" },
	{ "\"Joe Q. Public\" <john.q.public@example.com>", "john.q.public@example.com;" },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "mary@x.test;jdoe@example.org;one@y.test;" },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	    "boss@nil.test;sysservices@example.net;" },
	{ "A Group:Ed Jones <joe@where.test>,joe@where2.test,John <jdoe@one.test>;, z@z.example",
	    "joe@where.test;joe@where2.test;jdoe@one.test;z@z.example;" },
	{ "Undisclosed recipients:;", "" },
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test;" },
	{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org;",
	    "c@public.example;joe@example.org;" },
	{ "Joe Q. Public <john . doe @ example . com>", "john.doe@example.com;" },
	{ "<@a.example,@b.example:c@d.example>", "c@d.example;" },
	{ "\"a, b\"@x.example, <\"c@d\"@x.example>", "\"a, b\"@x.example;\"c@d\"@x.example;" },
	{ "\"fold\r\n ed\"@x.example", "\"fold ed\"@x.example;" },
	{ "joe@[192.0.2.1]", "joe@[192.0.2.1];" },
	{ "Gr\xc3\xbc\xc3\x9f <g@x.example>", "g@x.example;" },
	{ "a, b <c>, d@e.example", "a?1;c?7;d@e.example;" },
	{ "open: a@b.example, c@d.example", "a@b.example;c@d.example;" },
	{ "", "" },
	{ "John Doe", NULL },			/* two words, no address */
	{ "a@b.example c@d.example", NULL },	/* no comma */
	{ "<a@b.example", NULL },
	{ "<>", NULL },
	{ "a@b.example (no end", NULL },
	{ "\"no end", NULL },
	{ "a@b.example;", NULL },		/* no group was begun */
	{ "g: h: a@b.example;;", NULL },	/* groups are not nested */
	{ "a@@b.example", NULL },
	{ "@b.example", NULL },
	{ "a@b.example>", NULL },
	{ "gr\xc3\xbc\xc3\x9f@x.example", NULL },
	{ "a\x01@b.example", NULL },
};

static int
note(void *arg, const struct addrlist_box *b, struct err *e)
{
	if (b->qualified)
		return buf_addf(arg, e, "%s;", b->addr);
	return buf_addf(arg, e, "%s?%zu;", b->addr, b->end);
}

START_TEST(lists_are_read)
{
	struct err e = { 0 };
	struct buf got;
	int r;

	buf_init(&got, 10000);
	r = addrlist_parse(span_str(lists[_i].in), note, &got, &e);
	ck_assert_int_eq(buf_add_byte(&got, '\0', &e), 0);
	ck_assert_msg((r == 0) == (lists[_i].want != NULL), "%s: %d %s", lists[_i].in, r, e.what);
	if (r == 0)
		ck_assert_str_eq((char *)got.p, lists[_i].want);
	buf_free(&got);
}
END_TEST

/* Bounded: deep comments and endless words are refused, not followed. */
START_TEST(depth_and_length_have_limits)
{
	struct err e = { 0 };
	struct buf in, got;

	buf_init(&in, 100000);
	buf_init(&got, 100000);
	for (int i = 0; i <= ADDRLIST_COMMENTS; i++)
		ck_assert_int_eq(buf_add_byte(&in, '(', &e), 0);
	for (int i = 0; i <= ADDRLIST_COMMENTS; i++)
		ck_assert_int_eq(buf_add_byte(&in, ')', &e), 0);
	ck_assert_int_eq(buf_add_str(&in, "a@b.example", &e), 0);
	ck_assert_int_eq(addrlist_parse(buf_view(&in), note, &got, &e), -1);
	ck_assert_int_eq(addrlist_parse(span_sub(span_sub(buf_view(&in), 1, in.n), 0, ADDRLIST_COMMENTS), note,
	    &got, &e), -1);		/* its ends are missing */
	buf_clear(&in);
	for (int i = 0; i < 5000; i++)
		ck_assert_int_eq(buf_add_byte(&in, 'x', &e), 0);
	ck_assert_int_eq(addrlist_parse(buf_view(&in), note, &got, &e), -1);
	ck_assert_int_eq(buf_add_str(&in, " <a@b.example>", &e), 0);	/* as a name it may be long */
	buf_clear(&got);
	ck_assert_int_eq(addrlist_parse(buf_view(&in), note, &got, &e), 0);
	ck_assert(span_is(buf_view(&got), "a@b.example;"));
	buf_free(&in);
	buf_free(&got);
}
END_TEST

Suite *suite_addrlist(void);
Suite *
suite_addrlist(void)
{
	Suite *s = suite_create("addrlist");
	TCase *tc = tcase_create("addrlist");

	tcase_add_loop_test(tc, lists_are_read, 0, sizeof lists / sizeof *lists);
	tcase_add_test(tc, depth_and_length_have_limits);
	suite_add_tcase(s, tc);
	return s;
}
