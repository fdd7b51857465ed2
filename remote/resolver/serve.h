/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* remote/resolver/serve.h - answers remote's sessions, and who asks directories, each on a channel of its own. */
#ifndef REMOTE_RESOLVER_SERVE_H
#define REMOTE_RESOLVER_SERVE_H

#include "lib/daemon.h"
#include <sys/stat.h>

#include "remote/resolver/question.h"

enum {
	RESOLVER_UNREAD = 4,	/* answers that wait for a session to read them */
	RESOLVER_LEAVE_MS = 50	/* from new settings to the end: the supervisor hears of the first */
};

struct asker;

struct resolver {
	struct daemon *daemon;
	struct dns dns;
	struct questions questions;
	struct chan parent[ROLE_COUNT];	/* remote and ldap bring sessions */
	struct asker *askers;
	struct timer leave;
	int resolv_conf;		/* it, as read; -1: not read, or not there */
	struct stat was;		/* before it was read */
};

/* Takes the channels and settings from the daemon, and reads resolv.conf if they name no server.
 * -1: it cannot start. */
int resolver_open(struct resolver *r, struct daemon *d, struct err *e);

/* One more asking session, for tests too.  fd is taken over. */
int resolver_add_asker(struct resolver *r, enum role parent, int fd, struct err *e);

#endif
