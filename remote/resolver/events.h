/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/resolver/events.h - libunbound's events on our own loop (its "pluggable" interface of
 * unbound-event.h): its sockets and timers become watches and timers of a struct loop.
 */
#ifndef REMOTE_RESOLVER_EVENTS_H
#define REMOTE_RESOLVER_EVENTS_H

#include <unbound-event.h>

#include "lib/loop.h"

struct events {
	struct ub_event_base base;	/* first: libunbound hands it back to us */
	struct loop *loop;
};

/* ev->base is then for ub_ctx_create_ub_event().  l: borrowed, for as long as the context lives. */
void events_init(struct events *ev, struct loop *l);

#endif
