/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * capd/probe.h - the source "probe": what the hosts of a domain's SRV records say of its recipients (DRUCOF, 2).
 * remote asks them; here it is decided whether one may be asked about, and the answers are kept, in memory alone:
 * they may be had again.  An address stays as it came, octet by octet, but for its domain's case: it is another
 * host's to read (G1).  That there is an answer does not say that the address exists.  Times are arguments.
 */
#ifndef CAPD_PROBE_H
#define CAPD_PROBE_H

#include "capd/asked.h"
#include "lib/inquiry.h"

enum {
	PROBE_KNOWN_S = 3600,		/* how long an answer counts */
	PROBE_NONE_S = 900,		/* how long it counts that there is none: no SRV record, no CONNEG, no list */
	PROBE_LATER_S = 300,		/* after one that failed: until the next, and so long it is "not now" */
	PROBE_LOST_S = 600,		/* a question that has no answer by then will have none */
	PROBE_ENTRIES = 4096,		/* addresses; the oldest answers make room */
	PROBE_OCTETS = 16 << 20,	/* of their texts and addresses */
	/* So many at first, then one in so many milliseconds: of one domain, and of all. */
	PROBE_DOMAIN_FIRST = 10, PROBE_DOMAIN_MS = 6000,
	PROBE_ALL_FIRST = 60, PROBE_ALL_MS = 500,
	PROBE_BUCKETS = 1024		/* for domains; those that share one share its rate */
};

struct probe {
	struct asked asked;
	uint64_t seed;
	int64_t all_ms, domain_ms[PROBE_BUCKETS];	/* the rates: when all that was asked would have been due */
};

/* seed: of the buckets; nobody outside should know it. */
void probe_init(struct probe *p, uint64_t seed);
void probe_free(struct probe *p);

/* ASKED_NEVER: it is no address of a domain that could have SRV records.  ASKED_COUNTS: *out is CAP_KNOWN with its
 * text, which lives until the next call, CAP_NONE, or CAP_TEMP. */
enum asked_state probe_get(const struct probe *p, struct span addr, int64_t now_ms, struct cap_entry *out);

/*
 * A question about an address that is due.  0: *number is its name; probe_told, or probe_lost, ends it.
 * -1: ERR_TEMP 4.3.3, too many at once or too fast, or no memory.
 */
int probe_ask(struct probe *p, struct span addr, int64_t now_ms, uint32_t *number, struct err *e);

/*
 * What came of it: CAP_KNOWN with the text of an expression, as a hop wrote it, CAP_NONE or CAP_TEMP.  A text that
 * no answer could hold, or nothing could meet, is CAP_NONE, and *e says why (else kind ERR_NONE).  false: there is no
 * such question.
 */
bool probe_told(struct probe *p, uint32_t number, enum cap_state state, struct span text, int64_t now_ms,
    uint64_t now_s, struct err *e);

/* Who was asked has gone: nothing is under way any more. */
void probe_lost(struct probe *p);

/* Forgets what was said of addr; of all, where it is empty.  Questions go on. */
void probe_forget(struct probe *p, struct span addr);

#endif
