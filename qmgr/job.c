/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/job.c - the table of jobs. */
#include "qmgr/qmgr.h"

#include <stdlib.h>

#include "lib/clock.h"

static struct job **
job_place(const struct qmgr *q, uint32_t number)
{
	return &q->jobs[number % QMGR_TABLE];
}

static bool
number_taken(const struct job *j, uint32_t number)
{
	while (j != NULL && j->number != number)
		j = j->same_hash;
	return j != NULL;
}

struct job *
job_new(struct qmgr *q, enum job_kind kind, const char *id, uint32_t nrcpt)
{
	struct job *j = calloc(1, sizeof *j + nrcpt * sizeof *j->rcpt), **at;

	if (j == NULL)
		return NULL;
	j->marks = calloc(nrcpt + 1, sizeof *j->marks);
	if (j->marks == NULL) {
		free(j);
		return NULL;
	}
	buf_init(&j->failed, QMGR_RECORDS);
	buf_init(&j->notice, QMGR_RECORDS);
	j->kind = (uint8_t)kind;
	j->nrcpt = nrcpt;
	memcpy(j->id, id, QID_LEN);
	do		/* an earlier qmgr's number may be in use: an ACK knows jobs by it alone */
		at = job_place(q, ++q->number);
	while (number_taken(*at, q->number));
	j->number = q->number;
	j->same_hash = *at;
	*at = j;
	q->njobs++;
	return j;
}

static void
job_unlink(struct qmgr *q, struct job *j)
{
	struct job **at = job_place(q, j->number);

	while (*at != j)
		at = &(*at)->same_hash;
	*at = j->same_hash;
}

void
job_renumber(struct qmgr *q, struct job *j, uint32_t number)
{
	struct job **at = job_place(q, number);

	job_unlink(q, j);
	j->number = number;
	j->same_hash = *at;
	*at = j;
}

struct job *
job_find(const struct qmgr *q, uint32_t number, const char *id)
{
	struct job *j = *job_place(q, number);

	while (j != NULL && (j->number != number || memcmp(j->id, id, QID_LEN) != 0))
		j = j->same_hash;
	return j;
}

void
job_free(struct qmgr *q, struct job *j)
{
	job_unlink(q, j);
	if (q->njobs-- == QMGR_JOBS) {
		qmgr_wake(q);
		qmgr_acts_wake(q);
	}
	if (q->stopping && q->njobs == 0)
		q->d->loop.stop = true;
	if (j->entry == NULL || j->old_route)
		q->nadopted--;
	buf_free(&j->failed);
	buf_free(&j->notice);
	free(j->marks);
	free(j->text);
	free(j);
}

void
qmgr_each_job(struct qmgr *q, void (*f)(struct qmgr *, struct job *, void *), void *arg)
{
	for (size_t i = 0; i < QMGR_TABLE; i++)
		for (struct job *j = q->jobs[i], *next; j != NULL; j = next) {
			next = j->same_hash;
			f(q, j, arg);
		}
}

bool
qmgr_adopted(const struct qmgr *q, const char *id, uint32_t slot)
{
	for (size_t i = 0; q->nadopted > 0 && i < QMGR_TABLE; i++)
		for (struct job *j = q->jobs[i]; j != NULL; j = j->same_hash) {
			if ((j->entry != NULL && !j->old_route) || memcmp(j->id, id, QID_LEN) != 0)
				continue;
			for (uint32_t k = 0; k < j->nrcpt; k++)
				if (j->rcpt[k].n == slot)
					return true;
		}
	return false;
}

static struct span
text_put(char **at, struct span s)
{
	struct span out = span_of(*at, s.n);

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return out;
}

bool
job_load(struct job *j, const struct letter *l)
{
	size_t need = l->env.sender.n + 1;
	char *at;

	for (uint32_t i = 0; i < j->nrcpt; i++)
		need += j->rcpt[i].n < l->env.nrcpt ? l->env.rcpt[j->rcpt[i].n].addr.n : 0;
	at = malloc(need);
	if (at == NULL)
		return false;
	free(j->text);
	j->text = at;
	j->sender = text_put(&at, l->env.sender);
	for (uint32_t i = 0; i < j->nrcpt; i++) {
		struct job_rcpt *r = &j->rcpt[i];

		if (r->n >= l->env.nrcpt)
			continue;
		r->addr = text_put(&at, l->env.rcpt[r->n].addr);
		r->notify = l->env.rcpt[r->n].notify;
		r->slot = l->slot[r->n];
	}
	j->size = l->q.msg_len;
	j->arrival_us = l->env.arrival_us;
	return true;
}

void
job_rest(struct job *j, int64_t rest_ms, int64_t rest_us)
{
	if (j->have_rest && j->rest_ms <= rest_ms)
		return;
	j->have_rest = true;
	j->rest_ms = rest_ms;
	j->rest_us = rest_us;
}

void
job_again(struct qmgr *q, struct job *j)
{
	struct err e;

	j->again_ms = clock_ms() + QMGR_AGAIN_MS;
	if (q->slow.at == 0)
		(void)loop_timer(&q->d->loop, &q->slow, QMGR_AGAIN_MS, &e);
}

void
job_undo(struct qmgr *q, struct job *j, int64_t retry_ms)
{
	struct entry *en = j->entry;
	int64_t now = clock_ms();

	if (j->kind == JOB_LATE) {
		qmgr_not_warned(q, j, retry_ms - now);
		return;
	}
	if (en != NULL) {
		if (j->kind == JOB_REPORT)
			stash_restore(q, en, &j->failed);
		sched_defer(&q->sched, en, retry_ms, en->next_us, now);
	}
	job_free(q, j);
	qmgr_wake(q);
}
