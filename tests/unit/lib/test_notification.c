/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/notification.h"

#include <check.h>
#include <stdio.h>

#define REPORT(type, body) "From: a@b\r\nContent-Type: multipart/report; report-type=" type "; boundary=x\r\n\r\n" \
	"--x\r\n\r\nwords\r\n--x\r\nContent-Type: message/" type "\r\n\r\n" body "\r\n--x--\r\n"
#define DSN(body) REPORT("delivery-status", body)
#define MDN(body) REPORT("disposition-notification", body)
#define TOP "Reporting-MTA: dns; mx.example\r\n"
#define FINAL "Final-Recipient: rfc822;fax@example.com\r\n"
#define MODE "automatic-action/MDN-sent-automatically"

static void
is(struct span got, const char *want, const char *name)
{
	ck_assert_msg(span_is(got, want), "%s: \"%.*s\"", name, (int)got.n, (const char *)got.p);
}

/* The example of RFC 3464, appendix, in the order of its fields, with RFC 2530's field folded. */
START_TEST(a_dsn_is_read)
{
	static const char text[] = DSN("Original-Envelope-Id: a+2Bb (c)\r\nReporting-MTA: DNS; mx.example\r\n"
	    "Arrival-Date: Fri, 8 Jul 1994 09:21:47 -0400\r\n\r\n\r\n"
	    "Original-Recipient: rfc822;FAX=+1@Example.com\r\nFinal-Recipient: RFC822 ; \"a b\"@relay.example \r\n"
	    "Action: Failed (gone)\r\nStatus: 5.6.1 (media)\r\n"
	    "Media-Accept-Features: (& (paper-size=a4)\r\n\t(color=binary) )\r\n\r\n"
	    "Final-Recipient: x400;/c=de\r\nAction: delayed\r\nStatus: 4.0.0\r\n\r\n"
	    "Original-Recipient: unknown;x\r\n" FINAL "Action: expanded\r\n");
	struct notification n;
	struct err e = { 0 };

	ck_assert_msg(notification_parse(span_str(text), &n, &e) == 0, "%s", e.what);
	ck_assert_int_eq(n.kind, NOTIFICATION_DSN);
	is(n.envelope_id, "a+2Bb (c)", "ENVID");
	is(n.reporting_mta, "mx.example", "MTA");
	ck_assert_uint_eq(n.nrcpt, 3);
	is(n.rcpt[0].original, "FAX=+1@Example.com", "original");
	is(n.rcpt[0].final, "\"a b\"@relay.example", "final");
	is(notification_about(&n.rcpt[0]), "FAX=+1@Example.com", "about");
	is(n.rcpt[0].features, "(& (paper-size=a4)\t(color=binary) )", "features");
	is(n.rcpt[0].status, "5.6.1", "status");
	ck_assert_int_eq(n.rcpt[0].action, ACTION_FAILED);
	is(notification_about(&n.rcpt[1]), "", "of another type");
	ck_assert_int_eq(n.rcpt[1].action, ACTION_DELAYED);
	is(n.rcpt[1].features, "", "no features");
	is(notification_about(&n.rcpt[2]), "", "what the sender named is no mailbox");
	is(n.rcpt[2].final, "fax@example.com", "final");
	ck_assert_int_eq(n.rcpt[2].action, ACTION_EXPANDED);
	notification_free(&n);
}
END_TEST

START_TEST(an_mdn_is_read)
{
	static const char text[] = MDN("Reporting-UA: fax; 1\r\nOriginal-Recipient: rfc822;a@b.example\r\n" FINAL
	    "Original-Message-ID: <1@me.example>\r\nDisposition: " MODE "; dispatched\r\n"
	    "Media-accept-features: (color=binary)\r\n");
	struct notification n;
	struct err e = { 0 };

	ck_assert_msg(notification_parse(span_str(text), &n, &e) == 0, "%s", e.what);
	ck_assert_int_eq(n.kind, NOTIFICATION_MDN);
	is(n.message_id, "<1@me.example>", "Original-Message-ID");
	is(notification_about(&n.rcpt[0]), "a@b.example", "about");
	is(n.rcpt[0].features, "(color=binary)", "features");
	ck_assert_int_eq(n.disposition, DISPOSITION_DISPATCHED);
	ck_assert(!notification_alternative(&n));
	notification_free(&n);
}
END_TEST

static const struct { const char *text; int disposition; unsigned modifiers; bool alternative; } dispositions[] = {
	{ MODE "; displayed", DISPOSITION_DISPLAYED, 0, false },
	{ " manual-action / MDN-sent-manually ; Deleted / Alternative-Preferred ", DISPOSITION_DELETED,
	    MODIFIER_ALTERNATIVE_PREFERRED, true },
	/* as RFC 3297, 6.2, prints it */
	{ MODE ",\r\n deleted/alternative-preferred", DISPOSITION_DELETED, MODIFIER_ALTERNATIVE_PREFERRED, true },
	{ MODE ";(c) processed (d)/ error (e), (f) warning,expired", DISPOSITION_PROCESSED,
	    MODIFIER_ERROR | MODIFIER_WARNING | MODIFIER_OTHER, false },
	{ MODE ";failed/error,alternative-preferred", DISPOSITION_FAILED,
	    MODIFIER_ERROR | MODIFIER_ALTERNATIVE_PREFERRED, true },
	{ MODE ";deleted/original-lost", DISPOSITION_DELETED, MODIFIER_ORIGINAL_LOST, false },
	{ MODE ";denied", DISPOSITION_DENIED, 0, false },
	{ MODE ";eaten", DISPOSITION_OTHER, 0, false },
	{ "automatic-action; displayed", -1, 0, false },
	{ MODE, -1, 0, false },
	{ MODE ";", -1, 0, false },
	{ MODE "; deleted/", -1, 0, false },
	{ MODE "; deleted/error,", -1, 0, false },
	{ MODE "; deleted error", -1, 0, false },
	{ MODE "; deleted; alternative-preferred", -1, 0, false },
	{ "", -1, 0, false },
};

START_TEST(disposition_is_read)
{
	struct notification n;
	struct err e = { 0 };
	char text[1024];
	int r;

	snprintf(text, sizeof text, MDN(FINAL "Disposition: %s\r\n"), dispositions[_i].text);
	r = notification_parse(span_str(text), &n, &e);
	ck_assert_msg(r == (dispositions[_i].disposition == -1 ? -1 : 0), "%s: %s", dispositions[_i].text, e.what);
	if (r == -1)
		return;
	ck_assert_int_eq((int)n.disposition, dispositions[_i].disposition);
	ck_assert_uint_eq(n.modifiers, dispositions[_i].modifiers);
	ck_assert(notification_alternative(&n) == dispositions[_i].alternative);
	notification_free(&n);
}
END_TEST

static const struct { const char *name, *text; } none[] = {
	{ "no report", "Subject: x\r\n\r\n" TOP "\r\n" FINAL },
	{ "nothing", "" },
	{ "the fields alone", "Content-Type: message/delivery-status\r\n\r\n" TOP "\r\n" FINAL },
	{ "in the first part", "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n"
	    "--x\r\nContent-Type: message/delivery-status\r\n\r\n" TOP "\r\n" FINAL "\r\n--x\r\n\r\n--x--\r\n" },
	{ "of two boundaries", "Content-Type: multipart/report; report-type=delivery-status; boundary=x; boundary=y"
	    "\r\n\r\n--x\r\n\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n" TOP "\r\n" FINAL
	    "\r\n--x--\r\n" },
	{ "of another type than it says", "Content-Type: multipart/report; report-type=disposition-notification; "
	    "boundary=x\r\n\r\n--x\r\n\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n" TOP "\r\n" FINAL
	    "\r\n--x--\r\n" },
	{ "of no type", "Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n\r\n\r\n--x\r\n"
	    "Content-Type: message/delivery-status\r\n\r\n" TOP "\r\n" FINAL "\r\n--x--\r\n" },
	{ "encoded", "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n"
	    "--x\r\n\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	    TOP "\r\n" FINAL "\r\n--x--\r\n" },
	{ "feedback", REPORT("feedback-report", "Feedback-Type: abuse\r\n") },
	{ "no fields", DSN("") },
	{ "no recipient", DSN(TOP) },
	{ "no MTA", DSN("Arrival-Date: x\r\n\r\n" FINAL) },
	{ "an MTA of no type", DSN("Reporting-MTA: mx.example\r\n\r\n" FINAL) },
	{ "two envelope IDs", DSN(TOP "Original-Envelope-Id: a\r\nOriginal-Envelope-ID: b\r\n\r\n" FINAL) },
	{ "two recipients in a group", DSN(TOP "\r\n" FINAL FINAL) },
	{ "two original recipients", DSN(TOP "\r\nOriginal-Recipient: rfc822;a@b\r\nOriginal-Recipient: rfc822;c@d\r\n"
	    FINAL) },
	{ "two lists of features", DSN(TOP "\r\n" FINAL "Media-Accept-Features: (a=b)\r\nMedia-accept-features: (c=d)"
	    "\r\n") },
	{ "no final recipient", DSN(TOP "\r\nOriginal-Recipient: rfc822;a@b\r\n") },
	{ "a recipient of no type", DSN(TOP "\r\nFinal-Recipient: a@b.example\r\n") },
	{ "a line that is no field", DSN(TOP "\r\n" FINAL "words\r\n") },
	{ "a control octet", DSN(TOP "\r\nFinal-Recipient: rfc822;a\x01@b\r\n") },
	{ "no final recipient of an MDN", MDN("Disposition: " MODE ";deleted\r\n") },
	{ "two dispositions", MDN(FINAL "Disposition: " MODE ";deleted/alternative-preferred\r\nDisposition: " MODE
	    ";displayed\r\n") },
	{ "no disposition", MDN(FINAL "Original-Message-ID: <a@b>\r\n") },
	{ "a second group of an MDN", MDN(FINAL "Disposition: " MODE ";deleted\r\n\r\n" FINAL) },
};

START_TEST(what_is_no_notification)
{
	struct notification n;
	struct err e = { 0 };

	ck_assert_msg(notification_parse(span_str(none[_i].text), &n, &e) == -1, "%s", none[_i].name);
	ck_assert_msg(e.kind == ERR_PERM, "%s: %s", none[_i].name, e.what);
}
END_TEST

/* As many recipients and fields as there may be, and one more. */
START_TEST(it_is_bounded)
{
	static const char *const rows[] = { "\r\n" FINAL, "X: y\r\n" };
	static const int most[] = { NOTIFICATION_RCPTS, NOTIFICATION_FIELDS - 1 };
	static char text[NOTIFICATION_BODY * 2];
	struct notification n;
	struct err e = { 0 };

	for (int extra = 0; extra < 2; extra++) {
		size_t at = (size_t)snprintf(text, sizeof text, "Content-Type: multipart/report; boundary=x;\r\n"
		    " report-type=delivery-status\r\n\r\n--x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n%s",
		    TOP);

		for (int i = 0; i < most[_i] + extra; i++)
			at += (size_t)snprintf(text + at, sizeof text - at, "%s", rows[_i]);
		snprintf(text + at, sizeof text - at, "%s\r\n--x--\r\n", _i == 0 ? "" : "\r\n" FINAL);
		ck_assert_int_eq(notification_parse(span_str(text), &n, &e), extra == 0 ? 0 : -1);
		if (extra == 0)
			notification_free(&n);
	}
}
END_TEST

Suite *suite_notification(void);
Suite *
suite_notification(void)
{
	Suite *s = suite_create("notification");
	TCase *tc = tcase_create("notification");

	tcase_add_test(tc, a_dsn_is_read);
	tcase_add_test(tc, an_mdn_is_read);
	tcase_add_loop_test(tc, disposition_is_read, 0, sizeof dispositions / sizeof *dispositions);
	tcase_add_loop_test(tc, what_is_no_notification, 0, sizeof none / sizeof *none);
	tcase_add_loop_test(tc, it_is_bounded, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
