/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/loop.h - the event loop of the scheduling processes: epoll, timers, child exits.
 * Watches and timers live inside the caller's structs; the loop owns none of them.
 */
#ifndef LIB_LOOP_H
#define LIB_LOOP_H

#include <sys/epoll.h>

#include "lib/err.h"
#include "lib/span.h"

struct watch {
	int fd;				/* borrowed */
	void (*ready)(void *arg, uint32_t events);	/* EPOLLIN … */
	void *arg;
};

struct timer {
	int64_t due_ms;			/* clock_ms() */
	void (*fire)(void *arg);
	void *arg;
	size_t at;			/* place in the heap + 1; 0: not set */
};

struct loop {
	int ep;
	bool stop;			/* set it to leave loop_run */
	struct timer **heap;
	size_t nheap, capheap;
	struct epoll_event batch[64];
	int nbatch, next;
};

int loop_init(struct loop *l, struct err *e);
void loop_free(struct loop *l);

int loop_watch(struct loop *l, struct watch *w, uint32_t events, struct err *e);
int loop_change(struct loop *l, struct watch *w, uint32_t events, struct err *e);
/* Safe in any handler: events of w that were already fetched are dropped.  fd stays open. */
void loop_unwatch(struct loop *l, struct watch *w);

/* Sets or moves t to fire once, after_ms from now.  -1: no memory. */
int loop_timer(struct loop *l, struct timer *t, int64_t after_ms, struct err *e);
void loop_cancel(struct loop *l, struct timer *t);

/* Runs handlers until l->stop.  -1: epoll failed. */
int loop_run(struct loop *l, struct err *e);

#endif
