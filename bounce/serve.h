/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bounce/serve.h - MSG_REPORT in, a committed message out.  One report at a time: it waits for
 * queue's answers, and qmgr's further packets wait in the channel.
 */
#ifndef BOUNCE_SERVE_H
#define BOUNCE_SERVE_H

#include "lib/daemon.h"

enum { BOUNCE_WAIT_MS = 60000 };	/* for an answer of queue */

struct bounce {
	struct loop *loop;
	const char *me;
	uint64_t reports;	/* committed so far */
	struct chan qmgr;
	int queue;		/* our channel to queue, blocking; -1: none */
};

void bounce_init(struct bounce *b, struct loop *l, const char *me);
/* A new channel (daemon.peer): fd is taken over. */
void bounce_peer(void *arg, enum role role, uint32_t generation, int fd);
void bounce_free(struct bounce *b);

#endif
