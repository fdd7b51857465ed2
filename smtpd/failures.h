/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/failures.h - how many logins of each network of clients (clients.h) failed lately: with each, the next answer of the
 * kind comes later.  A bounded table, of which the oldest of a set makes room.  Pure.
 */
#ifndef SMTPD_FAILURES_H
#define SMTPD_FAILURES_H

#include "smtpd/clients.h"

enum {
	FAILURES_SETS = 512, FAILURES_WAYS = 4,
	FAILURES_FORGET_MS = 60000,	/* in which one of them is forgotten */
	FAILURES_FIRST_MS = 1000,	/* the first waits so long; the next twice that, and so on */
	FAILURES_MOST_MS = 16000
};

struct failures { struct failure { struct netaddr key; uint32_t n; int64_t last_ms; } at[FAILURES_SETS][FAILURES_WAYS]; };

/* One more of a's network; returns how many there are. */
uint32_t failures_add(struct failures *t, const struct netaddr *a, int64_t now_ms);

/* How long the n-th waits, n from 1. */
uint32_t failures_pause_ms(uint32_t n);

#endif
