/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/chan.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/msg.h"

enum {
	CHAN_BURST = 32,	/* packets read before others get their turn */
	CHAN_PAUSE_MS = 10,	/* for which a packet waits that the system had no memory for */
	CHAN_DRAIN = 4096	/* of a channel that is given up: a peer that lives may go on */
};

struct chan_out {
	struct chan_out *next;
	uint32_t type, id;
	size_t len, nfd;
	int fds[MSG_FDS];
	_Alignas(8) unsigned char packet[];
};

static void chan_ready(void *arg, uint32_t events);
static void chan_again(void *arg);

int
chan_open(struct chan *c, struct loop *l, int fd, const char *name, const struct msg_rule *rules,
    size_t nrule, void (*gone)(struct chan *, const struct err *), void *arg, struct err *e)
{
	*c = (struct chan){ .loop = l, .name = name, .rules = rules, .nrule = nrule, .gone = gone,
	    .arg = arg, .watch = { fd, chan_ready, c }, .pause = { .fire = chan_again, .arg = c } };
	c->last = &c->first;
	if (loop_watch(l, &c->watch, EPOLLIN, e) == -1)
		return -1;
	c->open = true;
	return 0;
}

static void
chan_drop_first(struct chan *c)
{
	struct chan_out *o = c->first;

	c->first = o->next;
	if (c->first == NULL)
		c->last = &c->first;
	c->waiting--;
	ipc_close_fds(o->fds, o->nfd);
	free(o);
}

void
chan_close(struct chan *c)
{
	if (!c->open)
		return;
	c->open = false;
	if (c->freed != NULL)
		*c->freed = true;
	c->freed = NULL;
	loop_unwatch(c->loop, &c->watch);
	loop_cancel(c->loop, &c->pause);
	close(c->watch.fd);
	c->watch.fd = -1;
	while (c->first != NULL)
		chan_drop_first(c);
}

static void
chan_lost(struct chan *c, const struct err *why)
{
	chan_close(c);
	c->gone(c, why);
}

/* May what could not be sent, and why is sys, be sent later? */
static bool
is_later(int sys)
{
	return sys == EAGAIN || sys == ENOBUFS || sys == ENOMEM;
}

/* What waits is tried again as soon as the peer reads; after a pause if it was not the peer that kept it. */
static int
chan_wait(struct chan *c, int sys, struct err *e)
{
	if (sys == EAGAIN)
		return loop_change(c->loop, &c->watch, EPOLLIN | EPOLLOUT, e);
	if (loop_change(c->loop, &c->watch, EPOLLIN, e) == -1)
		return -1;
	return loop_timer(c->loop, &c->pause, CHAN_PAUSE_MS, e);
}

/* sys: why it is not sent now. */
static int
chan_keep(struct chan *c, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, int *fds,
    size_t nfd, int sys, struct err *e)
{
	bool full = c->most > 0 && c->waiting >= c->most;
	struct chan_out *o = full ? NULL : malloc(sizeof *o + len);

	if (o == NULL) {
		if (full)
			err_set(e, ERR_PROTO, "4.3.0", "%s: answers are not read", c->name);
		else
			err_sys(e, "%s: packet", c->name);
		ipc_close_fds(fds, nfd);
		return -1;
	}
	*o = (struct chan_out){ .type = type, .id = id, .len = len, .nfd = nfd };
	memcpy(o->packet, h, len);
	for (size_t i = 0; i < nfd; i++) {
		o->fds[i] = fds[i];
		fds[i] = -1;
	}
	*c->last = o;
	c->last = &o->next;
	if (c->waiting++ > 0 || chan_wait(c, sys, e) == 0)
		return 0;
	chan_drop_first(c);
	return -1;
}

/* A packet is lost.  Too many descriptors on their way are the sender's affair: others go through. */
static int
chan_break(struct chan *c, const struct err *e)
{
	struct err ignored;

	if (c->lossy || e->kind == ERR_PROTO || e->sys == ETOOMANYREFS)
		return -1;
	c->broken = true;
	(void)loop_change(c->loop, &c->watch, EPOLLIN | EPOLLOUT, &ignored);
	return -1;
}

static bool
peer_hung_up(const struct err *e)
{
	return e->sys == EPIPE || e->sys == ECONNRESET;
}

int
chan_send(struct chan *c, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, int *fds,
    size_t nfd, struct err *e)
{
	int sys = 0;

	if (!c->open) {
		ipc_close_fds(fds, nfd);
		return err_set(e, ERR_TEMP, "4.3.0", "%s: not there", c->name);
	}
	if (c->first == NULL) {
		if (ipc_send_now(c->watch.fd, h, type, id, len, fds, nfd, e) == 0) {
			ipc_close_fds(fds, nfd);
			return 0;
		}
		if (!is_later(e->sys)) {	/* the loop will see the hang-up */
			ipc_close_fds(fds, nfd);
			return peer_hung_up(e) ? 0 : chan_break(c, e);
		}
		sys = e->sys;
	}
	return chan_keep(c, h, type, id, len, fds, nfd, sys, e) == -1 ? chan_break(c, e) : 0;
}

int
chan_session(struct chan *c, uint32_t settings, struct err *e)
{
	struct msg_hdr h;
	int fd[2];

	if (!c->open)
		return err_set(e, ERR_TEMP, "4.3.0", "%s is not there", c->name != NULL ? c->name : "peer");
	if (ipc_pair(fd, e) == -1)
		return -1;
	if (chan_send(c, &h, MSG_SESSION, settings, sizeof h, &fd[1], 1, e) == -1) {
		close(fd[0]);
		return -1;
	}
	return fd[0];
}

/* What cannot be sent to a peer that has gone is dropped: what it said last is still to be read. */
static int
chan_flush(struct chan *c, struct err *e)
{
	while (c->first != NULL) {
		struct chan_out *o = c->first;

		if (ipc_send_now(c->watch.fd, (struct msg_hdr *)(void *)o->packet, o->type, o->id, o->len,
		    o->fds, o->nfd, e) == -1 && !peer_hung_up(e))
			return is_later(e->sys) ? chan_wait(c, e->sys, e) : -1;
		chan_drop_first(c);
	}
	return loop_change(c->loop, &c->watch, EPOLLIN, e);
}

static void
chan_again(void *arg)
{
	struct chan *c = arg;
	struct err e = { 0 };

	if (chan_flush(c, &e) == -1)
		chan_lost(c, &e);
}

static const struct msg_rule *
chan_rule(const struct chan *c, uint32_t type)
{
	for (size_t i = 0; i < c->nrule; i++)
		if (c->rules[i].type == type)
			return &c->rules[i];
	return NULL;
}

static int
chan_handle(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_hdr *h = msg;
	const struct msg_rule *r = chan_rule(c, h->type);
	size_t nfd = (size_t)(fds[0] != -1) + (size_t)(fds[1] != -1);

	if (r == NULL || len < r->min || len > r->max || nfd < r->nfd_min || nfd > r->nfd_max)
		return err_set(e, ERR_PROTO, NULL, "packet %u of %zu octets, %zu descriptors",
		    h->type, len, nfd);
	return r->handle(c, msg, len, fds, e);
}

/* One packet.  false: the channel has been closed, or freed with its owner. */
static bool
chan_take(struct chan *c, const unsigned char *packet, struct ipc_in *in)
{
	bool freed = false;
	int r;

	if (in->r <= 0) {
		if (in->r == 0)
			in->e.kind = ERR_NONE;
		chan_lost(c, &in->e);
		return false;
	}
	c->freed = &freed;
	in->e.kind = ERR_NONE;
	r = chan_handle(c, packet, in->len, in->fds, &in->e);
	ipc_close_fds(in->fds, MSG_FDS);
	if (freed)
		return false;
	c->freed = NULL;
	if (r == -1 && in->e.kind == ERR_PROTO) {
		log_line(LOG_ERR, NULL, "cut-off", "peer=%s why=%s", log_q(c->name), log_q(in->e.what));
		chan_lost(c, &in->e);
		return false;
	}
	if (r == -1)
		log_line(LOG_WARN, NULL, "failed", "peer=%s why=%s", log_q(c->name),
		    log_q(in->e.what));
	return true;
}

void
chan_drain(struct chan *c)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];	/* chan_ready's are in use by our caller */
	struct ipc_in in;
	int left = CHAN_DRAIN;

	do {
		in.e.sys = 0;
		if (left-- == 0 || !c->open)
			return;
		in.r = ipc_recv_now(c->watch.fd, packet, sizeof packet, &in.len, in.fds, &in.e);
	} while (in.r == 1 && chan_take(c, packet, &in));
}

static void
chan_ready(void *arg, uint32_t events)
{
	static _Alignas(8) unsigned char packet[IPC_SOME][MSG_MAX];	/* handlers do not re-enter the loop */
	static struct ipc_in in[IPC_SOME];
	struct chan *c = arg;
	struct err e = { 0 };
	int got = IPC_SOME;
	bool open = true;

	if (c->broken)
		err_set(&e, ERR_TEMP, NULL, "a packet could not be sent");
	if (c->broken || (events & EPOLLOUT && chan_flush(c, &e) == -1)) {
		chan_lost(c, &e);
		return;
	}
	for (int n = 0; n < CHAN_BURST && open && got == IPC_SOME; n += got) {
		got = ipc_recv_some(c->watch.fd, in, packet, &e);
		if (got == -1 && e.sys != EAGAIN)
			chan_lost(c, &e);
		for (int i = 0; i < got; i++) {
			if (open)
				open = chan_take(c, packet[i], &in[i]);
			else
				ipc_close_fds(in[i].fds, MSG_FDS);
		}
	}
}
