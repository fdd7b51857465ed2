/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/ask.h - a session's requests to convertd: what would be sent (PLAN), and the converted
 * message (CONVERT).  The channel is had from our parent when it is first needed, and again when
 * convertd was restarted.
 */
#ifndef REMOTE_ASK_H
#define REMOTE_ASK_H

#include "lib/plan.h"
#include "remote/session.h"

enum {
	ASK_NEED_MS = 10 * 1000,	/* for a channel: as long as a restart may take */
	ASK_PLAN_MS = 120 * 1000,	/* for a plan */
	ASK_LATE_S = 600,		/* for a conversion, after the hop was told QUIT */
	ASK_PLAN_OCTETS = 32 << 20	/* of a plan */
};

struct planned {
	struct planned *next;
	unsigned char *mem;		/* owned; plan's spans point into it */
	struct plan plan;
};

struct converted {
	struct converted *next;
	struct span key;		/* in the plan it was made for */
	void *map;			/* owned: the sealed memfd */
	size_t len;
	struct edit_list edits;
};

/* A verdict for each of n capability texts, in their order.  -1: ERR_TEMP 4.6.5 or what convertd
 * said; ERR_PROTO when its answer is none. */
int ask_plan(struct session *s, const struct span *caps, uint32_t n, unsigned flags,
    struct planned **out, struct err *e);
void ask_plan_free(struct planned *p);

/* Starts a conversion; *id is for ask_converted.  -1: ERR_TEMP. */
int ask_convert(struct session *s, struct span key, uint32_t wait_s, uint32_t *id, struct err *e);

/*
 * Waits for it.  1: *out is the caller's, checked against the plan's ranges; 0: not ready in wait_ms,
 * ask again; -1: ERR_TEMP busy or lost, ERR_PERM it cannot be made, ERR_PROTO the list touches what
 * it may not.
 */
int ask_converted(struct session *s, uint32_t id, struct span key, const struct plan *plan,
    int64_t wait_ms, struct converted **out, struct err *e);
void ask_converted_free(struct converted *c);

#endif
