/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/peer.c - the channels: who may say what, and what the end of one means for its jobs. */
#include "qmgr/qmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

static int
on_new(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct qmgr *q = ((struct peer *)c->arg)->q;
	const struct msg_ids *m = msg;

	(void)fds;
	if (m->n != (len - sizeof *m) / QID_SIZE)
		return err_set(e, ERR_PROTO, NULL, "%u ids in %zu octets", m->n, len);
	for (uint32_t i = 0; i < m->n; i++)
		if (!qid_ok(m->id[i]))
			return err_set(e, ERR_PROTO, NULL, "a wrong id");
	for (uint32_t i = 0; i < m->n; i++)
		qmgr_know(q, m->id[i]);
	qmgr_wake(q);
	return 0;
}

/* A worker speaks for the first time after it or we were restarted, or goes on after a new pair. */
int
qmgr_on_inflight(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct peer *p = c->arg;
	struct qmgr *q = p->q;
	const struct msg_job *m = msg;
	const uint32_t *slot = (const uint32_t *)(const void *)(m + 1);
	struct job *j;

	(void)fds;
	if (p->hello || !qid_ok(m->id) || m->n != (len - sizeof *m) / sizeof *slot)
		return err_set(e, ERR_PROTO, NULL, "in flight: %u slots in %zu octets", m->n, len);
	if (m->n > QMGR_JOB_RCPTS)	/* no qmgr gave it so many; all may be marked, in one packet */
		return err_set(e, ERR_PROTO, NULL, "in flight: %u slots", m->n);
	j = job_find(q, m->h.id, m->id);
	if (j == NULL) {
		j = job_new(q, JOB_DELIVER, m->id, m->n);
		if (j == NULL)	/* cut it off: better no worker than two deliveries */
			return err_set(e, ERR_PROTO, NULL, "in flight: no memory");
		q->nadopted++;
		for (uint32_t i = 0; i < m->n; i++)
			j->rcpt[i].n = slot[i];
		job_renumber(q, j, m->h.id);
		j->worker = (uint8_t)p->role;
	}
	if (j->worker != p->role)
		return err_set(e, ERR_PROTO, NULL, "another's job in flight");
	j->generation = p->generation;
	j->doubt = false;
	return 0;
}

static void
hello_job(struct qmgr *q, struct job *j, void *arg)
{
	const struct peer *p = arg;

	if (j->worker != p->role)
		return;
	if (j->state == JOB_AWAY && j->doubt) {
		log_line(LOG_WARN, j->id, "lost", "peer=%s job=%u", role_name(p->role), j->number);
		job_undo(q, j, clock_ms() + QMGR_LOST_MS);
	}
}

static void
notice_job(struct qmgr *q, struct job *j, void *arg)
{
	(void)arg;
	if (j->state == JOB_NOTICE)
		qmgr_notice(q, j);
}

static bool
class_of_role(enum role role, enum sched_class *class)
{
	*class = role == ROLE_REMOTE ? CLASS_REMOTE : role == ROLE_LOCAL ? CLASS_LOCAL : CLASS_REPORT;
	return role == ROLE_REMOTE || role == ROLE_LOCAL || role == ROLE_BOUNCE;
}

static int
on_hello(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct peer *p = c->arg;
	struct qmgr *q = p->q;
	enum sched_class class;

	(void)msg, (void)len, (void)fds, (void)e;
	if (p->hello || !class_of_role(p->role, &class))
		return 0;
	p->hello = p->met = true;
	qmgr_each_job(q, hello_job, p);
	q->sched.up[class] = true;
	if (q->peer[ROLE_REMOTE].met && q->peer[ROLE_LOCAL].met && q->sched.deaf) {
		q->sched.deaf = false;
		qmgr_acts_wake(q);
	}
	if (p->role == ROLE_BOUNCE)
		qmgr_each_job(q, notice_job, NULL);
	qmgr_wake(q);
	return 0;
}

/* `accord stat`, through control. */
static int
on_status(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct qmgr *q = ((struct peer *)c->arg)->q;
	struct msg_text m = { 0 };

	(void)len, (void)fds, (void)e;
	snprintf(m.text, sizeof m.text, "entries=%zu destinations=%zu jobs=%u remote=%u local=%u "
	    "delivered=%llu deferred=%llu failed=%llu scanning=%d", q->sched.nids, q->sched.ndests,
	    q->njobs, q->sched.active[CLASS_REMOTE], q->sched.active[CLASS_LOCAL],
	    (unsigned long long)q->delivered, (unsigned long long)q->deferred,
	    (unsigned long long)q->failed, q->scanning);
	(void)qmgr_send(q, ROLE_CONTROL, &m, MSG_TEXT, ((const struct msg_hdr *)msg)->id, sizeof m, -1);
	return 0;
}

#define FIXED(type, s, handle) { type, sizeof(struct s), sizeof(struct s), 0, 0, handle }
static const struct msg_rule from_queue[] = {
	{ MSG_NEW, sizeof(struct msg_ids), MSG_MAX, 0, 0, on_new },
	{ MSG_MARKED, sizeof(struct msg_marked), MSG_MAX, 0, 0, qmgr_on_marked },
	FIXED(MSG_HELLO, msg_hdr, on_hello),
};
static const struct msg_rule from_worker[] = {
	FIXED(MSG_HELLO, msg_hdr, on_hello),
	{ MSG_INFLIGHT, sizeof(struct msg_job), MSG_MAX, 0, 0, qmgr_on_inflight },
	{ MSG_RESULT, sizeof(struct msg_result), MSG_MAX, 0, 0, qmgr_on_result },
};
static const struct msg_rule from_bounce[] = {
	FIXED(MSG_HELLO, msg_hdr, on_hello),
	FIXED(MSG_REPORTED, msg_reported, qmgr_on_reported),
	FIXED(MSG_REFUSED, msg_refused, qmgr_on_report_refused),
};
static const struct msg_rule from_control[] = {
	FIXED(MSG_STATUS, msg_hdr, on_status),
	{ MSG_ACT, sizeof(struct msg_act) + sizeof(struct act),
	    sizeof(struct msg_act) + ACT_MAX * sizeof(struct act), 0, 0, qmgr_on_act },
};
#define RULES(t) { t, sizeof t / sizeof *t }
static const struct { const struct msg_rule *rule; size_t n; } rules[ROLE_COUNT] = {
	[ROLE_QUEUE] = RULES(from_queue), [ROLE_REMOTE] = RULES(from_worker),
	[ROLE_LOCAL] = RULES(from_worker), [ROLE_BOUNCE] = RULES(from_bounce),
	[ROLE_CONTROL] = RULES(from_control),
};

static void
doubt_job(struct qmgr *q, struct job *j, void *arg)
{
	const struct peer *p = arg;

	if (j->worker != p->role)
		return;
	if ((j->kind == JOB_REPORT || j->kind == JOB_LATE) && j->state == JOB_AWAY)
		job_undo(q, j, clock_ms() + QMGR_LOST_MS);	/* it says nothing of what it has */
	else if (j->state == JOB_AWAY)
		j->doubt = true;
}

/* The channel is closed: nothing is begun for that peer until the next one has said hello. */
static void
peer_lost(struct peer *p)
{
	enum sched_class class;

	p->hello = false;
	gather_forget(p->q, p);
	if (class_of_role(p->role, &class))
		p->q->sched.up[class] = false;
	qmgr_each_job(p->q, doubt_job, p);
}

static void
peer_gone(struct chan *c, const struct err *why)
{
	struct peer *p = c->arg;

	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s why=%s", role_name(p->role),
	    log_q(why->kind == ERR_NONE ? "" : why->what));
	peer_lost(p);
	daemon_lost(p->role);
}

static void
mark_again(struct qmgr *q, struct job *j, void *arg)
{
	(void)arg;
	if (j->state == JOB_MARKING)
		qmgr_mark(q, j);
}

void
qmgr_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct qmgr *q = arg;
	struct peer *p;
	struct err e;

	if ((unsigned)role >= ROLE_COUNT || rules[role].rule == NULL) {
		close(fd);
		return;
	}
	p = &q->peer[role];
	if (p->chan.open) {
		chan_drain(&p->chan);	/* results of a worker that died: nobody else has them */
		chan_close(&p->chan);
		peer_lost(p);
	}
	p->generation = generation;
	if (chan_open(&p->chan, &q->d->loop, fd, role_name(role), rules[role].rule, rules[role].n,
	    peer_gone, p, &e) == -1) {
		log_line(LOG_ERR, NULL, "peer", "peer=%s why=%s", role_name(role), log_q(e.what));
		close(fd);
		return;
	}
	if (role == ROLE_QUEUE) {	/* a new one: its MSG_NEWs and our marks may be lost */
		qmgr_each_job(q, mark_again, NULL);
		qmgr_keep_nothing(q);
		qmgr_scan(q);
		qmgr_acts_wake(q);
	}
	qmgr_wake(q);
}

bool
qmgr_send(struct qmgr *q, enum role role, void *packet, uint32_t type, uint32_t id, size_t len, int fd)
{
	struct err e = { 0 };

	if (chan_send(&q->peer[role].chan, packet, type, id, len, &fd, fd != -1, &e) == 0)
		return true;
	log_line(LOG_WARN, NULL, "not-sent", "peer=%s type=%u why=%s", role_name(role), type,
	    log_q(e.what));
	return false;
}

static void
again_job(struct qmgr *q, struct job *j, void *arg)
{
	bool *more = arg;

	if (j->again_ms != 0 && j->again_ms <= clock_ms()) {
		if (j->state == JOB_NOTICE)
			qmgr_notice(q, j);
		else if (j->state == JOB_MARKING)
			qmgr_mark(q, j);
	} else if (j->again_ms != 0) {
		*more = true;
	}
}

static void
on_slow(void *arg)
{
	struct qmgr *q = arg;
	struct err e;
	bool more = false;

	qmgr_each_job(q, again_job, &more);
	if (more && q->slow.at == 0)
		(void)loop_timer(&q->d->loop, &q->slow, 1000, &e);
}

int
qmgr_init(struct qmgr *q, struct daemon *d, int dirfd, struct err *e)
{
	*q = (struct qmgr){ .d = d, .dirfd = dirfd, .number = (uint32_t)(clock_us() >> 8) };
	q->acts_last = &q->acts;
	for (int i = 0; i < ROLE_COUNT; i++) {
		q->peer[i].q = q;
		q->peer[i].role = (enum role)i;
		q->peer[i].chan.name = role_name((enum role)i);
	}
	qmgr_keep_init(q);
	gather_init(q);
	q->slow.fire = on_slow;
	q->slow.arg = q;
	q->jobs = calloc(QMGR_TABLE, sizeof *q->jobs);
	if (q->jobs == NULL)
		return err_sys(e, "jobs");
	if (qmgr_settings_init(q, e) == -1) {
		free(q->jobs);
		return -1;
	}
	q->sched.up[CLASS_READ] = q->sched.deaf = true;
	return 0;
}

static void
on_stop_over(void *arg)
{
	struct qmgr *q = arg;

	log_line(LOG_WARN, NULL, "stop", "unfinished=%u", q->njobs);
	q->d->loop.stop = true;
}

void
qmgr_stop(void *arg)
{
	struct qmgr *q = arg;
	struct err e;

	q->stopping = true;
	q->stop = (struct timer){ .fire = on_stop_over, .arg = q };
	if (q->njobs == 0 || loop_timer(&q->d->loop, &q->stop, QMGR_STOP_MS, &e) == -1)
		q->d->loop.stop = true;
}

static void
free_job(struct qmgr *q, struct job *j, void *arg)
{
	(void)arg;
	job_free(q, j);
}

void
qmgr_free(struct qmgr *q)
{
	scan_end(&q->scan);
	for (int i = 0; i < ROLE_COUNT; i++)
		chan_close(&q->peer[i].chan);
	qmgr_each_job(q, free_job, NULL);
	for (size_t i = 0; i < q->sched.capids; i++)
		for (struct entry *en = q->sched.ids[i]; en != NULL; en = en->same_hash)
			stash_free(q, en);
	sched_free(&q->sched);
	qmgr_keep_nothing(q);
	qmgr_options_free(q);
	qmgr_acts_free(q);
	free(q->jobs);
	loop_cancel(&q->d->loop, &q->turn);
	loop_cancel(&q->d->loop, &q->scan_turn);
	loop_cancel(&q->d->loop, &q->slow);
	loop_cancel(&q->d->loop, &q->stop);
	loop_cancel(&q->d->loop, &q->act_turn);
	loop_cancel(&q->d->loop, &q->gather);
}
