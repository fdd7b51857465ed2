/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/room.h - connections that wait, silent, until there is a session for them.  Who comes next
 * is whoever's network has the fewest sessions; who has to go when it is crowded, the last of the
 * network that is there most.  So one network's clients wait behind each other, not before others'.
 */
#ifndef SMTPD_ROOM_H
#define SMTPD_ROOM_H

#include "smtpd/clients.h"

enum {
	ROOM_MAX = 512,			/* connections */
	ROOM_WAIT_MS = 60000		/* then 421; a client waits 300 s (RFC 5321 4.5.3.2.1) */
};

struct waiting {
	struct waiting *next;
	int fd;				/* owned */
	uint32_t listener;
	struct netaddr addr;
	int64_t since_ms;
};
struct room { struct waiting *first; uint32_t n; };

/*
 * fd begins to wait, and is counted in t.  0; -1: no memory, or nobody is to go for it, and it stays
 * the caller's.  *out: one that has to go for it, out of the room, or NULL.
 */
int room_enter(struct room *r, struct clients *t, int fd, uint32_t listener,
    const struct netaddr *a, int64_t now_ms, struct waiting **out);

/* Takes out the next to be served; NULL: nobody.  The caller closes or passes on fd, and frees. */
struct waiting *room_next(struct room *r, struct clients *t);

/* Takes out one that came by this listener. */
struct waiting *room_by_listener(struct room *r, struct clients *t, uint32_t listener);

/* Takes out one that has waited too long. */
struct waiting *room_late(struct room *r, struct clients *t, int64_t now_ms);

#endif
