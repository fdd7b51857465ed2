/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/report.h"

#include <stdio.h>

#include "bounce/text.h"
#include "bounce/words.h"
#include "lib/clock.h"

enum { ADDR_MAX_SHOWN = 900, FIELD_MAX_SHOWN = 400, MSGID_MAX = 200, INDENT = 8 };

size_t
report_header_end(struct span s)
{
	struct span rest = s, line;

	while (span_line(&rest, &line))
		if (line.n == 0)
			return s.n - rest.n;
	return s.n;
}

/* The value of the first field of that name, folded as it came; empty if there is none. */
static struct span
header_field(struct span header, const char *name)
{
	struct span rest = header, line, value = { NULL, 0 };
	size_t n = strlen(name);

	while (span_line(&rest, &line) && line.n > 0) {
		bool more = ascii_wsp(line.p[0]);

		if (value.p != NULL && !more)
			break;
		if (value.p != NULL)
			value.n = (size_t)(line.p + line.n - value.p);
		else if (line.n > n && line.p[n] == ':' && span_isi(span_sub(line, 0, n), name))
			value = span_sub(line, n + 1, line.n);
	}
	return span_trim(value);
}

/* --- which records are told of --- */

static bool
record_wanted(const struct report *r, const struct rcpt_result *res)
{
	uint8_t notify;

	if (res->slot >= r->env->nrcpt)
		return false;
	notify = r->env->rcpt[res->slot].notify;
	if (notify & NOTIFY_NEVER)
		return false;
	if (res->outcome == OUTCOME_FAILED)	/* RFC 3461, 5.2.6 */
		return notify == 0 || notify & NOTIFY_FAILURE || r->to_postmaster;
	return res->outcome != OUTCOME_DEFERRED && notify & NOTIFY_SUCCESS && !r->to_postmaster;
}

struct counts { uint32_t failed, done; };

static struct counts
records_count(const struct report *r)
{
	struct span rest = r->records, detail;
	struct counts n = { 0, 0 };
	struct rcpt_result res;
	struct err e;

	while (result_next(&rest, &res, &detail, &e) == 1)
		if (record_wanted(r, &res)) {
			n.failed += res.outcome == OUTCOME_FAILED;
			n.done += res.outcome != OUTCOME_FAILED;
		}
	return n;
}

bool
report_due(const struct report *r)
{
	struct counts n = records_count(r);

	return n.failed + n.done > 0;
}

/* --- the header --- */

static int
put_date(struct buf *out, const char *name, int64_t us, struct err *e)
{
	char date[40];

	clock_rfc5322(us, date, sizeof date);
	return buf_addf(out, e, "%s: %s\r\n", name, date);
}

static bool
msgid_ok(struct span s)
{
	if (s.n < 3 || s.n > MSGID_MAX || s.p[0] != '<' || s.p[s.n - 1] != '>')
		return false;
	for (size_t i = 1; i < s.n - 1; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '<' || s.p[i] == '>')
			return false;
	return true;
}

static const char *
report_subject(const struct report *r, struct counts n)
{
	if (r->to_postmaster)
		return "A message without sender could not be delivered";
	if (n.failed > 0)
		return "Your message could not be delivered";
	return "Your message was delivered";
}

static int
put_header(const struct report *r, struct counts n, const char *boundary, bool eight, struct buf *out,
    struct err *e)
{
	struct span id = header_field(r->message, "Message-ID");
	int id_n = msgid_ok(id) ? (int)id.n : 0;

	if (put_date(out, "Date", r->now_us, e) == -1 ||
	    buf_addf(out, e, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <", r->me) == -1 ||
	    text_clean(out, r->to, ADDR_MAX_SHOWN, e) == -1 ||
	    buf_addf(out, e, ">\r\nSubject: %s\r\nMessage-ID: <%s.%llx@%s>\r\n", report_subject(r, n),
	    r->id, (unsigned long long)(r->nonce >> 32), r->me) == -1)
		return -1;
	if (id_n > 0 && buf_addf(out, e, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", id_n,
	    (const char *)id.p, id_n, (const char *)id.p) == -1)
		return -1;
	return buf_addf(out, e, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\n%s\r\n", boundary,
	    eight ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

/* --- part 1: for people --- */

/* "LABEL  text" of a detail line, and for capabilities their meaning first. */
static int
put_detail_line(const char *label, struct span value, bool features, struct buf *out, struct err *e)
{
	char lead[40];
	struct buf words;
	int r = 0;

	snprintf(lead, sizeof lead, "    %s ", label);
	if (!features)
		return text_wrap(out, lead, INDENT, value, e);
	buf_init(&words, 4096);
	if (words_features(value, &words, e) == -1)
		buf_clear(&words);
	if (words.n > 0)
		r = text_wrap(out, lead, INDENT, buf_view(&words), e);
	if (r == 0)
		r = text_wrap(out, words.n > 0 ? "        exactly: " : lead, INDENT, value, e);
	buf_free(&words);
	return r;
}

static int
put_details(struct span detail, struct buf *out, struct err *e)
{
	static const struct { const char *name, *label; bool features; } known[] = {
		{ "part", "Which part:", false },
		{ "form", "What it is:", false },
		{ "takes", "What the machine takes:", true },
		{ "permits", "What you allowed:", true },
		{ "converted", "Converted to:", false },
	};
	struct span line;

	while (span_line(&detail, &line)) {
		size_t colon = span_find(line, ':');
		struct span value = span_trim(span_sub(line, colon + 1, line.n));

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (span_is(span_sub(line, 0, colon), known[i].name) && value.n > 0 &&
			    put_detail_line(known[i].label, value, known[i].features, out, e) == -1)
				return -1;
	}
	return 0;
}

static int
put_failed_words(const struct rcpt_result *res, struct span detail, struct buf *out, struct err *e)
{
	const struct advice *a = words_advice(res->dsn);
	const char *from = res->mta[0] != '\0' ? res->mta : "this system";
	char lead[160];

	if (text_wrap(out, "    What happened: ", INDENT, span_str(a->what), e) == -1 ||
	    put_details(detail, out, e) == -1 ||
	    text_wrap(out, "    What you can do: ", INDENT, span_str(a->todo), e) == -1)
		return -1;
	if (res->text[0] == '\0')
		return 0;
	snprintf(lead, sizeof lead, "    In the words of %s: ", from);
	return text_wrap(out, lead, INDENT, span_str(res->text), e);
}

static int
put_words_of(const struct report *r, const struct rcpt_result *res, struct span detail,
    struct buf *out, struct err *e)
{
	if (buf_add_str(out, "<", e) == -1 ||
	    text_clean(out, r->env->rcpt[res->slot].addr, ADDR_MAX_SHOWN, e) == -1 ||
	    buf_add_str(out, ">\r\n", e) == -1)
		return -1;
	if (res->outcome == OUTCOME_FAILED) {
		if (put_failed_words(res, detail, out, e) == -1)
			return -1;
	} else {
		const char *what = res->outcome == OUTCOME_DELIVERED ? "it was delivered" :
		    "it was passed on to a system that sends no report of its own when it is delivered";

		if (text_wrap(out, "    What happened: ", INDENT, span_str(what), e) == -1 ||
		    put_details(detail, out, e) == -1)
			return -1;
	}
	return buf_add_str(out, "\r\n", e);
}

static int
put_cited(const struct report *r, const char *name, struct buf *out, struct err *e)
{
	struct span v = header_field(r->message, name);
	char lead[32];

	snprintf(lead, sizeof lead, "    %s: ", name);
	return v.n == 0 ? 0 : text_wrap(out, lead, INDENT,
	    span_sub(v, 0, FIELD_MAX_SHOWN), e);
}

static int
put_words(const struct report *r, struct counts n, struct buf *out, struct err *e)
{
	const char *first = r->to_postmaster ? "A message without a sender's address, most likely a "
	    "report, could not be delivered. Nobody else hears of this." :
	    n.failed > 0 ? "Your message could not be delivered to everybody. This is about:" :
	    "You asked to hear when your message is delivered. This is about:";
	struct span rest = r->records, detail;
	struct rcpt_result res;

	if (buf_addf(out, e, "This is the mail system at %s.\r\n\r\n", r->me) == -1 ||
	    text_wrap(out, "", 0, span_str(first), e) == -1 || buf_add_str(out, "\r\n", e) == -1 ||
	    put_cited(r, "Subject", out, e) == -1 || put_cited(r, "Date", out, e) == -1 ||
	    buf_addf(out, e, "    Our number for it: %s\r\n\r\n", r->failed_id) == -1)
		return -1;
	while (result_next(&rest, &res, &detail, e) == 1)
		if (record_wanted(r, &res) && put_words_of(r, &res, detail, out, e) == -1)
			return -1;
	return 0;
}

/* --- part 2: message/delivery-status --- */

static bool
is_status(const char *s)
{
	return *s >= '2' && *s <= '5' && s[1] == '.' && strspn(s, "0123456789.") == strlen(s);
}

/* "smtp; 550 5.6.5 text": always as a reply would say it (RFC 3461, 9.2). */
static int
put_diagnostic(const struct rcpt_result *res, struct buf *out, struct err *e)
{
	const char *t = res->text;
	bool reply = ascii_digit(t[0]) && ascii_digit(t[1]) && ascii_digit(t[2]) &&
	    (t[3] == ' ' || t[3] == '-');
	unsigned code = res->code != 0 ? res->code : res->dsn[0] == '4' ? 451 : 554;
	char text[sizeof res->text + 32];

	if (reply)
		snprintf(text, sizeof text, "%s", t);
	else
		snprintf(text, sizeof text, "%u %s %s", code, res->dsn, t);
	return text_wrap(out, "Diagnostic-Code: smtp; ", 1, span_str(text), e);
}

/* mta: "host [1.2.3.4]:25" or "[1.2.3.4]:25": the name, the rest as a comment. */
static int
put_remote(const char *mta, struct buf *out, struct err *e)
{
	struct span s = span_trim(span_str(mta)), name;

	if (!span_word(&s, &name))
		return 0;
	if (buf_add_str(out, "Remote-MTA: dns; ", e) == -1 || text_clean(out, name, 90, e) == -1)
		return -1;
	s = span_trim(s);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '(' || s.p[i] == ')' || s.p[i] == '\\')
			s.n = i;	/* would end the comment */
	if (s.n > 0 && (buf_add_str(out, " (", e) == -1 || text_clean(out, s, 90, e) == -1 ||
	    buf_add_str(out, ")", e) == -1))
		return -1;
	return buf_add_str(out, "\r\n", e);
}

static int
put_orcpt(struct span orcpt, struct buf *out, struct err *e)
{
	size_t semi = span_find(orcpt, ';');

	if (orcpt.n == 0 || semi == orcpt.n)
		return 0;
	if (buf_add_str(out, "Original-Recipient: ", e) == -1 ||
	    text_clean(out, span_sub(orcpt, 0, semi), 60, e) == -1 ||
	    buf_add_str(out, ";", e) == -1 ||
	    text_xtext(out, span_sub(orcpt, semi + 1, orcpt.n), ADDR_MAX_SHOWN, e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
}

static int
put_status_of(const struct report *r, const struct rcpt_result *res, struct buf *out, struct err *e)
{
	static const char *const action[] = { "delivered", "relayed", "delayed", "failed" };
	static const char *const plain[] = { "2.0.0", "2.0.0", "4.0.0", "5.0.0" };
	const struct rcpt *rcpt = &r->env->rcpt[res->slot];

	if (buf_add_str(out, "\r\n", e) == -1 || put_orcpt(rcpt->orcpt, out, e) == -1 ||
	    buf_add_str(out, "Final-Recipient: rfc822;", e) == -1 ||
	    text_clean(out, rcpt->addr, ADDR_MAX_SHOWN, e) == -1 ||
	    buf_addf(out, e, "\r\nAction: %s\r\nStatus: %s\r\n", action[res->outcome],
	    is_status(res->dsn) ? res->dsn : plain[res->outcome]) == -1 ||
	    put_remote(res->mta, out, e) == -1)
		return -1;
	if (res->outcome == OUTCOME_FAILED || res->text[0] != '\0')
		if (put_diagnostic(res, out, e) == -1)
			return -1;
	if (r->slot == NULL || r->slot[res->slot].last_us == 0)
		return 0;	/* only when it is known (RFC 3464, 2.3.7) */
	return put_date(out, "Last-Attempt-Date", (int64_t)r->slot[res->slot].last_us, e);
}

static int
put_status(const struct report *r, struct buf *out, struct err *e)
{
	struct span rest = r->records, detail;
	struct rcpt_result res;

	if (r->env->envid.n > 0 && (buf_add_str(out, "Original-Envelope-Id: ", e) == -1 ||
	    text_xtext(out, r->env->envid, ADDR_MAX_SHOWN, e) == -1 ||
	    buf_add_str(out, "\r\n", e) == -1))
		return -1;
	if (buf_addf(out, e, "Reporting-MTA: dns; %s\r\n", r->me) == -1 ||
	    put_date(out, "Arrival-Date", (int64_t)r->env->arrival_us, e) == -1 ||
	    buf_addf(out, e, "X-Accord-Queue-ID: %s\r\n", r->failed_id) == -1)
		return -1;
	while (result_next(&rest, &res, &detail, e) == 1)
		if (record_wanted(r, &res) && put_status_of(r, &res, out, e) == -1)
			return -1;
	return 0;
}

/* --- part 3: what was sent --- */

static int
put_returned(const struct report *r, bool whole, enum text_kind kind, struct buf *out, struct err *e)
{
	struct span head = span_sub(r->message, 0, report_header_end(r->message));

	if (whole)
		return buf_addf(out, e, "Content-Description: Returned message\r\n"
		    "Content-Type: message/rfc822\r\n%s\r\n",
		    kind == TEXT_8BIT ? "Content-Transfer-Encoding: 8bit\r\n" : "") == -1 ? -1 :
		    buf_add(out, r->message, e);
	kind = text_kind(head);
	if (buf_addf(out, e, "Content-Description: Header of the message\r\n"
	    "Content-Type: text/rfc822-headers\r\n%s\r\n",
	    kind != TEXT_7BIT ? "Content-Transfer-Encoding: quoted-printable\r\n" : "") == -1)
		return -1;
	return kind != TEXT_7BIT ? text_qp(out, head, e) : buf_add(out, head, e);
}

static bool
contains(struct span s, const char *text)
{
	return s.n > 0 && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static int
report_put(const struct report *r, struct counts n, const char *boundary, bool whole,
    enum text_kind kind, struct buf *out, struct err *e)
{
	if (put_header(r, n, boundary, whole && kind == TEXT_8BIT, out, e) == -1 ||
	    buf_addf(out, e, "This is a delivery report in MIME format.\r\n\r\n--%s\r\n"
	    "Content-Description: What happened\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
	    boundary) == -1 ||
	    put_words(r, n, out, e) == -1 ||
	    buf_addf(out, e, "--%s\r\nContent-Description: Delivery report\r\n"
	    "Content-Type: message/delivery-status\r\n\r\n", boundary) == -1 ||
	    put_status(r, out, e) == -1 ||
	    buf_addf(out, e, "\r\n--%s\r\n", boundary) == -1 ||
	    put_returned(r, whole, kind, out, e) == -1)
		return -1;
	return buf_addf(out, e, "\r\n--%s--\r\n", boundary);
}

int
report_build(const struct report *r, struct buf *out, uint8_t *body, struct err *e)
{
	struct counts n = records_count(r);
	enum text_kind kind = text_kind(r->message);
	/* RFC 3461, 6.2: all of it only with a failure; and only what this report can carry as it is. */
	bool whole = r->whole && n.failed > 0 && r->env->ret == RET_FULL && kind != TEXT_BINARY &&
	    r->message.n <= REPORT_FULL_MAX;
	uint64_t nonce = r->nonce;
	size_t before = out->n;
	char boundary[64];

	if (n.failed + n.done == 0)
		return 0;
	do
		snprintf(boundary, sizeof boundary, "=_%s_%llx", r->id, (unsigned long long)nonce++);
	while (contains(r->message, boundary) || contains(r->records, boundary));
	if (report_put(r, n, boundary, whole, kind, out, e) == -1) {
		out->n = before;
		return -1;
	}
	*body = whole && kind == TEXT_8BIT ? BODY_8BITMIME : BODY_7BIT;
	return 1;
}
