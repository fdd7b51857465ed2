/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/heap.h - the scheduler's heap of deadlines: binary, the earliest at heap[0]. */
#ifndef QMGR_HEAP_H
#define QMGR_HEAP_H

#include "qmgr/sched.h"

/* Makes room for n items in all, so that heap_add cannot fail.  false: no memory. */
bool heap_room(struct sched *s, size_t n);
void heap_add(struct sched *s, struct when *w);
/* Also if it is not in. */
void heap_remove(struct sched *s, struct when *w);

#endif
