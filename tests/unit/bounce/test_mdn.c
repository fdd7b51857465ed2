/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Notifications of RFC 3297, to the octet. */
#include "bounce/mdn.h"

#include <check.h>
#include <stdlib.h>

#define TAKES "(& (type=\"image/tiff\") (color=Binary) (dpi=400) )"

static const char header[] = "Subject: x\r\nTo: a@x.example\r\nMessage-ID: <1@s.example>\r\n"
    "Disposition-Notification-To: <s@s.example>\r\n\r\n";

/* Its text, to be freed; NULL: none is due. */
static char *
build(const char *message, const char *sender, const char *to, const char *orcpt, uint8_t flags, const char *detail)
{
	struct rcpt rcpt[2] = { { .addr = span_str("other@x.example") }, { .addr = span_str(to),
	    .orcpt = span_str(orcpt), .notify = NOTIFY_NEVER } };
	struct envelope env = { .sender = span_str(sender), .rcpt = rcpt, .nrcpt = 2 };
	struct rcpt_result res = { .slot = 1, .outcome = OUTCOME_DEFERRED, .flags = flags };
	struct report r = { .me = "mx.example", .failed_id = "0000000000000123", .env = &env, .to = env.sender,
	    .message = span_str(message), .now_us = 1000000000000000, .nonce = 0xabc };
	struct report_text t;
	struct buf records;
	struct err e = { 0 };
	char *text = NULL;
	size_t n;

	buf_init(&records, 65536);
	ck_assert_int_eq(result_add(&records, &res, span_str(detail), &e), 0);
	r.records = buf_view(&records);
	ck_assert_int_eq(mdn_build(&r, &t, &e), mdn_due(&r));
	if (mdn_due(&r)) {
		ck_assert_uint_eq(t.returned.n + t.tail.n, 0);
		ck_assert_int_eq(buf_add_byte(&t.head, '\0', &e), 0);
		text = buf_take(&t.head, &n);
	}
	report_text_free(&t);
	buf_free(&records);
	return text;
}

START_TEST(another_form_is_asked_for)
{
	char *got = build(header, "s@s.example", "a@x.example", "rfc822;A+2Bb@x.example", RESULT_PREFERRED,
	    "part: 1\ntakes: " TAKES "\n");

	static const char want[] = "Date: Sun, 9 Sep 2001 01:46:40 +0000\r\nFrom: <a@x.example>\r\nTo: <s@s.example>\r\n"
	    "Subject: Another form of your message is asked for\r\n"
	    "Message-ID: <0000000000000123.1.preferred@mx.example>\r\nIn-Reply-To: <1@s.example>\r\n"
	    "References: <1@s.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=disposition-notification;\r\n"
	    "\tboundary=\"=_0000000000000123_abc\"\r\n\r\nThis is a notification in MIME format.\r\n\r\n"
	    "--=_0000000000000123_abc\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "Your message is here, and its sender offers other forms of its content. The\r\n"
	    "recipient's machine takes a better one, which is asked for by this\r\n"
	    "notification. Your system answers it; you need do nothing. If no other form\r\n"
	    "comes, what was sent is delivered.\r\n"
	    "\r\n--=_0000000000000123_abc\r\nContent-Type: message/disposition-notification\r\n\r\n"
	    "Reporting-UA: mx.example; accord\r\nOriginal-Recipient: rfc822;A+b@x.example\r\n"
	    "Final-Recipient: rfc822;a@x.example\r\nOriginal-Message-ID: <1@s.example>\r\n"
	    "Disposition: automatic-action/MDN-sent-automatically; deleted/alternative-preferred\r\n"
	    "Media-Accept-Features: " TAKES "\r\n\r\n--=_0000000000000123_abc--\r\n";
	size_t same = 0;

	while (want[same] != 0 && want[same] == got[same])
		same++;
	ck_assert_msg(want[same] == got[same], "octet %zu: %.60s", same, got + same);
	free(got);
}
END_TEST

START_TEST(the_original_is_lost)
{
	char *got = build(header, "s@s.example", "a@x.example", "", RESULT_LOST, "takes: " TAKES "\n");

	ck_assert_ptr_nonnull(strstr(got, "\r\nDisposition: automatic-action/MDN-sent-automatically; "
	    "deleted/original-lost\r\n\r\n--="));
	ck_assert_ptr_null(strstr(got, "Media-Accept-Features"));
	ck_assert_ptr_null(strstr(got, "Original-Recipient"));
	free(got);
}
END_TEST

static const struct { const char *message, *sender, *to, *detail; } none[] = {
	{ header, "", "a@x.example", "takes: (a=1)\n" },		/* never to a null sender */
	{ header, "t@s.example", "a@x.example", "takes: (a=1)\n" },	/* nor to another than it came from */
	{ header, "s@s.example", "b@x.example", "takes: (a=1)\n" },	/* nor of who is not named */
	{ header, "s@s.example", "a@x.example", "" },			/* what is taken has to be said, */
	{ header, "s@s.example", "a@x.example", "takes: (a=1\n" },	/* to the letter */
	{ "To: a@x.example\r\nDisposition-Notification-To: <s@s.example>\r\n\r\n", "s@s.example", "a@x.example",
	    "takes: (a=1)\n" },
	{ "To: \"\xc3\xa4\"@x.example\r\nMessage-ID: <1@s>\r\nDisposition-Notification-To: <s@s.example>\r\n\r\n",
	    "s@s.example", "\"\xc3\xa4\"@x.example", "takes: (a=1)\n" },
};

START_TEST(nobody_is_asked)
{
	ck_assert_ptr_null(build(none[_i].message, none[_i].sender, none[_i].to, "", RESULT_PREFERRED, none[_i].detail));
}
END_TEST

Suite *suite_mdn(void);
Suite *
suite_mdn(void)
{
	Suite *s = suite_create("mdn");
	TCase *t = tcase_create("mdn");

	tcase_add_test(t, another_form_is_asked_for);
	tcase_add_test(t, the_original_is_lost);
	tcase_add_loop_test(t, nobody_is_asked, 0, sizeof none / sizeof *none);
	suite_add_tcase(s, t);
	return s;
}
