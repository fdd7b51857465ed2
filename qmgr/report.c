/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/report.c - failures and success notices on their way to bounce. */
#include "qmgr/qmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/route.h"

enum { LATE_AGAIN_MS = 300000 };	/* a warning that bounce could not give */

/* What a report entry has of its own. */
struct stash {
	struct buf records;	/* details of failures */
	unsigned char *failed;	/* a bit for each slot that was said to have failed: by a mark, or the disk */
	size_t nfailed;		/* octets */
};

void
stash_free(struct qmgr *q, struct entry *en)
{
	struct stash *st = en->own;

	if (st == NULL)
		return;
	q->stash -= st->records.n;
	buf_free(&st->records);
	free(st->failed);
	free(st);
	en->own = NULL;
}

/* NULL: no memory. */
static struct stash *
stash_of(struct entry *en)
{
	struct stash *st = en->own;

	if (st == NULL && (st = calloc(1, sizeof *st)) != NULL) {
		buf_init(&st->records, QMGR_STASH_MAX);
		en->own = st;
	}
	return st;
}

/* The details, that is: who failed may still be lost. */
static void
stash_told(struct qmgr *q, struct entry *en)
{
	struct stash *st = en->own;

	if (st == NULL)
		return;
	q->stash -= st->records.n;
	buf_free(&st->records);
}

/* Without memory the details are lost, not the failure: it is on disk. */
static void
stash_add(struct qmgr *q, struct entry *en, const struct buf *records)
{
	struct stash *st = stash_of(en);
	struct err e;

	if (st != NULL && q->stash + records->n <= QMGR_STASH_MAX &&
	    buf_add(&st->records, buf_view(records), &e) == 0)
		q->stash += records->n;
}

void
stash_restore(struct qmgr *q, struct entry *en, const struct buf *records)
{
	const struct stash *st = en->own;

	if (st == NULL || st->records.n == 0)
		stash_add(q, en, records);
}

static bool
stash_failed(struct entry *en, uint32_t slot)
{
	struct stash *st = stash_of(en);
	size_t at = slot / 8;

	if (st == NULL)
		return false;
	if (at >= st->nfailed) {
		unsigned char *more = realloc(st->failed, at + 1);

		if (more == NULL)
			return false;
		memset(more + st->nfailed, 0, at + 1 - st->nfailed);
		st->failed = more;
		st->nfailed = at + 1;
	}
	st->failed[at] |= (unsigned char)(1u << slot % 8);
	return true;
}

bool
qmgr_want_report(struct qmgr *q, const struct job *j)
{
	struct sched_new n = { .retry_ms = clock_ms(), .expires_ms = SCHED_NEVER,
	    .warn_ms = SCHED_NEVER };
	struct entry *en = sched_add(&q->sched, j->id, ROUTE_REPORT, &n);

	if (en == NULL)
		return false;
	for (uint32_t i = 0; i < j->nmark; i++)
		if (j->marks[i].state == SLOT_FAILED && !stash_failed(en, j->marks[i].slot))
			return false;
	stash_add(q, en, &j->failed);
	return true;
}

/* The record of one slot: as its worker gave it, or what the disk says. */
static int
report_record(const struct stash *stash, uint32_t n, const struct slot *s, struct buf *out)
{
	struct span rest = stash != NULL ? buf_view(&stash->records) : span_of(NULL, 0), detail;
	struct rcpt_result r;
	struct err e;

	while (result_next(&rest, &r, &detail, &e) == 1)
		if (r.slot == n && result_add(out, &r, detail, &e) == 0)
			return 0;
	r = (struct rcpt_result){ .slot = n, .outcome = OUTCOME_FAILED, .code = s->code };
	snprintf(r.dsn, sizeof r.dsn, "%s", s->dsn[0] != '\0' ? s->dsn : "5.0.0");
	snprintf(r.text, sizeof r.text, "%s", s->text);
	return result_add(out, &r, span_of(NULL, 0), &e);
}

bool
report_send(struct qmgr *q, struct job *j, const struct buf *records, uint32_t n, int fd)
{
	_Alignas(8) static unsigned char packet[MSG_MAX];
	struct msg_job *m = (struct msg_job *)(void *)packet;

	*m = (struct msg_job){ .n = n };
	memcpy(m->id, j->id, QID_SIZE);
	m->expires_us = j->arrival_us + (uint64_t)(j->entry == NULL ? q->lifetime_ms :
	    qmgr_lifetime(q, j->entry->dest->opt)) * 1000;
	memcpy(packet + sizeof *m, records->p, records->n);
	return qmgr_send(q, ROLE_BOUNCE, m, MSG_REPORT, j->number, sizeof *m + records->n, fd);
}

/* Fills the job with the message's failed recipients, as many as one report takes.  false: there are some,
 * but no memory for one. */
static bool
report_fill(struct job *j, const struct letter *l, struct entry *en)
{
	bool any = false;

	for (uint32_t i = 0; i < l->q.nslot && j->nmark < j->nrcpt; i++) {
		struct slot s = l->slot[i];

		if (s.state != SLOT_FAILED)
			continue;
		any = true;
		(void)stash_failed(en, i);	/* without memory it has to be as the disk says */
		if (report_record(en->own, i, &s, &j->failed) == -1)
			continue;
		s.state = SLOT_BOUNCED;
		j->rcpt[j->nmark].n = i;
		j->marks[j->nmark++] = mark_of(i, &s);
	}
	j->nrcpt = j->nmark;
	j->arrival_us = l->env.arrival_us;
	return j->nmark > 0 || !any;
}

static void
report_later(struct qmgr *q, struct entry *en)
{
	if (en->attempts < UINT16_MAX)
		en->attempts++;
	sched_defer(&q->sched, en, clock_ms() + sched_delay(&q->sched, en, en->attempts), 0, clock_ms());
}

/* Has the disk lost that somebody failed?  What a failed flush drops is read as it was before: then he is
 * queued again, and nobody knows.  Whoever is told of meanwhile, or removed, is not. */
static bool
report_lost(const struct entry *en, const struct letter *l)
{
	const struct stash *st = en->own;

	for (uint32_t i = 0; st != NULL && i < l->q.nslot && i / 8 < st->nfailed; i++)
		if (st->failed[i / 8] >> i % 8 & 1 && l->slot[i].state == SLOT_QUEUED)
			return true;
	return false;
}

/* Nobody is left who failed. */
static void
report_nothing(struct qmgr *q, struct entry *en, const struct letter *l)
{
	if (report_lost(en, l)) {
		struct msg_id m = { 0 };

		memcpy(m.id, en->id, QID_LEN);
		log_line(LOG_WARN, m.id, "mark-lost", "what=failed");
		qmgr_read_again(q, m.id);
	}
	qmgr_forget(q, en);
}

void
qmgr_report(struct qmgr *q, struct entry *en)
{
	struct letter l;
	bool filled;
	struct job *j;
	struct err e;
	int r = letter_open(q->dirfd, en->id, &l, &e);

	if (r != 1) {
		qmgr_unreadable(q, en, r, &e);
		return;
	}
	j = job_new(q, JOB_REPORT, en->id, QMGR_JOB_RCPTS);
	if (j == NULL) {
		log_line(LOG_WARN, NULL, "no-memory", "what=entry");
		report_later(q, en);
		letter_close(&l);
		return;
	}
	j->entry = en;
	j->worker = ROLE_BOUNCE;
	j->generation = q->peer[ROLE_BOUNCE].generation;
	filled = report_fill(j, &l, en);
	if (!filled) {
		log_line(LOG_WARN, NULL, "no-memory", "what=entry");
		report_later(q, en);
		job_free(q, j);
	} else if (j->nmark == 0) {
		report_nothing(q, en, &l);
		job_free(q, j);
	} else if (!report_send(q, j, &j->failed, j->nmark, l.fd)) {
		l.fd = -1;
		job_undo(q, j, clock_ms() + QMGR_AGAIN_MS);
	} else {
		l.fd = -1;
	}
	letter_close(&l);
}

void
qmgr_notice(struct qmgr *q, struct job *j)
{
	struct span rest = buf_view(&j->notice), detail;
	struct rcpt_result r;
	struct letter l;
	struct err e;
	uint32_t n = 0;
	int got;

	j->state = JOB_NOTICE;
	j->again_ms = 0;
	if (!q->peer[ROLE_BOUNCE].hello) {
		job_again(q, j);
		return;
	}
	got = letter_open(q->dirfd, j->id, &l, &e);
	if (got == -1 && e.kind != ERR_PERM) {
		log_line(LOG_WARN, j->id, "cannot-read", "why=%s", log_q(e.what));
		job_again(q, j);
		return;
	}
	if (got != 1) {		/* nothing to report from: the mark's fate shows what is wrong */
		qmgr_mark(q, j);
		return;
	}
	while (result_next(&rest, &r, &detail, &e) == 1)
		n++;
	if (!report_send(q, j, &j->notice, n, l.fd))
		job_again(q, j);
	l.fd = -1;
	letter_close(&l);
}

int
qmgr_on_reported(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct qmgr *q = ((struct peer *)c->arg)->q;
	const struct msg_reported *m = msg;
	struct job *j = job_find(q, m->h.id, m->id);

	(void)len, (void)fds, (void)e;
	if (j == NULL)
		return 0;
	if (j->kind == JOB_REPORT && j->state == JOB_AWAY) {
		log_line(LOG_INFO, j->id, "bounced", "report=%s recipients=%u",
		    qid_ok(m->report) ? m->report : "-", j->nmark);
		q->bounced++;
		sched_release(&q->sched, j->entry, VERDICT_ANSWERED, 0, 0, "", "", clock_ms());
		j->entry->attempts = 0;
		stash_told(q, j->entry);
		qmgr_mark(q, j);
	} else if (j->kind == JOB_LATE && j->state == JOB_AWAY) {
		qmgr_warned(q, j);
	} else if (j->state == JOB_NOTICE) {
		qmgr_mark(q, j);
	}
	qmgr_wake(q);
	return 0;
}

static void
report_refused(struct qmgr *q, struct job *j, void *arg)
{
	const struct msg_refused *m = arg;
	char what[sizeof m->what];

	if (j->number != m->h.id || !(((j->kind == JOB_REPORT || j->kind == JOB_LATE) &&
	    j->state == JOB_AWAY) || j->state == JOB_NOTICE))
		return;
	span_text(span_of(m->what, strnlen(m->what, sizeof m->what)), what, sizeof what);
	log_line(LOG_WARN, j->id, "report-refused", "why=%s", log_q(what));
	if (j->state == JOB_NOTICE) {
		job_again(q, j);
		return;
	}
	if (j->kind == JOB_LATE) {
		qmgr_not_warned(q, j, LATE_AGAIN_MS);
		return;
	}
	report_later(q, j->entry);
	job_free(q, j);
}

int
qmgr_on_report_refused(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct qmgr *q = ((struct peer *)c->arg)->q;
	struct msg_refused m;

	(void)len, (void)fds, (void)e;
	memcpy(&m, msg, sizeof m);
	qmgr_each_job(q, report_refused, &m);
	qmgr_wake(q);
	return 0;
}
