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

/* The answers to what came with one packet are one packet too. */
static struct msg_marked *
answer_begin(void)
{
	static _Alignas(8) unsigned char packet[sizeof(struct msg_marked) +
	    MSG_MARKS_MAX * sizeof(struct marked)];
	struct msg_marked *m = (struct msg_marked *)(void *)packet;

	m->n = 0;
	return m;
}

static void
answer_add(struct msg_marked *m, const struct mark *of, bool gone)
{
	struct marked *to = &m->marked[m->n++];

	*to = (struct marked){ .number = of->number, .gone = gone };
	memcpy(to->id, of->id, QID_LEN);
}

static void
answer_send(struct queue *q, struct msg_marked *m)
{
	struct err e;

	if (m->n == 0 || chan_send(&q->qmgr, &m->h, MSG_MARKED, 0,
	    sizeof *m + m->n * sizeof *m->marked, NULL, 0, &e) == 0)
		return;
	log_line(LOG_ERR, NULL, "unanswered", "why=%s", log_q(e.what));
	queue_lose_qmgr(q);
}

static int
bad_flush(const struct queue *q)
{
	int fd = openat(q->dir_fd, "bad", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd == -1)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

/*
 * The new name is durable before the old one goes: a file system may keep the two changes of a rename across
 * folders apart.  So rare that the loop may wait for it.  It may have both names already, after a power cut.
 */
static int
bad_name(const struct queue *q, const char *from, const char *to)
{
	if (linkat(q->dir_fd, from, q->dir_fd, to, 0) == -1 && errno != EEXIST)
		return errno == ENOENT ? 0 : renameat(q->dir_fd, from, q->dir_fd, to);
	if (bad_flush(q) == -1)
		return -1;
	return unlinkat(q->dir_fd, from, 0) == -1 && errno != ENOENT ? -1 : 0;
}

/* Out of qmgr's way and never removed: somebody has to look. */
static int
mark_bad(struct queue *q, const char *id, const char *why, struct err *e)
{
	struct entry *x = cache_find(&q->cache, id);
	char from[PATH_SIZE], to[PATH_SIZE];

	path_final(id, from);
	path_bad(id, to);
	if (bad_name(q, from, to) == -1)
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
mark_left(const struct entry *x, const struct marks *all)
{
	uint32_t left = x->left;

	for (uint32_t i = 0; i < all->n; i++) {
		uint32_t k, slot = all->mark[i].slot;

		if (!slot_final(all->mark[i].state) || slot_final(x->state[slot]))
			continue;
		for (k = 0; k < i; k++)		/* named before? */
			if (all->mark[k].slot == slot && slot_final(all->mark[k].state))
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
	    .since_s = m->since_s, .last_us = m->last_us, .next_us = m->next_us };
	span_text(span_of(m->dsn, strnlen(m->dsn, sizeof m->dsn)), s->dsn, sizeof s->dsn);
	span_text(span_of(m->text, strnlen(m->text, sizeof m->text)), s->text, sizeof s->text);
}

static int
mark_write(struct queue *q, struct entry *x, const struct marks *all, struct err *e)
{
	char path[PATH_SIZE];
	struct slot s;
	int fd, r = 0;

	path_final(x->id, path);
	fd = openat(q->dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return err_sys(e, "queue/%s", path);
	cache_dirty(&q->cache, x);
	for (uint32_t i = 0; r == 0 && i < all->n; i++) {
		const struct mark *m = &all->mark[i];

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

/* 0: *answer has another.  -1: ERR_PROTO, or ERR_TEMP: try again later. */
static int
mark_apply(struct queue *q, const struct marks *all, struct msg_marked *answer, struct err *e)
{
	const char *id = all->mark->id;
	struct entry *x;
	int r = mark_entry(q, id, &x, e);
	bool gone = r == 0;

	if (r == -1 && e->kind == ERR_PERM) {
		gone = true;
		r = mark_bad(q, id, e->what, e);
	} else if (r == 1) {
		for (uint32_t i = 0; i < all->n; i++)
			if (all->mark[i].slot >= x->file.nslot)
				return err_set(e, ERR_PROTO, NULL, "mark of slot %u of %u",
				    all->mark[i].slot, x->file.nslot);
		gone = mark_left(x, all) == 0;
		r = gone ? mark_finish(q, x, e) : mark_write(q, x, all, e);
		if (r == -1 && !gone && e->sys == ENOENT) {	/* it went behind our back */
			cache_drop(&q->cache, x);
			gone = true;
			r = 0;
		}
	}
	if (r != -1)
		answer_add(answer, all->mark, gone);
	return r == -1 ? -1 : 0;
}

/* A result must not be lost to a passing fault: it is tried again in a second.  r is taken over.  -1:
 * ERR_PROTO, a new channel makes qmgr repeat what it has no answer to. */
static int
mark_later(struct queue *q, struct mark_retry *r, struct err *e)
{
	log_line(LOG_ERR, r->mark->id, "mark", "why=%s", log_q(e->what));
	r->next = NULL;
	*q->retry_last = r;
	q->retry_last = &r->next;
	if (q->retry_timer.at == 0 && loop_timer(q->loop, &q->retry_timer, RETRY_MS, e) == -1)
		return err_set(e, ERR_PROTO, NULL, "no memory to keep a mark");
	return 0;
}

/* The same for marks that lie in a packet. */
static int
mark_keep(struct queue *q, const struct marks *all, struct err *e)
{
	struct mark_retry *r = malloc(sizeof *r + all->n * sizeof *all->mark);

	if (r == NULL) {
		log_line(LOG_ERR, all->mark->id, "mark", "why=%s", log_q(e->what));
		return err_set(e, ERR_PROTO, NULL, "no memory to keep a mark");
	}
	r->n = all->n;
	memcpy(r->mark, all->mark, all->n * sizeof *all->mark);
	return mark_later(q, r, e);
}

/* Applies r once more, and frees it if that went well.  -1: ERR_PROTO. */
static int
mark_once_more(struct queue *q, struct mark_retry *r, struct err *e)
{
	struct marks all = { r->mark, r->n };
	struct msg_marked *answer = answer_begin();

	if (mark_apply(q, &all, answer, e) == -1) {
		if (e->kind != ERR_PROTO)
			return mark_later(q, r, e);
		free(r);
		return -1;
	}
	free(r);
	answer_send(q, answer);
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
		next = r->next;
		if (!q->qmgr.open) {		/* it repeats them on its next channel */
			free(r);
		} else if (mark_once_more(q, r, &e) == -1) {
			log_line(LOG_ERR, NULL, "unanswered", "why=%s", log_q(e.what));
			queue_lose_qmgr(q);
		}
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

/* All of a packet, before anything is done about one.  -1: ERR_PROTO. */
static int
marks_check(const struct msg_marks *m, size_t len, struct err *e)
{
	if (m->n == 0 || len != sizeof *m + m->n * sizeof *m->mark)
		return err_set(e, ERR_PROTO, NULL, "%u marks in %zu octets", m->n, len);
	for (uint32_t i = 0; i < m->n; i++)
		if (!mark_id(m->mark[i].id) || m->mark[i].state >= SLOT_STATES)
			return err_set(e, ERR_PROTO, NULL, "a mark of state %u", m->mark[i].state);
	return 0;
}

/* The marks from the packet's i-th on that are of the same job. */
static struct marks
marks_of(const struct msg_marks *m, uint32_t i)
{
	const struct mark *first = &m->mark[i];
	uint32_t n = 1;

	while (i + n < m->n && first[n].number == first->number &&
	    memcmp(first[n].id, first->id, QID_LEN) == 0)
		n++;
	return (struct marks){ first, n };
}

int
mark_on_packet(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct queue *q = c->arg;
	const struct msg_marks *m = msg;
	struct msg_marked *answer = answer_begin();
	int r = marks_check(m, len, e);

	(void)fds;
	for (uint32_t i = 0; r == 0 && i < m->n;) {
		struct marks all = marks_of(m, i);

		i += all.n;
		if (mark_apply(q, &all, answer, e) == -1)
			r = e->kind == ERR_PROTO ? -1 : mark_keep(q, &all, e);
	}
	answer_send(q, answer);
	return r;
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
