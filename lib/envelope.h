/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/envelope.h - a message's envelope and its block on disk: versioned type-length-value records
 * (uint16 type, uint32 length, little-endian, then the value), unknown ones kept and skipped.
 */
#ifndef LIB_ENVELOPE_H
#define LIB_ENVELOPE_H

#include "lib/buf.h"

enum {
	ENV_MAX = 16 * 1024 * 1024,	/* octets of a block */
	ENV_MAX_RCPT = 50000,
	ENV_MAX_PATH = 1024,		/* octets of an address as kept */
	ENV_MAX_TEXT = 2048,		/* octets of ENVID, ORCPT and client, as kept */
	ENV_VERSION = 1
};

enum body_type { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };
enum ret_type { RET_UNSET, RET_FULL, RET_HDRS };
enum notify { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };
enum { PRIORITY_MIN = -9, PRIORITY_MAX = 9 };	/* RFC 6710, 3 */
enum by_flag { BY_RETURN = 1, BY_TRACE = 2 };	/* RFC 2852, 4: by-mode R, else N; by-trace */
enum drucof { DRUCOF_NO, DRUCOF_REQUIRE, DRUCOF_PREFER };

struct rcpt {
	struct span addr;	/* forward-path without <>, every octet as it came (G1), but for U-labels */
	struct span orcpt;	/* "rfc822;…" still as xtext, or empty */
	uint8_t notify;		/* 0: not given */
	uint8_t drucof;		/* enum drucof */
	struct span spelled;	/* as it came, where its domain has U-labels: addr has them as A-labels; or empty */
	uint8_t plain;		/* 1: goes into its own mailbox, whatever it stands for as an alias */
};

struct envelope {
	struct span sender;	/* reverse-path without <>; empty: null */
	struct span sender_spelled;	/* as rcpt.spelled */
	struct span envid;	/* still as xtext, or empty */
	struct span client;	/* "helo [address]" as in Received, for the log */
	uint64_t arrival_us;	/* wall clock */
	uint64_t release_us;	/* not tried before (RFC 4865), wall clock; 0: at once */
	struct span edits;	/* what was done to its header when it was accepted (lib/headedit.h), or empty */
	struct span hold;	/* how its sender said so: "for;3600", "until;2026-12-01T08:00:00Z"; or empty */
	uint64_t by_us;		/* to be delivered by then (RFC 2852), wall clock, maybe past already; 0: no such wish */
	uint8_t by;		/* enum by_flag */
	int8_t priority;	/* RFC 6710; 0 where nobody said other */
	uint8_t ret, body, smtputf8, conperm;
	struct rcpt *rcpt;	/* owned; the spans point into the block */
	uint32_t nrcpt;
};

/* As whoever understands SMTPUTF8 is to see them; all look-ups go by addr and sender. */
static inline struct span
rcpt_spelled(const struct rcpt *r)
{
	return r->spelled.n > 0 ? r->spelled : r->addr;
}

static inline struct span
envelope_sender(const struct envelope *env)
{
	return env->sender_spelled.n > 0 ? env->sender_spelled : env->sender;
}

/* Seconds until env has to be delivered, negative where that is past (RFC 2852, 4.1.4), as its parameter takes them. */
int64_t envelope_by_s(const struct envelope *env, int64_t now_us);

/* A priority as one of the levels -1 (urgent), 0 and 1 (non-urgent), rounded up (RFC 6710, 5 and appendix B). */
enum { PRIORITY_LEVELS = 3, LEVEL_URGENT = -1, LEVEL_LAST = 1 };
static inline int
priority_level(int8_t priority)
{
	return priority > 0 ? LEVEL_URGENT : priority > -4 ? 0 : LEVEL_LAST;
}

/*
 * Leaves each recipient once, the first of several in its place: those with the same address (the local part
 * octet by octet, but for postmaster; the domain in any case) and the same parameters.  With other ones a
 * recipient is told of, or not told of, twice, as the sender asked.  O(n log n), whatever the addresses.
 * -1: ERR_TEMP memory, nothing is changed.
 */
int envelope_unique(struct envelope *env, struct err *e);

/* Appends the block. -1: a field over its limit (ERR_PERM 5.5.4), ERR_TEMP memory. */
int envelope_encode(const struct envelope *env, struct buf *out, struct err *e);

/*
 * Reads a block; spans in *env point into it.  0: envelope_free(env) later.
 * -1: ERR_PERM 5.3.5 for a record cut short, a missing sender or no recipient, an address with
 * control octets or over ENV_MAX_PATH; ERR_TEMP memory.
 */
int envelope_decode(struct span block, struct envelope *env, struct err *e);
void envelope_free(struct envelope *env);

#endif
