/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * auth/serve.h - answers whether a name and a password are right, for smtpd's sessions, on a channel for each.  A login is
 * looked at by a process of its own (auth/check.h), so that one that takes long keeps no other waiting.
 */
#ifndef AUTH_SERVE_H
#define AUTH_SERVE_H

#include <sys/types.h>

#include "auth/check.h"
#include "lib/daemon.h"

enum {
	AUTH_WORKERS = 8,		/* logins that are looked at, at once: each may take a core, and memory */
	AUTH_WAITING = 64,		/* that wait; more are told to come again */
	AUTH_LATE_MS = 8000,		/* for one to be looked at, and to wait for it */
	AUTH_UNREAD = 4			/* answers that wait for a session to read them */
};

struct authd;

/* A session, and its login if one is under way. */
struct asker {
	struct asker *next;		/* of those that wait */
	struct authd *auth;
	struct chan chan;
	enum { ASKER_IDLE, ASKER_WAITS, ASKER_ASKS } state;
	struct worker *worker;		/* ASKER_ASKS */
	struct login login;
	uint32_t id;			/* of its packet */
	int64_t since_ms;
};

struct worker {
	struct authd *auth;
	struct chan chan;
	pid_t pid;
	struct asker *asker;		/* NULL: has its answer, or has gone */
	struct timer late;
};

struct authd {
	struct daemon *daemon;
	struct chan smtpd;		/* which brings sessions */
	struct chan programs;		/* who runs them, where auth has a line for one */
	struct buf users, users_next;	/* the file passwd: in force; of a reload */
	struct worker worker[AUTH_WORKERS];
	struct asker *first, **last;
	uint32_t nsession, nwaiting;
	uint64_t right, wrong, unknown;	/* answers */
};

/* Takes channels and users from the daemon.  -1: it cannot start. */
int authd_open(struct authd *a, struct daemon *d, struct err *e);

/* One more session, for tests too.  fd is taken over. */
int authd_add_session(struct authd *a, int fd, struct err *e);

#endif
