/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * queue/company.c - is it worth waiting for more commits before a flush that serves them all?  Sessions that
 * committed a moment ago mostly do so again: while more of them are out than are waiting, those who wait do
 * so some milliseconds longer.  A session alone waits for nobody, and a fast machine's clients, who are all
 * back before that, for each other only.
 */
#include "queue/queue.h"

#include "lib/clock.h"

static void
company_unlink(struct queue *q, struct session *s)
{
	if (s->answered_ms == 0)
		return;
	*(s->later != NULL ? &s->later->earlier : &q->latest) = s->earlier;
	if (s->earlier != NULL)
		s->earlier->later = s->later;
	s->answered_ms = 0;
}

void
company_answered(struct session *s)
{
	struct queue *q = s->q;

	company_unlink(q, s);
	s->answered_ms = clock_ms();
	s->later = NULL;
	s->earlier = q->latest;
	if (q->latest != NULL)
		q->latest->later = s;
	q->latest = s;
}

void
company_gone(struct session *s)
{
	company_unlink(s->q, s);
}

/* More sessions that had an answer lately than wait for one now?  Looks at twice as many as wait, and one. */
static bool
more_are_out(const struct queue *q, int64_t now)
{
	const struct session *s = q->latest;
	uint32_t out = 0;

	for (; s != NULL && now - s->answered_ms < COMPANY_RECENT_MS; s = s->earlier)
		if (s->nwaiting == 0 && ++out > q->nwait)
			return true;
	return false;
}

int64_t
company_wait(const struct queue *q)
{
	int64_t now = clock_ms(), left = q->wait_first->since_ms + COMPANY_MS - now;

	return left > 0 && more_are_out(q, now) ? left : 0;
}
