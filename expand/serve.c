/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "expand/serve.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "expand/letter.h"
#include "expand/source.h"
#include "lib/alias.h"
#include "lib/clock.h"
#include "lib/figure.h"
#include "lib/fileio.h"
#include "lib/log.h"
#include "lib/result.h"

enum work_state { WAITING, OPENING, COMMITTING };

/* One recipient that stands for others. */
struct work {
	struct work *next;
	enum work_state state;
	uint32_t number;		/* local's; 0: the local that asked has gone */
	uint32_t request;		/* of what is with queue */
	int64_t since_ms;		/* it is there */
	char id[QID_SIZE], new_id[QID_SIZE];	/* the old message; the new one */
	uint32_t slot, flags, n;	/* flags, n: once it is written */
	int fd;				/* of the old message */
};

/* --- the end of one --- */

static void
answer(struct expand *x, uint32_t number, const struct msg_expanded *m)
{
	struct msg_expanded copy = *m;
	struct err e = { 0 };

	if (number != 0 && x->local.open && chan_send(&x->local, &copy.h, MSG_EXPANDED, number, sizeof copy, NULL, 0, &e) == -1)
		log_line(LOG_WARN, NULL, "unanswered", "why=%s", log_q(e.what));
}

static void
answer_done(struct expand *x, uint32_t number, uint32_t flags, uint32_t n)
{
	struct msg_expanded m = { .kind = ERR_NONE, .flags = flags, .dsn = "2.0.0" };

	if (n == 1)
		snprintf(m.what, sizeof m.what, "passed on to the address that it stands for");
	else
		snprintf(m.what, sizeof m.what, "passed on to the %u addresses that it stands for", n);
	answer(x, number, &m);
}

static void
answer_failed(struct expand *x, uint32_t number, const struct err *why)
{
	struct msg_expanded m = { .kind = (uint32_t)why->kind };

	snprintf(m.dsn, sizeof m.dsn, "%s", why->dsn);
	text_cut(why->what, m.what, sizeof m.what);
	answer(x, number, &m);
}

static void
work_free(struct expand *x, struct work *w)
{
	struct work **at = &x->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (x->last == &w->next)
		x->last = at;
	x->nwork--;
	x->nactive -= w->state != WAITING;
	close(w->fd);
	free(w);
}

static void
work_failed(struct expand *x, struct work *w, const struct err *why)
{
	log_line(LOG_WARN, w->id, "not-expanded", "slot=%u dsn=%s why=%s", w->slot, log_q(why->dsn), log_q(why->what));
	answer_failed(x, w->number, why);
	work_free(x, w);
}

/* --- one message --- */

static int
loops(const struct source *s, uint32_t slot, struct err *e)
{
	const struct rcpt *r = &s->env.rcpt[slot];

	if (alias_was_there(s->header, r->addr) || alias_was_there(s->header, rcpt_spelled(r)))
		return err_set(e, ERR_PERM, "5.4.6", "the message has been at this address before: a mail loop");
	return 0;
}

/* What it stands for. */
static int
find_targets(const struct expand *x, const struct source *s, uint32_t slot, struct targets *t, struct err *e)
{
	struct span addr = s->env.rcpt[slot].addr;

	if (targets_find(&x->aliases, addr, t, e) == -1)
		return -1;
	return t->n > 0 ? 0 : err_set(e, ERR_PERM, "5.4.6", "the address stands for itself alone: a mail loop");
}

/* The envelope in a memory file, for what is too large for a packet. */
static int
block_file(struct span block, struct err *e)
{
	int fd = memfd_create("envelope", MFD_CLOEXEC);

	if (fd == -1)
		return err_sys(e, "envelope");
	if (fileio_write(fd, block, e) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
send_commit(struct expand *x, const struct work *w, uint64_t len, uint32_t crc, struct span block, struct err *e)
{
	_Alignas(8) static unsigned char packet[MSG_MAX];
	struct msg_commit *m = (struct msg_commit *)(void *)packet;
	bool fits = block.n <= sizeof packet - sizeof *m;
	int fd = fits ? -1 : block_file(block, e);

	if (!fits && fd == -1)
		return -1;
	*m = (struct msg_commit){ .msg_len = len, .msg_crc = crc, .env_len = (uint32_t)block.n };
	memcpy(m->id, w->new_id, QID_SIZE);
	if (fits)
		memcpy(packet + sizeof *m, block.p, block.n);
	return chan_send(&x->queue, &m->h, MSG_COMMIT, w->request, sizeof *m + (fits ? block.n : 0), &fd, fd != -1, e);
}

/* Writes it into fd, which is closed then: queue takes none that somebody can still write. */
static int
write_new(struct expand *x, struct work *w, const struct source *s, const struct targets *t, int fd, struct err *e)
{
	struct letter l = { .env = &s->env, .slot = w->slot, .header = s->header,
	    .me = conf_string(&x->daemon->conf, CONF_ME), .id = w->new_id, .now_us = clock_us() };
	struct buf top, block;
	uint32_t crc = 0;
	int r;

	buf_init(&top, LETTER_TOP);
	buf_init(&block, ENV_MAX);
	r = letter_top(&l, t->list, &top, e);
	l.before = top.n;
	if (r == 0)
		r = letter_envelope(&l, t, &block, &w->flags, &w->n, e);
	if (r == 0)
		r = fileio_write(fd, buf_view(&top), e);
	if (r == 0) {
		crc = crc32c(0, top.p, top.n);
		r = source_copy(s, fd, &crc, e);
	}
	close(fd);
	if (r == 0)
		r = send_commit(x, w, top.n + s->q.msg_len, crc, buf_view(&block), e);
	buf_free(&top);
	buf_free(&block);
	return r;
}

/* queue's file is open: takes it over. */
static int
work_write(struct expand *x, struct work *w, int fd, struct err *e)
{
	struct source s;
	struct targets t = { .v = NULL };
	int r = source_open(&s, w->fd, e);

	if (r == 0)
		r = find_targets(x, &s, w->slot, &t, e);
	if (r == 0)
		r = write_new(x, w, &s, &t, fd, e);
	else
		close(fd);
	targets_free(&t);
	source_close(&s);
	return r;
}

/* --- queue --- */

static void work_turn(struct expand *x);

static struct work *
work_of(struct expand *x, uint32_t request)
{
	struct work *w = x->first;

	while (w != NULL && (w->state == WAITING || w->request != request))
		w = w->next;
	return w;
}

static int
queue_on_opened(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct expand *x = c->arg;
	const struct msg_id *m = msg;
	struct work *w = work_of(x, m->h.id);
	struct err why = { 0 };
	int fd = fds[0];

	(void)len;
	if (w == NULL || w->state != OPENING || !qid_ok(m->id))
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	fds[0] = -1;
	memcpy(w->new_id, m->id, QID_SIZE);
	if (work_write(x, w, fd, &why) == 0) {
		w->state = COMMITTING;
		w->since_ms = clock_ms();
	} else {
		struct msg_id drop = { .id = "" };

		memcpy(drop.id, m->id, QID_SIZE);
		(void)chan_send(c, &drop.h, MSG_ABANDON, 0, sizeof drop, NULL, 0, e);
		work_failed(x, w, &why);
	}
	work_turn(x);
	return 0;
}

static int
queue_on_committed(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct expand *x = c->arg;
	const struct msg_committed *m = msg;
	struct work *w = work_of(x, m->h.id);

	(void)len, (void)fds;
	if (w == NULL || w->state != COMMITTING || strcmp(m->id, w->new_id) != 0)
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	log_line(LOG_INFO, w->new_id, "expanded", "of=%s slot=%u recipients=%u", w->id, w->slot, w->n);
	done_keep(&x->done, w->id, w->slot, w->flags, w->n);
	x->committed++;
	answer_done(x, w->number, w->flags, w->n);
	work_free(x, w);
	work_turn(x);
	return 0;
}

static int
queue_on_refused(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct expand *x = c->arg;
	const struct msg_refused *m = msg;
	struct work *w = work_of(x, m->h.id);
	char what[sizeof m->what];
	struct err why = { 0 };

	(void)len, (void)fds;
	if (w == NULL)
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	span_text(span_of(m->what, strnlen(m->what, sizeof m->what)), what, sizeof what);
	err_set(&why, ERR_TEMP, "4.3.0", "queue: %.150s", what);
	work_failed(x, w, &why);
	work_turn(x);
	return 0;
}

static const struct msg_rule from_queue[] = {
	{ MSG_OPENED, sizeof(struct msg_id), sizeof(struct msg_id), 1, 1, queue_on_opened },
	{ MSG_COMMITTED, sizeof(struct msg_committed), sizeof(struct msg_committed), 0, 0, queue_on_committed },
	{ MSG_REFUSED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 0, queue_on_refused },
};

/* What was with queue is to be asked for again, and so is what waited. */
static void
works_drop(struct expand *x, const char *what)
{
	struct err why = { 0 };

	err_set(&why, ERR_TEMP, "4.3.0", "queue: %s", what);
	while (x->first != NULL)
		work_failed(x, x->first, &why);
	loop_cancel(&x->daemon->loop, &x->late);
}

static void
queue_gone(struct chan *c, const struct err *why)
{
	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=queue");
	works_drop(c->arg, "it has gone");
	daemon_lost(ROLE_QUEUE);
}

/* One opened late would stay open for ever, and one committed late come twice. */
static void
queue_late(void *arg)
{
	struct expand *x = arg;

	log_line(LOG_ERR, NULL, "no-answer", "peer=queue");
	chan_close(&x->queue);
	works_drop(x, "no answer");
	daemon_lost(ROLE_QUEUE);
}

/* The timer stands at the first that queue has not answered. */
static void
late_set(struct expand *x)
{
	int64_t due = INT64_MAX, late;
	struct err e;

	for (const struct work *w = x->first; w != NULL; w = w->next)
		if (w->state != WAITING && w->since_ms + EXPAND_WAIT_MS < due)
			due = w->since_ms + EXPAND_WAIT_MS;
	if (due == INT64_MAX) {
		loop_cancel(&x->daemon->loop, &x->late);
		return;
	}
	late = due - clock_ms();
	if (loop_timer(&x->daemon->loop, &x->late, late > 0 ? late : 0, &e) == -1)
		log_line(LOG_WARN, NULL, "timer", "why=%s", log_q(e.what));
}

static void
work_begin(struct expand *x, struct work *w)
{
	struct msg_open open = { .reserve = 1 };
	struct err why = { 0 };

	w->state = OPENING;
	w->request = ++x->request;
	w->since_ms = clock_ms();
	x->nactive++;
	if (chan_send(&x->queue, &open.h, MSG_OPEN, w->request, sizeof open, NULL, 0, &why) == -1)
		work_failed(x, w, &why);
}

/* Begins those whose turn it is. */
static void
work_turn(struct expand *x)
{
	struct work *next;

	for (struct work *w = x->first; w != NULL && x->nactive < EXPAND_AT_ONCE; w = next) {
		next = w->next;
		if (w->state == WAITING)
			work_begin(x, w);
	}
	late_set(x);
}

/* --- local --- */

/* Can it be written at all?  What fails needs no file of queue's. */
static int
work_check(const struct expand *x, const struct msg_expand *m, int fd, struct err *e)
{
	struct source s;
	struct targets t = { .v = NULL };
	int r = source_open(&s, fd, e);

	if (r == 0 && m->slot >= s.env.nrcpt)
		r = err_set(e, ERR_TEMP, "4.3.0", "no recipient %u", m->slot);
	if (r == 0)
		r = loops(&s, m->slot, e);
	if (r == 0)
		r = find_targets(x, &s, m->slot, &t, e);
	targets_free(&t);
	source_close(&s);
	return r;
}

static bool
under_way(const struct expand *x, const struct msg_expand *m)
{
	for (const struct work *w = x->first; w != NULL; w = w->next)
		if (w->slot == m->slot && strcmp(w->id, m->id) == 0)
			return true;
	return false;
}

static int
work_new(struct expand *x, const struct msg_expand *m, int *fd, struct err *e)
{
	struct work *w;

	if (under_way(x, m))		/* for a local that was there before */
		return err_set(e, ERR_TEMP, "4.3.0", "that is under way");
	if (!x->queue.open)
		return err_set(e, ERR_TEMP, "4.3.0", "queue is not there");
	if (x->nwork >= EXPAND_WAITING)
		return err_set(e, ERR_TEMP, "4.3.2", "%d messages wait already", EXPAND_WAITING);
	if (work_check(x, m, *fd, e) == -1)
		return -1;
	if ((w = calloc(1, sizeof *w)) == NULL)
		return err_sys(e, "alias");
	*w = (struct work){ .number = m->h.id, .slot = m->slot, .fd = *fd };
	memcpy(w->id, m->id, QID_SIZE);
	*fd = -1;
	*x->last = w;
	x->last = &w->next;
	x->nwork++;
	return 0;
}

static int
local_on_expand(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct expand *x = c->arg;
	const struct msg_expand *m = msg;
	const struct done_one *before;
	struct err why = { 0 };

	(void)len;
	if (!qid_ok(m->id))
		return err_set(e, ERR_PROTO, NULL, "a wrong message");
	if ((before = done_find(&x->done, m->id, m->slot)) != NULL) {
		log_line(LOG_INFO, m->id, "expanded-before", "slot=%u", m->slot);
		answer_done(x, m->h.id, before->flags, before->n);
	} else if (work_new(x, m, &fds[0], &why) == -1) {
		log_line(LOG_WARN, m->id, "not-expanded", "slot=%u dsn=%s why=%s", m->slot, log_q(why.dsn),
		    log_q(why.what));
		answer_failed(x, m->h.id, &why);
	}
	work_turn(x);
	return 0;
}

static const struct msg_rule from_local[] = {
	{ MSG_EXPAND, sizeof(struct msg_expand), sizeof(struct msg_expand), 1, 1, local_on_expand },
};

/* What is under way goes on: the next local asks for it, and hears that it is done. */
static void
local_gone(struct chan *c, const struct err *why)
{
	(void)c, (void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=local");
	daemon_lost(ROLE_LOCAL);
}

/* --- the rest --- */

static int
expand_connect(struct expand *x, enum role role, int fd, struct err *e)
{
	if (role == ROLE_QUEUE) {
		chan_close(&x->queue);
		works_drop(x, "it was started anew");
		return chan_open(&x->queue, &x->daemon->loop, fd, "queue", from_queue,
		    sizeof from_queue / sizeof *from_queue, queue_gone, x, e);
	}
	if (role != ROLE_LOCAL)
		return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
	chan_close(&x->local);
	for (struct work *w = x->first; w != NULL; w = w->next)
		w->number = 0;
	return chan_open(&x->local, &x->daemon->loop, fd, "local", from_local, sizeof from_local / sizeof *from_local,
	    local_gone, x, e);
}

static void
expand_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (expand_connect(arg, role, fd, &e) == 0)
		return;
	close(fd);
	log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

static void
expand_stats(void *arg, struct buf *out)
{
	const struct expand *x = arg;

	figure_add(out, "accord_expand_waiting", x->nwork);
	figure_add(out, "accord_expand_messages_total", x->committed);
}

static int
expand_check(void *arg, struct daemon_next *next, struct err *e)
{
	return aliases_check(&((struct expand *)arg)->aliases, daemon_next_take(next, "known"), e);
}

static void
expand_switched(void *arg, struct conf *old)
{
	(void)old;
	aliases_switch(&((struct expand *)arg)->aliases);
}

static void
expand_kept(void *arg)
{
	aliases_keep(&((struct expand *)arg)->aliases);
}

int
expand_open(struct expand *x, struct daemon *d, struct err *e)
{
	*x = (struct expand){ .daemon = d, .late = { .fire = queue_late, .arg = x } };
	x->last = &x->first;
	if (aliases_open(&x->aliases, &d->conf, daemon_file(d, "known"), e) == -1)
		return -1;
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && expand_connect(x, (enum role)r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = expand_on_peer;
	d->stats = expand_stats;
	d->check = expand_check;
	d->switched = expand_switched;
	d->kept = expand_kept;
	d->arg = x;
	return 0;
}

void
expand_free(struct expand *x)
{
	chan_close(&x->local);
	chan_close(&x->queue);
	works_drop(x, "the end");
	aliases_close(&x->aliases);
}
