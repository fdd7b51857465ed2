/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/parent.h - accepts connections, counts them, and hands each to a session process.  It reads
 * nothing that comes from outside.  parent.c: the processes and the supervisor; door.c: connections.
 */
#ifndef SMTPD_PARENT_H
#define SMTPD_PARENT_H

#include <sys/types.h>

#include "lib/daemon.h"
#include "smtpd/packets.h"
#include "smtpd/room.h"

enum {
	PARENT_SPARE = 4,		/* fresh processes that wait for a client */
	PARENT_IDLE_MAX = 64,		/* used ones that are kept, where they may be used again */
	PARENT_TIDY_MS = 10000,		/* and how often half of those that are too many go */
	PARENT_BURST = 32,		/* connections taken before others get their turn */
	PARENT_PAUSE_MS = 500,		/* without accepting, when descriptors or memory run out */
	PARENT_STOP_MS = 3400,		/* for sessions to end */
	PARENT_SLOW_DELAY_MS = 2000,	/* before the greeting, for a client that crashed a session */
	/*
	 * Seconds for a command, and for a session to bring a message, when seven tenths of the
	 * sessions are taken, when nine tenths are, and when somebody waits for one.
	 */
	PACE_BUSY_S = 60, PACE_BUSY_PATIENCE_S = 600,
	PACE_FULL_S = 15, PACE_FULL_PATIENCE_S = 120,
	PACE_WAITED_S = 10, PACE_WAITED_PATIENCE_S = 30,
	PACE_RELAX_MS = 2000,		/* before sessions are told that they have more time again */
	DOOR_LOOK_MS = 1000,		/* between looks at who has waited too long */
	PARENT_REASONS = 8		/* to refuse a connection */
};

struct pace { uint32_t timeout_s, patience_s; };

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
	struct room room;
	struct pace pace;		/* what the children were told last, and when */
	int64_t pace_ms;
	bool paused;
	bool looking;			/* the timer `look` runs */
	bool stopping;			/* nothing new is taken: told to stop, or retired */
	bool hurried;			/* told to stop: sessions are told too */
	struct timer resume, tidy, give_up, look;
	uint64_t connections, crashes;
	struct refusals refused[PARENT_REASONS];
};

/* Settings, listeners and peers are in p->d.  -1: it cannot start. */
int parent_init(struct parent *p, struct err *e);

/* Behind the sandbox: the first session processes, and the listeners watched. */
int parent_begin(struct parent *p, struct err *e);

/* A counted client gets a session; fd is passed on or closed. */
void parent_hand_over(struct parent *p, uint32_t listener, int fd, const struct netaddr *a);

/* Forks until there are enough fresh processes. */
void parent_spare(struct parent *p);

/* door.c */
void door_on_connection(void *arg, uint32_t events);	/* of a listener */
void door_on_resume(void *arg);				/* timers of struct parent */
void door_on_look(void *arg);
struct pace door_pace(const struct parent *p);
void door_tell_pace(struct parent *p);			/* after a change of sessions or room */
void door_next(struct parent *p);			/* a session is over: who waits? */
void door_empty(struct parent *p);			/* nobody waits any longer */
/* The listeners have changed: who waits is of the one that has its address now. */
void door_move(struct parent *p, const struct listener *before, uint32_t n);
void door_refuse(struct parent *p, int fd, const char *dsn, const char *why,
    const struct netaddr *a);

/* What reload.c needs of parent.c. */
int parent_listener(const struct daemon_listener *d, struct listener *out, struct err *e);
int parent_listeners(struct parent *p, struct err *e);
void parent_more_files(const struct parent *p);
void child_dismiss(struct child *c);

/* reload.c: the daemon's callbacks (lib/daemon.h). */
int parent_check(void *arg, struct daemon_next *next, struct err *e);
void parent_switched(void *arg, struct conf *old);
void parent_stats(void *arg, struct buf *out);
void parent_count_refusal(struct parent *p, const char *why);

#endif
