/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/parent.h - the parent of the sessions: takes jobs from qmgr, gives each to an idle session
 * of its destination or to a new one, and passes the results on; inquiries get a session each.  It parses nothing
 * from outside.
 */
#ifndef REMOTE_PARENT_H
#define REMOTE_PARENT_H

#include "lib/daemon.h"
#include "lib/worker.h"
#include "remote/backoff.h"
#include "remote/hosts.h"
#include "lib/tls.h"

enum {
	REMOTE_IDLE_MAX = 100,		/* sessions kept idle */
	REMOTE_OWN_MS = 5000,		/* for so long this machine's addresses are believed */
	REMOTE_INQUIRIES = 4,		/* of control, under way at once; capd has INQUIRY_PROBES */
	REMOTE_INQUIRY_MS = 150 * 1000,	/* for one: its hops, DNS and convertd have less each */
	REMOTE_REAP_MS = 200,		/* between looks for children that have ended */
	REMOTE_CA_MAX = 8 << 20,	/* octets of tlsca */
	REMOTE_STOP_MS = 3000		/* for what is under way, when told to stop */
};

struct child;

struct remote {
	struct daemon *daemon;
	struct worker worker;
	struct chan peer[ROLE_COUNT];	/* those to which sessions get channels; control, which inquires */
	SSL_CTX *tls, *next_tls;	/* of the settings in force; of those that come, or NULL */
	struct own own;
	int own_fd;			/* own_open */
	int64_t own_ms;			/* when they were read */
	struct backoff *backoff;	/* addresses that failed; written by this process alone */
	const struct backoff *shared;	/* the same, as sessions see it */
	struct child *children, *dying;
	uint32_t nidle, nchild, ninquiry[ROLE_COUNT];	/* nchild: all of them; ninquiry: by who asks */
	uint64_t started, jobs, lost;	/* sessions, jobs done, sessions that ended within one */
	uint64_t inquiries;		/* answered */
	struct qid_maker probes;
	uint32_t credentials;		/* asked for so far */
	struct timer reap, stop;
	int64_t stop_ms;
	bool stopping;
};

/* Takes the channels that daemon_start brought, sets the daemon's callbacks, and looks up this machine's
 * addresses. */
int remote_open(struct remote *r, struct daemon *d, struct err *e);

#endif
