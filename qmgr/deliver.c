/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/deliver.c - a due entry becomes a job of remote or local. */
#include "qmgr/qmgr.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/route.h"

enum {
	SLACK_US = 1000000,	/* recipients due this much later go along */
	ADOPTED_MS = 2000	/* how often we look whether an earlier qmgr's job is over */
};

struct pick { uint32_t n[QMGR_JOB_RCPTS], count; bool rest; int64_t rest_ms, rest_us; };

static void
pick_rest(struct pick *p, int64_t ms, int64_t us)
{
	if (p->rest && p->rest_ms <= ms)
		return;
	p->rest = true;
	p->rest_ms = ms;
	p->rest_us = us;
}

/* What the disk calls next_us, as monotonic time: told from the entry's own pair of times, so that
 * a step of the wall clock does not matter. */
static int64_t
pick_when(const struct qmgr *q, const struct entry *en, const struct slot *s, int64_t now)
{
	int64_t ms = en->retry_ms + ((int64_t)s->next_us - en->next_us) / 1000;
	int64_t max = sched_longest(&q->sched, en);

	if (ms < now)
		return now;
	return ms < now + max ? ms : now + max;
}

/* Which recipients go now, and when the others are due. */
static void
pick_slots(const struct qmgr *q, const struct entry *en, const struct letter *l, struct pick *p)
{
	int64_t now = clock_ms();

	*p = (struct pick){ .count = 0 };
	for (uint32_t i = 0; i < l->q.nslot; i++) {
		const struct slot *s = &l->slot[i];

		if (s->state != SLOT_QUEUED || !route_is(&q->d->conf, l->env.rcpt[i].addr, en->dest->name))
			continue;
		if (qmgr_adopted(q, en->id, i))
			pick_rest(p, now + ADOPTED_MS, clock_us());
		else if (!en->urgent && (int64_t)s->next_us > en->next_us + SLACK_US)
			pick_rest(p, pick_when(q, en, s, now), (int64_t)s->next_us);
		else if (p->count == QMGR_JOB_RCPTS)
			pick_rest(p, now, en->next_us);
		else
			p->n[p->count++] = i;
	}
}

/* Has somebody a destination for which the message has no entry? */
static bool
goes_elsewhere(const struct qmgr *q, const char *id, const struct letter *l)
{
	char dest[ROUTE_MAX];

	for (uint32_t i = 0; i < l->q.nslot; i++) {
		if (l->slot[i].state != SLOT_QUEUED)
			continue;
		route_of(&q->d->conf, l->env.rcpt[i].addr, dest);
		if (sched_find_dest(&q->sched, id, dest) == NULL)
			return true;
	}
	return false;
}

static struct job *
job_of(struct qmgr *q, struct entry *en, const struct letter *l, const struct pick *p)
{
	struct job *j = job_new(q, JOB_DELIVER, en->id, p->count);

	if (j == NULL)
		return NULL;
	j->entry = en;
	for (uint32_t i = 0; i < p->count; i++)
		j->rcpt[i].n = p->n[i];
	if (!job_load(j, l)) {
		job_free(q, j);
		return NULL;
	}
	j->epoch = en->dest->epoch;
	if (p->rest)
		job_rest(j, p->rest_ms, p->rest_us);
	return j;
}

static void
job_send(struct qmgr *q, struct job *j, struct letter *l)
{
	struct { struct msg_job job; uint32_t slot[QMGR_JOB_RCPTS]; } m = { 0 };
	const struct entry *en = j->entry;

	memcpy(m.job.id, j->id, QID_SIZE);
	route_hop(en->dest->name, m.job.dest);
	m.job.n = j->nrcpt;
	m.job.last_try = en->expires_ms <= clock_ms() + sched_delay(&q->sched, en,
	    (uint16_t)(en->attempts + 1));
	m.job.expires_us = (uint64_t)(clock_us() + (en->expires_ms - clock_ms()) * 1000);
	for (uint32_t i = 0; i < j->nrcpt; i++)
		m.slot[i] = j->rcpt[i].n;
	j->worker = en->dest->class == CLASS_LOCAL ? ROLE_LOCAL : ROLE_REMOTE;
	j->generation = q->peer[j->worker].generation;
	if (!qmgr_send(q, (enum role)j->worker, &m, MSG_JOB, j->number,
	    sizeof m.job + j->nrcpt * sizeof *m.slot, l->fd))
		job_undo(q, j, clock_ms() + QMGR_AGAIN_MS);
	l->fd = -1;
}

void
qmgr_deliver(struct qmgr *q, struct entry *en)
{
	struct letter l;
	struct pick p;
	struct job *j;
	struct err e;
	int64_t hold;
	int r = qmgr_letter(q, en->id, &l, &e);

	if (r != 1) {
		qmgr_unreadable(q, en, r, &e);
		return;
	}
	hold = en->urgent ? 0 : letter_hold_ms(&l, clock_us());
	if (hold > 0) {		/* the wall clock was set back meanwhile */
		sched_defer(&q->sched, en, clock_ms() + hold, (int64_t)l.env.release_us, clock_ms());
		letter_close(&l);
		return;
	}
	pick_slots(q, en, &l, &p);
	if (p.count == 0 && p.rest) {
		sched_defer(&q->sched, en, p.rest_ms, p.rest_us, clock_ms());
	} else if (p.count == 0) {
		if (goes_elsewhere(q, en->id, &l))	/* a route has changed that nobody was told of */
			qmgr_read_again(q, en->id);
		qmgr_forget(q, en);
	} else if ((j = job_of(q, en, &l, &p)) == NULL) {
		log_line(LOG_WARN, NULL, "no-memory", "what=entry");
		sched_defer(&q->sched, en, clock_ms() + QMGR_AGAIN_MS, en->next_us, clock_ms());
	} else {
		job_send(q, j, &l);
	}
	letter_close(&l);
}
