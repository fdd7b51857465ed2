/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/plan.h - convertd's answer to MSG_PLAN: for each set of capabilities what would be sent, and
 * which octets of the message a conversion may cut out.  Little-endian records in a memfd.
 */
#ifndef LIB_PLAN_H
#define LIB_PLAN_H

#include "lib/buf.h"
#include "lib/edit.h"

enum {
	PLAN_MAX_VERDICTS = 4096,
	PLAN_MAX_RANGES = 16384,
	PLAN_MAX_KEY = 32768,		/* octets; it goes into one packet of MSG_CONVERT */
	PLAN_MAX_DETAIL = 4096
};
#define PLAN_MAX_MESSAGE (UINT64_C(1) << 48)	/* octets: no range reaches beyond */

enum plan_fate {
	PLAN_FITS,		/* it goes as it is: every part is in the capabilities, or under DRUCOF not critical */
	PLAN_CONVERTS,		/* key: what MSG_CONVERT makes; equal keys are equal messages */
	PLAN_EMPTY		/* a part does not fit and permission, capabilities and abilities have no
				 * member in common, or it is protected or unreadable (row B12) */
};

/* "fits", "converts", "neither": for people. */
const char *plan_fate_name(enum plan_fate fate);

struct plan_verdict {
	uint8_t fate;		/* enum plan_fate */
	char dsn[12];		/* for PLAN_EMPTY: 5.6.1 here it ends, in a medium that is no fax image; 5.6.2 the sender
				 * prohibits, under DRUCOF, that a part is changed; 5.6.3 a part must not be
				 * converted, or cannot here; 5.6.5 what it may become is not taken */
	struct span key;	/* "1.2=MMR/200x200/A4*3;…": what becomes of which part (convertd/key.h) */
	struct span detail;	/* lib/result.h's lines, for the report */
};

struct plan {
	struct plan_verdict *verdict;	/* owned, one for each capability set, in their order */
	uint32_t nverdict;
	struct edit_range *range;	/* owned: what may be cut, ascending */
	uint32_t nrange;
	bool has_permission;	/* some part has a Content-Convert of its own that permits something */
};

int plan_encode(const struct plan *p, struct buf *out, struct err *e);
/* Spans point into in.  Ranges are ascending and apart; texts printable.  -1: ERR_PROTO. */
int plan_decode(struct span in, struct plan *out, struct err *e);
void plan_free(struct plan *p);

#endif
