/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/ranges.h - which octets of a message a conversion may cut out.  They are written down
 * from the MIME structure alone, and sealed, before any image is opened; the plan that comes later may
 * name no others.  So an image that takes over its reader still cannot reach beyond images.
 */
#ifndef CONVERTD_RANGES_H
#define CONVERTD_RANGES_H

#include "lib/mime.h"
#include "lib/plan.h"

/*
 * Adds the ranges of one part to p->range, which has room for PLAN_MAX_RANGES: where its first
 * Content field stands, the fields that a conversion replaces, its body.  base: where the message
 * starts.
 */
int ranges_add(struct plan *p, const struct mime_part *part, const unsigned char *base,
    struct err *e);

/* Adds the range of one part as a whole, before those inside it. */
int ranges_add_part(struct plan *p, const struct mime_part *part, const unsigned char *base, struct err *e);

/* Adds those of a choice (part_is_choice): its header's record, the branches together; and one of each
 * branch, before those inside it. */
int ranges_add_choice(struct plan *p, const struct mime *m, uint32_t part, const unsigned char *base,
    struct err *e);
int ranges_add_branch(struct plan *p, const struct mime_part *branch, const unsigned char *base,
    struct err *e);

/*
 * Appends the ranges of all image parts that may change at all, and of the parts that their sender lets be
 * left out, as an encoded plan without verdicts.  A message over MIME's limits has none.
 */
int ranges_bounds(struct span message, struct buf *out, struct err *e);

/* Is each range of plan one of bounds?  Both encoded.  -1: ERR_PROTO. */
int ranges_within(struct span plan, struct span bounds, struct err *e);

#endif
