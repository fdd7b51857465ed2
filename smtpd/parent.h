/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/parent.h - accepts connections, counts them, and hands each to a session process.  It reads
 * nothing that comes from outside.
 */
#ifndef SMTPD_PARENT_H
#define SMTPD_PARENT_H

#include <sys/types.h>

#include "lib/daemon.h"
#include "smtpd/clients.h"
#include "smtpd/packets.h"

enum {
	PARENT_SPARE = 4,		/* fresh processes that wait for a client */
	PARENT_IDLE_MAX = 64,		/* used ones that are kept, where they may be used again */
	PARENT_TIDY_MS = 10000,		/* and how often half of those that are too many go */
	PARENT_BURST = 32,		/* connections taken before others get their turn */
	PARENT_PAUSE_MS = 500,		/* without accepting, when descriptors or memory run out */
	PARENT_STOP_MS = 3400,		/* for sessions to end */
	PARENT_SLOW_DELAY_MS = 2000,	/* before the greeting, for a client that crashed a session */
	/* A command's time when three quarters, and when nine tenths, of the sessions are taken. */
	PARENT_PACE_BUSY_S = 60, PARENT_PACE_FULL_S = 15
};

struct parent;

struct child {
	struct child *next;
	struct parent *parent;
	struct chan chan;
	pid_t pid;
	bool busy, leaving;
	struct netaddr client;		/* of the session, while busy */
	uint32_t listener;
	uint32_t served;		/* sessions, the present one among them */
	uint32_t need;			/* 1u << enum role: channels it waits for */
};

struct parent_listener { struct watch watch; struct parent *parent; };

struct parent {
	struct daemon d;
	struct chan queue, capd;
	struct listener listener[DAEMON_LISTENERS];
	struct parent_listener at[DAEMON_LISTENERS];
	uint32_t nlistener;
	struct child *child;		/* all of them */
	uint32_t nchild, nidle, sessions;
	struct clients clients;
	uint32_t pace_s;		/* what the children were told last */
	bool paused;
	bool stopping;			/* nothing new is taken: told to stop, or retired */
	bool hurried;			/* told to stop: sessions are told too */
	struct timer resume, tidy, give_up;
};

/* Settings, listeners and peers are in p->d.  -1: it cannot start. */
int parent_init(struct parent *p, struct err *e);

/* Behind the sandbox: the first session processes, and the listeners watched. */
int parent_begin(struct parent *p, struct err *e);

#endif
