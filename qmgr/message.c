/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/message.c - from IDs to entries, and the turns in which entries are begun. */
#include "qmgr/qmgr.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/route.h"

enum { SCAN_AGAIN_MS = 5000 };

static void
qmgr_scan_later(struct qmgr *q)
{
	struct err e;

	q->rescan = true;
	if (!q->scanning)
		(void)loop_timer(&q->d->loop, &q->scan_turn, SCAN_AGAIN_MS, &e);
}

void
qmgr_know(struct qmgr *q, const char *id)
{
	/* What is new and what the scan finds take turns: a large queue at start holds up no new mail. */
	struct sched_new n = { .retry_ms = clock_ms(), .expires_ms = SCHED_NEVER,
	    .warn_ms = SCHED_NEVER, .sender = q->in_scan ? 0 : SCHED_LANES + 1 };

	if (sched_find(&q->sched, id) != NULL)
		return;
	if (sched_add(&q->sched, id, ROUTE_READ, &n) == NULL) {
		log_line(LOG_WARN, id, "no-memory", "what=entry");
		qmgr_scan_later(q);
	}
}

/* A step of the scan; what is found meanwhile is delivered meanwhile. */
static void
qmgr_scan_step(void *arg)
{
	struct qmgr *q = arg;
	char id[QID_SIZE];
	struct err e;

	if (!q->scanning) {
		qmgr_scan(q);
		return;
	}
	for (int i = 0; i < QMGR_SCAN_STEP; i++) {
		if (scan_next(&q->scan, id) == 0) {
			q->scanning = false;
			if (q->scan.failed) {
				log_line(LOG_ERR, NULL, "scan-incomplete", "entries=%zu", q->sched.nids);
				qmgr_scan_later(q);
			}
			log_line(LOG_INFO, NULL, "scanned", "entries=%zu", q->sched.nids);
			if (q->rescan)
				qmgr_scan_later(q);
			break;
		}
		q->in_scan = true;
		qmgr_know(q, id);
		q->in_scan = false;
	}
	if (q->scanning)
		(void)loop_timer(&q->d->loop, &q->scan_turn, 0, &e);
	qmgr_wake(q);
}

void
qmgr_scan(struct qmgr *q)
{
	struct err e;

	scan_end(&q->scan);
	scan_start(&q->scan, q->dirfd);
	q->scanning = true;
	q->rescan = false;
	q->scan_turn.fire = qmgr_scan_step;
	q->scan_turn.arg = q;
	(void)loop_timer(&q->d->loop, &q->scan_turn, 0, &e);
}

void
qmgr_forget(struct qmgr *q, struct entry *en)
{
	stash_free(q, en);
	sched_drop(&q->sched, en);
}

void
qmgr_unreadable(struct qmgr *q, struct entry *en, int r, const struct err *e)
{
	struct msg_id m = { 0 };

	memcpy(m.id, en->id, QID_LEN);
	if (r == 0) {
		qmgr_forget(q, en);
	} else if (e->kind == ERR_PERM) {
		log_line(LOG_ERR, m.id, "bad-file", "why=%s", log_q(e->what));
		(void)qmgr_send(q, ROLE_QUEUE, &m, MSG_BADFILE, 0, sizeof m, -1);
		qmgr_forget(q, en);
	} else {
		log_line(LOG_WARN, m.id, "cannot-read", "why=%s", log_q(e->what));
		if (en->expired)
			sched_expire_at(&q->sched, en, clock_ms() + QMGR_AGAIN_MS, clock_ms());
		else
			sched_defer(&q->sched, en, clock_ms() + QMGR_AGAIN_MS, en->next_us,
			    clock_ms());
	}
}

/* The clocks at one moment. */
struct moment { int64_t ms, us; uint16_t sender; int8_t level; };

/* When a message is given up, in monotonic time: its age, and the time it may have; not before an attempt
 * that came due while nobody could make it. */
static int64_t
expires_of(const struct moment *t, const struct letter *l, uint32_t slot, int64_t lifetime_ms)
{
	const struct slot *s = &l->slot[slot];
	int64_t left = (letter_since_us(l, slot) - t->us) / 1000 + lifetime_ms;
	int64_t most = letter_hold_ms(l, t->us) + lifetime_ms;

	if (left > most)
		left = most;
	if ((s->attempts == 0 || (int64_t)s->next_us <= t->us) && left < QMGR_GRACE_MS)
		left = QMGR_GRACE_MS;
	/* RFC 2852, 4.1.3: no attempt is made behind that */
	if (l->env.by & BY_RETURN && ((int64_t)l->env.by_us - t->us) / 1000 < left)
		left = ((int64_t)l->env.by_us - t->us) / 1000;
	return t->ms + left;
}

/* Wall time from the disk becomes monotonic time, within what the settings allow. */
static void
wait_of(struct qmgr *q, struct entry *en, const struct moment *t, const struct slot *s,
    struct sched_new *n)
{
	int64_t wait = ((int64_t)s->next_us - t->us) / 1000, max = sched_longest(&q->sched, en);
	bool dead = s->dead == qfile_dest(en->dest->name);

	if (s->attempts == 0 || wait < 0 || (s->dead != 0 && !dead))	/* a route led elsewhere then */
		wait = 0;
	n->retry_ms = t->ms + (wait < max ? wait : max);
	if (dead && wait > 0)
		sched_believe_dead(&q->sched, en, n->retry_ms, s->attempts, s->code, s->dsn,
		    s->text);
}

static bool
read_slot(struct qmgr *q, struct entry *en, const struct letter *l, uint32_t i,
    const struct moment *t)
{
	const struct slot *s = &l->slot[i];
	struct sched_new n = { .retry_ms = t->ms, .next_us = t->us, .expires_ms = SCHED_NEVER,
	    .warn_ms = SCHED_NEVER, .attempts = s->attempts, .sender = t->sender,
	    .level = t->level };
	int64_t hold = letter_hold_ms(l, t->us);
	char dest[ROUTE_MAX];
	struct entry *to;

	if (s->state == SLOT_FAILED)
		return sched_add(&q->sched, en->id, ROUTE_REPORT, &n) != NULL;
	if (s->state != SLOT_QUEUED)
		return true;
	route_of(&q->d->conf, l->env.rcpt[i].addr, dest);
	to = sched_find_dest(&q->sched, en->id, dest);
	if (to == NULL) {	/* its destination's options say when it is due and until when */
		n.retry_ms = SCHED_NEVER;
		if ((to = sched_add(&q->sched, en->id, dest, &n)) == NULL)
			return false;
	}
	n.expires_ms = strcmp(dest, ROUTE_NONE) == 0 ? t->ms :
	    expires_of(t, l, i, qmgr_lifetime(q, to->dest->opt));
	if (s->next_us != 0)
		n.next_us = (int64_t)s->next_us;
	wait_of(q, to, t, s, &n);
	if (hold > 0) {
		n.retry_ms = t->ms + hold;
		n.next_us = (int64_t)l->env.release_us;
	}
	n.warn_ms = qmgr_warn_at(q, l, i, t->ms, t->us);
	if (n.warn_ms < t->ms + QMGR_GRACE_MS && !qmgr_by_due(l, i, t->us + QMGR_GRACE_MS * 1000))	/* a try comes first */
		n.warn_ms = t->ms + QMGR_GRACE_MS;
	(void)sched_add(&q->sched, en->id, dest, &n);
	return true;
}

void
qmgr_read(struct qmgr *q, struct entry *en)
{
	struct moment t = { clock_ms(), clock_us(), 0, 0 };
	struct letter l;
	struct err e;
	int r = letter_open(q->dirfd, en->id, &l, &e);

	if (r != 1) {
		qmgr_unreadable(q, en, r, &e);
		return;
	}
	t.sender = sched_sender(&q->sched, l.env.sender, l.env.client);
	t.level = (int8_t)priority_level(l.env.priority);
	for (uint32_t i = 0; i < l.q.nslot; i++)
		if (!read_slot(q, en, &l, i, &t)) {
			log_line(LOG_WARN, NULL, "no-memory", "what=entry");
			sched_defer(&q->sched, en, t.ms + QMGR_AGAIN_MS, 0, t.ms);
			letter_close(&l);
			return;
		}
	if (en->attempts == READ_AGAIN)
		qmgr_unroute(q, en, &l);
	qmgr_keep(q, &l);		/* its turn often comes at once */
	sched_drop(&q->sched, en);
}

static void
qmgr_begin(struct qmgr *q, struct entry *en)
{
	if (en->dest->class == CLASS_READ)
		qmgr_read(q, en);
	else if (en->dest->class == CLASS_REPORT)
		qmgr_report(q, en);
	else if (en->expired)
		qmgr_expire(q, en);
	else if (en->late)
		qmgr_warn(q, en);
	else
		qmgr_deliver(q, en);
}

void
qmgr_turn(void *arg)
{
	struct qmgr *q = arg;
	struct err e;
	int64_t wait;

	for (int i = 0; i < QMGR_TURN; i++) {
		struct entry *en;

		/* Without queue no result could be kept; it wakes us when it is there. */
		if (q->stopping || !q->peer[ROLE_QUEUE].chan.open || q->njobs >= QMGR_JOBS)
			return;
		en = sched_next(&q->sched, clock_ms());
		if (en == NULL)
			break;
		qmgr_begin(q, en);
	}
	wait = sched_wait(&q->sched, clock_ms());
	if (wait >= 0)
		(void)loop_timer(&q->d->loop, &q->turn, wait, &e);
}

void
qmgr_wake(struct qmgr *q)
{
	struct err e;

	q->turn.fire = qmgr_turn;
	q->turn.arg = q;
	(void)loop_timer(&q->d->loop, &q->turn, 0, &e);
}
