/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * learn/serve.h - the learn daemon: gives tags to messages that are originated here, and reads the reports
 * that local has delivered, each in a child that has no key; what a report says of a recipient that its tag
 * binds is told to capd, and who asks for another form of a message (RFC 3297) to offer.  Delivery waits for
 * none of it: a report that is lost here is in its mailbox all the same.
 */
#ifndef LEARN_SERVE_H
#define LEARN_SERVE_H

#include "learn/tag.h"
#include "lib/daemon.h"

enum {
	LEARN_WAITING = 64,	/* reports that wait for their turn; what comes more is not read */
	LEARN_CPU_S = 5,	/* of a child */
	LEARN_LATE_MS = 20000,	/* then it is killed */
	LEARN_UNREAD = 64	/* packets that wait for a peer to read them */
};

struct learn_waiting { int fd; uint64_t len; char id[QID_SIZE]; };

struct learn {
	struct daemon *daemon;
	unsigned char key[TAG_KEY];
	struct chan capd, local, control, offer;
	struct learn_waiting waiting[LEARN_WAITING];	/* a ring: n of them from first on */
	uint32_t first, n;
	struct chan child;		/* of the report that is being read; not open: none is */
	pid_t pid;
	char id[QID_SIZE];		/* its message */
	uint32_t told;			/* recipients that it has told of */
	struct timer late;
	uint64_t reports, learned;	/* begun; told to capd */
};

/* Takes the channels from the daemon; l->key is set behind it.  -1: it cannot start. */
int learn_open(struct learn *l, struct daemon *d, struct err *e);

#endif
