/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/mark.c - marks on their way to the disk, and what follows when they are there. */
#include "qmgr/qmgr.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"

static void mark_done(struct qmgr *q, struct job *j, bool gone);

void
qmgr_mark(struct qmgr *q, struct job *j)
{
	j->state = JOB_MARKING;
	j->again_ms = 0;
	qmgr_keep_not(q, j->id);
	if (j->nmark == 0)
		mark_done(q, j, false);
	else
		gather_mark(q, j);
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
	    !qmgr_want_report(q, j)) {
		job_again(q, j);	/* no memory: mark it again later, and come back here */
		return;
	}
	qmgr_keep_not(q, j->id);	/* it may have been read since the mark was sent */
	gather_ack(q, j);
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

	(void)fds;
	if (m->n != (len - sizeof *m) / sizeof *m->marked)
		return err_set(e, ERR_PROTO, NULL, "%u marked in %zu octets", m->n, len);
	for (uint32_t i = 0; i < m->n; i++) {
		struct job *j = marked_job(q, m->marked[i].number, m->marked[i].id);

		if (j != NULL)
			mark_done(q, j, m->marked[i].gone != 0);
	}
	gather_acks_send(q);	/* at once: with the last of them qmgr may be told to end */
	return 0;
}
