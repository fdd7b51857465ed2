/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * start/supervisor.h - starts the processes, gives each what it needs, joins them by channels,
 * restarts the one that dies, and stops all in order.
 *
 * A process is: down -> told (forked; everything up to MSG_GO sent) -> up (it said MSG_READY).
 * At the start smtpd gets its MSG_GO last, when the others are up, so mail is taken only when there
 * is somebody to keep it.  What dies before all are up ends the start; later it is restarted after
 * 100 ms, doubled each time up to 5 s, and 100 ms again once it has lived for 10 s.  Two that live
 * but have lost their channel (one cut the other off, or had no descriptor left) get a new one.
 */
#ifndef START_SUPERVISOR_H
#define START_SUPERVISOR_H

#include <sys/types.h>

#include "lib/chan.h"
#include "start/account.h"
#include "start/logger.h"
#include "start/place.h"

enum {
	REJOIN_MS = 1000,	/* two that lost their channel are joined again after this */
	RESTART_FIRST_MS = 100, RESTART_MAX_MS = 5000, RESTART_FORGET_MS = 10000,
	RETIRED_MAX = 4,	/* replaced processes that still serve what they had */
	STOP_STEP_MS = 1000,	/* one process's time to end before the next is told too */
	STOP_DRAIN_MS = 2700,	/* qmgr's: it waits for the results of what is under way */
	STOP_ALL_MS = 4000,	/* then all that are left are told at once */
	STOP_KILL_MS = 4500	/* and then killed */
};

enum child_state { CHILD_DOWN, CHILD_TOLD, CHILD_UP };

struct supervisor;

struct child {
	struct supervisor *s;
	enum role role;
	enum child_state state;
	pid_t pid;			/* 0: none */
	struct chan chan;
	struct timer restart;
	int64_t started_ms;
	int backoff_ms;			/* of the next restart */
	bool go_waits;			/* MSG_GO is held back until the others are up */
};

/* A process that another has taken over from; it ends by itself. */
struct retired {
	struct retired *next;
	enum role role;
	pid_t pid;
	struct chan chan;
};

struct supervisor {
	struct loop loop;
	struct place *place;
	const struct accounts *who;
	struct child child[ROLE_COUNT];
	uint32_t generation[ROLE_COUNT][ROLE_COUNT];	/* of the pair, [lower][higher] */
	uint32_t lost[ROLE_COUNT][ROLE_COUNT];	/* the generation that one of them asked to replace */
	struct watch signals;
	struct retired *retired;
	struct logger *logger;		/* forked anew when it dies; NULL: there is none */
	struct timer logger_restart, rejoin, stop_step, stop_all, stop_kill;
	bool all_up, stopping;
	int stop_at;			/* the role that was told to stop last */
	int status;			/* exit status of the whole */
	int message_fd;			/* for a failed start: where the person sits; -1: nowhere */
	/* In a forked child whose descriptors are in place: becomes the program; does not return. */
	void (*become)(void *arg, enum role r);
	void *become_arg;
	/* All are up. */
	void (*up)(void *arg);
	void *up_arg;
};

/* place, who: borrowed.  Sets up loop and signals; become, up, message_fd are set by the caller
 * afterwards. */
int supervisor_init(struct supervisor *s, struct place *place, const struct accounts *who,
    struct err *e);

/* Starts all and runs until they have ended; returns the exit status. */
int supervisor_run(struct supervisor *s, struct err *e);

/* Begins the ordered stop. */
void supervisor_stop(struct supervisor *s, int status);

/* Are a and b joined by a channel? */
bool roles_joined(enum role a, enum role b);

/* start/give.c: everything that c's process needs before MSG_GO, but not its peers. */
int child_give(struct child *c, struct err *e);
/* The capability database, opened anew, to capd. */
int child_give_caps(struct child *c, struct err *e);

#endif
