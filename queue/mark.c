/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/log.h"

void
mark_removed(struct queue *q, const char *id)
{
	unsigned hh;
	char name[3];

	qid_dir(id, name);
	hh = (unsigned)strtoul(name, NULL, 16);
	q->dirs[hh / 8] |= (unsigned char)(1u << hh % 8);
	q->removed = true;
	flush_marked(q);
}

static void
mark_answer(struct queue *q, uint32_t request, const char *id, bool gone)
{
	struct msg_marked m = { .gone = gone };
	struct err e;

	memcpy(m.id, id, QID_LEN);
	if (chan_send(&q->qmgr, &m.h, MSG_MARKED, request, sizeof m, NULL, 0, &e) == 0)
		return;
	log_line(LOG_ERR, id, "unanswered", "why=%s", log_q(e.what));
	queue_lose_qmgr(q);
}

/* Out of qmgr's way and never removed: somebody has to look. */
static int
mark_bad(struct queue *q, const char *id, const char *why, struct err *e)
{
	struct entry *x = cache_find(&q->cache, id);
	char from[PATH_SIZE], to[PATH_SIZE];

	path_final(id, from);
	path_bad(id, to);
	if (renameat(q->dir_fd, from, q->dir_fd, to) == -1 && errno != ENOENT)
		return err_sys(e, "queue/%s", to);
	if (x != NULL)
		cache_drop(&q->cache, x);
	mark_removed(q, id);
	log_line(LOG_ERR, id, "bad-file", "moved=queue/%s why=%s", to, log_q(why));
	return 0;
}

/* Reads footer and slots of a file that the cache does not know. */
static struct entry *
mark_read(struct queue *q, const char *id, int fd, struct err *e)
{
	struct slot *slot;
	struct qfile file;
	struct entry *x;

	if (qfile_open(fd, &file, e) == -1 || qfile_slots(fd, &file, &slot, e) == -1)
		return NULL;
	if ((x = cache_add(&q->cache, id, &file)) == NULL) {
		err_sys(e, "cache");
	} else {
		x->left = 0;
		for (uint32_t i = 0; i < file.nslot; i++) {
			x->state[i] = slot[i].state;
			x->left += !slot_final(slot[i].state);
		}
	}
	free(slot);
	return x;
}

/* 1: *out; 0: there is no such file; -1. */
static int
mark_entry(struct queue *q, const char *id, struct entry **out, struct err *e)
{
	char path[PATH_SIZE];
	int fd;

	if ((*out = cache_find(&q->cache, id)) != NULL)
		return 1;
	path_final(id, path);
	fd = openat(q->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1)
		return err_sys(e, "queue/%s", path);
	*out = mark_read(q, id, fd, e);
	close(fd);
	return *out == NULL ? -1 : 1;
}

/* A recipient that is done stays done, and one that failed stays failed, whatever a late mark says: an
 * earlier qmgr's may come behind a result that a worker has repeated. */
static bool
mark_counts(const struct entry *x, const struct mark *m)
{
	uint8_t state = x->state[m->slot];

	return slot_final(m->state) || (!slot_final(state) && (state != SLOT_FAILED || m->state == state));
}

/* How many would be left after these marks. */
static uint32_t
mark_left(const struct entry *x, const struct msg_mark *req)
{
	uint32_t left = x->left;

	for (uint32_t i = 0; i < req->n; i++) {
		uint32_t k, slot = req->mark[i].slot;

		if (!slot_final(req->mark[i].state) || slot_final(x->state[slot]))
			continue;
		for (k = 0; k < i; k++)		/* named before in this packet? */
			if (req->mark[k].slot == slot && slot_final(req->mark[k].state))
				break;
		left -= k == i;
	}
	return left;
}

static void
mark_slot(const struct mark *m, struct slot *s)
{
	*s = (struct slot){ .state = m->state, .conneg_tries = m->conneg_tries,
	    .attempts = m->attempts, .code = m->code, .flags = m->flags, .dead = m->dead,
	    .last_us = m->last_us, .next_us = m->next_us };
	span_text(span_of(m->dsn, strnlen(m->dsn, sizeof m->dsn)), s->dsn, sizeof s->dsn);
	span_text(span_of(m->text, strnlen(m->text, sizeof m->text)), s->text, sizeof s->text);
}

static int
mark_write(struct queue *q, struct entry *x, const struct msg_mark *req, struct err *e)
{
	char path[PATH_SIZE];
	struct slot s;
	int fd, r = 0;

	path_final(x->id, path);
	fd = openat(q->dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return err_sys(e, "queue/%s", path);
	cache_dirty(&q->cache, x);
	for (uint32_t i = 0; r == 0 && i < req->n; i++) {
		const struct mark *m = &req->mark[i];

		if (!mark_counts(x, m))
			continue;
		mark_slot(m, &s);
		r = qfile_mark(fd, &x->file, m->slot, &s, e);
		if (r == 0) {
			x->left -= slot_final(m->state) && !slot_final(x->state[m->slot]);
			x->state[m->slot] = m->state;
		}
	}
	close(fd);
	flush_marked(q);
	return r;
}

static int
mark_finish(struct queue *q, struct entry *x, struct err *e)
{
	char path[PATH_SIZE];

	path_final(x->id, path);
	if (unlinkat(q->dir_fd, path, 0) == -1 && errno != ENOENT)
		return err_sys(e, "queue/%s", path);
	mark_removed(q, x->id);
	cache_drop(&q->cache, x);
	return 0;
}

/* 0: answered.  -1: ERR_PROTO, or ERR_TEMP: try again later. */
static int
mark_apply(struct queue *q, const struct msg_mark *req, struct err *e)
{
	struct entry *x;
	int r = mark_entry(q, req->id, &x, e);
	bool gone = r == 0;

	if (r == -1 && e->kind == ERR_PERM) {
		gone = true;
		r = mark_bad(q, req->id, e->what, e);
	} else if (r == 1) {
		for (uint32_t i = 0; i < req->n; i++)
			if (req->mark[i].slot >= x->file.nslot)
				return err_set(e, ERR_PROTO, NULL, "mark of slot %u of %u",
				    req->mark[i].slot, x->file.nslot);
		gone = mark_left(x, req) == 0;
		r = gone ? mark_finish(q, x, e) : mark_write(q, x, req, e);
		if (r == -1 && !gone && e->sys == ENOENT) {	/* it went behind our back */
			cache_drop(&q->cache, x);
			gone = true;
			r = 0;
		}
	}
	if (r != -1)
		mark_answer(q, req->h.id, req->id, gone);
	return r == -1 ? -1 : 0;
}

/* A result must not be lost to a passing fault: it is kept, and tried again in a second. */
static int
mark_keep(struct queue *q, const struct msg_mark *req, size_t len, struct err *e)
{
	struct mark_retry *r = malloc(sizeof *r + len);

	log_line(LOG_ERR, req->id, "mark", "why=%s", log_q(e->what));
	if (r == NULL)		/* a new channel makes qmgr repeat what it has no answer to */
		return err_set(e, ERR_PROTO, NULL, "no memory to keep a mark");
	r->next = NULL;
	r->len = (uint32_t)len;
	memcpy(r->packet, req, len);
	*q->retry_last = r;
	q->retry_last = &r->next;
	if (q->retry_timer.at == 0 && loop_timer(q->loop, &q->retry_timer, RETRY_MS, e) == -1)
		return err_set(e, ERR_PROTO, NULL, "no memory to keep a mark");
	return 0;
}

void
mark_retry(void *arg)
{
	struct queue *q = arg;
	struct mark_retry *r = q->retry_first, *next;
	struct err e;

	q->retry_first = NULL;
	q->retry_last = &q->retry_first;
	for (; r != NULL; r = next) {
		const struct msg_mark *req = (const struct msg_mark *)(const void *)r->packet;

		next = r->next;
		if (q->qmgr.open && mark_apply(q, req, &e) == -1 && e.kind != ERR_PROTO)
			(void)mark_keep(q, req, r->len, &e);
		free(r);
	}
}

void
mark_forget(struct queue *q)
{
	struct mark_retry *r = q->retry_first, *next;

	for (; r != NULL; r = next) {
		next = r->next;
		free(r);
	}
	q->retry_first = NULL;
	q->retry_last = &q->retry_first;
}

static bool
mark_id(const char id[QID_SIZE])
{
	return memchr(id, '\0', QID_SIZE) != NULL && qid_ok(id);
}

int
mark_on_packet(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct queue *q = c->arg;
	const struct msg_mark *req = msg;

	(void)fds;
	if (req->n == 0 || len != sizeof *req + req->n * sizeof *req->mark || !mark_id(req->id))
		return err_set(e, ERR_PROTO, NULL, "a mark of %u slots in %zu octets", req->n, len);
	for (uint32_t i = 0; i < req->n; i++)
		if (req->mark[i].state >= SLOT_STATES)
			return err_set(e, ERR_PROTO, NULL, "a mark of state %u", req->mark[i].state);
	if (mark_apply(q, req, e) == -1)
		return e->kind == ERR_PROTO ? -1 : mark_keep(q, req, len, e);
	return 0;
}

int
mark_on_badfile(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_id *m = msg;

	(void)len, (void)fds;
	if (!mark_id(m->id))
		return err_set(e, ERR_PROTO, NULL, "no message ID");
	return mark_bad(c->arg, m->id, "qmgr could not read it", e);
}
