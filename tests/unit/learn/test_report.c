/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "learn/report.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/learn/letter.h"

/* What is found: "TAG ADDRESS FEATURES;" for each, with "!" a wish for another form. */
static const struct { const char *name, *text, *found; } cases[] = {
	{ "a DSN", DSN("mx.example", RCPT("a@x.example", "(& (dpi=200)\r\n\t(color=Binary) )")),
	    "TAG a@x.example (& (dpi=200)\t(color=Binary) );" },
	{ "of two", DSN("mx.example", RCPT("a@x.example", "(dpi=200)") "\r\n" RCPT("b@x.example", "(dpi=300)")),
	    "TAG a@x.example (dpi=200);TAG b@x.example (dpi=300);" },
	{ "whom the sender named", DSN("mx.example", "Original-Recipient: rfc822;o@x.example\r\n"
	    RCPT("a@x.example", "(dpi=200)")), "TAG o@x.example (dpi=200);" },
	{ "whom the sender named is no mailbox", DSN("mx.example", "Original-Recipient: x400;o\r\n"
	    RCPT("a@x.example", "(dpi=200)")), "" },
	{ "nobody", DSN("mx.example", "Final-Recipient: x400;a\r\nMedia-Accept-Features: (dpi=200)\r\n"), "" },
	{ "an MDN", MDN("<TAG@me.example>", ""), "TAG a@x.example (dpi=200);" },
	{ "an MDN of an error", MDN("<TAG@me.example>", "/error"), "TAG a@x.example (dpi=200);" },
	{ "RFC 3297, 6.2: for that message alone", MDN("<TAG@me.example>", "/alternative-preferred"),
	    "TAG a@x.example (dpi=200)!;" },
	{ "the same behind another", MDN("<TAG@me.example>", "/error,ALTERNATIVE-Preferred"),
	    "TAG a@x.example (dpi=200)!;" },
	{ "a message ID that is none", MDN("TAG@me.example", ""), "" },
	{ "one without an @", MDN("<TAG>", ""), "" },
	{ "our own", DSN("ME.example", RCPT("a@x.example", "(dpi=200)")), "" },
	{ "nothing is said", DSN("mx.example", RCPT("a@x.example", "")), "" },
	{ "no expression", DSN("mx.example", RCPT("a@x.example", "(dpi=200")), "" },
	{ "no expression to the letter", DSN("mx.example", RCPT("a@x.example", "(& (dpi=200) (color=Binary) ) )")), "" },
	{ "nothing meets it", DSN("mx.example", RCPT("a@x.example", "(& (dpi=200) (dpi=300) )")), "" },
	{ "one that says nothing among others", DSN("mx.example", RCPT("a@x.example", "(oops") "\r\n"
	    RCPT("b@x.example", "(dpi=300)")), "TAG b@x.example (dpi=300);" },
	{ "no report", "Subject: x\r\n\r\nMedia-Accept-Features: (dpi=200)\r\n", NULL },
};

static int
found(void *arg, const struct finding *f, struct err *e)
{
	return buf_addf(arg, e, "%.*s %.*s %.*s%s;", (int)f->tag.n, (const char *)f->tag.p, (int)f->addr.n,
	    (const char *)f->addr.p, (int)f->features.n, (const char *)f->features.p, f->alternative ? "!" : "");
}

START_TEST(what_it_says_is_found)
{
	struct err e = { 0 };
	struct buf got;
	int r, want = 0;

	buf_init(&got, 1 << 20);
	r = report_read(span_str(cases[_i].text), "me.example", found, &got, &e);
	for (const char *p = cases[_i].found; p != NULL && *p != '\0'; p++)
		want += *p == ';';
	ck_assert_msg(r == (cases[_i].found == NULL ? -1 : want), "%s: %d %s", cases[_i].name, r, e.what);
	ck_assert_msg(span_is(buf_view(&got), cases[_i].found == NULL ? "" : cases[_i].found), "%s: %.*s",
	    cases[_i].name, (int)got.n, (const char *)got.p);
	buf_free(&got);
}
END_TEST

/* Of more recipients than a message of ours can have the first are told. */
START_TEST(as_many_as_a_tag_binds)
{
	static char text[65536];
	size_t n = (size_t)snprintf(text, sizeof text, "%s", "Content-Type: multipart/report; boundary=x;\r\n"
	    " report-type=delivery-status\r\n\r\n--x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n"
	    "Original-Envelope-Id: T\r\nReporting-MTA: dns; mx\r\n");
	struct err e = { 0 };
	struct buf got;

	buf_init(&got, 1 << 20);
	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "\r\n" RCPT("r%d@x.example", "(dpi=%d)"), i, i + 100);
	snprintf(text + n, sizeof text - n, "\r\n--x--\r\n");
	ck_assert_int_eq(report_read(span_str(text), "me.example", found, &got, &e), 8);
	buf_free(&got);
}
END_TEST

static int
fails(void *arg, const struct finding *f, struct err *e)
{
	(void)arg, (void)f;
	return err_set(e, ERR_TEMP, "4.3.0", "no");
}

START_TEST(who_is_told_may_fail)
{
	struct err e = { 0 };

	ck_assert_int_eq(report_read(span_str(cases[0].text), "me.example", fails, NULL, &e), -1);
	ck_assert_str_eq(e.what, "no");
}
END_TEST

Suite *suite_report(void);
Suite *
suite_report(void)
{
	Suite *s = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_loop_test(tc, what_it_says_is_found, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, as_many_as_a_tag_binds);
	tcase_add_test(tc, who_is_told_may_fail);
	suite_add_tcase(s, tc);
	return s;
}
