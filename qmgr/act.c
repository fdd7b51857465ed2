/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/act.c - what the administrator wants: some messages in each turn, so that a request for all of
 * a large queue holds up nothing.  Whatever of a message is not under way is taken out of the
 * schedule; an entry "read" that is busy stands for it until the marks are on disk, and then what is
 * left is read anew.  The answer comes when all marks are on disk.
 *
 * A recipient that is with a worker now is busy, whatever is wanted; one that failed and is to be
 * reported counts as gone for all but "remove".
 */
#include "qmgr/qmgr.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/route.h"

static const char *const verbs[] = {
	[ACT_RETRY] = "retry", [ACT_HOLD] = "hold", [ACT_RELEASE] = "release", [ACT_BOUNCE] = "bounce",
	[ACT_REMOVE] = "remove",
};

/* --- one recipient --- */

struct where { const char *id; uint32_t slot; bool found; };

static void
where_job(struct qmgr *q, struct job *j, void *arg)
{
	struct where *w = arg;

	(void)q;
	if (j->kind == JOB_ACT || memcmp(j->id, w->id, QID_LEN) != 0)
		return;
	for (uint32_t i = 0; i < j->nrcpt; i++)
		w->found |= j->rcpt[i].n == w->slot;
}

/* Is the recipient in a job, one of an earlier qmgr included? */
static bool
slot_busy(struct qmgr *q, const struct letter *l, uint32_t slot)
{
	struct where w = { l->id, slot, false };
	char dest[ROUTE_MAX];
	struct entry *en;

	if (l->slot[slot].state == SLOT_FAILED)
		snprintf(dest, sizeof dest, ROUTE_REPORT);
	else
		route_of(&q->d->conf, l->env.rcpt[slot].addr, dest);
	en = sched_find_dest(&q->sched, l->id, dest);
	if ((en != NULL && en->state == ENTRY_BUSY) || q->nadopted > 0)
		qmgr_each_job(q, where_job, &w);
	return w.found;
}

enum fate { FATE_GONE, FATE_AS_IT_IS, FATE_MARK };

/* What becomes of a recipient; the new slot in *s. */
static enum fate
act_on(uint32_t verb, struct slot *s)
{
	bool queued = s->state == SLOT_QUEUED, held = s->state == SLOT_HELD;

	if (!queued && !held && (verb != ACT_REMOVE || s->state != SLOT_FAILED))
		return FATE_GONE;
	switch (verb) {
	case ACT_HOLD:
		s->state = SLOT_HELD;
		return held ? FATE_AS_IT_IS : FATE_MARK;
	case ACT_RELEASE:	/* as if it were new, or one that is over its time would fail at once */
		if (queued)
			return FATE_AS_IT_IS;
		s->state = SLOT_QUEUED;
		s->attempts = 0;
		s->next_us = 0;
		s->dead = 0;
		s->since_s = (uint32_t)(clock_us() / 1000000);
		return FATE_MARK;
	case ACT_BOUNCE:
		s->state = SLOT_FAILED;
		s->code = 0;
		snprintf(s->dsn, sizeof s->dsn, "5.4.7");
		snprintf(s->text, sizeof s->text, "given up by the administrator");
		return FATE_MARK;
	case ACT_REMOVE:
		s->state = SLOT_REMOVED;
		return FATE_MARK;
	default:
		return FATE_AS_IT_IS;	/* ACT_RETRY: only the schedule changes */
	}
}

/* --- one message --- */

/* Due now: its entries, of one recipient's destination or all. */
static void
act_retry(struct qmgr *q, const struct letter *l, uint32_t slot)
{
	char dest[ROUTE_MAX];
	struct entry *en;

	route_of(&q->d->conf, l->env.rcpt[slot].addr, dest);
	en = sched_find_dest(&q->sched, l->id, dest);
	if (en != NULL && !en->urgent)
		sched_retry(&q->sched, en, clock_ms());
}

/* Wants and marks of one recipient.  false: the job is full. */
static bool
act_slot(struct qmgr *q, struct act_request *a, struct job *j, const struct letter *l, uint32_t slot,
    bool *left)
{
	struct slot s = l->slot[slot];
	enum fate fate = act_on(a->verb, &s);

	if (fate == FATE_GONE)
		return true;
	*left = true;
	if (slot_busy(q, l, slot)) {
		a->busy++;
	} else if (a->verb == ACT_RETRY) {	/* one that is held stays so, and is not done */
		a->done += s.state == SLOT_QUEUED;
		if (s.state == SLOT_QUEUED)
			act_retry(q, l, slot);
	} else if (fate == FATE_AS_IT_IS) {
		a->done++;
	} else if (j->nmark == QMGR_MARKS || j->nmark == j->nrcpt) {
		return false;
	} else {
		j->rcpt[j->nmark].n = slot;
		j->rcpt[j->nmark].slot = s;
		j->marks[j->nmark++] = mark_of(slot, &s);
	}
	return true;
}

/* All acts from a->at on that name this message.  true: a->at is behind them; false: the rest of it
 * has to wait for these marks. */
static bool
act_slots(struct qmgr *q, struct act_request *a, struct job *j, const struct letter *l)
{
	const char *id = a->act[a->at].id;

	for (; a->at < a->n && memcmp(a->act[a->at].id, id, QID_LEN) == 0; a->at++) {
		uint32_t slot = a->act[a->at].slot, end = l->q.nslot;
		bool left = a->slot > 0;	/* some of it are behind us */

		if (slot != ACT_ALL_SLOTS) {
			a->slot = slot;
			end = slot < end ? slot + 1 : slot;
		}
		for (; a->slot < end; a->slot++)
			if (!act_slot(q, a, j, l, a->slot, &left))
				return false;
		a->slot = 0;
		a->gone += !left;
	}
	return true;
}

/* The message's schedule is made anew once the marks are on disk. */
static void
act_unschedule(struct qmgr *q, const char *id)
{
	for (struct entry *en = sched_find(&q->sched, id), *next; en != NULL; en = next) {
		next = sched_sibling(en);
		if (en->state != ENTRY_BUSY && en->dest->class != CLASS_REPORT &&
		    en->dest->class != CLASS_READ)
			qmgr_forget(q, en);
	}
}

/* Is there anything for the schedule, after these marks? */
static bool
act_leaves(const struct letter *l, const struct job *j)
{
	for (uint32_t i = 0, k = 0; i < l->q.nslot; i++) {
		uint8_t state = l->slot[i].state;

		for (k = 0; k < j->nmark; k++)
			if (j->marks[k].slot == i)
				state = j->marks[k].state;
		if (state == SLOT_QUEUED)
			return true;
	}
	return false;
}

static void
act_mark(struct qmgr *q, struct act_request *a, struct job *j, const struct letter *l)
{
	j->nrcpt = j->nmark;
	j->act = a;
	if (act_leaves(l, j))
		job_rest(j, clock_ms(), 0);
	act_unschedule(q, j->id);
	a->marking++;
	log_line(LOG_INFO, j->id, "act", "verb=%s recipients=%u", verbs[a->verb], j->nmark);
	qmgr_mark(q, j);
}

/* The entry that stands for the message meanwhile; NULL: marks of an earlier act are under way, or
 * no memory. */
static struct entry *
act_entry(struct qmgr *q, const char *id)
{
	struct sched_new n = { .retry_ms = SCHED_NEVER, .expires_ms = SCHED_NEVER,
	    .warn_ms = SCHED_NEVER };
	struct entry *en = sched_find_dest(&q->sched, id, ROUTE_READ);

	if (en != NULL && en->state == ENTRY_BUSY)
		return NULL;
	if (en != NULL) {	/* found by a scan and not looked at yet */
		sched_take(&q->sched, en);
		qmgr_read(q, en);
	}
	en = sched_add(&q->sched, id, ROUTE_READ, &n);
	if (en != NULL)
		sched_take(&q->sched, en);
	return en;
}

static void
act_skip(struct act_request *a, uint32_t *count)
{
	char id[QID_SIZE];

	memcpy(id, a->act[a->at].id, QID_SIZE);
	for (; a->at < a->n && memcmp(a->act[a->at].id, id, QID_LEN) == 0; a->at++)
		++*count;
	a->slot = 0;
}

/* The next message.  false: not now. */
static bool
act_message(struct qmgr *q, struct act_request *a)
{
	const char *id = a->act[a->at].id;
	struct entry *en = act_entry(q, id);
	struct letter l;
	struct job *j;
	struct err e;
	int r;

	if (en == NULL)
		return false;
	if ((r = letter_open(q->dirfd, id, &l, &e)) != 1) {
		act_skip(a, r == 0 ? &a->gone : &a->busy);
		qmgr_unreadable(q, en, r, &e);
		return true;
	}
	if ((j = job_new(q, JOB_ACT, id, l.q.nslot < QMGR_MARKS ? l.q.nslot : QMGR_MARKS)) == NULL) {
		act_skip(a, &a->busy);
		sched_defer(&q->sched, en, clock_ms(), 0, clock_ms());
		letter_close(&l);
		return true;
	}
	j->entry = en;
	(void)act_slots(q, a, j, &l);
	if (j->nmark > 0) {
		act_mark(q, a, j, &l);
	} else {
		job_free(q, j);
		sched_drop(&q->sched, en);
	}
	letter_close(&l);
	return true;
}

/* --- requests --- */

static void
act_answer(struct qmgr *q, struct act_request *a)
{
	struct msg_acted m = { .done = a->done, .busy = a->busy, .gone = a->gone };

	q->acts = a->next;
	if (q->acts == NULL)
		q->acts_last = &q->acts;
	q->nact--;
	if (q->peer[ROLE_CONTROL].chan.open && q->peer[ROLE_CONTROL].generation == a->generation)
		(void)qmgr_send(q, ROLE_CONTROL, &m, MSG_ACTED, a->request, sizeof m, -1);
	free(a);
}

/* Would it end a recipient that may be with a worker, which has not said so yet? */
static bool
act_is_early(const struct qmgr *q, const struct act_request *a)
{
	return q->sched.deaf && (a->verb == ACT_BOUNCE || a->verb == ACT_REMOVE);
}

static void
act_go(void *arg)
{
	struct qmgr *q = arg;
	struct act_request *a = q->acts;
	struct err e;

	if (a == NULL || !q->peer[ROLE_QUEUE].chan.open || act_is_early(q, a) || q->stopping)
		return;		/* a new queue wakes us, and so do the workers' hellos */
	for (int i = 0; a->at < a->n && i < QMGR_ACT_TURN; i++) {
		if (a->marking >= QMGR_ACT_MARKS || q->njobs >= QMGR_JOBS)
			return;		/* marks that come back go on */
		if (!act_message(q, a)) {
			if (a->marking == 0)	/* no memory */
				(void)loop_timer(&q->d->loop, &q->act_turn, QMGR_SOON_MS, &e);
			return;
		}
	}
	if (a->at == a->n && a->marking == 0)
		act_answer(q, a);
	else if (a->at == a->n)
		return;
	(void)loop_timer(&q->d->loop, &q->act_turn, 0, &e);
	qmgr_wake(q);
}

void
qmgr_acts_wake(struct qmgr *q)
{
	struct err e;

	q->act_turn.fire = act_go;
	q->act_turn.arg = q;
	if (q->acts != NULL && q->act_turn.at == 0)
		(void)loop_timer(&q->d->loop, &q->act_turn, 0, &e);
}

void
qmgr_acted(struct qmgr *q, struct job *j)
{
	struct act_request *a = j->act;

	a->done += j->nmark;
	a->marking--;
	qmgr_acts_wake(q);
}

static int
act_check(const struct msg_act *m, size_t len, struct err *e)
{
	if (m->verb > ACT_REMOVE || m->n == 0 || len != sizeof *m + m->n * sizeof *m->act)
		return err_set(e, ERR_PROTO, NULL, "act %u on %u in %zu octets", m->verb, m->n, len);
	for (uint32_t i = 0; i < m->n; i++)
		if (memchr(m->act[i].id, '\0', QID_SIZE) == NULL || !qid_ok(m->act[i].id))
			return err_set(e, ERR_PROTO, NULL, "act: a wrong id");
	return 0;
}

int
qmgr_on_act(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct qmgr *q = ((struct peer *)c->arg)->q;
	const struct msg_act *m = msg;
	struct msg_refused no = { .kind = ERR_TEMP, .dsn = "4.3.2", .what = "too many requests at once" };
	struct act_request *a;

	(void)fds;
	if (act_check(m, len, e) == -1)
		return -1;
	if (q->nact >= QMGR_ACTS ||
	    (a = calloc(1, sizeof *a + m->n * sizeof *a->act)) == NULL) {
		(void)qmgr_send(q, ROLE_CONTROL, &no, MSG_REFUSED, m->h.id, sizeof no, -1);
		return 0;
	}
	a->request = m->h.id;
	a->generation = q->peer[ROLE_CONTROL].generation;
	a->verb = m->verb;
	a->n = m->n;
	memcpy(a->act, m->act, m->n * sizeof *a->act);
	*q->acts_last = a;
	q->acts_last = &a->next;
	q->nact++;
	qmgr_acts_wake(q);
	return 0;
}

void
qmgr_acts_free(struct qmgr *q)
{
	for (struct act_request *a = q->acts, *next; a != NULL; a = next) {
		next = a->next;
		free(a);
	}
	q->acts = NULL;
	q->acts_last = &q->acts;
}
