/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_report.c - whatever a hop, a recipient's address or a header says, a report is
 * lines of ASCII (of UTF-8 for whom that is no riddle) with one status for its one recipient, and the fields that
 * its action may have.
 * Input: flags (two octets), then address, reply, details and message, divided by octets 0xff.
 */
#include "bounce/report.h"

#include <assert.h>

#include "bounce/mdn.h"

#include "bounce/text.h"
#include "lib/xtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct span
chunk(struct span *in)
{
	size_t end = span_find(*in, 0xff);
	struct span s = span_sub(*in, 0, end);

	*in = span_sub(*in, end + 1, in->n);
	return s;
}

static size_t
count_lines(struct span s, const char *start)
{
	struct span line;
	size_t n = 0;

	while (span_line(&s, &line))
		n += span_is(span_sub(line, 0, strlen(start)), start);
	return n;
}

/* Lines without control characters, of ASCII or of whole characters of UTF-8. */
static void
check_text(struct span s, bool utf8)
{
	uint32_t cp;

	for (size_t i = 0, n; i < s.n; i += n) {
		n = xtext_utf8_char(span_sub(s, i, s.n), &cp);
		assert(n > 0 && (utf8 || cp < 0x7f));
		assert((cp >= 0x20 && (cp < 0x7f || cp > 0x9f)) || cp == '\r' || cp == '\n');
	}
}

static void
check_fields(struct span head, bool global, uint8_t outcome)
{
	static const char *const action[] = { "Action: delivered", "Action: relayed",
	    "Action: delayed", "Action: failed" };
	static const char *const status[] = { "Status: 2.", "Status: 2.", "Status: 4.", "Status: " };

	assert(count_lines(head, "Status:") == 1 && count_lines(head, "Action:") == 1 &&
	    count_lines(head, "Final-Recipient:") == 1);
	assert(count_lines(head, action[outcome]) == 1 && count_lines(head, status[outcome]) == 1);
	assert(count_lines(head, "Will-Retry-Until:") == (outcome == OUTCOME_DEFERRED));
	check_text(head, global);
}

static void
check(const struct report *r, uint8_t outcome)
{
	struct report_text t;
	struct buf out;
	struct err e = { 0 };
	struct span s, head;
	uint8_t body;
	const unsigned char *third;

	buf_init(&out, REPORT_MAX + (1 << 20));
	if (report_build(r, &t, &e) == 1) {
		assert(buf_add(&out, buf_view(&t.head), &e) == 0 && buf_add(&out, t.returned, &e) == 0 &&
		    buf_add(&out, buf_view(&t.tail), &e) == 0);
		body = t.body;
		s = buf_view(&out);
		assert(text_kind(s) != TEXT_BINARY);
		assert(body == BODY_8BITMIME || text_kind(s) == TEXT_7BIT);
		assert(s.n > 2 && s.p[s.n - 2] == '\r');
		third = memmem(s.p, s.n, "\r\nContent-Description: Delivery report\r\n", 40);
		assert(third != NULL);
		head = span_of(third, (size_t)(s.p + s.n - third));
		third = memmem(head.p, head.n, "\r\n--=_", 6);	/* the end of part two */
		assert(third != NULL);
		head.n = (size_t)(third - head.p);
		check_fields(head, report_global(r), outcome);
	}
	report_text_free(&t);
	buf_free(&out);
}

/* As a notification: lines of ASCII, one disposition, to nobody but the envelope's sender. */
static void
check_mdn(const struct report *r)
{
	struct report_text t;
	struct err e = { 0 };

	if (mdn_build(r, &t, &e) == 1) {
		struct span s = buf_view(&t.head);

		assert(r->env->sender.n > 0 && span_eq(r->to, r->env->sender));
		assert(text_kind(s) == TEXT_7BIT && t.tail.n == 0 && t.returned.n == 0);
		assert(count_lines(s, "Disposition:") == 1 && count_lines(s, "To:") == 1 &&
		    count_lines(s, "Final-Recipient:") == 1 && count_lines(s, "Media-Accept-Features:") <= 1);
	}
	report_text_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rcpt_result res = { .outcome = OUTCOME_FAILED, .dsn = "5.6.5" };
	struct rcpt rcpt = { .notify = 0 };
	struct envelope env = { .rcpt = &rcpt, .nrcpt = 1 };
	struct report r = { .me = "mx.example",
	    .failed_id = "0000000000000000", .env = &env };
	struct span in = span_of(p, n), text, detail;
	struct buf records;
	struct err e;

	if (n < 3 || n > 1 << 20)
		return 0;
	res.outcome = p[1] % (OUTCOME_FAILED + 1);
	rcpt.notify = NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY;
	env.conperm = p[1] >> 2 & 1;
	env.smtputf8 = p[1] >> 3 & 1;
	r.to_postmaster = p[1] >> 4 & 1;
	r.expires_us = 1000000000 * INT64_C(1000000);
	r.whole = p[0] & 1;
	env.ret = p[0] & 2 ? RET_FULL : RET_UNSET;
	res.code = p[0] & 4 ? 550 : 0;
	in = span_sub(in, 2, n);
	env.sender = rcpt.addr = env.envid = env.client = rcpt.orcpt = r.to = chunk(&in);
	text = chunk(&in);
	memcpy(res.text, text.p, text.n < sizeof res.text ? text.n : sizeof res.text - 1);
	memcpy(res.mta, res.text, sizeof res.mta - 1);
	if (p[0] & 8)
		memcpy(res.dsn, res.text, sizeof res.dsn - 1);
	detail = chunk(&in);
	r.message = in;
	buf_init(&records, 65536);
	if (result_add(&records, &res, detail, &e) == 0) {
		r.records = buf_view(&records);
		check(&r, res.outcome);
		buf_clear(&records);
		res.flags = p[1] & 32 ? RESULT_PREFERRED : RESULT_LOST;
		if (result_add(&records, &res, detail, &e) == 0) {
			r.records = buf_view(&records);
			check_mdn(&r);
		}
	}
	buf_free(&records);
	return 0;
}
