/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/report.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "bounce/text.h"
#include "bounce/words.h"

static struct buf out, records;
static struct rcpt rcpt[3];
static struct envelope env;
static struct slot slots[3];
static struct report r;
static struct report_text made;

static void
setup(void)
{
	buf_init(&out, REPORT_MAX);
	buf_init(&records, MSG_MAX);
	memset(slots, 0, sizeof slots);
	slots[0].last_us = 1000000000u * UINT64_C(1000000);
	rcpt[0] = (struct rcpt){ .addr = span_str("fax=+1234@dev.example"),
	    .orcpt = span_str("rfc822;Fax+2B1@dev.example") };
	rcpt[1] = (struct rcpt){ .addr = span_str("b@x.example"), .notify = NOTIFY_NEVER };
	rcpt[2] = (struct rcpt){ .addr = span_str("c@x.example"), .notify = NOTIFY_SUCCESS };
	env = (struct envelope){ .sender = span_str("s@sender.example"), .envid = span_str("QQ+3D1"),
	    .arrival_us = 1000000000u * UINT64_C(1000000), .rcpt = rcpt, .nrcpt = 3 };
	r = (struct report){ .me = "mx.example",
	    .failed_id = "0000000000000000", .env = &env, .to = env.sender, .slot = slots,
	    .message = span_str("Received: x\r\nSubject: two\r\n lines\r\nMessage-ID: <1@s>\r\n\r\n"),
	    .now_us = 1000000001 * INT64_C(1000000), .nonce = 7 };
}

static void
teardown(void)
{
	buf_free(&out);
	buf_free(&records);
}

static void
record(uint32_t slot, uint8_t outcome, uint16_t code, const char *dsn, const char *mta,
    const char *text, const char *detail)
{
	struct rcpt_result res = { .slot = slot, .outcome = outcome, .code = code };
	struct err e;

	snprintf(res.dsn, sizeof res.dsn, "%s", dsn);
	snprintf(res.mta, sizeof res.mta, "%s", mta);
	snprintf(res.text, sizeof res.text, "%s", text);
	ck_assert_int_eq(result_add(&records, &res, span_str(detail), &e), 0);
	r.records = buf_view(&records);
}

/* Builds it and checks what holds of every report: CRLF lines, at most 998 octets, ASCII where it
 * is not returned content. */
static void
build(void)
{
	struct span s;
	struct err e = { 0 };
	uint8_t body;

	ck_assert_msg(report_build(&r, &made, &e) == 1, "%s", e.what);
	ck_assert_int_eq(buf_add(&out, buf_view(&made.head), &e), 0);
	ck_assert_int_eq(buf_add(&out, made.returned, &e), 0);
	ck_assert_int_eq(buf_add(&out, buf_view(&made.tail), &e), 0);
	body = made.body;
	report_text_free(&made);
	s = buf_view(&out);
	ck_assert_int_ne(text_kind(s), TEXT_BINARY);
	ck_assert(body == BODY_8BITMIME || text_kind(s) == TEXT_7BIT);
	ck_assert_int_eq(s.p[s.n - 1], '\n');
	ck_assert_int_eq(buf_add_byte(&out, 0, &e), 0);	/* for strstr */
}

static bool
has(const char *text)
{
	return strstr((const char *)out.p, text) != NULL;
}

/* The part with that number, from its own header on, terminated; the caller frees it. */
static char *
part(int n)
{
	const char *p = strstr((const char *)out.p, "boundary=\""), *q;
	char line[80];
	char *copy;

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(sscanf(p, "boundary=\"%70[^\"]", line + 2), 1);
	memcpy(line, "--", 2);
	p = strstr((const char *)out.p, "\r\n\r\n");
	for (int i = 0; i < n; i++) {
		p = strstr(p + 1, line);
		ck_assert_ptr_nonnull(p);
	}
	p += strlen(line) + 2;
	q = strstr(p, line);
	ck_assert_ptr_nonnull(q);
	copy = strndup(p, (size_t)(q - p));
	/* The last of the three parts is followed by the end. */
	ck_assert_int_eq(n == 3, strncmp(q + strlen(line), "--\r\n", 4) == 0);
	return copy;
}

static size_t
count(const char *in, const char *what)
{
	size_t n = 0;

	for (; (in = strstr(in, what)) != NULL; in++)
		n++;
	return n;
}

/* RFC 3464, RFC 6522, RFC 3834: the form of a failure report (R12: 5.6.5, the part, the reply). */
START_TEST(failure)
{
	char *p;

	record(0, OUTCOME_FAILED, 0, "5.6.5", "mx.dev.example [192.0.2.9]:25", "no common form",
	    "part: 1.2 (image/tiff-fx, \"offer.tfx\")\nform: MRC, 300 dpi\n"
	    "takes: (&(color=Binary)(image-coding=[MH,MMR])(dpi=[200,204])(paper-size=A4))\n"
	    "permits: nothing\nrow: B5d\n");
	record(1, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");	/* NOTIFY=NEVER */
	record(2, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");	/* only SUCCESS was asked */
	build();
	ck_assert(has("\r\nFrom: Mail Delivery System <postmaster@mx.example>\r\n"));
	ck_assert(has("\r\nTo: <s@sender.example>\r\n"));
	ck_assert(has("\r\nAuto-Submitted: auto-replied\r\n"));
	ck_assert(has("\r\nMIME-Version: 1.0\r\n"));
	ck_assert(has("\r\nIn-Reply-To: <1@s>\r\n"));
	ck_assert(has("Content-Type: multipart/report; report-type=delivery-status;\r\n"));
	ck_assert(strncmp((char *)out.p, "Date: Sun, 9 Sep 2001 01:46:41 +0000\r\n", 38) == 0);
	p = part(1);
	ck_assert_ptr_nonnull(strstr(p, "<fax=+1234@dev.example>\r\n"));
	ck_assert_ptr_nonnull(strstr(p, "Which part: 1.2 (image/tiff-fx, \"offer.tfx\")"));
	ck_assert_ptr_nonnull(strstr(p, "What the machine takes: black and white; coded as MH"));
	ck_assert_ptr_nonnull(strstr(p, "exactly: (&(color=Binary)"));
	ck_assert_ptr_nonnull(strstr(p, "What you allowed: nothing"));
	ck_assert_ptr_nonnull(strstr(p, "Subject: two lines\r\n"));
	ck_assert_ptr_null(strstr(p, "b@x.example"));
	ck_assert_ptr_null(strstr(p, "c@x.example"));
	free(p);
	p = part(2);
	ck_assert_ptr_nonnull(strstr(p, "Content-Type: message/delivery-status\r\n\r\n"
	    "Original-Envelope-Id: QQ=1\r\nReporting-MTA: dns; mx.example\r\n"
	    "Arrival-Date: Sun, 9 Sep 2001 01:46:40 +0000\r\n"));
	ck_assert_ptr_nonnull(strstr(p, "\r\n\r\nOriginal-Recipient: rfc822;Fax+1@dev.example\r\n"
	    "Final-Recipient: rfc822;fax=+1234@dev.example\r\nAction: failed\r\nStatus: 5.6.5\r\n"
	    "Remote-MTA: dns; mx.dev.example ([192.0.2.9]:25)\r\n"
	    "Diagnostic-Code: x-accord; no common form\r\n"
	    "Last-Attempt-Date: Sun, 9 Sep 2001 01:46:40 +0000\r\n"
	    "X-Accord-Part: 1.2 (image/tiff-fx, \"offer.tfx\")\r\nX-Accord-Form: MRC, 300 dpi\r\n"
	    "Media-Accept-Features: (&(color=Binary)(image-coding=[MH,MMR])\r\n"
	    " (dpi=[200,204])(paper-size=A4))\r\nX-Accord-Permits: nothing\r\nX-Accord-Row: B5d\r\n"));
	ck_assert_uint_eq(count(p, "Final-Recipient:"), 1);
	free(p);
	p = part(3);
	ck_assert_ptr_nonnull(strstr(p, "Content-Type: text/rfc822-headers\r\n\r\nReceived: x\r\n"
	    "Subject: two\r\n lines\r\n"));
	free(p);
	ck_assert_int_eq(made.body, BODY_7BIT);
}
END_TEST

/* RFC 2530, 3: an expression, once for a recipient, of his own; the rest for each part, whatever the outcome. */
START_TEST(content_in_fields)
{
	char *p;

	rcpt[1].notify = 0;
	record(0, OUTCOME_FAILED, 0, "5.6.3", "", "", "part: 1\nform: a\ntakes: (dpi=200)\npermits: b\n"
	    "part: 2\nform: c\ntakes: (dpi=200)\n");
	record(2, OUTCOME_RELAYED, 250, "2.0.0", "", "250 ok", "part: 3\nconverted: MH\npart: 4\nomitted: gone\n"
	    "row: B5c\nother: x\n");
	record(1, OUTCOME_FAILED, 0, "5.6.5", "", "", "takes: (& (dpi=200) (color=Binary)\nrow: B6c\n");
	build();
	p = part(2);
	ck_assert_ptr_nonnull(strstr(p, "X-Accord-Part: 1\r\nX-Accord-Form: a\r\nMedia-Accept-Features: (dpi=200)\r\n"
	    "X-Accord-Permits: b\r\nX-Accord-Part: 2\r\nX-Accord-Form: c\r\n\r\n"));
	ck_assert_ptr_nonnull(strstr(p, "X-Accord-Part: 3\r\nX-Accord-Converted-To: MH\r\nX-Accord-Part: 4\r\n"
	    "X-Accord-Omitted: gone\r\nX-Accord-Row: B5c\r\n"));
	ck_assert_ptr_nonnull(strstr(p, "\r\nX-Accord-Row: B6c\r\n"));
	ck_assert_uint_eq(count(p, "Media-Accept-Features"), 1);	/* the last one was cut */
	free(p);
}
END_TEST

/*
 * RFC 3461, 4.1, 5.2.2-5.2.6, all of it: which outcome is told of under which NOTIFY.  Bits of told:
 * 1 delivered, 2 relayed, 4 delayed, 8 failed.
 */
static const struct { uint8_t notify, told; } rows[] = {
	{ 0, 4 | 8 }, { NOTIFY_NEVER, 0 }, { NOTIFY_SUCCESS, 1 | 2 }, { NOTIFY_FAILURE, 8 },
	{ NOTIFY_DELAY, 4 }, { NOTIFY_SUCCESS | NOTIFY_FAILURE, 1 | 2 | 8 },
	{ NOTIFY_SUCCESS | NOTIFY_DELAY, 1 | 2 | 4 }, { NOTIFY_FAILURE | NOTIFY_DELAY, 4 | 8 },
	{ NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, 1 | 2 | 4 | 8 },
};

START_TEST(notify_rows)
{
	for (uint8_t outcome = OUTCOME_DELIVERED; outcome <= OUTCOME_FAILED; outcome++) {
		buf_clear(&records);
		rcpt[0].notify = rows[_i].notify;
		record(0, outcome, 0, "", "", "", "");
		r.to_postmaster = false;
		ck_assert_int_eq(report_due(&r), rows[_i].told >> outcome & 1);
		r.to_postmaster = true;		/* hears of failures alone */
		ck_assert_int_eq(report_due(&r), outcome == OUTCOME_FAILED &&
		    rows[_i].notify != NOTIFY_NEVER);
		r.own = true;			/* a DSN's NEVER is for other hosts */
		ck_assert_int_eq(report_due(&r), outcome == OUTCOME_FAILED);
		r.own = false;
	}
}
END_TEST

/* RFC 3461, 5.2.8: a report holds only those who are to be told. */
START_TEST(several_recipients)
{
	char *p;

	rcpt[0].notify = NOTIFY_SUCCESS | NOTIFY_FAILURE;
	rcpt[2].notify = NOTIFY_DELAY;
	record(0, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	record(1, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	record(2, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	build();
	p = part(2);
	ck_assert_uint_eq(count(p, "Final-Recipient:"), 1);
	ck_assert_ptr_nonnull(strstr(p, "dev.example"));
	free(p);
	ck_assert(!has("@x.example"));
}
END_TEST

/* RFC 3464, 2.3.9 and 2.3.3: a delay, with the time until which it is tried; header alone. */
START_TEST(delayed)
{
	char *p;

	env.ret = RET_FULL;
	r.whole = true;
	r.message = span_str("Subject: x\r\n\r\nsecret body\r\n");
	r.expires_us = 1000086400 * INT64_C(1000000);
	record(0, OUTCOME_DEFERRED, 0, "4.4.1", "[192.0.2.9]:25", "connect: timed out", "");
	build();
	ck_assert(has("\r\nSubject: Your message is delayed\r\n"));
	p = part(1);
	ck_assert_ptr_nonnull(strstr(p, "What happens next: nothing is lost"));
	ck_assert_ptr_nonnull(strstr(p, "10 Sep"));
	free(p);
	ck_assert(!has("secret"));
	p = part(2);
	ck_assert_ptr_nonnull(strstr(p, "Action: delayed\r\nStatus: 4.4.1\r\n"
	    "Remote-MTA: dns; [192.0.2.9] (port 25)\r\n"
	    "Diagnostic-Code: x-accord; connect: timed out\r\n"
	    "Last-Attempt-Date: Sun, 9 Sep 2001 01:46:40 +0000\r\n"
	    "Will-Retry-Until: Mon, 10 Sep 2001 01:46:40 +0000\r\n"));
	free(p);
}
END_TEST

/* A delay's report promises a failure's only to who gets one (RFC 3461, 4.1). */
START_TEST(delayed_promises_what_comes)
{
	static const struct { uint8_t notify; bool told; } told[] = {
		{ 0, true }, { NOTIFY_DELAY, false }, { NOTIFY_DELAY | NOTIFY_FAILURE, true },
		{ NOTIFY_DELAY | NOTIFY_SUCCESS, false },
	};
	char *p;

	rcpt[0].notify = told[_i].notify;
	record(0, OUTCOME_DEFERRED, 0, "4.4.1", "", "", "");
	build();
	p = part(1);
	ck_assert_int_eq(strstr(p, "you will be told") != NULL, told[_i].told);
	ck_assert_int_eq(strstr(p, "You did not ask to be told") != NULL, !told[_i].told);
	free(p);
}
END_TEST

/* Will-Retry-Until is in no other report; nor is a time that is not known. */
START_TEST(only_delays_have_an_end)
{
	if (_i == OUTCOME_DEFERRED)
		return;
	r.expires_us = 1000086400 * INT64_C(1000000);
	rcpt[0].notify = NOTIFY_SUCCESS | NOTIFY_FAILURE;
	record(0, (uint8_t)_i, 0, "", "", "", "");
	build();
	ck_assert(!has("Will-Retry-Until"));
	ck_assert_int_eq(has("Last-Attempt-Date"), _i == OUTCOME_FAILED);
	ck_assert_int_eq(has("Diagnostic-Code"), _i == OUTCOME_FAILED);
	ck_assert(!has("Remote-MTA"));
}
END_TEST

/* RFC 3464, 2.3.6, RFC 3461, 9.2: what the next hop replied stands as its words, line by line; nothing else
 * does, though the hop be known. */
static const struct { uint16_t code; const char *mta, *text, *words, *field; } reasons[] = {
	{ 550, "mx.x [192.0.2.9]:25", "550 5.1.1 no  such user", "In the words of mx.x [192.0.2.9]:25: 550 5.1.1 no  such user\r\n",
	    "smtp; 550 5.1.1 no  such user\r\n" },
	{ 550, "mx.x", "550-mailbox unavailable 550 user has moved with no forwarding address",
	    "words of mx.x: 550-mailbox unavailable\r\n        550 user has moved with no forwarding address\r\n",
	    "smtp; 550-mailbox unavailable\r\n 550 user has moved with no forwarding address\r\n" },
	{ 550, "mx.x", "550-a 550- 550-b 550", "mx.x: 550-a\r\n        550-\r\n        550-b\r\n        550\r\n",
	    "smtp; 550-a\r\n 550-\r\n 550-b\r\n 550\r\n" },
	{ 550, "mx.x", "550-a 550-cut sho", "mx.x: 550-a\r\n        550 cut sho\r\n", "smtp; 550-a\r\n 550 cut sho\r\n" },
	{ 550, "mx.x", "550 said: 550 no", "mx.x: 550 said: 550 no\r\n", "smtp; 550 said: 550 no\r\n" },
	{ 550, "mx.x", "550-said: 550 no 550-b 550 550 c 550 d", "mx.x: 550-said: 550 no\r\n        550-b 550 550 c\r\n        550 d\r\n",
	    "smtp; 550-said: 550 no\r\n 550-b 550 550 c\r\n 550 d\r\n" },
	{ 550, "", "550 no", "In the words of the next hop: 550 no\r\n", "smtp; 550 no\r\n" },
	{ 554, "mx.x", "banner: 554 no", "mx.x: 554 banner: 554 no\r\n", "smtp; 554 banner: 554 no\r\n" },
	{ 421, "mx.x", "", "", "smtp; 421\r\n" },
	{ 0, "mx.x [192.0.2.9]:25", "550 is what nobody said", "In the words of this machine, about mx.x [192.0.2.9]:25: 550 is what\r\n",
	    "x-accord; 550 is what nobody said\r\n" },
	{ 0, "mx.x:25", "mx.x:25: connect: refused", "this machine: mx.x:25: connect: refused\r\n",
	    "x-accord; mx.x:25: connect: refused\r\n" },
	{ 0, "", "no host", "In the words of this machine: no host\r\n", "x-accord; no host\r\n" },
	{ 0, "", "", "", "x-accord; " },
};

START_TEST(whose_words)
{
	char field[200];

	for (uint8_t outcome = OUTCOME_DEFERRED; outcome <= OUTCOME_FAILED; outcome++) {
		buf_clear(&records);
		buf_clear(&out);
		record(0, outcome, reasons[_i].code, outcome == OUTCOME_FAILED ? "5.0.0" : "4.0.0", reasons[_i].mta,
		    reasons[_i].text, "");
		build();
		ck_assert_msg(has(reasons[_i].words), "%s", (char *)out.p);
		snprintf(field, sizeof field, "\r\nDiagnostic-Code: %s", reasons[_i].field);
		ck_assert_msg(has(field), "%s", (char *)out.p);
		ck_assert_int_eq(has("Remote-MTA"), reasons[_i].mta[0] != '\0');
		ck_assert_int_eq(has("In the words of"), reasons[_i].text[0] != '\0');
	}
}
END_TEST

/* A long line of a reply is folded, and unfolded it is what it was. */
START_TEST(reply_unfolds)
{
	char text[256] = "550-", *at, *to;
	const char *p, *end;
	size_t n = 4;

	for (; n < sizeof text - 20; n++)
		text[n] = n % 9 == 0 ? ' ' : 'x';
	snprintf(text + n, sizeof text - n, " 550 end");
	record(0, OUTCOME_FAILED, 550, "5.0.0", "mx.x", text, "");
	build();
	p = strstr((char *)out.p, "Diagnostic-Code: smtp; ") + 23;
	end = strstr(p, "\r\nLast-");
	at = to = strndup(p, (size_t)(end - p));
	for (char *s = at; *s != '\0'; s++)
		if (*s != '\r' && *s != '\n')
			*to++ = *s;
	*to = '\0';
	ck_assert_str_eq(at, text);
	free(at);
}
END_TEST

/* A success is tried when its record says so, not when the slot was last deferred. */
START_TEST(time_of_a_success)
{
	struct rcpt_result res = { .slot = 0, .outcome = OUTCOME_RELAYED, .code = 250,
	    .dsn = "2.0.0", .text = "250 ok", .mta = "mx.x [192.0.2.9]:25", .last_s = 1000000100 };
	struct err e;

	rcpt[0].notify = NOTIFY_SUCCESS;
	ck_assert_int_eq(result_add(&records, &res, span_of(NULL, 0), &e), 0);
	r.records = buf_view(&records);
	build();
	ck_assert(has("Subject: Your message was passed on\r\n"));
	ck_assert(has("\r\nStatus: 2.0.0\r\nRemote-MTA: dns; mx.x ([192.0.2.9]:25)\r\n"
	    "Diagnostic-Code: smtp; 250 ok\r\n"
	    "Last-Attempt-Date: Sun, 9 Sep 2001 01:48:20 +0000\r\n"));
}
END_TEST

/* RFC 3464, 2.3.4; RFC 3463, 2: a code of another class, or none, is never passed on. */
static const struct { uint8_t outcome; const char *dsn, *want; } statuses[] = {
	{ OUTCOME_DELIVERED, "2.6.4", "2.6.4" }, { OUTCOME_DELIVERED, "5.6.4", "2.0.0" },
	{ OUTCOME_RELAYED, "4.0.0", "2.0.0" }, { OUTCOME_DEFERRED, "5.1.1", "4.0.0" },
	{ OUTCOME_DEFERRED, "4.7.1", "4.7.1" }, { OUTCOME_FAILED, "4.4.7", "4.4.7" },
	{ OUTCOME_FAILED, "5.1.10", "5.1.10" }, { OUTCOME_FAILED, "5.01.1", "5.0.0" },
	{ OUTCOME_FAILED, "5.1", "5.0.0" }, { OUTCOME_FAILED, "5.1.1.1", "5.0.0" },
	{ OUTCOME_FAILED, "5..1", "5.0.0" }, { OUTCOME_FAILED, "5.1234.1", "5.0.0" },
	{ OUTCOME_FAILED, "3.1.1", "5.0.0" }, { OUTCOME_FAILED, "", "5.0.0" },
};

START_TEST(status_codes)
{
	char want[64];

	rcpt[0].notify = NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY;
	record(0, statuses[_i].outcome, 0, statuses[_i].dsn, "", "", "");
	build();
	snprintf(want, sizeof want, "\r\nStatus: %s\r\n", statuses[_i].want);
	ck_assert_msg(has(want), "%s", statuses[_i].dsn);
}
END_TEST

/* RFC 3461, 4.2, 6.3 d and e; RFC 3464, 2.3.1; RFC 6533, 3. */
static const struct { const char *orcpt, *addr, *want; } addresses[] = {
	{ "rfc822;a+2Bb@x", "c@y", "\r\nOriginal-Recipient: rfc822;a+b@x\r\nFinal-Recipient: rfc822;c@y\r\n" },
	{ "", "c@y", "\r\n\r\nFinal-Recipient: rfc822;c@y\r\n" },
	{ "X400;/G=Ann+20Lee/", "c@y", "\r\nOriginal-Recipient: X400;/G=Ann Lee/\r\n" },
	{ "rfc822;a+0D+0AAction:+20delivered", "c@y", "\r\nOriginal-Recipient: rfc822;a??Action: delivered\r\n" },
	{ "x123456789-123456789-123456789-123456789-123456789-123456789-1;a", "c@y",
	    "\r\nOriginal-Recipient: x123456789-123456789-123456789-123456789-123456789-123456789-1;a\r\n" },
	{ "no type", "c@y", "\r\nOriginal-Recipient: unknown;no type\r\n" },
	{ "a(b;c", "c@y", "\r\nOriginal-Recipient: unknown;a(b;c\r\n" },
	{ "utf-8;\\x{E4}+2Bb@x", "c@y", "\r\nOriginal-Recipient: utf-8;\\x{E4}+2Bb@x\r\n" },
	{ "UTF-8;\xc3\xa4@x", "c@y", "\r\nOriginal-Recipient: UTF-8;\\x{E4}@x\r\n" },
	{ "", "\xc3\xa4@\xf0\x9f\x93\xa0.x", "\r\nFinal-Recipient: utf-8;\\x{E4}@\\x{1F4E0}.x\r\n" },
	{ "", "\xe4@x", "\r\nFinal-Recipient: rfc822;?@x\r\n" },
	{ "", "\xc0\xaf@x", "\r\nFinal-Recipient: rfc822;??@x\r\n" },
	{ "", "\xc2\x85@x", "\r\nFinal-Recipient: rfc822;??@x\r\n" },
	{ "", "\xed\xa0\x80@x", "\r\nFinal-Recipient: rfc822;???@x\r\n" },
};

START_TEST(recipient_addresses)
{
	rcpt[0].orcpt = span_str(addresses[_i].orcpt);
	rcpt[0].addr = span_str(addresses[_i].addr);
	record(0, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	build();
	ck_assert_msg(has(addresses[_i].want), "%s", addresses[_i].want);
}
END_TEST

/* RFC 3464, 2.2.4. */
static const struct { const char *client, *want; } clients[] = {
	{ "client.example [192.0.2.1]", "\r\nReceived-From-MTA: dns; client.example ([192.0.2.1])\r\n" },
	{ "[192.0.2.1] [192.0.2.1]", "\r\nReceived-From-MTA: dns; [192.0.2.1] ([192.0.2.1])\r\n" },
	{ "a(b);c [192.0.2.1]", "\r\nReceived-From-MTA: dns; [192.0.2.1]\r\n" },
	{ "uid 1000", NULL }, { "bounce", NULL }, { "", NULL }, { "a [b", NULL }, { "a [] c", NULL },
};

START_TEST(received_from)
{
	env.client = span_str(clients[_i].client);
	record(0, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	build();
	ck_assert_int_eq(has("Received-From-MTA"), clients[_i].want != NULL);
	ck_assert(clients[_i].want == NULL || has(clients[_i].want));
}
END_TEST

/* A sender whose address needs SMTPUTF8 gets it in the header as it is (RFC 6532), never as "?", and the rest in
 * UTF-8 too (RFC 6533, 4); who has one of ASCII gets ASCII. */
START_TEST(internationalized)
{
	char *p;

	env.sender = r.to = span_str("\xc3\xa4@x");
	env.smtputf8 = 1;
	env.rcpt[0].addr = span_str("\xc3\xb6@xn--b-eha.example");
	env.rcpt[0].spelled = span_str("\xc3\xb6@b\xc3\xbc.example");
	env.rcpt[0].orcpt = span_str("utf-8;\\x{F6}@y");
	env.ret = RET_FULL;
	r.whole = true;
	r.message = span_str("Subject: \xc3\xa4\r\n\r\nsecret\r\n");
	record(0, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	build();
	ck_assert(has("\r\nTo: <\xc3\xa4@x>\r\n"));
	ck_assert(made.smtputf8);
	ck_assert_int_eq(made.body, BODY_8BITMIME);
	ck_assert(has("\r\nContent-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
	ck_assert(has("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
	ck_assert(has("\r\nContent-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
	ck_assert(has("\r\nOriginal-Recipient: utf-8;\xc3\xb6@y\r\nFinal-Recipient: utf-8;\xc3\xb6@b\xc3\xbc.example\r\n"));
	ck_assert(has("\r\n<\xc3\xb6@b\xc3\xbc.example>\r\n"));
	p = part(3);
	ck_assert_ptr_nonnull(strstr(p, "secret"));
	free(p);
	buf_clear(&out);
	env.sender = r.to = span_str("a@xn--b-fia.example");
	build();
	ck_assert(!made.smtputf8 && made.body == BODY_7BIT && has("\r\nTo: <a@xn--b-fia.example>\r\n"));
	ck_assert(has("\r\nContent-Type: message/delivery-status\r\n\r\n"));
	ck_assert(has("\r\nOriginal-Recipient: utf-8;\\x{F6}@y\r\nFinal-Recipient: utf-8;\\x{F6}@b\\x{FC}.example\r\n"));
	p = part(3);
	ck_assert_ptr_nonnull(strstr(p, "Content-Type: message/global-headers\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\nSubject: =C3=A4\r\n"));
	ck_assert(!has("secret"));
	free(p);
}
END_TEST

/* RFC 4141, 3, note: who permits conversion may see what was delivered, as it was or converted. */
static const struct {
	uint8_t ret, conperm, outcome;
	const char *dsn, *detail, *delivered, *shown;
} seen[] = {
	{ RET_FULL, 1, OUTCOME_DELIVERED, "2.0.0", "", NULL, "the body" },
	{ RET_FULL, 0, OUTCOME_DELIVERED, "2.0.0", "", NULL, NULL },
	{ RET_HDRS, 1, OUTCOME_DELIVERED, "2.0.0", "", NULL, NULL },
	{ RET_UNSET, 1, OUTCOME_DELIVERED, "2.0.0", "", NULL, NULL },
	{ RET_FULL, 1, OUTCOME_DELIVERED, "2.6.4", "part: 1\nconverted: MH\n", NULL, NULL },
	{ RET_FULL, 1, OUTCOME_DELIVERED, "2.6.4", "", NULL, NULL },
	{ RET_FULL, 1, OUTCOME_DELIVERED, "2.6.4", "converted: MH\nkey: 1=MH\n", "A: b\r\n\r\nanother\r\n",
	    "another" },
	{ RET_FULL, 1, OUTCOME_DELIVERED, "2.6.4", "key: 1=MH\n", "A: b\r\n\r\nb\0d\r\n", NULL },
	{ RET_FULL, 1, OUTCOME_RELAYED, "2.0.0", "", NULL, NULL },
	{ RET_FULL, 1, OUTCOME_DEFERRED, "4.0.0", "", NULL, NULL },
};

START_TEST(what_was_delivered)
{
	rcpt[0].notify = NOTIFY_SUCCESS | NOTIFY_DELAY;
	env.ret = seen[_i].ret;
	env.conperm = seen[_i].conperm;
	r.whole = true;
	r.message = span_str("Subject: x\r\n\r\nthe body\r\n");
	if (seen[_i].delivered != NULL)
		r.delivered = span_of(seen[_i].delivered, seen[_i].shown != NULL ? strlen(seen[_i].shown) + 10 : 13);
	record(0, seen[_i].outcome, 0, seen[_i].dsn, "", "", seen[_i].detail);
	build();
	ck_assert_int_eq(has("message/rfc822"), seen[_i].shown != NULL);
	ck_assert(seen[_i].shown == NULL || has(seen[_i].shown));
	ck_assert(!has("the body") || seen[_i].delivered == NULL);
}
END_TEST

/* That content is asked for again once it is known to be one, and to be shown. */
static const struct { uint8_t ret, conperm; bool whole; const char *first, *second, *key; } wished[] = {
	{ RET_FULL, 1, true, "key: 1=MH\n", NULL, "1=MH" },
	{ RET_FULL, 1, true, "converted: MH\nrow: B7\nkey: 1=MH\n", "key: 1=MH\n", "1=MH" },
	{ RET_FULL, 1, true, "key: 1=MH\n", "key: 1=MR\n", NULL },
	{ RET_FULL, 1, true, "key: 1=MH\n", "", NULL },
	{ RET_FULL, 1, true, "converted: MH\n", NULL, NULL },
	{ RET_FULL, 1, false, "key: 1=MH\n", NULL, NULL },
	{ RET_FULL, 0, true, "key: 1=MH\n", NULL, NULL },
	{ RET_HDRS, 1, true, "key: 1=MH\n", NULL, NULL },
};

START_TEST(what_was_delivered_is_wished_for)
{
	struct span key;

	rcpt[0].notify = rcpt[1].notify = NOTIFY_SUCCESS;
	env.ret = wished[_i].ret;
	env.conperm = wished[_i].conperm;
	r.whole = wished[_i].whole;
	record(0, OUTCOME_DELIVERED, 0, "2.6.4", "", "", wished[_i].first);
	if (wished[_i].second != NULL)
		record(1, OUTCOME_DELIVERED, 0, "2.6.4", "", "", wished[_i].second);
	ck_assert_int_eq(report_wants_delivered(&r, &key), wished[_i].key != NULL);
	ck_assert(wished[_i].key == NULL || span_is(key, wished[_i].key));
	rcpt[2].notify = NOTIFY_FAILURE;
	record(2, OUTCOME_FAILED, 550, "5.1.1", "", "no", "");
	ck_assert(!report_wants_delivered(&r, &key));	/* with a failure what was sent is returned */
}
END_TEST

static void
message_id(char id[100])
{
	const char *p = strstr((char *)out.p, "\r\nMessage-ID: ");

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(sscanf(p, "\r\nMessage-ID: %99s", id), 1);
}

/* The same report once more has the same Message-ID and another boundary; any other has another. */
START_TEST(identity)
{
	char first[100], again[100], other[100];

	rcpt[0].notify = NOTIFY_FAILURE | NOTIFY_DELAY;
	record(0, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	build();
	message_id(first);
	buf_clear(&out);
	r.nonce++, r.now_us += 5000000;
	build();
	message_id(again);
	buf_clear(&out);
	buf_clear(&records);
	record(0, OUTCOME_DEFERRED, 450, "4.1.1", "", "450 no", "");
	build();
	message_id(other);
	ck_assert_str_eq(first, again);
	ck_assert_str_ne(first, other);
}
END_TEST

/* RFC 3461, 5.2.6: NEVER, or NOTIFY without FAILURE: no report at all. */
START_TEST(nobody_to_tell)
{
	struct err e;

	record(1, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	record(2, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	record(99, OUTCOME_FAILED, 550, "5.1.1", "", "no such slot", "");
	ck_assert_int_eq(report_build(&r, &made, &e), 0);
	ck_assert_uint_eq(made.head.n + made.tail.n, 0);
	report_text_free(&made);
	ck_assert(!report_due(&r));
}
END_TEST

/* H13: of a message without sender postmaster hears, but not of who asked for silence. */
START_TEST(never_is_never_for_postmaster_too)
{
	r.to_postmaster = true;
	record(1, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	ck_assert(!report_due(&r));
	record(2, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	ck_assert(report_due(&r));
}
END_TEST

/* H17: success that was asked for; a header is returned even with RET=FULL (RFC 3461, 6.2). */
START_TEST(success)
{
	char *p;

	env.ret = RET_FULL;
	r.whole = true;
	r.message = span_str("Subject: x\r\n\r\nsecret body\r\n");
	record(0, OUTCOME_DELIVERED, 250, "2.0.0", "", "250 ok", "");
	record(2, OUTCOME_RELAYED, 250, "2.6.4", "a.example", "250 ok", "converted: MH\n");
	build();
	p = part(2);
	ck_assert_ptr_nonnull(strstr(p, "Final-Recipient: rfc822;c@x.example\r\nAction: relayed\r\n"
	    "Status: 2.6.4\r\n"));
	ck_assert_uint_eq(count(p, "Final-Recipient:"), 1);
	free(p);
	ck_assert(has("Converted to: MH"));
	ck_assert(!has("secret"));
}
END_TEST

static const struct { const char *message; bool whole, full; uint8_t body, ret; } returned[] = {
	{ "Subject: x\r\n\r\nhello\r\n", true, true, BODY_7BIT, RET_FULL },
	{ "Subject: x\r\n\r\nh\xc3\xa9llo\r\n", true, true, BODY_8BITMIME, RET_FULL },
	{ "Subject: x\r\n\r\nbare \r return\r\n", true, false, BODY_7BIT, RET_FULL },
	{ "Subject: x\r\n\r\nhello\r\n", false, false, BODY_7BIT, RET_FULL },
	{ "Subject: x\r\n\r\nhello\r\n", true, false, BODY_7BIT, RET_HDRS },
	{ "Subject: x\r\n\r\nhello\r\n", true, false, BODY_7BIT, RET_UNSET },
};

START_TEST(ret_full)
{
	char *p;

	env.ret = returned[_i].ret;
	r.message = span_str(returned[_i].message);
	r.whole = returned[_i].whole;
	record(0, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	build();
	ck_assert_int_eq(made.body, returned[_i].body);
	p = part(3);
	ck_assert_int_eq(strstr(p, "Content-Type: message/rfc822\r\n") != NULL, returned[_i].full);
	ck_assert_int_eq(strstr(p, returned[_i].message) != NULL, returned[_i].full);
	free(p);
}
END_TEST

/* What comes from outside ends no line and opens no part. */
START_TEST(hostile_texts)
{
	char *p;

	rcpt[0].addr = span_str("\"a\r\nBcc: all@x\"@dev.example");
	rcpt[0].orcpt = span_str("rfc822;a+0D+0AStatus:+202.0.0");
	env.envid = span_str("x+0D+0AAction:+20delivered+00+FF+");
	record(0, OUTCOME_FAILED, 550, "5.1.1\nX", "a)\xc6 x\\\x1b[31m [1]", "550 \x9b" "31m\r\nStatus: 2.0.0",
	    "part: x\r\r\nBcc: y\nform: \x1b]0;own\x07\n"
	    "takes: ((((((color=\xff)(dpi=[,,,](\n permits: a\n:\n\nrow: a\rStatus: 2.0.0\n");
	build();
	p = part(2);
	ck_assert_uint_eq(count(p, "\r\nStatus:"), 1);
	ck_assert_uint_eq(count(p, "\r\nAction:"), 1);
	ck_assert_uint_eq(count(p, "\nBcc"), 0);
	ck_assert_ptr_nonnull(strstr(p, "\r\nStatus: 5.0.0\r\n"));
	ck_assert_uint_eq(count(p, "Media-Accept-Features"), 0);	/* no expression */
	ck_assert_uint_eq(count(p, "\rStatus:") + count(p, "\nStatus:"), 1);
	free(p);
	ck_assert(!has("\nBcc"));
	ck_assert_uint_eq(count((char *)out.p, "\x1b"), 0);
}
END_TEST

/* Headers with NUL, 8-bit octets, bare CR, endless lines, the boundary itself. */
START_TEST(hostile_headers)
{
	static char text[REPORT_HEADER_MAX];
	size_t n;
	char *p;

	n = (size_t)snprintf(text, sizeof text, "Subject: \xe4 =_0000000000000000_7 \r x\nMessage-ID: "
	    "<a b>\r\n\r\n--=_0000000000000000_7--\r\nX: ");
	memset(text + n, 'x', 5000);
	text[n + 5000] = '\0';
	text[20] = '\0';
	r.message = span_of(text, n + 5000);
	record(0, OUTCOME_FAILED, 550, "5.1.1", "", "550 no", "");
	build();
	ck_assert_uint_eq(strlen((char *)out.p), out.n - 1);
	ck_assert(!has("In-Reply-To"));
	ck_assert(has("boundary=\"=_0000000000000000_8\""));
	p = part(3);
	ck_assert_ptr_nonnull(strstr(p, "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "Subject: =E4 =3D_0000"));
	free(p);
}
END_TEST

START_TEST(quoted_printable)
{
	static const struct { const char *in, *want; } t[] = {
		{ "a=b\r\n", "a=3Db\r\n" },
		{ "end \r\nx\t\n", "end=20\r\nx=09\r\n" },
		{ "\x01\xff", "=01=FF\r\n" },
		{ "", "" },
	};
	struct err e;
	char line[300];

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_clear(&out);
		ck_assert_int_eq(text_qp(&out, span_str(t[i].in), &e), 0);
		ck_assert(span_is(buf_view(&out), t[i].want));
	}
	buf_clear(&out);
	memset(line, '\xe9', sizeof line);
	ck_assert_int_eq(text_qp(&out, span_of(line, sizeof line), &e), 0);
	for (struct span rest = buf_view(&out), l; span_line(&rest, &l);)
		ck_assert_uint_le(l.n, 76);
}
END_TEST

/* That the time ran out, and what the last answer was: never that of a refusal. */
static const struct { const char *dsn; uint8_t flags; uint16_t code; const char *text, *want; } expired[] = {
	{ "4.7.1", RESULT_EXPIRED, 450, "450 4.7.1 later", "kept here. When that time ran out, the receiving "
	    "system asked to try again later, for a reason of policy. What you can do: Send it again later; if that "
	    "fails too, ask the recipient another way. In the words of the next hop: 450 4.7.1 later" },
	{ "4.2.2", 0, 452, "452 4.2.2 full", "ran out, the mailbox was full. What" },	/* the disk's word alone */
	{ "5.6.5", RESULT_EXPIRED, 0, "the converter is busy", "ran out, the content had to be converted, and that "
	    "could not be done. What you can do: Send it again later; if that fails too, ask the recipient another "
	    "way. In the words of this machine: the converter is busy" },
	{ "4.4.7", RESULT_EXPIRED, 0, "", "ran out, it still waited for its turn. What" },
	{ "4.7.1", RESULT_EXPIRED, 554, "554 5.7.1 go", "ran out, the receiving system still did not talk to this machine. What" },
	{ "4.0.0", RESULT_EXPIRED, 450, "450 no", "ran out, the receiving system did not take it. What" },
};

START_TEST(expiry_in_words)
{
	struct rcpt_result res = { .outcome = OUTCOME_FAILED, .code = expired[_i].code, .flags = expired[_i].flags };
	char words[2048];
	size_t n = 0;
	struct err e;
	char *p;

	snprintf(res.dsn, sizeof res.dsn, "%s", expired[_i].dsn);
	snprintf(res.text, sizeof res.text, "%s", expired[_i].text);
	ck_assert_int_eq(result_add(&records, &res, span_of(NULL, 0), &e), 0);
	r.records = buf_view(&records);
	build();
	p = part(1);
	for (const char *c = p; *c != '\0' && n < sizeof words - 1; c++)	/* lines are folded anywhere */
		if (!ascii_wsp(*c) && *c != '\r' && *c != '\n')
			words[n++] = *c;
		else if (n > 0 && words[n - 1] != ' ')
			words[n++] = ' ';
	words[n] = '\0';
	free(p);
	ck_assert_msg(strstr(words, expired[_i].want) != NULL, "%s", words);
	ck_assert_ptr_null(strstr(words, "refused"));
}
END_TEST

START_TEST(features_in_words)
{
	static const struct { const char *expr, *want; } t[] = {
		{ "(&(color=Binary)(image-coding=[MH,MR,MMR])(dpi=204)(paper-size=[A4,B4]))",
		  "black and white; coded as MH (T.4 one-dimensional), MR (T.4 two-dimensional) or MMR "
		  "(T.6); dots per inch: 204; paper A4 or B4" },
		{ "(| (dpi>=300) (dpi=[200,300]) )", "dots per inch: 300 or 200" },
		{ "(unknown=3)", "" }, { "", "" }, { "((((", "" }, { "(color=)", "" }, { "(=)(dpi)", "" },
	};
	struct err e;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_clear(&out);
		ck_assert_int_eq(words_features(span_str(t[i].expr), &out, &e), 0);
		ck_assert_msg(span_is(buf_view(&out), t[i].want), "%s: %.*s", t[i].expr, (int)out.n,
		    (char *)out.p);
	}
	ck_assert_ptr_nonnull(strstr(words_advice("5.6.3")->what, "pass on what you permit or demand"));
	ck_assert_ptr_nonnull(strstr(words_advice("5.6.5")->what, "could not be brought into a form"));
	ck_assert_ptr_nonnull(words_advice("9.9.9")->what);
}
END_TEST

Suite *suite_report(void);
Suite *
suite_report(void)
{
	Suite *s = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, failure);
	tcase_add_test(tc, content_in_fields);
	tcase_add_test(tc, nobody_to_tell);
	tcase_add_loop_test(tc, notify_rows, 0, sizeof rows / sizeof *rows);
	tcase_add_test(tc, several_recipients);
	tcase_add_test(tc, delayed);
	tcase_add_loop_test(tc, delayed_promises_what_comes, 0, 4);
	tcase_add_loop_test(tc, only_delays_have_an_end, OUTCOME_DELIVERED, OUTCOME_FAILED + 1);
	tcase_add_loop_test(tc, whose_words, 0, sizeof reasons / sizeof *reasons);
	tcase_add_test(tc, reply_unfolds);
	tcase_add_test(tc, time_of_a_success);
	tcase_add_loop_test(tc, status_codes, 0, sizeof statuses / sizeof *statuses);
	tcase_add_loop_test(tc, recipient_addresses, 0, sizeof addresses / sizeof *addresses);
	tcase_add_loop_test(tc, received_from, 0, sizeof clients / sizeof *clients);
	tcase_add_test(tc, internationalized);
	tcase_add_loop_test(tc, what_was_delivered_is_wished_for, 0, sizeof wished / sizeof *wished);
	tcase_add_loop_test(tc, what_was_delivered, 0, sizeof seen / sizeof *seen);
	tcase_add_test(tc, identity);
	tcase_add_test(tc, never_is_never_for_postmaster_too);
	tcase_add_test(tc, success);
	tcase_add_loop_test(tc, ret_full, 0, sizeof returned / sizeof *returned);
	tcase_add_test(tc, hostile_texts);
	tcase_add_test(tc, hostile_headers);
	tcase_add_test(tc, quoted_printable);
	tcase_add_loop_test(tc, expiry_in_words, 0, sizeof expired / sizeof *expired);
	tcase_add_test(tc, features_in_words);
	suite_add_tcase(s, tc);
	return s;
}
