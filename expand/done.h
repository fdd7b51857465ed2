/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * expand/done.h - which recipients were expanded lately, and what is told of it.  A local or qmgr that starts
 * anew, and had not marked it, asks again.
 */
#ifndef EXPAND_DONE_H
#define EXPAND_DONE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/qid.h"

enum { DONE_MAX = 4096 };	/* recipients that are remembered */

/* By hash; a newer one takes an older one's place. */
struct done { struct done_one { char id[QID_SIZE]; uint32_t slot, flags, n; } at[DONE_MAX]; };

/* The recipient's message is committed, for n others. */
void done_keep(struct done *d, const char *id, uint32_t slot, uint32_t flags, uint32_t n);
/* NULL: not known. */
const struct done_one *done_find(const struct done *d, const char *id, uint32_t slot);

#endif
