/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/daemon.h"
#include "lib/log.h"

enum { OPEN_TRIES = 4 };	/* IDs tried when a name is taken, which it never should be */

void
session_refuse(struct session *s, uint32_t request, const struct err *why)
{
	struct msg_refused m = { .kind = why->kind };
	struct err e;

	snprintf(m.dsn, sizeof m.dsn, "%s", why->dsn);
	snprintf(m.what, sizeof m.what, "%s", why->what);
	if (chan_send(&s->chan, &m.h, MSG_REFUSED, request, sizeof m, NULL, 0, &e) == -1)
		log_line(LOG_WARN, NULL, "unanswered", "why=%s", log_q(e.what));
}

void
qmsg_free(struct qmsg *m)
{
	if (m->session != NULL) {
		m->session->msg[m->slot] = NULL;
		m->session->nwaiting -= m->state >= QMSG_WAITING;
	}
	free(m);
}

static void
qmsg_unlink_tmp(struct queue *q, const struct qmsg *m)
{
	char path[PATH_SIZE];

	path_tmp(m->id, path);
	if (unlinkat(q->dir_fd, path, 0) == -1 && errno != ENOENT)
		log_line(LOG_ERR, m->id, "unlink", "errno=%d", errno);
}

/* Free space and inodes, asked for once a second; low: within the reserve. */
static void
space_look(struct queue *q)
{
	struct statvfs v;
	uint64_t keep;

	if (q->space_known && clock_ms() - q->space_ms < SPACE_MS)
		return;
	q->space_known = true;
	q->space_ms = clock_ms();
	q->space_low = false;
	q->space_free = UINT64_MAX;
	if (fstatvfs(q->dir_fd, &v) == -1)
		return;		/* the writing will tell */
	keep = v.f_blocks / 100 * q->opt.reserve_percent;
	q->space_free = v.f_bavail > keep ? (v.f_bavail - keep) * v.f_frsize : 0;
	q->space_low = v.f_bavail <= keep;
	if (v.f_files > 0 && v.f_favail <= v.f_files / 100 * q->opt.reserve_percent)
		q->space_low = true;
}

static int
space_check(struct queue *q, const struct session *s, const struct msg_open *o, struct err *e)
{
	if (s->may_reserve && o->reserve)
		return 0;
	space_look(q);
	if (q->space_low || o->size > q->space_free)
		return err_set(e, ERR_TEMP, "4.3.1", "the queue's disk is too full");
	return 0;
}

/* A free place in the session and a new file; -1: *fd is not set. */
static struct qmsg *
open_message(struct session *s, int *fd, struct err *e)
{
	struct queue *q = s->q;
	struct qmsg *m;
	char path[PATH_SIZE];
	uint8_t slot = 0;

	while (slot < SESSION_OPEN_MAX && s->msg[slot] != NULL)
		slot++;
	if (slot == SESSION_OPEN_MAX) {
		err_set(e, ERR_TEMP, "4.3.2", "%d messages are open already", SESSION_OPEN_MAX);
		return NULL;
	}
	if ((m = calloc(1, sizeof *m)) == NULL) {
		err_sys(e, "open");
		return NULL;
	}
	for (int i = 0; i < OPEN_TRIES; i++) {
		qid_make(&q->ids, (uint64_t)clock_us(), m->id);
		path_tmp(m->id, path);
		*fd = openat(q->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		if (*fd != -1 || errno != EEXIST)
			break;
	}
	if (*fd == -1) {
		err_sys(e, "queue/%s", path);
		free(m);
		return NULL;
	}
	m->session = s;
	m->slot = slot;
	s->msg[slot] = m;
	return m;
}

static int
on_open(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct session *s = c->arg;
	const struct msg_open *o = msg;
	struct msg_id reply = { .id = "" };
	struct qmsg *m = NULL;
	struct err why;
	int fd;

	(void)len, (void)fds;
	if (s->q->stopping)
		err_set(&why, ERR_TEMP, "4.3.2", "the queue is being stopped");
	else if (space_check(s->q, s, o, &why) == 0)
		m = open_message(s, &fd, &why);
	if (m == NULL) {
		session_refuse(s, o->h.id, &why);
		return 0;
	}
	memcpy(reply.id, m->id, QID_SIZE);
	if (chan_send(c, &reply.h, MSG_OPENED, o->h.id, sizeof reply, &fd, 1, e) == 0)
		return 0;
	qmsg_unlink_tmp(s->q, m);
	qmsg_free(m);
	session_refuse(s, o->h.id, e);
	return 0;
}

/* The file of a session's next message, asked for with COMMIT: -1 where OPEN would be refused, and OPEN
 * will say why. */
static int
open_next(struct session *s, char id[QID_SIZE])
{
	static const struct msg_open any_size;
	struct qmsg *m;
	struct err e;
	int fd;

	if (s->q->stopping || space_check(s->q, s, &any_size, &e) == -1 ||
	    (m = open_message(s, &fd, &e)) == NULL)
		return -1;
	memcpy(id, m->id, QID_SIZE);
	return fd;
}

/* NULL: not one of this session's. */
static struct qmsg *
session_message(const struct session *s, const char id[QID_SIZE])
{
	for (int i = 0; i < SESSION_OPEN_MAX; i++)
		if (s->msg[i] != NULL && strncmp(s->msg[i]->id, id, QID_SIZE) == 0)
			return s->msg[i];
	return NULL;
}

/* One at a time: each costs a descriptor. */
static bool
session_reads(const struct session *s)
{
	for (int i = 0; i < SESSION_OPEN_MAX; i++)
		if (s->msg[i] != NULL && s->msg[i]->state == QMSG_LENT)
			return true;
	return false;
}

static void
qmsg_throw(struct queue *q, struct qmsg *m)
{
	intake_take_back(q, m);
	qmsg_unlink_tmp(q, m);
	qmsg_free(m);
}

/* A request failed, by e, and its message goes.  -1: the session is to be cut off, which is told as 451. */
static int
session_throw(struct session *s, struct qmsg *m, uint32_t request, struct err *e)
{
	struct err why = *e;

	log_line(e->kind == ERR_PROTO ? LOG_ERR : LOG_WARN, m->id, "refused", "dsn=%s why=%s", e->dsn,
	    log_q(e->what));
	qmsg_throw(s->q, m);
	if (e->kind == ERR_PROTO) {
		why.kind = ERR_TEMP;
		snprintf(why.dsn, sizeof why.dsn, "4.3.0");
	}
	session_refuse(s, request, &why);
	return e->kind == ERR_PROTO ? -1 : 0;
}

/* The envelope block: in the packet, or in the descriptor that came with it. */
static int
commit_block(const struct msg_commit *c, size_t len, int fd, struct buf *store, struct span *block,
    struct err *e)
{
	unsigned char *to;
	ssize_t n;

	if (c->env_len > ENV_MAX)
		return err_set(e, ERR_PROTO, "5.3.4", "an envelope of %u octets", c->env_len);
	if (fd == -1) {
		*block = span_of((const unsigned char *)c + sizeof *c, len - sizeof *c);
		return block->n == c->env_len ? 0 :
		    err_set(e, ERR_PROTO, "5.3.5", "COMMIT: length of the envelope");
	}
	if (len != sizeof *c)
		return err_set(e, ERR_PROTO, "5.3.5", "COMMIT: an envelope twice");
	if ((to = buf_room(store, c->env_len, e)) == NULL)
		return -1;
	while (store->n < c->env_len) {
		n = pread(fd, to + store->n, c->env_len - store->n, (off_t)store->n);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_PROTO, "5.3.5", "COMMIT: the envelope cannot be read");
		store->n += (size_t)n;
	}
	*block = buf_view(store);
	return 0;
}

static int
on_commit(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct session *s = c->arg;
	const struct msg_commit *req = msg;
	struct qmsg *m = session_message(s, req->id);
	struct span block;
	struct buf store;
	int r;

	if (m == NULL) {
		err_set(e, ERR_TEMP, "4.3.0", "COMMIT of a message that is not open here");
		session_refuse(s, req->h.id, e);
		return 0;
	}
	if (m->state >= QMSG_WAITING)
		return err_set(e, ERR_PROTO, "4.3.0", "COMMIT twice");
	m->request = req->h.id;
	m->want_next = req->next != 0;
	buf_init(&store, ENV_MAX);
	r = commit_block(req, len, fds[0], &store, &block, e);
	if (r == 0)
		r = intake(s->q, m, req, block, e);
	buf_free(&store);
	if (r == -1)
		return session_throw(s, m, req->h.id, e);
	flush_wait(s->q, m);
	return 0;
}

/* READ: what its session does with it before it says COMMIT must be done with what it commits. */
static int
on_read(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct session *s = c->arg;
	const struct msg_id *req = msg;
	struct qmsg *m = session_message(s, req->id);
	struct msg_id reply = { .id = "" };
	int fd, r;

	(void)len, (void)fds;
	if (m == NULL) {
		err_set(e, ERR_TEMP, "4.3.0", "READ of a message that is not open here");
		session_refuse(s, req->h.id, e);
		return 0;
	}
	if (m->state != QMSG_OPEN || session_reads(s))
		return err_set(e, ERR_PROTO, "4.3.0", "READ twice");
	r = s->q->nsession + s->q->nlent >= s->q->max_session ?
	    err_set(e, ERR_TEMP, "4.3.2", "%u messages are read already", s->q->nlent) :
	    intake_lend(s->q, m, &fd, e);
	memcpy(reply.id, m->id, QID_SIZE);
	if (r == 0)
		r = chan_send(c, &reply.h, MSG_READABLE, req->h.id, sizeof reply, &fd, 1, e);
	return r == -1 ? session_throw(s, m, req->h.id, e) : 0;
}

static void
session_abandon(struct session *s, const char id[QID_SIZE])
{
	struct qmsg *m = session_message(s, id);

	if (m != NULL && m->state < QMSG_WAITING)
		qmsg_throw(s->q, m);
}

static int
on_abandon(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	(void)len, (void)fds, (void)e;
	session_abandon(c->arg, ((const struct msg_id *)msg)->id);
	return 0;
}

int
session_committed(struct session *s, const struct qmsg *m, struct err *e)
{
	struct msg_committed reply = { .next = "" };
	int fd = m->want_next ? open_next(s, reply.next) : -1, r;

	memcpy(reply.id, m->id, QID_SIZE);
	company_answered(s);
	r = chan_send(&s->chan, &reply.h, MSG_COMMITTED, m->request, sizeof reply, &fd, fd != -1, e);
	if (r == -1 && e->sys == ETOOMANYREFS) {	/* a plain answer goes */
		session_abandon(s, reply.next);
		reply.next[0] = '\0';
		r = chan_send(&s->chan, &reply.h, MSG_COMMITTED, m->request, sizeof reply, NULL, 0, e);
	}
	return r;
}

static const struct msg_rule from_session[] = {
	{ MSG_OPEN, sizeof(struct msg_open), sizeof(struct msg_open), 0, 0, on_open },
	{ MSG_COMMIT, sizeof(struct msg_commit), MSG_MAX, 0, 1, on_commit },
	{ MSG_ABANDON, sizeof(struct msg_id), sizeof(struct msg_id), 0, 0, on_abandon },
	{ MSG_READ, sizeof(struct msg_id), sizeof(struct msg_id), 0, 0, on_read },
};

/* What it did not commit goes; what is in a worker's hands is undone when that is back. */
static void
session_forget(struct session *s)
{
	struct queue *q = s->q;

	for (int i = 0; i < SESSION_OPEN_MAX; i++) {
		struct qmsg *m = s->msg[i];

		if (m == NULL)
			continue;
		s->msg[i] = NULL;
		m->session = NULL;
		if (m->state == QMSG_FLUSHING)
			continue;
		if (m->state == QMSG_WAITING)
			flush_drop(q, m);
		qmsg_throw(q, m);
	}
	company_gone(s);
	*s->at = s->next;
	if (s->next != NULL)
		s->next->at = s->at;
	q->nsession--;
	free(s);
}

static void
session_gone(struct chan *c, const struct err *why)
{
	struct session *s = c->arg;

	if (s->own != ROLE_START) {
		log_line(LOG_INFO, NULL, "peer-gone", "peer=%s why=%s", c->name,
		    log_q(why->kind == ERR_NONE ? "closed" : why->what));
		daemon_lost(s->own);
	}
	session_forget(s);
}

void
session_close(struct session *s)
{
	chan_close(&s->chan);
	session_forget(s);
}

int
session_open(struct queue *q, int fd, enum role own, struct err *e)
{
	struct session *s;

	if (own == ROLE_START && q->nsession + q->nlent >= q->max_session) {
		close(fd);
		return err_set(e, ERR_TEMP, "4.3.2", "%u sessions are there already", q->nsession);
	}
	if ((s = calloc(1, sizeof *s)) == NULL) {
		err_sys(e, "session");
		close(fd);
		return -1;
	}
	s->q = q;
	/* what they write takes the place of what is here already */
	s->may_reserve = own == ROLE_BOUNCE || own == ROLE_EXPAND;
	s->own = own;
	if (chan_open(&s->chan, q->loop, fd, own == ROLE_START ? "session" : role_name(own),
	    from_session, sizeof from_session / sizeof *from_session, session_gone, s, e) == -1) {
		close(fd);
		free(s);
		return -1;
	}
	s->next = q->sessions;
	if (s->next != NULL)
		s->next->at = &s->next;
	s->at = &q->sessions;
	q->sessions = s;
	q->nsession++;
	return 0;
}
