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
	CONTROL_MS = 5000,	/* between two tries to bind the control socket on a full disk */
	RETIRED_MAX = 4,	/* replaced processes that still serve what they had */
	STOP_STEP_MS = 1000,	/* one process's time to end before the next is told too */
	STOP_DRAIN_MS = 2700,	/* qmgr's: it waits for the results of what is under way */
	STOP_ALL_MS = 4000,	/* then all that are left are told at once */
	STOP_KILL_MS = 4500	/* and then killed */
};

enum { FIRST = ROLE_QUEUE, LAST = ROLE_SMTPD };

enum {
	RELOAD_WAIT_MS = 10000,	/* for the daemons' verdict, and again for their switch */
	ASKERS_MAX = 16,	/* askers for figures that wait for the next round */
	ASK_WAIT_MS = 2000,	/* for a daemon's figures */
	WATCHDOG_MS = 10000,	/* between two pings */
	WATCHDOG_MISSED = 6	/* in a row without an answer: killed */
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
	uint32_t missed;		/* pings in a row that it has not answered */
	uint32_t restarts, watchdog_kills;
};

/* start/reload.c: new settings on their way.  One reload at a time. */
struct reload {
	bool active, switching;		/* asked and checked; or told to switch */
	bool again;			/* a signal asked for one more meanwhile */
	bool by_command;
	uint32_t asker;			/* by_command: control's id for the asker */
	uint32_t number;		/* of the settings */
	uint32_t wait;			/* 1u << role: has not answered */
	uint32_t done, refused;
	struct place next;
	char notes[512];
	struct timer late;
};

/* start/ask.c: a round of questions for figures. */
struct ask {
	uint32_t round, wait, missing;	/* roles: have not answered; did not */
	uint32_t asker[ASKERS_MAX], nasker;	/* of this round */
	uint32_t next[ASKERS_MAX], nnext;	/* came meanwhile */
	struct buf text;
	struct timer late;
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
	struct timer logger_restart, rejoin, control, stop_step, stop_all, stop_kill;
	struct timer watchdog;
	struct reload reload;
	struct ask ask;
	uint32_t settings;		/* the number of those in force, from 1 */
	int64_t started_ms;
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
	void (*notify)(const char *text);	/* sd_notify(3); NULL: nobody */
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

/* start/stop.c */
void supervisor_stop_init(struct supervisor *s);
/* The process told to stop last has ended, or there is none: tells the next. */
void supervisor_stop_next(struct supervisor *s);
/* Kills all that are left. */
void supervisor_kill(struct supervisor *s);

/* start/reload.c */
void reload_init(struct supervisor *s);
void reload_by_signal(struct supervisor *s);
void reload_child_gone(struct child *c);
void reload_give_up(struct supervisor *s, const char *why);
int reload_on_ask(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int reload_on_valid(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int reload_on_invalid(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int reload_on_switched(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);

/* start/ask.c: figures, and the watchdog: who does not turn its loop for a minute is killed, unless it
 * waits for a disk or for somebody's debugger, which a restart would not help. */
void ask_init(struct supervisor *s);
void ask_child_gone(struct child *c);
int ask_on_stats(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int ask_on_figures(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
void watchdog_begin(struct supervisor *s);
int watchdog_on_pong(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);

/* start/credential.c: remote alone asks; the file is read now, for a token is renewed by somebody else's program. */
int credential_on_ask(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);

/* start/limits.c: descriptors by what may go on at once; never lowered, since what is open stays. */
int limits_raise(const struct conf *c, struct err *e);
/* The same for a process that runs. */
void limits_raise_of(const struct conf *c, pid_t pid);

/* start/give.c: everything that c's process needs before MSG_GO, but not its peers. */
int child_give(struct child *c, struct err *e);
/* The settings of a reload, for c to check. */
int child_give_next(struct child *c, const struct place *next, uint32_t number, struct err *e);
/* The control socket, when it could not be bound before. */
int child_give_control(struct child *c, struct err *e);
/* The users, read anew, to auth. */
int child_give_users(struct child *c, struct err *e);
/* The capability database, opened anew, to capd. */
int child_give_caps(struct child *c, struct err *e);

#endif
