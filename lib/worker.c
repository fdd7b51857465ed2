/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/worker.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/daemon.h"
#include "lib/log.h"
#include "lib/result.h"

enum { WORKER_KEEP = 32 * MSG_MAX };	/* octets free that stay the process's */

void
worker_init(struct worker *w, struct loop *l, void (*start)(void *, struct worker_job *, int),
    void *arg)
{
	*w = (struct worker){ .loop = l, .start = start, .arg = arg };
	w->done_last = &w->done;
	/* each job takes MSG_MAX for its result and gives most of it back: not to the system each time */
	mallopt(M_TRIM_THRESHOLD, WORKER_KEEP);
}

const uint32_t *
worker_slots(const struct worker_job *job)
{
	return (const uint32_t *)(const void *)(job->packet + 1);
}

static void
worker_free_job(struct worker_job *job)
{
	free(job->packet);
	free(job->result);
	free(job);
}

/* With room for its result: what was delivered must not be lost because memory is short then. */
static struct worker_job *
worker_new_job(size_t len)
{
	struct worker_job *job = calloc(1, sizeof *job);

	if (job == NULL)
		return NULL;
	job->packet = malloc(len);
	job->result = malloc(MSG_MAX);
	if (job->packet != NULL && job->result != NULL)
		return job;
	worker_free_job(job);
	return NULL;
}

static int
worker_on_job(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct worker *w = c->arg;
	const struct msg_job *m = msg;
	struct worker_job *job;
	int fd = fds[0];

	if (m->n == 0 || len != sizeof *m + (size_t)m->n * sizeof(uint32_t) || !qid_ok(m->id) ||
	    memchr(m->dest, '\0', sizeof m->dest) == NULL)
		return err_set(e, ERR_PROTO, NULL, "a job of %zu octets", len);
	if ((job = worker_new_job(len)) == NULL)
		/* a new channel says what is in flight here: qmgr would wait for this job for ever */
		return err_set(e, ERR_PROTO, NULL, "no memory for a job");
	memcpy(job->packet, m, len);
	job->packet_len = len;
	job->number = m->h.id;
	job->next = w->jobs;
	w->jobs = job;
	fds[0] = -1;
	w->start(w->arg, job, fd);
	return 0;
}

static void
worker_acknowledged(struct worker *w, uint32_t number)
{
	for (struct worker_job **p = &w->done; *p != NULL; p = &(*p)->next)
		if ((*p)->number == number) {	/* mostly the first */
			struct worker_job *job = *p;

			*p = job->next;
			if (w->done_last == &job->next)
				w->done_last = p;
			worker_free_job(job);
			break;
		}
}

static int
worker_on_ack(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_ack *m = msg;

	(void)fds;
	if (m->n != (len - sizeof *m) / sizeof *m->number)
		return err_set(e, ERR_PROTO, NULL, "%u acknowledgements in %zu octets", m->n, len);
	for (uint32_t i = 0; i < m->n; i++)
		worker_acknowledged(c->arg, m->number[i]);
	return 0;
}

static const struct msg_rule from_qmgr[] = {
	{ MSG_JOB, sizeof(struct msg_job) + sizeof(uint32_t), MSG_MAX, 1, 1, worker_on_job },
	{ MSG_ACK, sizeof(struct msg_ack), MSG_MAX, 0, 0, worker_on_ack },
};

/* Jobs go on; their results wait for the next qmgr. */
static void
worker_qmgr_gone(struct chan *c, const struct err *why)
{
	(void)c, (void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=qmgr");
	daemon_lost(ROLE_QMGR);
}

static int
worker_send_result(struct worker *w, struct worker_job *job, struct err *e)
{
	return chan_send(&w->qmgr, &job->result->h, MSG_RESULT, job->number, job->result_len, NULL, 0,
	    e);
}

int
worker_connect(struct worker *w, int fd, struct err *e)
{
	struct msg_hdr hello;

	chan_close(&w->qmgr);
	if (chan_open(&w->qmgr, w->loop, fd, "qmgr", from_qmgr,
	    sizeof from_qmgr / sizeof *from_qmgr, worker_qmgr_gone, w, e) == -1) {
		close(fd);
		return -1;
	}
	for (struct worker_job *job = w->jobs; job != NULL; job = job->next)
		if (chan_send(&w->qmgr, &job->packet->h, MSG_INFLIGHT, job->number, job->packet_len,
		    NULL, 0, e) == -1)
			return -1;
	for (struct worker_job *job = w->done; job != NULL; job = job->next)
		if (worker_send_result(w, job, e) == -1)
			return -1;
	return chan_send(&w->qmgr, &hello, MSG_HELLO, 0, sizeof hello, NULL, 0, e);
}

bool
worker_idle(const struct worker *w)
{
	return w->jobs == NULL && w->done == NULL;
}

static bool
worker_has_slot(const struct worker_job *job, uint32_t slot)
{
	for (uint32_t i = 0; i < job->packet->n; i++)
		if (worker_slots(job)[i] == slot)
			return true;
	return false;
}

/* The records may come from a process that reads hostile bytes: it speaks of its own job only. */
static int
worker_check(const struct worker_job *job, struct span records, uint32_t n, struct err *e)
{
	struct rcpt_result r;
	struct span detail;
	uint32_t count = 0;
	int got;

	while ((got = result_next(&records, &r, &detail, e)) == 1) {
		if (!worker_has_slot(job, r.slot))
			return err_set(e, ERR_PROTO, NULL, "a result of slot %u, not of this job", r.slot);
		count++;
	}
	if (got == 0 && (count != n || n > job->packet->n))
		return err_set(e, ERR_PROTO, NULL, "%u results for %u of %u", count, n, job->packet->n);
	return got;
}

static void
worker_finish(struct worker *w, struct worker_job *job)
{
	struct worker_job **p = &w->jobs;

	while (*p != job)
		p = &(*p)->next;
	*p = job->next;
	job->next = NULL;
	*w->done_last = job;
	w->done_last = &job->next;
	job->done = true;
	job->owner = NULL;
}

int
worker_done(struct worker *w, struct worker_job *job, struct span records, uint32_t n, bool bad_file,
    struct err *e)
{
	size_t len = sizeof *job->result + records.n;
	struct msg_result *fitting;

	if (len > MSG_MAX)
		return err_set(e, ERR_PROTO, NULL, "a result of %zu octets", len);
	if (worker_check(job, records, n, e) == -1)
		return -1;
	*job->result = (struct msg_result){ .n = n, .bad_file = bad_file };
	memcpy(job->result->id, job->packet->id, sizeof job->result->id);
	if (records.n > 0)
		memcpy(job->result + 1, records.p, records.n);
	job->result_len = len;
	if ((fitting = realloc(job->result, len)) != NULL)
		job->result = fitting;
	worker_finish(w, job);
	if (w->qmgr.open && worker_send_result(w, job, e) == -1) {	/* the next channel gets it */
		chan_close(&w->qmgr);
		worker_qmgr_gone(&w->qmgr, e);
	}
	return 0;
}
