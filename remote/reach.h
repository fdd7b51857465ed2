/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/reach.h - the way to the hop: which addresses a session tries for its destination, in which
 * order, and what it says when none could be had.
 */
#ifndef REMOTE_REACH_H
#define REMOTE_REACH_H

#include "remote/session.h"

enum {
	REACH_TRIES = 8,		/* addresses that may cost time, one after the other */
	/* RFC 5321, 5.1: two are tried, however long the first took: one that takes the connection and says
	 * nothing has five minutes (4.5.3.2.1) */
	REACH_LEAST = 2,
	REACH_MS = 900 * 1000,		/* no other is begun after that: room for three that are silent */
	REACH_STALE_MS = 300 * 1000	/* DNS is asked again after that */
};

/* Knows the candidates, by smtproutes' address or DNS; of a probe by SRV records alone.  -1: there are none, or this
 * job has tried them all. */
int reach_start(struct session *s, struct err *e);

/* The next address to try, named in s->mta; NULL: there is none, or the limits are spent. */
const struct netaddr *reach_next(struct session *s);

/* The connection to that address is made and greeted: it stays the one for this job. */
void reach_worked(struct session *s);

/*
 * It was not, for that reason.  connected: there was a connection.  The address goes to the back-off
 * table unless the host spoke (why has its code) or the fault is this machine's.
 */
void reach_failed(struct session *s, bool connected, const struct err *why);

/* After reach_next gave NULL: the failure that counts, a temporary one before a permanent one, and
 * s->mta of whom. */
int reach_verdict(struct session *s, struct err *e);

/* Is there a candidate behind the one that is connected, and did it not fail a while ago? */
bool reach_has_next(const struct session *s);

/* From here to the end of the job, candidates before `from` are not tried.  why: for the log.  false: no
 * such candidate, or it has come so far already. */
bool reach_pass(struct session *s, uint32_t from, const char *why);

/* Gives the host up that is connected, for the next host's addresses.  why: for the log.  false: there is
 * none. */
bool reach_other_host(struct session *s, const char *why);

#endif
