/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/parent.h - accepts connections, counts them, and hands each to a session process.  It reads
 * nothing that comes from outside.  parent.c: start, stop and peers; children.c: the processes; door.c:
 * connections; reload.c: new settings.
 */
#ifndef SMTPD_PARENT_H
#define SMTPD_PARENT_H

#include <sys/resource.h>
#include <sys/types.h>

#include "lib/daemon.h"
#include "smtpd/failures.h"
#include "smtpd/packets.h"
#include "smtpd/rates.h"
#include "smtpd/room.h"
#include "smtpd/secure.h"

enum {
	PARENT_SPARE = 4,		/* fresh processes that wait for a client */
	PARENT_USED_MAX = 256,		/* used ones that wait for their client to come back */
	PARENT_CAPD_WANTED = 16,	/* processes that are born with a channel to capd after one that had to
					 * ask for it: where none is used, each costs a dozen calls */
	PARENT_TIDY_MS = 10000,		/* and how long they do, or up to twice that */
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
	struct child *next, **at;	/* in parent->child */
	struct child *earlier, *later;	/* in line */
	struct child_line *line;	/* parent->fresh or ->used while it is idle, else NULL */
	int64_t idle_ms;		/* since when */
	struct parent *parent;
	struct hold *hold;		/* on the settings that it was born with */
	struct chan chan;
	pid_t pid;
	bool busy, leaving;
	bool last;			/* it ends by itself after its session */
	bool stale;			/* has settings that are no more: ends after its session */
	struct netaddr client;		/* of the session, or of the last one: the only one it serves */
	uint32_t listener;
	uint32_t served;		/* sessions, the present one among them */
	uint32_t need;			/* 1u << enum role: channels it waits for */
};

/* Idle ones, the one that is so for longest first. */
struct child_line { struct child *first, *last; uint32_t n; };

/* A channel to capd, which nobody uses, for the children with these settings. */
struct hold { struct hold *next; uint32_t settings, children; int fd; };

/* Connections refused for one reason; why is a literal. */
struct refusals { const char *why; uint64_t n; };

struct parent_listener { struct watch watch; struct parent *parent; };

struct parent {
	struct daemon d;
	struct chan queue, capd, convertd, key, auth;
	struct secure *secure, *secure_next;	/* of the settings in force, of a reload; NULL: no TLS */
	struct listener listener[DAEMON_LISTENERS];
	struct parent_listener at[DAEMON_LISTENERS];
	uint32_t nlistener;
	struct child *child;		/* all of them */
	struct child_line fresh, used;
	uint32_t nchild, sessions;
	struct clients clients;
	struct failures failures;	/* logins */
	struct room room;
	struct rates rates;
	struct pace pace;		/* what the children were told last, and when */
	int64_t pace_ms;
	bool paused;
	bool looking;			/* the timer `look` runs */
	bool stopping;			/* nothing new is taken: told to stop, or retired */
	bool hurried;			/* told to stop: sessions are told too */
	struct timer resume, tidy, give_up, look;
	struct hold *hold;		/* the youngest settings first */
	rlim_t file_max;		/* octets of a file: the limit that it was started with */
	uint32_t capd_wanted;		/* so many new processes get a channel to capd at once */
	uint64_t connections, crashes, logins_failed;
	struct refusals refused[PARENT_REASONS];
};

/* Settings, listeners and peers are in p->d.  -1: it cannot start. */
int parent_init(struct parent *p, struct err *e);

/* Behind the sandbox: the first session processes, and the listeners watched. */
int parent_begin(struct parent *p, struct err *e);

/* A counted client gets a session; fd is passed on or closed. */
void parent_hand_over(struct parent *p, uint32_t listener, int fd, const struct netaddr *a);

/* children.c */
/* Forks until there are enough fresh processes. */
void parent_spare(struct parent *p);
/* Those whose client has not come back for long end. */
void parent_on_tidy(void *arg);
/* capd has restarted: it is told which settings children have. */
void hold_again(struct parent *p);
/* The channel of queue, capd, convertd, key or auth; NULL: of no other role. */
struct chan *parent_peer(struct parent *p, uint32_t role);
/* A new channel to one of these for a session process, now or when that peer is there again. */
void child_give(struct child *c, uint32_t role);
/* Tells it to end; its channel's closing is awaited. */
void child_dismiss(struct child *c);

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
/* So many used processes may wait: never more than there may be sessions. */
uint32_t parent_used_most(const struct parent *p);

/* reload.c: the daemon's callbacks (lib/daemon.h). */
int parent_check(void *arg, struct daemon_next *next, struct err *e);
void parent_switched(void *arg, struct conf *old);
void parent_kept(void *arg);
/* The certificates of the file "tls", borrowed; -1: none.  -1: they are of no use. */
int parent_secure(const struct conf *c, int fd, struct secure **out, struct err *e);
void parent_stats(void *arg, struct buf *out);
void parent_count_refusal(struct parent *p, const char *why);

#endif
