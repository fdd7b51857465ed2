/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/report.h"

#include <stdio.h>

#include "bounce/status.h"
#include "bounce/text.h"
#include "bounce/words.h"
#include "lib/clock.h"
#include "lib/xtext.h"

enum { FIELD_MAX_SHOWN = 400, MSGID_MAX = 200, INDENT = 8 };

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

struct counts { uint32_t failed, delayed, delivered, relayed, converted; };

struct span
report_detail(struct span detail, const char *name)
{
	struct span line;

	while (span_line(&detail, &line)) {
		size_t colon = span_find(line, ':');

		if (span_is(span_sub(line, 0, colon), name))
			return span_trim(span_sub(line, colon + 1, line.n));
	}
	return span_of(NULL, 0);
}

/* After a restart of the scheduler the code alone says so (RFC 3463, 3.7: 2.6.4, conversion with loss). */
static bool
is_converted(const struct rcpt_result *res, struct span detail)
{
	return strcmp(res->dsn, "2.6.4") == 0 || report_detail(detail, "converted").n > 0 ||
	    report_detail(detail, "omitted").n > 0;
}

static struct counts
records_count(const struct report *r)
{
	struct span rest = r->records, detail;
	struct counts n = { 0, 0, 0, 0, 0 };
	struct rcpt_result res;
	struct err e;

	while (result_next(&rest, &res, &detail, &e) == 1) {
		if (!status_wanted(r, &res))
			continue;
		n.failed += res.outcome == OUTCOME_FAILED;
		n.delayed += res.outcome == OUTCOME_DEFERRED;
		n.delivered += res.outcome == OUTCOME_DELIVERED && !status_expanded(&res);
		n.relayed += res.outcome == OUTCOME_RELAYED || status_expanded(&res);
		n.converted += is_converted(&res, detail);
	}
	return n;
}

static const char encoding_8bit[] = "Content-Transfer-Encoding: 8bit\r\n";

static bool
counts_any(const struct counts *n)
{
	return n->failed + n->delayed + n->delivered + n->relayed > 0;
}

bool
report_global(const struct report *r)
{
	return xtext_utf8(r->to);
}

bool
report_due(const struct report *r)
{
	struct counts n = records_count(r);

	return counts_any(&n);
}

bool
report_wants_delivered(const struct report *r, struct span *key)
{
	struct counts n = records_count(r);
	struct span rest = r->records, detail;
	struct rcpt_result res;
	struct err e;

	*key = span_of(NULL, 0);
	if (!r->whole || r->env->ret != RET_FULL || !r->env->conperm || n.failed + n.delayed + n.relayed > 0)
		return false;
	while (result_next(&rest, &res, &detail, &e) == 1) {
		struct span one = report_detail(detail, "key");

		if (!status_wanted(r, &res))
			continue;
		if (one.n == 0 || (key->n > 0 && !span_eq(one, *key)))
			return false;
		*key = one;
	}
	return key->n > 0;
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
report_subject(const struct report *r, const struct counts *n)
{
	if (r->to_postmaster)
		return "A message without sender could not be delivered";
	if (n->failed > 0)
		return "Your message could not be delivered";
	if (n->delayed > 0)
		return "Your message is delayed";
	return n->relayed > 0 ? "Your message was passed on" : "Your message was delivered";
}

/* The address that the message came from, in the header too (RFC 3464, 2). */
static int
put_to(const struct report *r, struct buf *out, struct err *e)
{
	if (buf_add_str(out, "To: <", e) == -1 || (!report_global(r) ?
	    xtext_clean(out, r->to, REPORT_ADDR_SHOWN, e) :
	    buf_add(out, r->to_spelled.n > 0 ? r->to_spelled : r->to, e)) == -1)
		return -1;
	return buf_add_str(out, ">\r\n", e);
}

static int
put_header(const struct report *r, const struct counts *n, const char *boundary, bool eight,
    struct buf *out, struct err *e)
{
	struct span id = header_field(r->message, "Message-ID");
	int id_n = msgid_ok(id) ? (int)id.n : 0;

	if (put_date(out, "Date", r->now_us, e) == -1 ||
	    buf_addf(out, e, "From: Mail Delivery System <postmaster@%s>\r\n", r->me) == -1 ||
	    put_to(r, out, e) == -1 ||
	    buf_addf(out, e, "Subject: %s\r\nMessage-ID: <%s.%08x@%s>\r\n", report_subject(r, n),
	    r->failed_id, (unsigned)status_identity(r), r->me) == -1)
		return -1;
	if (id_n > 0 && buf_addf(out, e, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", id_n,
	    (const char *)id.p, id_n, (const char *)id.p) == -1)
		return -1;
	return buf_addf(out, e, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\n%s\r\n", boundary,
	    eight ? encoding_8bit : "");
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
		{ "omitted", "What became of it:", false },
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

/* The next hop's words are what it replied; whatever else is told of it is what this machine says. */
static int
put_reason(const struct rcpt_result *res, struct buf *out, struct err *e)
{
	const char *about = "";
	char lead[160];

	if (res->text[0] == '\0')
		return 0;
	if (res->code != 0) {
		snprintf(lead, sizeof lead, "    In the words of %s: ",
		    res->mta[0] != '\0' ? res->mta : "the next hop");
		return status_reply(res, lead, INDENT, out, e);
	}
	if (strncmp(res->text, res->mta, strlen(res->mta)) != 0)	/* else they name it */
		about = res->mta;
	snprintf(lead, sizeof lead, "    In the words of this machine%s%s: ",
	    about[0] != '\0' ? ", about " : "", about);
	return text_wrap(out, lead, INDENT, span_str(res->text), e);
}

static int
put_failed_words(const struct rcpt_result *res, struct span detail, struct buf *out, struct err *e)
{
	const struct advice *a = words_advice(res->dsn);

	if (text_wrap(out, "    What happened: ", INDENT, span_str(a->what), e) == -1 ||
	    put_details(detail, out, e) == -1 ||
	    text_wrap(out, "    What you can do: ", INDENT, span_str(a->todo), e) == -1)
		return -1;
	return put_reason(res, out, e);
}

/* Its time ran out; the disk alone remembers that by the code's class. */
static bool
is_expired(const struct rcpt_result *res)
{
	return res->flags & RESULT_EXPIRED || res->dsn[0] == '4';
}

static int
put_expired_words(const struct rcpt_result *res, struct span detail, struct buf *out, struct err *e)
{
	char what[256];

	snprintf(what, sizeof what, "it could not be delivered for as long as mail is kept here. When that time "
	    "ran out, %s.", words_expired(res));
	if (text_wrap(out, "    What happened: ", INDENT, span_str(what), e) == -1 ||
	    put_details(detail, out, e) == -1 ||
	    text_wrap(out, "    What you can do: ", INDENT, span_str("Send it again later; if that fails too, "
	    "ask the recipient another way."), e) == -1)
		return -1;
	return put_reason(res, out, e);
}

static int
put_delayed_words(const struct report *r, const struct rcpt_result *res, struct buf *out, struct err *e)
{
	uint8_t notify = r->env->rcpt[res->slot].notify;
	char date[40], next[240];

	clock_rfc5322(r->expires_us, date, sizeof date);
	snprintf(next, sizeof next, "nothing is lost, and you need not send it again: it is tried "
	    "again%s%s. %s", r->expires_us > 0 ? " until " : "", r->expires_us > 0 ? date : "",
	    notify == 0 || notify & NOTIFY_FAILURE ? "If it cannot be delivered, you will be told." :
	    "You did not ask to be told if it cannot be delivered.");
	if (text_wrap(out, "    What happened: ", INDENT, span_str(words_delay(res)), e) == -1 ||
	    text_wrap(out, "    What happens next: ", INDENT, span_str(next), e) == -1)
		return -1;
	return put_reason(res, out, e);
}

static int
put_done_words(const struct rcpt_result *res, struct span detail, struct buf *out, struct err *e)
{
	const char *what = status_expanded(res) ? "this address stands for several others, and the message is on its "
	    "way to each of them. You will be told if it cannot be delivered to one." :
	    res->outcome == OUTCOME_DELIVERED ? "it is in the mailbox. That does not say "
	    "that it has been read." :
	    res->flags & RESULT_TELL ? "it was passed on to another system. This is told because you wanted it traced, or "
	    "delivered by a time that this system does not know of." :
	    "it was passed on to a system that sends no report of its own when it is delivered. If all "
	    "goes well, you will hear no more of it.";

	if (text_wrap(out, "    What happened: ", INDENT, span_str(what), e) == -1)
		return -1;
	return put_details(detail, out, e);
}

static int
put_words_of(const struct report *r, const struct rcpt_result *res, struct span detail,
    struct buf *out, struct err *e)
{
	int done = -1;

	if (buf_add_str(out, "<", e) == -1 ||
	    status_address(rcpt_spelled(&r->env->rcpt[res->slot]), report_global(r), out, e) == -1 ||
	    buf_add_str(out, ">\r\n", e) == -1)
		return -1;
	switch ((enum outcome)res->outcome) {
	case OUTCOME_FAILED:
		done = (is_expired(res) ? put_expired_words : put_failed_words)(res, detail, out, e);
		break;
	case OUTCOME_DEFERRED: done = put_delayed_words(r, res, out, e); break;
	case OUTCOME_DELIVERED:
	case OUTCOME_RELAYED: done = put_done_words(res, detail, out, e); break;
	}
	return done == -1 ? -1 : buf_add_str(out, "\r\n", e);
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

static const char *
report_first_words(const struct report *r, const struct counts *n)
{
	if (r->to_postmaster)
		return "A message without a sender's address, most likely a report, could not be "
		    "delivered. Nobody else hears of this.";
	if (n->failed > 0)
		return "Your message could not be delivered, and is not tried again. This is about:";
	if (n->delayed > 0)
		return "Your message could not be delivered yet. This is about:";
	return "You asked to hear what becomes of your message. This is about:";
}

static int
put_words(const struct report *r, const struct counts *n, struct buf *out, struct err *e)
{
	struct span rest = r->records, detail;
	struct rcpt_result res;

	if (buf_addf(out, e, "This is the mail system at %s.\r\n\r\n", r->me) == -1 ||
	    text_wrap(out, "", 0, span_str(report_first_words(r, n)), e) == -1 ||
	    buf_add_str(out, "\r\n", e) == -1 ||
	    put_cited(r, "Subject", out, e) == -1 || put_cited(r, "Date", out, e) == -1 ||
	    buf_addf(out, e, "    Our number for it: %s\r\n\r\n", r->failed_id) == -1)
		return -1;
	while (result_next(&rest, &res, &detail, e) == 1)
		if (status_wanted(r, &res) && put_words_of(r, &res, detail, out, e) == -1)
			return -1;
	return 0;
}

/* --- part 3: what was sent --- */

/*
 * All of the message, or its header alone?  RFC 3461, 4.3 and 6.2: all with a failure, and only if
 * asked.  RFC 4141, 3, note: who permits conversion may see what was delivered, if RET asks for it; what was
 * converted on its way into the mailbox as it was converted, or if that is not known the header alone.  In
 * any case only what this report can carry as it is (RFC 6522, 3).
 */
static bool
returns_whole(const struct report *r, const struct counts *n, struct span content, enum text_kind kind)
{
	bool seen = r->env->conperm && n->delivered > 0 && n->relayed + n->delayed == 0 &&
	    (n->converted == 0 || r->delivered.n > 0);

	return r->whole && r->env->ret == RET_FULL && (n->failed > 0 || seen) && kind != TEXT_BINARY &&
	    (!r->env->smtputf8 || report_global(r)) && content.n <= REPORT_FULL_MAX;
}

/* The header.  One that is not 7-bit is encoded, but in a report in UTF-8 (RFC 6533, 4.5); as UTF-8 where that is
 * what it is (4.3). */
static int
put_head_alone(const struct report *r, struct buf *out, struct err *e)
{
	struct span head = span_sub(r->message, 0, report_header_end(r->message));
	enum text_kind kind = text_kind(head);
	bool eight = kind == TEXT_8BIT && r->env->smtputf8 && report_global(r), plain = kind == TEXT_7BIT;

	if (buf_addf(out, e, "Content-Description: Header of the message\r\n"
	    "Content-Type: %s\r\n%s\r\n",
	    r->env->smtputf8 && !plain ? "message/global-headers" : "text/rfc822-headers",
	    plain ? "" : eight ? encoding_8bit : "Content-Transfer-Encoding: quoted-printable\r\n") == -1)
		return -1;
	return plain || eight ? buf_add(out, head, e) : text_qp(out, head, e);
}

static int
put_returned(const struct report *r, bool whole, enum text_kind kind, struct buf *out, struct err *e)
{
	if (!whole)
		return put_head_alone(r, out, e);
	return buf_addf(out, e, "Content-Description: %s\r\nContent-Type: message/%s\r\n%s\r\n",
	    r->delivered.n > 0 ? "The message as it was delivered" : "Returned message",
	    r->env->smtputf8 ? "global" : "rfc822", kind == TEXT_8BIT ? encoding_8bit : "");
}

static bool
contains(struct span s, const char *text)
{
	return s.n > 0 && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static int
report_put(const struct report *r, const struct counts *n, struct span whole, enum text_kind kind,
    const char *boundary, struct report_text *t, struct err *e)
{
	struct buf *out = &t->head;
	bool global = t->smtputf8;

	if (put_header(r, n, boundary, t->body == BODY_8BITMIME, out, e) == -1 ||
	    buf_addf(out, e, "This is a delivery report in MIME format.\r\n\r\n--%s\r\n"
	    "Content-Description: What happened\r\nContent-Type: text/plain; charset=%s\r\n%s\r\n",
	    boundary, global ? "utf-8" : "us-ascii", global ? encoding_8bit : "") == -1 ||
	    put_words(r, n, out, e) == -1 ||
	    buf_addf(out, e, "--%s\r\nContent-Description: Delivery report\r\n"
	    "Content-Type: message/%s\r\n%s\r\n", boundary, global ? "global-delivery-status" : "delivery-status",
	    global ? encoding_8bit : "") == -1 ||
	    status_put(r, out, e) == -1 ||
	    buf_addf(out, e, "\r\n--%s\r\n", boundary) == -1 ||
	    put_returned(r, whole.n > 0, kind, out, e) == -1)
		return -1;
	t->returned = whole;
	return buf_addf(&t->tail, e, "\r\n--%s--\r\n", boundary);
}

int
report_build(const struct report *r, struct report_text *t, struct err *e)
{
	struct counts n = records_count(r);
	struct span content = r->delivered.n > 0 ? r->delivered : r->message;
	enum text_kind kind = text_kind(content);
	uint64_t nonce = r->nonce;
	char boundary[64];

	*t = (struct report_text){ .smtputf8 = report_global(r) };
	buf_init(&t->head, REPORT_MAX);
	buf_init(&t->tail, sizeof boundary + 16);
	if (!returns_whole(r, &n, content, kind))
		content.n = 0;
	t->body = (content.n > 0 && kind == TEXT_8BIT) || t->smtputf8 ? BODY_8BITMIME : BODY_7BIT;
	if (!counts_any(&n))
		return 0;
	do
		snprintf(boundary, sizeof boundary, "=_%s_%llx", r->failed_id, (unsigned long long)nonce++);
	while (contains(content, boundary) || contains(r->message, boundary) || contains(r->records, boundary));
	return report_put(r, &n, content, kind, boundary, t, e) == -1 ? -1 : 1;
}

void
report_text_free(struct report_text *t)
{
	buf_free(&t->head);
	buf_free(&t->tail);
}
