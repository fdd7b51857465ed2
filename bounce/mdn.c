/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/mdn.h"

#include <stdio.h>

#include "bounce/status.h"
#include "bounce/text.h"
#include "lib/clock.h"
#include "lib/features.h"
#include "lib/mdnrequest.h"
#include "lib/mime.h"

/* What is told, and of whom. */
struct mdn {
	struct rcpt_result res;
	struct span takes;
	const struct rcpt *rcpt;
	struct mdnrequest request;
};

static bool
is_expression(struct span takes)
{
	struct feat *f;
	struct err e;

	if (feat_parse(takes, FEAT_STRICT, &f, &e) == -1)
		return false;
	feat_free(f);
	return true;
}

static bool
mdn_read(const struct report *r, struct mdn *m)
{
	struct span rest = r->records, detail;
	struct err e;

	if (result_next(&rest, &m->res, &detail, &e) != 1 || m->res.slot >= r->env->nrcpt)
		return false;
	m->rcpt = &r->env->rcpt[m->res.slot];
	m->takes = report_detail(detail, "takes");
	mdnrequest_read(mime_message_header(r->message), &m->request);
	return mdnrequest_may_answer(&m->request, r->env->sender, m->rcpt->addr) &&
	    mdnrequest_names(mime_message_header(r->message), m->rcpt->addr, m->rcpt->orcpt) &&
	    (!(m->res.flags & RESULT_PREFERRED) || is_expression(m->takes));
}

bool
mdn_due(const struct report *r)
{
	struct mdn m;

	return mdn_read(r, &m);
}

/* RFC 8098, 3: from the recipient, to whom the message's header says. */
static int
put_header(const struct report *r, const struct mdn *m, const char *boundary, struct buf *out, struct err *e)
{
	bool preferred = m->res.flags & RESULT_PREFERRED;
	char date[40];

	clock_rfc5322(r->now_us, date, sizeof date);
	return buf_addf(out, e, "Date: %s\r\nFrom: <%.*s>\r\nTo: <%.*s>\r\nSubject: %s\r\n"
	    "Message-ID: <%s.%u.%s@%s>\r\nIn-Reply-To: %s\r\nReferences: %s\r\nAuto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification;\r\n"
	    "\tboundary=\"%s\"\r\n\r\n", date, (int)m->rcpt->addr.n, (const char *)m->rcpt->addr.p,
	    (int)r->to.n, (const char *)r->to.p, preferred ? "Another form of your message is asked for" :
	    "Your message was lost", r->failed_id, m->res.slot, preferred ? "preferred" : "lost", r->me,
	    m->request.id, m->request.id, boundary);
}

static int
put_words(const struct mdn *m, struct buf *out, struct err *e)
{
	static const char preferred[] = "Your message is here, and its sender offers other forms of its "
	    "content. The recipient's machine takes a better one, which is asked for by this notification. "
	    "Your system answers it; you need do nothing. If no other form comes, what was sent is delivered.";
	static const char lost[] = "A message that was sent to this recipient before has no other form any "
	    "more, and what was sent then is not here any more either. Please send it again.";

	return text_wrap(out, "", 0, span_str(m->res.flags & RESULT_PREFERRED ? preferred : lost), e);
}

/* RFC 8098, 3.1, in its order; RFC 2530 behind it. */
static int
put_fields(const struct report *r, const struct mdn *m, struct buf *out, struct err *e)
{
	bool preferred = m->res.flags & RESULT_PREFERRED;

	if (buf_addf(out, e, "Reporting-UA: %s; accord\r\n", r->me) == -1 || status_who(m->rcpt, false, out, e) == -1 ||
	    buf_addf(out, e, "Original-Message-ID: %s\r\n"
	    "Disposition: automatic-action/MDN-sent-automatically; deleted/%s\r\n", m->request.id,
	    preferred ? "alternative-preferred" : "original-lost") == -1)
		return -1;
	return preferred ? status_accepts(m->takes, out, e) : 0;
}

int
mdn_build(const struct report *r, struct report_text *t, struct err *e)
{
	struct mdn m;
	struct buf *out = &t->head;
	char boundary[64];

	*t = (struct report_text){ .body = BODY_7BIT };
	buf_init(&t->head, REPORT_MAX);
	buf_init(&t->tail, 0);
	if (!mdn_read(r, &m))
		return 0;
	snprintf(boundary, sizeof boundary, "=_%s_%llx", r->failed_id, (unsigned long long)r->nonce);
	if (put_header(r, &m, boundary, out, e) == -1 ||
	    buf_addf(out, e, "This is a notification in MIME format.\r\n\r\n--%s\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n", boundary) == -1 ||
	    put_words(&m, out, e) == -1 || buf_addf(out, e,
	    "\r\n--%s\r\nContent-Type: message/disposition-notification\r\n\r\n", boundary) == -1 ||
	    put_fields(r, &m, out, e) == -1)
		return -1;
	return buf_addf(out, e, "\r\n--%s--\r\n", boundary) == -1 ? -1 : 1;
}
