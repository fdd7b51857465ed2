/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/backoff.h - addresses of mail hosts that did not answer: they are tried last for a while that
 * grows with each failure, so that a dead first host does not cost every message its connect timeout.
 * The parent writes the table, sessions read it in shared memory; a read that is torn by a write is a
 * wrong hint and no more.
 */
#ifndef REMOTE_BACKOFF_H
#define REMOTE_BACKOFF_H

#include "lib/confline.h"

enum {
	BACKOFF_ENTRIES = 1024, BACKOFF_WAYS = 8,	/* an address has its place among so many */
	BACKOFF_FIRST_MS = 60 * 1000, BACKOFF_MAX_MS = 3600 * 1000,
	BACKOFF_COSTS = 4		/* the first rest is at least so many times what the failure cost */
};

struct backoff_entry {
	unsigned char a[16];
	uint16_t port, failures;	/* failures 0: free */
	uint32_t pad;
	int64_t until_ms;		/* clock_ms() */
};
struct backoff { struct backoff_entry entry[BACKOFF_ENTRIES]; };

/* An address failed (bad), after cost_ms, or answered.  It rests the longer the more it cost, or one that
 * is silent for minutes would cost most of them.  A failure while it rests does not count: many sessions
 * try at the same time.  A full place forgets who may be tried soonest. */
void backoff_note(struct backoff *b, const struct netaddr *a, bool bad, uint32_t cost_ms, int64_t now_ms);

bool backoff_resting(const struct backoff *b, const struct netaddr *a, int64_t now_ms);
/* Is there anything that an answer would change? */
bool backoff_known(const struct backoff *b, const struct netaddr *a);

/* Shared memory: *own to write, *shared the same to read, which no process can make writable.
 * No child of the caller inherits *own. */
int backoff_share(struct backoff **own, const struct backoff **shared, struct err *e);

#endif
