/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * key/kept.h - TLS sessions that clients may resume (RFC 8446, 4.6.1; RFC 5246, F.1.4), by the names that their
 * tickets have.  They are kept here and not in tickets, so no process that reads from outside has a key that
 * opens those of others.
 */
#ifndef KEY_KEPT_H
#define KEY_KEPT_H

#include "lib/msg.h"
#include "lib/span.h"

enum {
	KEPT_SETS = 1024, KEPT_WAYS = 4,	/* so many sessions, the oldest of a set makes room */
	KEPT_S = 7200				/* seconds that one may be resumed */
};

struct kept_session { unsigned char id[MSG_SESSION_ID]; unsigned char *p; uint32_t n; int64_t until_ms; };
struct kept { uint64_t seed; uint32_t n; struct kept_session at[KEPT_SETS][KEPT_WAYS]; };

/* seed: a number of chance, by which sessions are spread over sets. */
void kept_init(struct kept *k, uint64_t seed);
void kept_free(struct kept *k);

/* Copies s, in place of one of the same name.  No memory: it is not kept. */
void kept_add(struct kept *k, const unsigned char id[MSG_SESSION_ID], struct span s, int64_t now_ms);

/* The session of that name, until the next call; p NULL: there is none. */
struct span kept_find(struct kept *k, const unsigned char id[MSG_SESSION_ID], int64_t now_ms);

#endif
