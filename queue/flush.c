/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

void
flush_wait(struct queue *q, struct qmsg *m)
{
	m->state = QMSG_WAITING;
	m->since_ms = clock_ms();
	m->session->nwaiting++;
	m->next = NULL;
	*q->wait_last = m;
	q->wait_last = &m->next;
	q->nwait++;
	flush_kick(q);
}

void
flush_drop(struct queue *q, struct qmsg *m)
{
	struct qmsg **at = &q->wait_first;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	if (m->next == NULL)
		q->wait_last = at;
	q->nwait--;
}

static struct qmsg *
flush_take(struct queue *q)
{
	struct qmsg *m = q->wait_first;

	q->wait_first = m->next;
	if (m->next == NULL)
		q->wait_last = &q->wait_first;
	q->nwait--;
	return m;
}

/* After what this round of the loop brings, so that commits that came together go together. */
void
flush_kick(struct queue *q)
{
	struct err e;

	if (q->dispatch_set)
		return;
	q->dispatch_set = true;
	if (loop_timer(q->loop, &q->dispatch, 0, &e) == -1) {
		q->dispatch_set = false;	/* the next commit or answer tries again */
		log_line(LOG_ERR, NULL, "flush", "why=%s", log_q(e.what));
	}
}

void
flush_marked(struct queue *q)
{
	struct err e;

	if (q->mark_timer.at == 0 && !q->marks_due &&
	    loop_timer(q->loop, &q->mark_timer, MARK_FLUSH_MS, &e) == -1)
		q->marks_due = true;
}

bool
flush_busy(const struct queue *q)
{
	for (unsigned i = 0; i < q->nworker; i++)
		if (q->worker[i].busy)
			return true;
	return false;
}

static unsigned
flush_idle(const struct queue *q)
{
	unsigned n = 0;

	for (unsigned i = 0; i < q->nworker; i++)
		n += q->worker[i].pid != 0 && !q->worker[i].busy;
	return n;
}

static bool
flush_marks_wait(const struct queue *q)
{
	return q->cache.dirty_first != NULL || q->removed;
}

static bool
flush_marking(const struct queue *q)
{
	for (unsigned i = 0; i < q->nworker; i++)
		if (q->worker[i].busy && q->worker[i].marks)
			return true;
	return false;
}

static void
job_add_commits(struct queue *q, struct worker *w, uint32_t max)
{
	while (q->wait_first != NULL && w->job.ncommit < max) {
		struct qmsg *m = flush_take(q);

		m->state = QMSG_FLUSHING;
		memcpy(w->job.id[w->job.ncommit], m->id, QID_SIZE);
		w->batch[w->job.ncommit++] = m;
	}
}

static void
job_add_marks(struct queue *q, struct worker *w, uint32_t max)
{
	struct entry *x;

	w->marks = true;
	while (w->job.nmark < max && (x = cache_take_dirty(&q->cache)) != NULL)
		memcpy(w->job.id[w->job.ncommit + w->job.nmark++], x->id, QID_SIZE);
	memcpy(w->job.dirs, q->dirs, sizeof q->dirs);
	memset(q->dirs, 0, sizeof q->dirs);
	q->removed = false;
	if (q->cache.dirty_first == NULL) {
		q->marks_due = false;
		loop_cancel(q->loop, &q->mark_timer);
	}
}

static bool
flush_may_wait(struct queue *q)
{
	int64_t ms = company_wait(q);
	struct err e;

	return ms > 0 && (q->company.at != 0 || loop_timer(q->loop, &q->company, ms, &e) == 0);
}

/*
 * Chooses what this worker does next; false: nothing.  Where one flush serves all, marks ride on
 * every batch; where each file costs its own, they go apart, behind commits, but one worker takes those
 * that are due however many commits wait: without end they would never be flushed.
 */
static bool
job_fill(struct queue *q, struct worker *w)
{
	bool marks = flush_marks_wait(q) && (q->marks_due || q->stopping);
	unsigned idle = flush_idle(q);
	uint32_t share = (q->nwait + idle - 1) / idle;

	w->job.ncommit = w->job.nmark = 0;
	w->job.all = q->all_due;
	w->marks = false;
	memset(w->job.dirs, 0, sizeof w->job.dirs);
	if (q->all_due) {
		q->all_due = false;
		return true;
	}
	if (q->opt.strategy != STRATEGY_EACH) {
		if (!marks && (q->nwait == 0 || (!q->stopping && flush_may_wait(q))))
			return false;
		loop_cancel(q->loop, &q->company);
		job_add_commits(q, w, FLUSH_COMMITS);
		job_add_marks(q, w, FLUSH_MARKS);
	} else if (marks && (q->nwait == 0 || idle > 1 || !flush_marking(q))) {
		job_add_marks(q, w, EACH_MARKS);
	} else if (q->nwait > 0) {
		job_add_commits(q, w, share < FLUSH_COMMITS ? share : FLUSH_COMMITS);
	} else {
		return false;
	}
	return true;
}

static void
flush_company_timer(void *arg)
{
	flush_kick(arg);
}

static void
flush_mark_timer(void *arg)
{
	struct queue *q = arg;

	q->marks_due = true;
	flush_kick(q);
}

/*
 * The worker may have stopped between any two of its steps.  While tmp/ID is there the other name,
 * if taken, is not this file's, unless a second link of it (give_name without RENAME_NOREPLACE).
 */
static void
flush_undo(struct queue *q, const struct qmsg *m)
{
	struct entry *x = cache_find(&q->cache, m->id);
	bool named = true;
	char path[PATH_SIZE];
	struct stat st;

	path_tmp(m->id, path);
	if (fstatat(q->dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		named = st.st_nlink > 1;
		if (unlinkat(q->dir_fd, path, 0) == -1)
			log_line(LOG_ERR, m->id, "unlink", "errno=%d", errno);
	}
	if (!named)
		return;
	if (x != NULL)
		cache_drop(&q->cache, x);
	path_final(m->id, path);
	if (unlinkat(q->dir_fd, path, 0) == 0)
		mark_removed(q, m->id);
	else if (errno != ENOENT)
		log_line(LOG_ERR, m->id, "unlink", "errno=%d", errno);
}

static void
flush_failed(struct queue *q, struct qmsg *m, int sys)
{
	struct err why;

	errno = sys;
	err_sys(&why, "message not on the disk");
	if (strcmp(why.dsn, "4.3.1") == 0)
		q->space_known = false;
	log_line(LOG_ERR, m->id, "refused", "dsn=%s why=%s", why.dsn, log_q(why.what));
	q->nfailed++;
	flush_undo(q, m);
	if (m->session != NULL)
		session_refuse(m->session, m->request, &why);
	qmsg_free(m);
}

/* Durable.  true: qmgr is to hear of it. */
static bool
flush_committed(struct queue *q, struct qmsg *m)
{
	bool wanted = m->session != NULL;
	struct err e;

	if (!wanted) {		/* never answered: the client, or bounce, will send it again */
		flush_undo(q, m);
	} else if (session_committed(m->session, m, &e) == -1) {
		log_line(LOG_WARN, m->id, "unanswered", "why=%s", log_q(e.what));
		flush_undo(q, m);	/* the session is told that it failed */
		wanted = false;
		q->nfailed++;
	} else {
		q->ncommit++;
		(void)cache_add(&q->cache, m->id, &m->file);	/* without memory: read when due */
	}
	qmsg_free(m);
	return wanted;
}

static void
flush_announce(struct queue *q, struct msg_ids *ids)
{
	struct err e;

	if (ids->n == 0 || !q->qmgr.open || chan_send(&q->qmgr, &ids->h, MSG_NEW, 0,
	    sizeof *ids + ids->n * sizeof *ids->id, NULL, 0, &e) == 0)
		return;
	log_line(LOG_ERR, NULL, "unannounced", "why=%s", log_q(e.what));
	queue_lose_qmgr(q);
}

/* Answers every message of the worker's batch; sys: an errno for each, or NULL: sys_all. */
static void
flush_answer(struct worker *w, const int32_t *sys, int sys_all)
{
	static _Alignas(8) unsigned char packet[sizeof(struct msg_ids) + FLUSH_COMMITS * QID_SIZE];
	struct msg_ids *ids = (struct msg_ids *)(void *)packet;
	struct queue *q = w->q;
	uint32_t n = w->job.ncommit;

	memset(packet, 0, sizeof *ids);
	w->busy = false;
	w->job.ncommit = 0;
	for (uint32_t i = 0; i < n; i++) {
		int failed = sys != NULL ? sys[i] : sys_all;

		if (failed != 0) {
			flush_failed(q, w->batch[i], failed);
			continue;
		}
		memcpy(ids->id[ids->n], w->job.id[i], QID_SIZE);
		if (flush_committed(q, w->batch[i]))
			ids->n++;
	}
	flush_announce(q, ids);
	flush_kick(q);
}

/* Marks that it had in hand count as not flushed. */
static void
flush_remark(struct worker *w)
{
	struct queue *q = w->q;

	for (uint32_t i = 0; i < w->job.nmark; i++) {
		struct entry *x = cache_find(&q->cache, w->job.id[w->job.ncommit + i]);

		if (x != NULL)
			cache_dirty(&q->cache, x);
	}
	for (size_t i = 0; i < sizeof q->dirs; i++) {
		q->dirs[i] |= w->job.dirs[i];
		q->removed |= w->job.dirs[i] != 0;
	}
	w->job.nmark = 0;
	q->all_due |= w->job.all != 0;
	flush_marked(q);
}

static void
flush_dispatch(void *arg)
{
	struct queue *q = arg;

	q->dispatch_set = false;
	for (unsigned i = 0; i < q->nworker; i++) {
		struct worker *w = &q->worker[i];
		struct err e;

		if (w->pid == 0 || w->busy)
			continue;
		if (!job_fill(q, w))
			break;
		w->busy = true;
		q->nflush++;
		if (chan_send(&w->chan, &w->job.h, MSG_FLUSH, 0, offsetof(struct flush_job, id) +
		    (w->job.ncommit + w->job.nmark) * sizeof *w->job.id, NULL, 0, &e) == -1) {
			flush_remark(w);
			flush_answer(w, NULL, ENOMEM);
			break;
		}
	}
	if (q->stopping && !flush_busy(q) && q->nwait == 0)
		q->loop->stop = true;
}

/* Marks, or names that are gone, or whatever an earlier queue left of both? */
static bool
job_has_results(const struct flush_job *job)
{
	static const unsigned char none[sizeof job->dirs];

	return job->nmark > 0 || job->all != 0 || memcmp(job->dirs, none, sizeof none) != 0;
}

static int
on_flushed(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct worker *w = c->arg;
	const struct flush_done *done = msg;

	(void)fds;
	if (!w->busy || done->ncommit != w->job.ncommit ||
	    len != offsetof(struct flush_done, sys) + done->ncommit * sizeof *done->sys)
		return err_set(e, ERR_PROTO, NULL, "an answer to another batch");
	if (done->mark_sys != 0 && job_has_results(&w->job)) {
		errno = done->mark_sys;
		err_sys(e, "results not on the disk");
		log_line(LOG_ERR, NULL, "flush", "why=%s", log_q(e->what));
		w->job.all = 0;		/* once, at the start: what is marked since is flushed by name */
		if (!w->q->stopping)	/* without end, then */
			flush_remark(w);
	}
	flush_answer(w, done->sys, 0);
	return 0;
}

static const struct msg_rule from_worker[] = {
	{ MSG_FLUSHED, offsetof(struct flush_done, sys), sizeof(struct flush_done), 0, 0, on_flushed },
};

static void
flush_worker_respawn(void *arg)
{
	struct worker *w = arg;
	struct err e;

	if (flush_worker_start(w, &e) == -1) {
		log_line(LOG_ERR, NULL, "worker", "why=%s", log_q(e.what));
		(void)loop_timer(w->q->loop, &w->respawn, RESPAWN_MS, &e);
		return;
	}
	flush_kick(w->q);
}

static void
worker_gone(struct chan *c, const struct err *why)
{
	struct worker *w = c->arg;
	pid_t pid = w->pid;
	bool young = clock_ms() - w->born_ms < RESPAWN_MS;
	int status = 0;
	struct err e;

	(void)why;
	w->pid = 0;
	kill(pid, SIGKILL);	/* whatever the reason: it must not go on with its batch */
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	log_line(LOG_ERR, NULL, "worker", "pid=%d signal=%d exit=%d messages=%u", (int)pid,
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
	    w->job.ncommit);
	if (w->busy) {
		flush_remark(w);
		flush_answer(w, NULL, EIO);
	}
	if (young)
		(void)loop_timer(w->q->loop, &w->respawn, RESPAWN_MS, &e);
	else
		flush_worker_respawn(w);
}

int
flush_worker_start(struct worker *w, struct err *e)
{
	struct qid_maker ids = w->q->ids;	/* a copy: what it makes is behind all that were given */
	char last_id[QID_SIZE];
	int pair[2];
	pid_t pid;

	qid_make(&ids, 0, last_id);
	w->respawn.fire = flush_worker_respawn;
	w->respawn.arg = w;
	if (ipc_pair(pair, e) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		worker_run(pair[1], w->q->dir_fd, w->q->lock_fd, last_id, &w->q->opt);
	close(pair[1]);
	if (pid == -1) {
		err_sys(e, "fork");
		close(pair[0]);
		return -1;
	}
	if (chan_open(&w->chan, w->q->loop, pair[0], "worker", from_worker, 1, worker_gone, w, e) == -1) {
		close(pair[0]);		/* it ends by that */
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			continue;
		return -1;
	}
	w->pid = pid;
	w->born_ms = clock_ms();
	return 0;
}

void
flush_worker_stop(struct worker *w)
{
	loop_cancel(w->q->loop, &w->respawn);
	chan_close(&w->chan);
	while (w->pid != 0 && waitpid(w->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	w->pid = 0;
}

void
flush_init(struct queue *q)
{
	q->wait_last = &q->wait_first;
	q->dispatch.fire = flush_dispatch;
	q->dispatch.arg = q;
	q->company = (struct timer){ .fire = flush_company_timer, .arg = q };
	q->mark_timer.fire = flush_mark_timer;
	q->mark_timer.arg = q;
	q->all_due = true;
}
