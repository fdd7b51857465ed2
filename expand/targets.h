/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * expand/targets.h - for whom an address stands: by the settings, aliases of aliases followed to their ends.
 * Pure.
 */
#ifndef EXPAND_TARGETS_H
#define EXPAND_TARGETS_H

#include "lib/aliases.h"
#include "lib/envelope.h"

enum {
	TARGETS_DEPTH = 16,		/* aliases that lead from one to the next */
	TARGETS_ALIASES = 1000,		/* that are followed, in all */
	TARGETS_MAX = ENV_MAX_RCPT,	/* addresses found, each as often as it is found */
	TARGETS_TEXT = 8 * 1024 * 1024	/* octets of them all */
};

struct target { size_t at; uint32_t n; bool plain; };	/* in text; plain: as in struct rcpt */
struct targets {
	struct buf text;
	struct target *v;		/* owned */
	uint32_t n, cap;
	bool list;			/* the address has an owner: a mailing list (RFC 3461, 5.2.7) */
	struct buf owner;		/* whose address that is */
	struct buf seen;		/* aliases that were followed: their keys, a NUL behind each */
	uint32_t nseen;
};

/*
 * addr stands for others (aliases_find).  An alias that has an owner is not followed, since it gets a message of
 * its own; one that was followed before is not followed again; one that names itself has a mailbox besides if
 * the settings say so.  targets_free in every case.
 * 0: *t has them, maybe none: then it leads nowhere but to itself.
 * -1: ERR_TEMP memory; 4.3.5, the settings are wrong, or lead too far (the administrator can mend it).
 */
int targets_find(const struct aliases *a, struct span addr, struct targets *t, struct err *e);
void targets_free(struct targets *t);

static inline struct span
target_addr(const struct targets *t, const struct target *x)
{
	return span_sub(buf_view(&t->text), x->at, x->at + x->n);
}

#endif
