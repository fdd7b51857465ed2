/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/status.h"

#include <stdio.h>

#include "bounce/text.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/features.h"
#include "lib/xtext.h"

enum { MTA_MAX_SHOWN = 90 };

bool
status_wanted(const struct report *r, const struct rcpt_result *res)
{
	uint8_t notify;

	if (res->slot >= r->env->nrcpt)
		return false;
	notify = r->env->rcpt[res->slot].notify;
	if (r->to_postmaster)	/* a DSN's own NEVER is for other hosts (RFC 3461, 6.1) */
		return res->outcome == OUTCOME_FAILED && (r->own || !(notify & NOTIFY_NEVER));
	switch ((enum outcome)res->outcome) {
	case OUTCOME_FAILED:	/* 5.2.6 */
		return notify == 0 || notify & NOTIFY_FAILURE;
	case OUTCOME_DEFERRED:	/* 5.2.5; absent counts as FAILURE,DELAY (4.1) */
		return notify == 0 || notify & NOTIFY_DELAY;
	case OUTCOME_DELIVERED:
	case OUTCOME_RELAYED:
		break;
	}
	if (res->outcome == OUTCOME_RELAYED && res->flags & RESULT_TELL)
		return !(notify & NOTIFY_NEVER);
	return notify & NOTIFY_SUCCESS;		/* 5.2.2 b, 5.2.3 a */
}

bool
status_expanded(const struct rcpt_result *res)
{
	return res->outcome == OUTCOME_DELIVERED && res->flags & RESULT_EXPANDED;
}

uint32_t
status_identity(const struct report *r)
{
	struct span rest = r->records, detail;
	struct rcpt_result res;
	struct err e;
	uint32_t crc = 0;

	while (result_next(&rest, &res, &detail, &e) == 1)
		if (status_wanted(r, &res)) {
			crc = crc32c(crc, &res.slot, sizeof res.slot);
			crc = crc32c(crc, &res.outcome, sizeof res.outcome);
		}
	return crc;
}

static int
put_date(struct buf *out, const char *name, int64_t us, struct err *e)
{
	char date[40];

	clock_rfc5322(us, date, sizeof date);
	return buf_addf(out, e, "%s: %s\r\n", name, date);
}

/* One number of a status code: 1 to 3 digits, no zero before others. */
static bool
status_number(const char **s)
{
	size_t n = strspn(*s, "0123456789");
	bool ok = n >= 1 && n <= 3 && (n == 1 || **s != '0');

	*s += n;
	return ok;
}

/* The code as given, if it is one and goes with the outcome (RFC 3464, 2.3.4; RFC 3463, 2). */
static const char *
status_code(const struct rcpt_result *res)
{
	static const char *const plain[] = { "2.0.0", "2.0.0", "4.0.0", "5.0.0" };
	static const char *const classes[] = { "2", "2", "4", "45" };
	const char *s = res->dsn;

	if (*s != '\0' && strchr(classes[res->outcome], *s) != NULL && s[1] == '.') {
		s += 2;
		if (status_number(&s) && *s++ == '.' && status_number(&s) && *s == '\0')
			return res->dsn;
	}
	return plain[res->outcome];
}

int
status_reply(const struct rcpt_result *res, const char *lead, unsigned indent, struct buf *out,
    struct err *e)
{
	char code[8], text[sizeof res->text + sizeof code];
	size_t n = (size_t)snprintf(code, sizeof code, "%03u", res->code % 1000u);
	bool whole = strncmp(res->text, code, n) == 0 && strchr(" -", res->text[n]) != NULL;

	snprintf(text, sizeof text, "%s%s%s", whole ? "" : code, whole ? "" : " ", res->text);
	return text_reply(out, lead, indent, span_str(text), e);
}

/* What the hop replied (RFC 3461, 9.2).  Without a reply there is no code of its transport to tell: our
 * reason is of a type of our own, so that nobody takes it for the words of Remote-MTA (RFC 3464, 2.3.6). */
static int
put_diagnostic(const struct rcpt_result *res, struct buf *out, struct err *e)
{
	if (res->code != 0)
		return status_reply(res, "Diagnostic-Code: smtp; ", 1, out, e);
	return text_wrap(out, "Diagnostic-Code: x-accord; ", 1,
	    span_str(res->text[0] != '\0' ? res->text : status_code(res)), e);
}

/* Of a domain or an address literal: what could be a comment or end the field becomes '?'. */
static int
put_mta_name(struct span name, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < name.n && i < MTA_MAX_SHOWN; i++) {
		int c = name.p[i];
		bool ok = ascii_digit(c) || ascii_alpha(c) || (c != '\0' && strchr("-._:[]", c) != NULL);

		if (buf_add_byte(out, ok ? c : '?', e) == -1)
			return -1;
	}
	return 0;
}

/* mta: "host [1.2.3.4]:25" or "[1.2.3.4]:25": the name, the rest as a comment. */
static int
put_remote(const char *mta, struct buf *out, struct err *e)
{
	struct span s = span_trim(span_str(mta)), name;
	size_t end;

	if (!span_word(&s, &name))
		return 0;
	end = span_find(name, ']') + 1;
	if (name.p[0] == '[' && end < name.n) {		/* the port is no part of a literal */
		s = span_sub(name, end + (name.p[end] == ':'), name.n);
		name = span_sub(name, 0, end);
	}
	s = span_trim(s);
	if (buf_add_str(out, "Remote-MTA: dns; ", e) == -1 || put_mta_name(name, out, e) == -1)
		return -1;
	if (s.n > 0 && (buf_add_str(out, name.p[0] == '[' ? " (port " : " (", e) == -1 ||
	    put_mta_name(s, out, e) == -1 || buf_add_str(out, ")", e) == -1))
		return -1;
	return buf_add_str(out, "\r\n", e);
}

/* The sender's own spelling (RFC 3464, 2.3.1). */
static int
put_orcpt(struct span orcpt, bool utf8, struct buf *out, struct err *e)
{
	if (orcpt.n == 0)
		return 0;
	if (buf_add_str(out, "Original-Recipient: ", e) == -1 ||
	    xtext_orcpt(out, orcpt, utf8, REPORT_ADDR_SHOWN, e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
}

int
status_address(struct span addr, bool utf8, struct buf *out, struct err *e)
{
	if (!xtext_utf8(addr))
		return xtext_clean(out, addr, REPORT_ADDR_SHOWN, e);
	return (utf8 ? xtext_utf8_address : xtext_unitext)(out, addr, REPORT_ADDR_SHOWN, e);
}

int
status_who(const struct rcpt *r, bool utf8, struct buf *out, struct err *e)
{
	struct span addr = rcpt_spelled(r);
	bool beyond = xtext_utf8(addr);

	if (put_orcpt(r->orcpt, utf8, out, e) == -1)
		return -1;
	if (buf_addf(out, e, "Final-Recipient: %s;", beyond ? "utf-8" : "rfc822") == -1 ||
	    status_address(addr, utf8, out, e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
}

/* Only when it is known (RFC 3464, 2.3.7): a slot tells of what failed, a record of anything. */
static int64_t
last_attempt(const struct report *r, const struct rcpt_result *res)
{
	if (res->last_s != 0)
		return (int64_t)res->last_s * 1000000;
	if (r->slot == NULL || res->outcome < OUTCOME_DEFERRED)
		return 0;
	return (int64_t)r->slot[res->slot].last_us;
}

/* What the machine takes, if it is an expression to the letter (RFC 2530, 3): one that was cut, read kindly, would say
 * that it takes more. */
int
status_accepts(struct span takes, struct buf *out, struct err *e)
{
	static const char name[] = "Media-Accept-Features:";
	size_t start = out->n;
	struct feat *f;

	if (feat_parse(takes, FEAT_STRICT, &f, e) == -1)
		return e->kind == ERR_TEMP ? -1 : 0;
	feat_free(f);
	if (buf_add_str(out, name, e) == 0 && feat_fold(takes, sizeof name - 1, out, e) == 0)
		return 0;
	out->n = start;
	return e->kind == ERR_TEMP ? -1 : 0;
}

/* What is told of content in words (bounce/report.h), as fields: of each part in turn, what the machine takes
 * once. */
static int
put_details(struct span detail, struct buf *out, struct err *e)
{
	static const struct { const char *name, *field; } known[] = { { "part", "X-Accord-Part: " },
	    { "form", "X-Accord-Form: " }, { "permits", "X-Accord-Permits: " },
	    { "converted", "X-Accord-Converted-To: " }, { "omitted", "X-Accord-Omitted: " },
	    { "row", "X-Accord-Row: " } };
	bool accepts = false;
	struct span line;

	while (span_line(&detail, &line)) {
		struct span name = span_sub(line, 0, span_find(line, ':'));
		struct span value = span_trim(span_sub(line, name.n + 1, line.n));

		if (value.n == 0)
			continue;
		if (span_is(name, "takes") && !accepts && status_accepts(value, out, e) == -1)
			return -1;
		accepts |= span_is(name, "takes");
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (span_is(name, known[i].name) && text_wrap(out, known[i].field, 1, value, e) == -1)
				return -1;
	}
	return 0;
}

static int
put_recipient(const struct report *r, const struct rcpt_result *res, struct span detail, struct buf *out,
    struct err *e)
{
	static const char *const action[] = { "delivered", "relayed", "delayed", "failed" };
	const struct rcpt *rcpt = &r->env->rcpt[res->slot];
	bool bad = res->outcome == OUTCOME_FAILED || res->outcome == OUTCOME_DEFERRED;
	int64_t last = last_attempt(r, res);

	if (buf_add_str(out, "\r\n", e) == -1 || status_who(rcpt, report_global(r), out, e) == -1 ||
	    buf_addf(out, e, "Action: %s\r\nStatus: %s\r\n",
	    status_expanded(res) ? "expanded" : action[res->outcome], status_code(res)) == -1 || put_remote(res->mta, out, e) == -1)
		return -1;
	if ((bad || (res->code != 0 && res->text[0] != '\0')) && put_diagnostic(res, out, e) == -1)
		return -1;
	if (last > 0 && put_date(out, "Last-Attempt-Date", last, e) == -1)
		return -1;
	if (res->outcome == OUTCOME_DEFERRED && r->expires_us > 0 &&	/* in no other (RFC 3464, 2.3.9) */
	    put_date(out, "Will-Retry-Until", r->expires_us, e) == -1)
		return -1;
	return put_details(detail, out, e);
}

/* client: "helo [address]" of one who came by SMTP. */
static int
put_received_from(struct span client, struct buf *out, struct err *e)
{
	struct span rest = client, helo, addr;

	if (!span_word(&rest, &helo) || !span_word(&rest, &addr) || span_trim(rest).n > 0 ||
	    addr.n < 3 || addr.p[0] != '[' || addr.p[addr.n - 1] != ']')
		return 0;
	if (buf_add_str(out, "Received-From-MTA: dns; ", e) == -1)
		return -1;
	if (address_is_domain(helo)) {
		if (put_mta_name(helo, out, e) == -1 || buf_add_str(out, " (", e) == -1 ||
		    put_mta_name(addr, out, e) == -1 || buf_add_str(out, ")", e) == -1)
			return -1;
	} else if (put_mta_name(addr, out, e) == -1) {
		return -1;
	}
	return buf_add_str(out, "\r\n", e);
}

int
status_put(const struct report *r, struct buf *out, struct err *e)
{
	struct span rest = r->records, detail;
	struct rcpt_result res;

	if (r->env->envid.n > 0 && (buf_add_str(out, "Original-Envelope-Id: ", e) == -1 ||
	    xtext_decode(out, r->env->envid, REPORT_ADDR_SHOWN, e) == -1 ||
	    buf_add_str(out, "\r\n", e) == -1))
		return -1;
	if (buf_addf(out, e, "Reporting-MTA: dns; %s\r\n", r->me) == -1 ||
	    put_received_from(r->env->client, out, e) == -1 ||
	    put_date(out, "Arrival-Date", (int64_t)r->env->arrival_us, e) == -1 ||
	    (r->env->by_us > 0 && put_date(out, "Deliver-By-Date", (int64_t)r->env->by_us, e) == -1) ||	/* RFC 2852, 5 */
	    (r->env->hold.n > 0 && (buf_add_str(out, "Future-Release-Request: ", e) == -1 ||	/* RFC 4865, 5.1.2 */
	    xtext_clean(out, r->env->hold, REPORT_ADDR_SHOWN, e) == -1 || buf_add_str(out, "\r\n", e) == -1)) ||
	    buf_addf(out, e, "X-Accord-Queue-ID: %s\r\n", r->failed_id) == -1)
		return -1;
	while (result_next(&rest, &res, &detail, e) == 1)
		if (status_wanted(r, &res) && put_recipient(r, &res, detail, out, e) == -1)
			return -1;
	return 0;
}
