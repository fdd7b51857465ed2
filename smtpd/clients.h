/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/clients.h - how many sessions each client, and each network of clients, has; and which
 * clients crashed a session lately.  A client is an IPv4 address or an IPv6 /64, a network a /24
 * or a /48.  Pure.
 */
#ifndef SMTPD_CLIENTS_H
#define SMTPD_CLIENTS_H

#include "lib/confline.h"

enum {
	CLIENTS_BUCKETS = 1024,
	CLIENTS_SLOW_MAX = 1024,	/* slowed clients that are remembered */
	CLIENTS_SLOW_MS = 60000		/* for how long */
};

struct client {
	struct client *next;
	struct netaddr key;		/* masked; port: its bits */
	uint32_t sessions, waiting;
	int64_t slow_until;		/* clock_ms(), or 0 */
};
struct clients { struct client *bucket[CLIENTS_BUCKETS]; uint32_t nslow; };

/* What limits there are: sessions at once. */
struct clients_limits { uint32_t all, client, network; };

/*
 * NULL: the session may begin, and is counted.  Else why not, in words for a 421; clients_full where
 * only the sum of all is too large.  Those that wait count for their client and network.
 */
extern const char clients_full[];
const char *clients_enter(struct clients *t, const struct netaddr *a, uint32_t sessions,
    const struct clients_limits *max, int64_t now_ms);

/* A session that was counted is over. */
void clients_leave(struct clients *t, const struct netaddr *a);

/* One of a's begins to wait, or does so no longer.  false: no memory. */
bool clients_wait(struct clients *t, const struct netaddr *a, bool begins);

/* Sessions of a's client or network; and with those that wait. */
uint32_t clients_sessions(struct clients *t, const struct netaddr *a, bool network);
uint32_t clients_presence(struct clients *t, const struct netaddr *a, bool network);

/* It crashed its session: for CLIENTS_SLOW_MS it has one at a time, and clients_slow is true. */
void clients_punish(struct clients *t, const struct netaddr *a, int64_t now_ms);
bool clients_slow(struct clients *t, const struct netaddr *a, int64_t now_ms);

/* What stands for a, or for its network (bits in port). */
struct netaddr clients_key(const struct netaddr *a, bool network);

void clients_free(struct clients *t);

#endif
