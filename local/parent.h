/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/parent.h - the local daemon's parent: takes jobs from qmgr, finds each recipient's mailbox
 * in the settings, and forks one child a recipient under the mailbox's owner, or one for all whom an LMTP server has.  It is root for that
 * fork alone; path and uid come from settings and the file system, never from a request.  An inquiry takes the
 * same way, and writes nothing.
 */
#ifndef LOCAL_PARENT_H
#define LOCAL_PARENT_H

#include "lib/aliases.h"
#include "lib/daemon.h"
#include "lib/worker.h"
#include "local/expand.h"

enum { LOCAL_INQUIRIES = 4 };		/* under way at once */

struct local {
	struct daemon *daemon;
	struct worker worker;
	struct chan capd, convertd;	/* carry MSG_SESSION only */
	struct chan control;		/* asks whose mailbox an address is, and inquires */
	struct chan learn;		/* is shown reports */
	struct expansions expansions;	/* with expand */
	struct aliases aliases;
	uint64_t deliveries;		/* processes started */
	uint64_t shown;			/* reports, to learn */
	uint32_t inquiries;		/* under way */
	uint32_t asker;			/* counts control's channels: an answer is for the one that asked */
	int home;			/* the folder relative mailboxes lie under */
	int runner;			/* who starts programs; -1: none was in the settings */
	bool anew;			/* ends as soon as nothing is under way, to be started with one */
	struct timer again;
	uid_t uid;			/* of deliveries that go to no user's files */
	gid_t gid;
};

/* Takes the channels and the folder from the daemon.  -1: it cannot start. */
int local_open(struct local *l, struct daemon *d, struct err *e);

#endif
