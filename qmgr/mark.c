/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/mark.c - marks on their way to the disk, and what follows when they are there. */
#include "qmgr/qmgr.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"

static void mark_done(struct qmgr *q, struct job *j, bool gone);

void
qmgr_ack(struct qmgr *q, const struct job *j)
{
	struct peer *p = &q->peer[j->worker];
	struct msg_hdr h;

	if (j->kind == JOB_DELIVER && p->chan.open && p->generation == j->generation)
		(void)qmgr_send(q, p->role, &h, MSG_ACK, j->number, sizeof h, -1);
}

void
qmgr_mark(struct qmgr *q, struct job *j)
{
	_Alignas(8) static unsigned char packet[sizeof(struct msg_mark) +
	    QMGR_MARKS * sizeof(struct mark)];
	struct msg_mark *m = (struct msg_mark *)(void *)packet;

	j->state = JOB_MARKING;
	j->again_ms = 0;
	qmgr_keep_not(q, j->id);
	if (j->nmark == 0) {
		mark_done(q, j, false);
		return;
	}
	*m = (struct msg_mark){ .n = j->nmark };
	memcpy(m->id, j->id, QID_SIZE);
	memcpy(packet + sizeof *m, j->marks, j->nmark * sizeof *j->marks);
	if (!qmgr_send(q, ROLE_QUEUE, m, MSG_MARK, j->number,
	    sizeof *m + j->nmark * sizeof *j->marks, -1))
		job_again(q, j);
}

/* All recipients are final and the file is unlinked: the message's other entries have no work. */
static void
message_gone(struct qmgr *q, const char *id)
{
	for (struct entry *en = sched_find(&q->sched, id), *next; en != NULL; en = next) {
		next = sched_sibling(en);
		if (en->state != ENTRY_BUSY)
			qmgr_forget(q, en);
	}
	log_line(LOG_INFO, id, "done", "jobs=%u", q->njobs);
}

static bool
job_failed(const struct job *j)
{
	for (uint32_t i = 0; i < j->nmark; i++)
		if (j->marks[i].state == SLOT_FAILED)
			return true;
	return false;
}

/* The entry goes on with the recipients it has left.  Those that became due while it was busy (released,
 * or of another route now) are not known to the job: the file is read again. */
static void
entry_go_on(struct qmgr *q, struct job *j)
{
	struct entry *en = j->entry;
	int64_t now = clock_ms();
	bool again = en->again;

	en->again = false;
	if (j->kind == JOB_LATE)
		sched_warned(&q->sched, en, j->have_rest ? j->rest_ms : SCHED_NEVER, now);
	else if (j->kind == JOB_REPORT)	/* others may have failed meanwhile: look again */
		sched_defer(&q->sched, en, now, en->next_us, now);
	else if (j->have_rest && j->kind == JOB_EXPIRE)
		sched_expire_at(&q->sched, en, j->rest_ms, now);
	else if (j->have_rest)
		sched_defer(&q->sched, en, j->rest_ms, j->rest_us, now);
	else
		qmgr_forget(q, en);
	if (again && j->kind != JOB_REPORT)
		qmgr_read_again(q, j->id);
}

static void
mark_done(struct qmgr *q, struct job *j, bool gone)
{
	if (!gone && j->kind != JOB_REPORT && job_failed(j) &&
	    !qmgr_want_report(q, j->id, &j->failed)) {
		job_again(q, j);	/* no memory: mark it again later, and come back here */
		return;
	}
	qmgr_keep_not(q, j->id);	/* it may have been read since the mark was sent */
	qmgr_ack(q, j);
	if (j->kind == JOB_ACT)
		qmgr_acted(q, j);
	if (j->entry != NULL && gone)
		qmgr_forget(q, j->entry);
	else if (j->entry != NULL)
		entry_go_on(q, j);
	else if (!gone)
		qmgr_know(q, j->id);
	if (gone)
		message_gone(q, j->id);
	job_free(q, j);
	qmgr_wake(q);
}

/* The job of an answer of queue; a repeated answer may find none. */
static struct job *
marked_job(struct qmgr *q, uint32_t number, const char *id)
{
	struct job *j = job_find(q, number, id);

	return j != NULL && j->state == JOB_MARKING ? j : NULL;
}

int
qmgr_on_marked(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct qmgr *q = ((struct peer *)c->arg)->q;
	const struct msg_marked *m = msg;
	struct job *j = marked_job(q, m->h.id, m->id);

	(void)len, (void)fds, (void)e;
	if (j != NULL)
		mark_done(q, j, m->gone != 0);
	return 0;
}

struct by_number { uint32_t number; const struct msg_refused *m; };

static void
refuse_one(struct qmgr *q, struct job *j, void *arg)
{
	const struct by_number *by = arg;
	char what[sizeof by->m->what];

	if (j->number != by->number || j->state != JOB_MARKING)
		return;
	span_text(span_of(by->m->what, strnlen(by->m->what, sizeof by->m->what)), what, sizeof what);
	log_line(LOG_WARN, j->id, "mark-refused", "kind=%s why=%s",
	    err_kind_name((enum err_kind)by->m->kind), log_q(what));
	if (by->m->kind == ERR_PERM)		/* there is no such message: nothing left to mark */
		mark_done(q, j, true);
	else
		job_again(q, j);
}

int
qmgr_on_mark_refused(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct qmgr *q = ((struct peer *)c->arg)->q;
	struct by_number by = { ((const struct msg_hdr *)msg)->id, msg };

	(void)len, (void)fds, (void)e;
	qmgr_each_job(q, refuse_one, &by);
	return 0;
}
