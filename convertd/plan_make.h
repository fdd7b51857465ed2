/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/plan_make.h - the plan of a message (lib/plan.h): for each set of capabilities what
 * would be sent.  Pure: message and expressions in, an encoded plan out.
 */
#ifndef CONVERTD_PLAN_MAKE_H
#define CONVERTD_PLAN_MAKE_H

#include "convertd/form.h"

/*
 * caps: what MSG_PLAN carries: ncaps times a struct plan_set (lib/msg.h) and the octets of its expression.
 * flags: PLAN_FINAL, PLAN_ALL_PARTS, PLAN_ALTERNATIVES.  Appends the encoded plan to out.  A message that
 * cannot be walked within the limits still has a plan: nothing of it can be converted (row B12).
 * -1: ERR_PROTO caps are not that; ERR_TEMP memory; ERR_PERM 5.3.4 out's ceiling.
 */
int plan_make(struct span message, struct span caps, uint32_t ncaps, uint32_t flags, const struct limits *max,
    struct buf *out, struct err *e);

#endif
