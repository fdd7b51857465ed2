/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/mdnrequest.h"

#include <check.h>
#include <stdio.h>

#define COUNT(a) (sizeof (a) / sizeof *(a))
#define DNO "Disposition-Notification-Options: "

static const struct { const char *header; enum mdnrequest_offer offer; bool foreign; } options[] = {
	{ "Subject: x\r\n", OFFER_NONE, false },
	/* RFC 3297, 8.1 and 6.3, folds and all */
	{ "Disposition-Notification-Options:\r\n    Alternative-available=optional,permanent\r\n", OFFER_PERMANENT, false },
	{ DNO "Alternative-not-available=required,(TRUE)\r\n", OFFER_GONE, false },
	{ DNO "Alternative-not-available = required , \"TRUE\"\r\n", OFFER_GONE, false },
	{ DNO "alternative-AVAILABLE=OPTIONAL,Transient\r\n", OFFER_TRANSIENT, false },
	{ DNO "alternative-available=required,transient\r\n", OFFER_TRANSIENT, false },
	{ DNO "Alternative-available=optional,transient,more;\r\n X-Other=optional,1\r\n", OFFER_TRANSIENT, false },
	{ DNO "X-Other=optional,\"a;b,\\\"c\",(d);Alternative-available=optional,permanent\r\n", OFFER_PERMANENT, false },
	{ DNO "Alternative-available=optional,for ever\r\n", OFFER_NONE, true },
	{ DNO "Alternative-available=optional,never\r\n", OFFER_NONE, false },
	{ DNO "Alternative-available=optional,transient; X-Other=required,1\r\n", OFFER_NONE, true },
	{ DNO "X-Other=required,1\r\n", OFFER_NONE, true },
	{ DNO "Alternative-available=optional\r\n", OFFER_NONE, true },
	{ DNO "Alternative-available=perhaps,permanent\r\n", OFFER_NONE, true },
	{ DNO "Alternative-available,optional,permanent\r\n", OFFER_NONE, true },
	{ DNO "Alternative-available=optional,\"permanent\r\n", OFFER_NONE, true },
	{ DNO "Alternative-available=optional,permanent;\r\n", OFFER_NONE, true },
	{ DNO "Alternative-available=optional,permanent; Alternative-not-available=required,TRUE\r\n", OFFER_NONE, true },
	{ DNO "Alternative-available=optional,permanent\r\n" DNO "X=optional,1\r\n", OFFER_NONE, true },
	{ DNO "\r\n", OFFER_NONE, true },
};

START_TEST(options_are_read)
{
	struct mdnrequest r;

	mdnrequest_read(span_str(options[_i].header), &r);
	ck_assert_msg(r.offer == options[_i].offer && r.foreign == options[_i].foreign, "%s: %d %d",
	    options[_i].header, r.offer, r.foreign);
}
END_TEST

START_TEST(options_are_bounded)
{
	struct mdnrequest r;
	struct buf b;
	struct err e;

	for (int more = 0; more < 2; more++) {
		buf_init(&b, 65536);
		ck_assert_int_eq(buf_add_str(&b, DNO "Alternative-available=optional,permanent", &e), 0);
		for (int i = 1; i < MDNREQUEST_PARAMETERS + more; i++)
			ck_assert_int_eq(buf_add_str(&b, ";x=optional,1", &e), 0);
		ck_assert_int_eq(buf_add_str(&b, "\r\n", &e), 0);
		mdnrequest_read(buf_view(&b), &r);
		ck_assert_int_eq(r.offer, more ? OFFER_NONE : OFFER_PERMANENT);
		buf_free(&b);
	}
}
END_TEST

static const struct { const char *header, *to, *id, *original; bool answers; } fields[] = {
	{ "Disposition-Notification-To: \"A, B\" <a@x.example>\r\nMessage-ID: <1@x.example>\r\n", "a@x.example",
	    "<1@x.example>", "", false },
	{ "Disposition-Notification-To: a@x.example, b@x.example\r\nMessage-ID:\r\n <1@x.example> \r\n", "",
	    "<1@x.example>", "", false },
	{ "Disposition-Notification-To: a@x.example\r\nDisposition-Notification-To: a@x.example\r\n", "", "", "", false },
	{ "Disposition-Notification-To: a\r\nMessage-ID: <a b@x>\r\n", "", "", "", false },
	{ "Disposition-Notification-To:\r\nMessage-ID: <1@x>\r\nMessage-ID: <1@x>\r\n", "", "", "", false },
	{ "Original-Message-ID: <1@x.example>\r\nMessage-ID: <2@x.example>\r\n", "", "<2@x.example>", "<1@x.example>",
	    true },
	{ "Original-Message-ID: 1\r\nMessage-ID: <@x>\r\n", "", "", "", true },
	{ "Original-Message-ID: <1@x>\r\nOriginal-Message-ID: <2@x>\r\nMessage-ID: <x@>\r\n", "", "", "", true },
};

START_TEST(fields_are_read)
{
	struct mdnrequest r;

	mdnrequest_read(span_str(fields[_i].header), &r);
	ck_assert_str_eq(r.to, fields[_i].to);
	ck_assert_str_eq(r.id, fields[_i].id);
	ck_assert_str_eq(r.original, fields[_i].original);
	ck_assert(r.answers == fields[_i].answers && r.asked == (r.to[0] != '\0'));
}
END_TEST

/* RFC 8098, 2.1 */
static const struct { const char *sender, *more; bool may; } automatic[] = {
	{ "Joe@x.example", "Message-ID: <1@x>\r\n", true },
	{ "Joe@X.EXAMPLE", "Message-ID: <1@x>\r\n", true },
	{ "joe@x.example", "Message-ID: <1@x>\r\n", false },
	{ "Joe@y.example", "Message-ID: <1@x>\r\n", false },
	{ "", "Message-ID: <1@x>\r\n", false },
	{ "Joe@x.example", "", false },
	{ "Joe@x.example", "Message-ID: <1@x>\r\n" DNO "X=required,1\r\n", false },
	{ "Joe@x.example", "Message-ID: <1@x>\r\nDisposition-Notification-To: <Joe@x.example>\r\n", false },
};

START_TEST(who_is_answered_without_being_asked)
{
	struct mdnrequest r;
	char header[400];

	snprintf(header, sizeof header, "Disposition-Notification-To: <Joe@x.example>\r\n%s", automatic[_i].more);
	mdnrequest_read(span_str(header), &r);
	ck_assert(mdnrequest_may_answer(&r, span_str(automatic[_i].sender), span_str("a@y.example")) == automatic[_i].may);
	ck_assert(!mdnrequest_may_answer(&r, span_str(automatic[_i].sender), span_str("\xc3\xa4@y.example")));
}
END_TEST

/* RFC 3297, 3.2.3 */
START_TEST(who_is_named)
{
	struct span header = span_str("From: b@x.example\r\nTo: A <\"a\"@X.example>, g: c@x.example;\r\n"
	    "Cc: (b@x.example) d@x.example\r\nBcc: not an address, e@x.example\r\nReply-To: f@x.example\r\n"
	    "bcc: h@x.example\r\n");
	struct span none = span_str("");

	ck_assert(mdnrequest_names(header, span_str("A@x.example"), none));
	ck_assert(mdnrequest_names(header, span_str("c@x.example"), none));
	ck_assert(mdnrequest_names(header, span_str("d@x.example"), none));
	ck_assert(mdnrequest_names(header, span_str("h@x.example"), none));
	ck_assert(mdnrequest_names(header, span_str("alias@x.example"), span_str("rfc822;d+40x.example")));
	ck_assert(!mdnrequest_names(header, span_str("b@x.example"), none));
	ck_assert(!mdnrequest_names(header, span_str("f@x.example"), span_str("x400;d@x.example")));
	ck_assert(!mdnrequest_names(span_str(""), none, none));
}
END_TEST

Suite *suite_mdnrequest(void);
Suite *
suite_mdnrequest(void)
{
	Suite *s = suite_create("mdnrequest");
	TCase *t = tcase_create("mdnrequest");

	tcase_add_loop_test(t, options_are_read, 0, COUNT(options));
	tcase_add_test(t, options_are_bounded);
	tcase_add_loop_test(t, fields_are_read, 0, COUNT(fields));
	tcase_add_loop_test(t, who_is_answered_without_being_asked, 0, COUNT(automatic));
	tcase_add_test(t, who_is_named);
	suite_add_tcase(s, t);
	return s;
}
