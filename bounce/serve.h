/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bounce/serve.h - MSG_REPORT in, a committed message out.  Some reports are with queue at once, so that
 * they share its flushes; the rest waits in line.  A report's states:
 *	WAITING		for its turn
 *	BOUNDING	MSG_PLAN is with convertd: the report returns content that was converted
 *	CONVERTING	MSG_CONVERT is with convertd
 *	OPENING		MSG_OPEN is with queue
 *	COMMITTING	written, MSG_COMMIT is with queue
 */
#ifndef BOUNCE_SERVE_H
#define BOUNCE_SERVE_H

#include "bounce/told.h"
#include "lib/daemon.h"

enum {
	BOUNCE_WAIT_MS = 60000,	/* for an answer of queue */
	BOUNCE_CONVERT_MS = 30000,	/* for each of convertd's; then the header alone is returned */
	BOUNCE_CONVERTING = 4,	/* requests that convertd takes of one asker */
	BOUNCE_AT_ONCE = 16,	/* messages that queue keeps open for one channel */
	BOUNCE_WAITING = 256	/* reports in line; one more is refused, and asked for again */
};

struct work;

struct bounce {
	struct loop *loop;
	const char *me;
	uint64_t reports;	/* committed so far */
	struct chan qmgr, queue, convertd;
	struct work *first, **last;	/* all works, the oldest first */
	uint32_t nwork, nactive, request;
	struct timer late;
	struct told told;
};

void bounce_init(struct bounce *b, struct loop *l, const char *me);
/* A new channel (daemon.peer): fd is taken over. */
void bounce_peer(void *arg, enum role role, uint32_t generation, int fd);
void bounce_free(struct bounce *b);

#endif
