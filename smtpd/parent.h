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
	PARENT_PACE_BUSY_S = 60, PARENT_PACE_FULL_S = 15,
	PARENT_REASONS = 8		/* to refuse a connection */
};

struct parent;

struct child {
	struct child *next;
	struct parent *parent;
	struct chan chan;
	pid_t pid;
	bool busy, leaving;
	bool stale;			/* has settings that are no more: ends after its session */
	struct netaddr client;		/* of the session, while busy */
	uint32_t listener;
	uint32_t served;		/* sessions, the present one among them */
	uint32_t need;			/* 1u << enum role: channels it waits for */
};

/* Connections refused for one reason; why is a literal. */
struct refusals { const char *why; uint64_t n; };

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
	uint64_t connections, crashes;
	struct refusals refused[PARENT_REASONS];
};

/* Settings, listeners and peers are in p->d.  -1: it cannot start. */
int parent_init(struct parent *p, struct err *e);

/* Behind the sandbox: the first session processes, and the listeners watched. */
int parent_begin(struct parent *p, struct err *e);

/* What reload.c needs of parent.c. */
int parent_listener(const struct daemon_listener *d, struct listener *out, struct err *e);
int parent_listeners(struct parent *p, struct err *e);
void parent_more_files(const struct parent *p);
void parent_spare(struct parent *p);
void parent_tell_pace(struct parent *p);
void child_dismiss(struct child *c);

/* reload.c: the daemon's callbacks (lib/daemon.h). */
int parent_check(void *arg, struct daemon_next *next, struct err *e);
void parent_switched(void *arg, struct conf *old);
void parent_stats(void *arg, struct buf *out);
void parent_count_refusal(struct parent *p, const char *why);

#endif
