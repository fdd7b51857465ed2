/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/select.h - which messages and recipients of the queue a command means.  Criteria of different
 * kinds are ANDed, several of one kind ORed.
 */
#ifndef CMD_SELECT_H
#define CMD_SELECT_H

#include "cmd/qwalk.h"

struct selection {
	const struct conf *conf;	/* for destinations */
	char **id, **rcpt, **sender, **dest;	/* words of argv: addresses, "@domain"; dest lower case */
	uint32_t nid, nrcpt, nsender, ndest;
	uint64_t older_us, newer_us;	/* arrival before, after; 0: not asked */
	uint32_t states;		/* 1u << enum select_state; 0: not asked */
	bool all;
	struct buf want, key;		/* scratch */
};

/* What a recipient's state is called; SELECT_DEFERRED is queued and tried. */
enum select_state {
	SELECT_QUEUED, SELECT_DEFERRED, SELECT_HELD, SELECT_FAILED, SELECT_DELIVERED, SELECT_BOUNCED,
	SELECT_REMOVED, SELECT_STATES
};
enum select_state select_state(const struct slot *s);
const char *select_state_name(enum select_state s);

/*
 * room: words that there may be.  now_us: what ages count from.  A selection of one word or option:
 * 1 taken (*i is at its last word), 0 not a criterion, -1 it is wrong (*e says how).
 */
int select_init(struct selection *s, int room, const struct conf *conf, struct err *e);
int select_take(struct selection *s, int argc, char **argv, int *i, uint64_t now_us, struct err *e);
void select_free(struct selection *s);

/* Was anything asked? */
bool select_given(const struct selection *s);
/* Is it nothing but IDs, so that no walk is needed? */
bool select_only_ids(const struct selection *s);
/* Does it look at recipients, or at messages alone? */
bool select_by_slot(const struct selection *s);

bool select_message(struct selection *s, const struct qitem *m);
bool select_slot(struct selection *s, const struct qitem *m, uint32_t i);

/* "90", "90s", "10m", "2h", "3d", "1w" in microseconds, up to 136 years.  -1: not that. */
int select_age(const char *text, uint64_t *us);

#endif
