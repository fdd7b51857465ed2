/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/daemon.h"
#include "lib/figure.h"
#include "lib/log.h"

/* As many descriptors as may be had; what is left after the queue's own is for sessions. */
static uint32_t
queue_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return 1024 - SESSIONS_SPARE_FDS;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	(void)getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur > 1u << 20)
		r.rlim_cur = 1u << 20;
	return r.rlim_cur > 2 * SESSIONS_SPARE_FDS ? (uint32_t)r.rlim_cur - SESSIONS_SPARE_FDS :
	    (uint32_t)r.rlim_cur / 2;
}

static void
queue_stop_now(void *arg)
{
	((struct queue *)arg)->loop->stop = true;
}

static void
queue_init(struct queue *q, struct loop *l, int dir_fd, const struct queue_options *opt)
{
	*q = (struct queue){ .loop = l, .dir_fd = dir_fd, .lock_fd = -1, .opt = *opt };
	q->max_session = queue_descriptors();
	q->nworker = opt->strategy == STRATEGY_EACH ? EACH_WORKERS : 1;
	q->retry_last = &q->retry_first;
	q->retry_timer = (struct timer){ .fire = mark_retry, .arg = q };
	q->stop_timer = (struct timer){ .fire = queue_stop_now, .arg = q };
	cache_init(&q->cache, CACHE_BYTES);
	flush_init(q);
	for (unsigned i = 0; i < q->nworker; i++)
		q->worker[i].q = q;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* EFBIG instead */
	signal(SIGIO, SIG_IGN);		/* a lease that somebody breaks */
}

int
queue_start(struct queue *q, struct loop *l, int dir_fd, const struct queue_options *opt,
    struct err *e)
{
	queue_init(q, l, dir_fd, opt);
	if (setup_directories(dir_fd, e) == -1 || (q->lock_fd = setup_lock(dir_fd, e)) == -1 ||
	    setup_clear_tmp(dir_fd, e) == -1 || setup_leases(dir_fd, e) == -1 ||
	    setup_ids(dir_fd, &q->ids, e) == -1)
		goto fail;
	for (unsigned i = 0; i < q->nworker; i++)
		if (flush_worker_start(&q->worker[i], e) == -1)
			goto fail;
	flush_kick(q);
	return 0;
fail:
	queue_free(q);
	return -1;
}

static const struct msg_rule from_qmgr[] = {
	{ MSG_MARK, sizeof(struct msg_marks), MSG_MAX, 0, 0, mark_on_packet },
	{ MSG_BADFILE, sizeof(struct msg_id), sizeof(struct msg_id), 0, 0, mark_on_badfile },
};

static int
on_new_session(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	int fd = fds[0];

	(void)msg, (void)len;
	fds[0] = -1;
	return session_open(c->arg, fd, ROLE_START, e);
}

static const struct msg_rule from_smtpd[] = {
	{ MSG_SESSION, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 1, 1, on_new_session },
};

static void
peer_gone(struct chan *c, const struct err *why)
{
	struct queue *q = c->arg;

	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s why=%s", c->name,
	    log_q(why->kind == ERR_NONE ? "closed" : why->what));
	daemon_lost(c == &q->qmgr ? ROLE_QMGR : ROLE_SMTPD);
}

void
queue_lose_qmgr(struct queue *q)
{
	chan_close(&q->qmgr);
	daemon_lost(ROLE_QMGR);
}

/* The supervisor gives a channel anew only when the old one is of no use any more. */
static void
queue_replace_own(struct queue *q, enum role role)
{
	for (struct session *s = q->sessions; s != NULL; s = s->next)
		if (s->own == role) {
			session_close(s);
			return;
		}
}

int
queue_attach(struct queue *q, enum role role, int fd, struct err *e)
{
	struct chan *c = role == ROLE_QMGR ? &q->qmgr : &q->smtpd;

	switch (role) {
	case ROLE_BOUNCE:
	case ROLE_EXPAND:
	case ROLE_CONTROL:
	case ROLE_OFFER:
		queue_replace_own(q, role);
		return session_open(q, fd, role, e);
	case ROLE_QMGR:
	case ROLE_SMTPD:
		chan_close(c);
		if (role == ROLE_QMGR)
			mark_forget(q);
		if (chan_open(c, q->loop, fd, role_name(role), role == ROLE_QMGR ? from_qmgr : from_smtpd,
		    role == ROLE_QMGR ? sizeof from_qmgr / sizeof *from_qmgr :
		    sizeof from_smtpd / sizeof *from_smtpd, peer_gone, q, e) == 0)
			return 0;
		break;
	default:
		err_set(e, ERR_PROTO, NULL, "%s is no peer of the queue", role_name(role));
	}
	close(fd);
	return -1;
}

void
queue_stop(struct queue *q)
{
	struct err e;

	q->stopping = true;
	if (loop_timer(q->loop, &q->stop_timer, STOP_MS, &e) == -1)
		q->loop->stop = true;
	flush_kick(q);		/* ends the loop when nothing is in flight */
}

void
queue_free(struct queue *q)
{
	for (unsigned i = 0; i < q->nworker; i++)
		flush_worker_stop(&q->worker[i]);
	while (q->sessions != NULL)
		session_close(q->sessions);
	for (unsigned i = 0; i < q->nworker; i++)	/* in flight, and nobody waits any more */
		for (uint32_t k = 0; q->worker[i].busy && k < q->worker[i].job.ncommit; k++)
			free(q->worker[i].batch[k]);
	chan_close(&q->qmgr);
	chan_close(&q->smtpd);
	loop_cancel(q->loop, &q->company);
	loop_cancel(q->loop, &q->dispatch);
	loop_cancel(q->loop, &q->mark_timer);
	loop_cancel(q->loop, &q->retry_timer);
	loop_cancel(q->loop, &q->stop_timer);
	mark_forget(q);
	cache_free(&q->cache);
	if (q->lock_fd != -1)
		close(q->lock_fd);
	q->lock_fd = -1;
}

void
queue_settings(struct queue *q, unsigned reserve_percent)
{
	q->opt.reserve_percent = reserve_percent;
	q->space_known = false;
	q->max_session = queue_descriptors();
}

void
queue_stats(void *arg, struct buf *out)
{
	const struct queue *q = arg;

	figure_add(out, "accord_queue_commits_total", q->ncommit);
	figure_add(out, "accord_queue_flushes_total", q->nflush);
	figure_add(out, "accord_queue_commits_refused_total", q->nfailed);
	figure_add(out, "accord_queue_sessions", q->nsession);
	figure_add(out, "accord_queue_waiting", q->nwait);
	if (q->space_known) {
		figure_add(out, "accord_queue_space_octets", q->space_free);
		figure_add(out, "accord_queue_space_low", q->space_low);
	}
}
