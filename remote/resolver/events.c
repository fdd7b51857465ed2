/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/resolver/events.h"

#include <stdlib.h>
#include <sys/time.h>

#include "lib/log.h"

struct event {
	struct ub_event super;		/* first */
	struct loop *loop;
	struct watch watch;
	struct timer timer;
	int64_t timeout_ms;		/* -1: none */
	short bits;			/* UB_EV_… */
	bool watched;
	void (*cb)(int, short, void *);
	void *arg;
};

static struct event *
event_of(struct ub_event *e)
{
	return (struct event *)(void *)e;
}

static int
event_del(struct ub_event *super)
{
	struct event *e = event_of(super);

	if (e->watched)
		loop_unwatch(e->loop, &e->watch);
	e->watched = false;
	loop_cancel(e->loop, &e->timer);
	return 0;
}

static int
event_start(struct event *e)
{
	uint32_t want = (e->bits & UB_EV_READ ? EPOLLIN : 0) | (e->bits & UB_EV_WRITE ? EPOLLOUT : 0);
	struct err err;

	if (want != 0 && e->watch.fd != -1) {
		if ((e->watched ? loop_change(e->loop, &e->watch, want, &err) :
		    loop_watch(e->loop, &e->watch, want, &err)) == -1) {
			log_line(LOG_ERR, NULL, "failed", "why=%s", log_q(err.what));
			return -1;
		}
		e->watched = true;
	}
	if (e->timeout_ms < 0)
		loop_cancel(e->loop, &e->timer);
	else if (loop_timer(e->loop, &e->timer, e->timeout_ms, &err) == -1)
		return -1;
	return 0;
}

/* libevent's rule: an event that is not persistent is inactive before its callback runs; a persistent
 * one has its time again. */
static void
event_fire(struct event *e, short what)
{
	if (!(e->bits & UB_EV_PERSIST))
		event_del(&e->super);
	else if (e->timeout_ms >= 0)
		(void)event_start(e);
	e->cb(e->watch.fd, what, e->arg);
}

static void
event_ready(void *arg, uint32_t events)
{
	struct event *e = arg;
	short what = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		what |= UB_EV_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		what |= UB_EV_WRITE;
	what &= e->bits;
	if (what != 0)
		event_fire(e, what);
}

static void
event_due(void *arg)
{
	event_fire(arg, UB_EV_TIMEOUT);
}

static void
event_add_bits(struct ub_event *super, short bits)
{
	event_of(super)->bits |= bits;
}

static void
event_del_bits(struct ub_event *super, short bits)
{
	event_of(super)->bits &= (short)~bits;
}

static void
event_set_fd(struct ub_event *super, int fd)
{
	event_of(super)->watch.fd = fd;
}

static void
event_free(struct ub_event *super)
{
	event_del(super);
	free(event_of(super));
}

static int64_t
milliseconds(const struct timeval *tv)
{
	return tv == NULL ? -1 : (int64_t)tv->tv_sec * 1000 + (tv->tv_usec + 999) / 1000;
}

static int
event_add(struct ub_event *super, struct timeval *tv)
{
	struct event *e = event_of(super);

	e->timeout_ms = milliseconds(tv);
	return event_start(e);
}

static int
event_add_timer(struct ub_event *super, struct ub_event_base *base,
    void (*cb)(int, short, void *), void *arg, struct timeval *tv)
{
	struct event *e = event_of(super);

	(void)base;
	event_del(super);
	e->watch.fd = -1;
	e->bits = UB_EV_TIMEOUT;
	e->cb = cb;
	e->arg = arg;
	e->timeout_ms = milliseconds(tv);
	return event_start(e);
}

static int
event_no_signal(struct ub_event *super, struct timeval *tv)
{
	(void)super, (void)tv;
	return -1;
}

static void
event_no_socket(struct ub_event *super, int bit)
{
	(void)super, (void)bit;
}

static struct ub_event_vmt event_table = {
	.add_bits = event_add_bits, .del_bits = event_del_bits, .set_fd = event_set_fd,
	.free = event_free, .add = event_add, .del = event_del, .add_timer = event_add_timer,
	.del_timer = event_del, .add_signal = event_no_signal, .del_signal = event_del,
	.winsock_unregister_wsaevent = event_free, .winsock_tcp_wouldblock = event_no_socket,
};

static struct ub_event *
base_new_event(struct ub_event_base *base, int fd, short bits, void (*cb)(int, short, void *),
    void *arg)
{
	struct events *ev = (struct events *)(void *)base;
	struct event *e = calloc(1, sizeof *e);

	if (e == NULL)
		return NULL;
	*e = (struct event){ .super = { UB_EVENT_MAGIC, &event_table }, .loop = ev->loop,
	    .watch = { fd, event_ready, e }, .timer = { .fire = event_due, .arg = e },
	    .timeout_ms = -1, .bits = bits, .cb = cb, .arg = arg };
	return &e->super;
}

static struct ub_event *
base_no_signal(struct ub_event_base *base, int fd, void (*cb)(int, short, void *), void *arg)
{
	(void)base, (void)fd, (void)cb, (void)arg;
	return NULL;
}

static struct ub_event *
base_no_winsock(struct ub_event_base *base, void *event, void (*cb)(int, short, void *), void *arg)
{
	(void)base, (void)event, (void)cb, (void)arg;
	return NULL;
}

/* The loop is not libunbound's: it neither runs nor ends it. */
static void
base_free(struct ub_event_base *base)
{
	(void)base;
}

static int
base_dispatch(struct ub_event_base *base)
{
	(void)base;
	return -1;
}

static int
base_loopexit(struct ub_event_base *base, struct timeval *tv)
{
	(void)base, (void)tv;
	return 0;
}

static struct ub_event_base_vmt base_table = {
	.free = base_free, .dispatch = base_dispatch, .loopexit = base_loopexit,
	.new_event = base_new_event, .new_signal = base_no_signal,
	.winsock_register_wsaevent = base_no_winsock,
};

void
events_init(struct events *ev, struct loop *l)
{
	*ev = (struct events){ .base = { UB_EVENT_MAGIC, &base_table }, .loop = l };
}
