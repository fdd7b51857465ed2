/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bounce/told.h - of which recipients committed reports have told lately.  A qmgr that starts anew, and had
 * not marked it, asks for a report again.
 */
#ifndef BOUNCE_TOLD_H
#define BOUNCE_TOLD_H

#include "lib/qid.h"
#include "lib/result.h"

enum { TOLD_MAX = 4096 };	/* recipients that are remembered */

/* By hash; a newer one takes an older one's place. */
struct told { struct { char id[QID_SIZE]; uint32_t slot; uint8_t what; } at[TOLD_MAX]; };

/* The message's records (lib/result.h) have been told of. */
void told_keep(struct told *t, const char *id, struct span records);
bool told_before(const struct told *t, const char *id, const struct rcpt_result *r);

#endif
