/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/alternative.h - would another form of the content be better for a machine than the one that is
 * here?  By what the sender says of both (Content-Features, Content-Alternative; RFC 3297, 3.1.3 and 4).
 * Pure.
 */
#ifndef LOCAL_ALTERNATIVE_H
#define LOCAL_ALTERNATIVE_H

#include "lib/features.h"

enum { ALTERNATIVES_MAX = 32 };		/* of a message that are looked at */

/*
 * message: one whose sender has other forms; takes: what the machine takes; fits: it takes the form that is
 * here.
 * *yes: it takes an alternative that has more colour, more dots or more lines an inch, in this order; or,
 * where it does not take what is here, any alternative, or none is described (8.3: its sender is to judge).
 * How the octets are coded is no reason: they are here already.
 * -1: ERR_PERM, MIME or expressions beyond a limit; ERR_TEMP memory.
 */
int alternative_better(struct span message, struct span takes, bool fits, bool *yes, struct err *e);

#endif
