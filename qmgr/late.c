/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/late.c - "delayed" reports (RFC 3461, 5.2.5), once for each recipient whose NOTIFY has DELAY.
 * Without NOTIFY they MAY be sent; they are not, as people take them for failures.  The slot's
 * flag is marked when bounce has committed the report.  Meanwhile the entry is busy, so no delivery
 * of the same recipients ends between.
 */
#include "qmgr/qmgr.h"

#include <stdio.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/route.h"

bool
qmgr_by_due(const struct letter *l, uint32_t slot, int64_t by_us)
{
	const struct slot *s = &l->slot[slot];
	uint8_t notify = l->env.rcpt[slot].notify;

	return l->env.by_us != 0 && !(l->env.by & BY_RETURN) && (int64_t)l->env.by_us <= by_us && l->env.sender.n > 0 &&
	    s->state == SLOT_QUEUED && !(s->flags & SLOT_BY_TOLD) && (notify == 0 || notify & NOTIFY_DELAY);
}

/* As RFC 3461 has it. */
static int64_t
delay_at(const struct qmgr *q, const struct letter *l, uint32_t slot, int64_t now_ms, int64_t now_us)
{
	const struct slot *s = &l->slot[slot];
	int64_t left = (letter_since_us(l, slot) - now_us) / 1000 + q->warn_ms;
	int64_t most = letter_hold_ms(l, now_us) + q->warn_ms;

	if (q->warn_ms == 0 || s->state != SLOT_QUEUED || s->flags & SLOT_DELAY_TOLD ||
	    !(l->env.rcpt[slot].notify & NOTIFY_DELAY) || l->env.sender.n == 0)
		return SCHED_NEVER;
	return now_ms + (left < most ? left : most);
}

int64_t
qmgr_warn_at(const struct qmgr *q, const struct letter *l, uint32_t slot, int64_t now_ms,
    int64_t now_us)
{
	int64_t at = delay_at(q, l, slot, now_ms, now_us), by;

	if (!qmgr_by_due(l, slot, INT64_MAX))
		return at;
	by = now_ms + ((int64_t)l->env.by_us - now_us + 999) / 1000;
	return by < at ? by : at;
}

/* What the report says of a recipient: its own last failure, or its destination's. */
static bool
late_record(struct job *j, const struct entry *en, uint32_t n, const struct slot *s, bool by)
{
	struct rcpt_result r = { .slot = n, .outcome = OUTCOME_DEFERRED };
	const char *dsn, *text;
	struct err e;

	r.code = sched_why(en, &dsn, &text);
	if (s->attempts > 0) {
		r.code = s->code;
		dsn = s->dsn;
		text = s->text;
	}
	snprintf(r.dsn, sizeof r.dsn, "%s", !by && outcome_dsn_ok(dsn) && *dsn == '4' ? dsn : "4.4.7");
	snprintf(r.text, sizeof r.text, "%s%s", by ? "delivery time expired: " : "", *text != '\0' ? text : en->dest->closed ?
	    "it waits for the hours in which mail is sent there" : "not delivered yet");
	outcome_mta(&r, en, *text != '\0');
	return result_add(&j->failed, &r, span_of(NULL, 0), &e) == 0;
}

static void
late_fill(struct qmgr *q, struct job *j, const struct letter *l)
{
	int64_t now = clock_ms(), us = clock_us();

	for (uint32_t i = 0; i < l->q.nslot; i++) {
		int64_t at = qmgr_warn_at(q, l, i, now, us);
		struct slot s = l->slot[i];

		if (at == SCHED_NEVER || !route_is(&q->d->conf, l->env.rcpt[i].addr, j->entry->dest->name))
			continue;
		if (at > now || j->nmark == j->nrcpt) {
			job_rest(j, at, 0);
		} else if (late_record(j, j->entry, i, &s, qmgr_by_due(l, i, us))) {
			if (j->nmark == 0 || (uint64_t)letter_since_us(l, i) < j->arrival_us)
				j->arrival_us = (uint64_t)letter_since_us(l, i);
			if (qmgr_by_due(l, i, us))
				s.flags |= SLOT_BY_TOLD;
			if (delay_at(q, l, i, now, us) <= now)
				s.flags |= SLOT_DELAY_TOLD;
			j->rcpt[j->nmark].n = i;
			j->marks[j->nmark++] = mark_of(i, &s);
		}
	}
	j->nrcpt = j->nmark;
}

void
qmgr_warn(struct qmgr *q, struct entry *en)
{
	struct letter l;
	struct job *j;
	struct err e;
	int r = letter_open(q->dirfd, en->id, &l, &e);

	if (r != 1) {
		qmgr_unreadable(q, en, r, &e);
		return;
	}
	if ((j = job_new(q, JOB_LATE, en->id, QMGR_JOB_RCPTS)) == NULL) {
		log_line(LOG_WARN, NULL, "no-memory", "what=entry");
		sched_warned(&q->sched, en, clock_ms() + QMGR_AGAIN_MS, clock_ms());
		letter_close(&l);
		return;
	}
	j->entry = en;
	j->worker = ROLE_BOUNCE;
	j->generation = q->peer[ROLE_BOUNCE].generation;
	late_fill(q, j, &l);
	if (j->nmark == 0) {
		sched_warned(&q->sched, en, j->have_rest ? j->rest_ms : SCHED_NEVER, clock_ms());
		job_free(q, j);
	} else {
		if (!report_send(q, j, &j->failed, j->nmark, l.fd))
			qmgr_not_warned(q, j, QMGR_AGAIN_MS);
		l.fd = -1;
	}
	letter_close(&l);
}

void
qmgr_warned(struct qmgr *q, struct job *j)
{
	log_line(LOG_INFO, j->id, "delay-told", "recipients=%u", j->nmark);
	sched_release(&q->sched, j->entry, VERDICT_NONE, 0, 0, "", "", clock_ms());
	qmgr_mark(q, j);
}

void
qmgr_not_warned(struct qmgr *q, struct job *j, int64_t again_ms)
{
	int64_t now = clock_ms();

	sched_warned(&q->sched, j->entry, now + again_ms, now);
	job_free(q, j);
	qmgr_wake(q);
}
