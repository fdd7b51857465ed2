/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"

/* Room for a daemon's own timers, so that none of them fails when memory is short. */
enum { TIMERS_FIRST = 16 };

static int
heap_grow(struct loop *l, size_t cap)
{
	struct timer **heap = realloc(l->heap, cap * sizeof *heap);

	if (heap == NULL)
		return -1;
	l->heap = heap;
	l->capheap = cap;
	return 0;
}

int
loop_init(struct loop *l, struct err *e)
{
	*l = (struct loop){ .ep = epoll_create1(EPOLL_CLOEXEC) };
	if (l->ep == -1)
		return err_sys(e, "epoll");
	if (heap_grow(l, TIMERS_FIRST) == 0)
		return 0;
	err_sys(e, "timers");
	close(l->ep);
	l->ep = -1;
	return -1;
}

void
loop_free(struct loop *l)
{
	free(l->heap);
	l->heap = NULL;
	if (l->ep != -1)
		close(l->ep);
	l->ep = -1;
}

int
loop_watch(struct loop *l, struct watch *w, uint32_t events, struct err *e)
{
	struct epoll_event ev = { events, { .ptr = w } };

	return epoll_ctl(l->ep, EPOLL_CTL_ADD, w->fd, &ev) == -1 ? err_sys(e, "epoll add") : 0;
}

int
loop_change(struct loop *l, struct watch *w, uint32_t events, struct err *e)
{
	struct epoll_event ev = { events, { .ptr = w } };

	return epoll_ctl(l->ep, EPOLL_CTL_MOD, w->fd, &ev) == -1 ? err_sys(e, "epoll change") : 0;
}

void
loop_unwatch(struct loop *l, struct watch *w)
{
	epoll_ctl(l->ep, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = l->next; i < l->nbatch; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

static void
heap_put(struct loop *l, size_t i, struct timer *t)
{
	l->heap[i] = t;
	t->at = i + 1;
}

/* Moves the timer at i to where it belongs. */
static void
heap_fix(struct loop *l, size_t i)
{
	struct timer *t = l->heap[i];

	while (i > 0 && l->heap[(i - 1) / 2]->due_ms > t->due_ms) {
		heap_put(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t kid = 2 * i + 1;

		if (kid < l->nheap && kid + 1 < l->nheap &&
		    l->heap[kid + 1]->due_ms < l->heap[kid]->due_ms)
			kid++;
		if (kid >= l->nheap || l->heap[kid]->due_ms >= t->due_ms)
			break;
		heap_put(l, i, l->heap[kid]);
		i = kid;
	}
	heap_put(l, i, t);
}

int
loop_timer(struct loop *l, struct timer *t, int64_t after_ms, struct err *e)
{
	t->due_ms = clock_ms() + (after_ms < 0 ? 0 : after_ms);
	if (t->at == 0) {
		if (l->nheap == l->capheap && heap_grow(l, l->capheap * 2) == -1)
			return err_sys(e, "timer");
		heap_put(l, l->nheap++, t);
	}
	heap_fix(l, t->at - 1);
	return 0;
}

void
loop_cancel(struct loop *l, struct timer *t)
{
	size_t i = t->at - 1;

	if (t->at == 0)
		return;
	t->at = 0;
	l->nheap--;
	if (i < l->nheap) {
		heap_put(l, i, l->heap[l->nheap]);
		heap_fix(l, i);
	}
}

static void
loop_fire(struct loop *l)
{
	int64_t now = clock_ms();

	while (!l->stop && l->nheap > 0 && l->heap[0]->due_ms <= now) {
		struct timer *t = l->heap[0];

		loop_cancel(l, t);
		t->fire(t->arg);
	}
}

int
loop_run(struct loop *l, struct err *e)
{
	while (!l->stop) {
		int64_t wait = l->nheap > 0 ? l->heap[0]->due_ms - clock_ms() : -1;

		if (l->nheap > 0 && wait < 0)
			wait = 0;
		l->nbatch = epoll_wait(l->ep, l->batch, sizeof l->batch / sizeof *l->batch,
		    clock_wait_ms(wait));
		if (l->nbatch == -1 && errno != EINTR)
			return err_sys(e, "epoll");
		for (l->next = 0; l->next < l->nbatch && !l->stop;) {
			struct epoll_event *ev = &l->batch[l->next++];
			struct watch *w = ev->data.ptr;

			if (w != NULL)
				w->ready(w->arg, ev->events);
		}
		l->nbatch = 0;
		loop_fire(l);
	}
	return 0;
}
