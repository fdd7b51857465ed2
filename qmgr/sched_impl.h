/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/sched_impl.h - what the scheduler's files share.
 *
 *	heap.c	deadlines
 *	dest.c	destinations: who may start a job now, how many at once, senders' lanes
 *	sched.c	entries
 */
#ifndef QMGR_SCHED_IMPL_H
#define QMGR_SCHED_IMPL_H

#include "qmgr/sched.h"

enum health { DEST_NEW, DEST_GOOD, DEST_DEAD };
enum { SCHED_TABLE_MIN = 64 };

/* The scheduler's heap of deadlines: binary, the earliest at heap[0].  Makes room for n items in
 * all, so that heap_add cannot fail.  false: no memory. */
bool heap_room(struct sched *s, size_t n);
void heap_add(struct sched *s, struct when *w);
/* Also if it is not in. */
void heap_remove(struct sched *s, struct when *w);

uint32_t sched_hash(const void *p, size_t n);
uint64_t sched_random(struct sched *s);
void list_add(struct queue_list *l, struct entry *e);
void list_remove(struct queue_list *l, struct entry *e);

struct dest *dest_find(const struct sched *s, const char *name);
/* A new one, and its hop if that is new too; the room in the heap was made by the caller.  NULL:
 * no memory. */
struct dest *dest_make(struct sched *s, const char *name);
/* After anything about d changed: in its class's round or not, and when it has to be looked at. */
void dest_update(struct sched *s, struct dest *d);
/* Its time in the heap has come; d may be freed. */
void dest_due(struct sched *s, struct dest *d);
/* Its last entry has gone: kept for a while, since what is known of it is worth keeping. */
void dest_idle(struct sched *s, struct dest *d);
/* Is it kept for that alone? */
bool dest_is_idle(const struct dest *d);
void dest_free(struct dest *d);
/* In and out of the destination's lanes. */
void dest_queue(struct sched *s, struct dest *d, struct entry *e);
void dest_unqueue(struct sched *s, struct entry *e);
/* The entry whose turn it is; d->ready is not 0.  It stays in its lane. */
struct entry *dest_head(struct dest *d);
/* A job begins, ends. */
void dest_start(struct sched *s, struct dest *d);
void dest_end(struct sched *s, struct dest *d);
/* Of another class's round: to the end. */
void dest_turn(struct sched *s, struct dest *d);

#endif
