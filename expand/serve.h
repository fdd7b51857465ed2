/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * expand/serve.h - MSG_EXPAND in, a committed message out: for those for whom a recipient stands.  Some are with
 * queue at once, so that they share its flushes; the rest waits in line.  The states of one:
 *	WAITING		for its turn
 *	OPENING		MSG_OPEN is with queue
 *	COMMITTING	written, MSG_COMMIT is with queue
 * The answer says that it is committed; local says so to qmgr, and only then the old recipient is done.
 */
#ifndef EXPAND_SERVE_H
#define EXPAND_SERVE_H

#include "expand/done.h"
#include "lib/aliases.h"
#include "lib/daemon.h"

enum {
	EXPAND_AT_ONCE = 16,	/* messages that queue keeps open for one channel */
	EXPAND_WAITING = 256,	/* in line; one more is refused, and asked for again */
	EXPAND_WAIT_MS = 60000	/* for an answer of queue */
};

struct work;

struct expand {
	struct daemon *daemon;
	struct aliases aliases;
	struct chan local, queue;
	struct work *first, **last;	/* all, the oldest first */
	uint32_t nwork, nactive, request;
	struct timer late;
	struct done done;
	uint64_t committed;		/* messages so far */
};

/* Takes the channels from the daemon.  -1: it cannot start. */
int expand_open(struct expand *x, struct daemon *d, struct err *e);
/* Drops all that is under way. */
void expand_free(struct expand *x);

#endif
