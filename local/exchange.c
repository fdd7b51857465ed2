/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/exchange.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mime.h"

/* Nobody is asked but who offers, in a message that may be answered (RFC 8098, 2.1; RFC 3297, 3.2.3); never
 * in answer to what was itself sent again, so this ends. */
static bool
may_ask(const struct exchange *x, const struct delivery *d, const struct envelope *env, struct span message)
{
	const struct rcpt *rcpt = &env->rcpt[d->slot];
	const struct mdnrequest *r = &x->request;

	return (r->offer == OFFER_TRANSIENT || r->offer == OFFER_PERMANENT) && !r->answers && !d->last_try &&
	    mdnrequest_may_answer(r, env->sender, rcpt->addr) && !mime_message_is_report(message) &&
	    mdnrequest_names(mime_message_header(message), rcpt->addr, rcpt->orcpt);
}

/* Where a message stands that waits. */
static enum exchange_step
step_of(const struct exchange *x, const struct delivery *d)
{
	int64_t until_us = 0;

	switch (asked_look(&x->asked, &until_us)) {
	case ASKED_CAME: return EXCHANGE_CAME;
	case ASKED_WAITS: return clock_us() < until_us && !d->last_try ? EXCHANGE_WAIT : EXCHANGE_OVER;
	case ASKED_NOT:
	case ASKED_REFUSED:
		break;
	}
	return EXCHANGE_OVER;
}

void
exchange_begin(struct exchange *x, const struct delivery *d, const struct envelope *env, struct span message,
    bool asked)
{
	struct err e = { 0 };

	*x = (struct exchange){ .asked = { .dir = -1 } };
	if (!d->alternative)
		return;
	mdnrequest_read(mime_message_header(message), &x->request);
	x->asked.id = span_str(x->request.answers ? x->request.original : x->request.id);
	x->asked.rcpt = env->rcpt[d->slot].addr;
	x->asked.sender = env->sender;
	if ((asked || x->request.answers) && x->asked.id.n > 0 &&
	    asked_open(&x->asked, d->folder_fd, d->rest, false, &e) == -1)
		log_line(LOG_WARN, d->id, "no-alternatives", "why=%s", log_q(e.what));
	if (asked)
		x->step = step_of(x, d);
	else if (may_ask(x, d, env, message))
		x->step = EXCHANGE_MAY;
}

int
exchange_ask(struct exchange *x, const struct delivery *d, struct err *e)
{
	if (asked_open(&x->asked, d->folder_fd, d->rest, true, e) == -1 ||
	    asked_begin(&x->asked, clock_us() + (int64_t)d->alternative_wait_s * 1000000, e) == -1)
		return -1;
	x->step = EXCHANGE_ASK;
	return 0;
}

uint8_t
exchange_delivered(struct exchange *x, const struct envelope *env)
{
	bool refusal = x->request.offer == OFFER_GONE;
	int64_t until_us;

	if (!x->request.answers || x->asked.id.n == 0 ||
	    asked_answer(&x->asked, refusal ? ASKED_REFUSED : ASKED_CAME))
		return 0;
	return refusal && asked_look(&x->asked, &until_us) == ASKED_NOT &&
	    mdnrequest_may_answer(&x->request, env->sender, x->asked.rcpt) ? RESULT_LOST : 0;
}

void
exchange_end(struct exchange *x)
{
	asked_close(&x->asked);
}
