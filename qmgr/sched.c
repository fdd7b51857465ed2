/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "qmgr/sched.h"

#include <stdlib.h>

#include "qmgr/sched_impl.h"

enum { LATE_RETRY_MS = 1000, LATE_SPREAD_MS = 8000 };	/* warnings that found no room */

uint32_t
sched_hash(const void *p, size_t n)
{
	const unsigned char *c = p;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * 16777619u;
	return h ^ h >> 15;
}

/* xorshift64*: spreads retries, guards nothing. */
uint64_t
sched_random(struct sched *s)
{
	s->seed ^= s->seed >> 12;
	s->seed ^= s->seed << 25;
	s->seed ^= s->seed >> 27;
	return s->seed * 2685821657736338717u;
}

int
sched_init(struct sched *s, const struct sched_conf *conf, uint64_t seed, struct err *e)
{
	*s = (struct sched){ .conf = *conf, .seed = seed | 1, .capids = SCHED_TABLE_MIN,
	    .capdests = SCHED_TABLE_MIN };
	s->salt = (uint32_t)(sched_random(s) >> 32);
	s->ids = calloc(s->capids, sizeof *s->ids);
	s->dests = calloc(s->capdests, sizeof *s->dests);
	if (s->ids == NULL || s->dests == NULL) {
		sched_free(s);
		return err_sys(e, "scheduler");
	}
	return 0;
}

void
sched_free(struct sched *s)
{
	for (size_t i = 0; s->ids != NULL && i < s->capids; i++)
		while (s->ids[i] != NULL) {
			struct entry *e = s->ids[i];

			s->ids[i] = e->same_hash;
			free(e);
		}
	for (size_t i = 0; s->dests != NULL && i < s->capdests; i++)
		while (s->dests[i] != NULL) {
			struct dest *d = s->dests[i];

			s->dests[i] = d->same_hash;
			dest_free(d);
		}
	free(s->ids);
	free(s->dests);
	free(s->heap);
	*s = (struct sched){ 0 };
}

/* Doubles a table when it is full; without memory the chains just grow longer. */
static void
ids_grow(struct sched *s)
{
	size_t cap = s->capids * 2;
	struct entry **t;

	if (s->nids < s->capids || (t = calloc(cap, sizeof(struct entry *))) == NULL)
		return;
	for (size_t i = 0; i < s->capids; i++)
		while (s->ids[i] != NULL) {
			struct entry *e = s->ids[i], **at = &t[sched_hash(e->id, QID_LEN) & (cap - 1)];

			s->ids[i] = e->same_hash;
			e->same_hash = *at;
			*at = e;
		}
	free(s->ids);
	s->ids = t;
	s->capids = cap;
}

/* Lists of entries */

void
list_add(struct queue_list *l, struct entry *e)
{
	e->next = NULL;
	e->prev = l->last;
	if (l->last != NULL)
		l->last->next = e;
	else
		l->first = e;
	l->last = e;
}

void
list_remove(struct queue_list *l, struct entry *e)
{
	if (e->prev != NULL)
		e->prev->next = e->next;
	else
		l->first = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	else
		l->last = e->prev;
	e->prev = e->next = NULL;
}

/* Entries */

/* Out of heap and lists: in no state until the caller gives it one. */
static void
entry_detach(struct sched *s, struct entry *e)
{
	heap_remove(s, &e->when);
	if (e->state == ENTRY_READY) {
		dest_unqueue(s, e);
	} else if (e->state == ENTRY_EXPIRED) {
		list_remove(&s->expired, e);
	} else if (e->state == ENTRY_LATE) {
		list_remove(&s->late, e);
		s->nlate--;
	}
	e->state = ENTRY_BUSY;
}

/* In the heap for what comes next. */
static void
entry_watch(struct sched *s, struct entry *e)
{
	int64_t due = e->expires_ms < e->warn_ms ? e->expires_ms : e->warn_ms;

	heap_remove(s, &e->when);
	if (e->state == ENTRY_WAITING && e->retry_ms < due)
		due = e->retry_ms;
	e->when.due_ms = due;
	if (due != SCHED_NEVER)
		heap_add(s, &e->when);
}

static void
entry_wait(struct sched *s, struct entry *e, int64_t retry_ms, int64_t next_us)
{
	e->state = ENTRY_WAITING;
	e->retry_ms = retry_ms;
	e->next_us = next_us;
	entry_watch(s, e);
}

struct entry *
sched_find(const struct sched *s, const char *id)
{
	struct entry *e = s->ids[sched_hash(id, QID_LEN) & (s->capids - 1)];

	while (e != NULL && memcmp(e->id, id, QID_LEN) != 0)
		e = e->same_hash;
	return e;
}

struct entry *
sched_sibling(const struct entry *e)
{
	struct entry *n = e->same_hash;

	while (n != NULL && memcmp(n->id, e->id, QID_LEN) != 0)
		n = n->same_hash;
	return n;
}

struct entry *
sched_find_dest(const struct sched *s, const char *id, const char *dest)
{
	struct entry *e = sched_find(s, id);

	while (e != NULL && strcmp(e->dest->name, dest) != 0)
		e = sched_sibling(e);
	return e;
}

static void
entry_sooner(struct sched *s, struct entry *e, const struct sched_new *n)
{
	if (e->state != ENTRY_WAITING && e->state != ENTRY_READY) {
		e->again = true;
		return;
	}
	if (n->warn_ms < e->warn_ms)
		e->warn_ms = n->warn_ms;
	if (n->expires_ms < e->expires_ms)
		e->expires_ms = n->expires_ms;
	if (e->state == ENTRY_WAITING && n->retry_ms < e->retry_ms)
		entry_wait(s, e, n->retry_ms, n->next_us);
	else
		entry_watch(s, e);
}

struct entry *
sched_add(struct sched *s, const char *id, const char *dest, const struct sched_new *n)
{
	struct entry *e = sched_find_dest(s, id, dest), **at;
	struct dest *d;

	if (e != NULL) {
		entry_sooner(s, e, n);
		return e;
	}
	if (!heap_room(s, s->nids + s->ndests + 3) || (e = calloc(1, sizeof *e)) == NULL)
		return NULL;
	d = dest_find(s, dest);
	if (d != NULL && dest_is_idle(d))
		s->nidle--;
	if (d == NULL && (d = dest_make(s, dest)) == NULL) {
		free(e);
		return NULL;
	}
	memcpy(e->id, id, QID_LEN);
	e->dest = d;
	e->expires_ms = n->expires_ms;
	e->warn_ms = n->warn_ms;
	e->attempts = n->attempts;
	e->sender = n->sender;
	e->tier = (uint8_t)(n->level - LEVEL_URGENT) & 3;
	d->entries++;
	ids_grow(s);
	at = &s->ids[sched_hash(id, QID_LEN) & (s->capids - 1)];
	e->same_hash = *at;
	*at = e;
	s->nids++;
	entry_wait(s, e, n->retry_ms, n->next_us);
	dest_update(s, d);
	return e;
}

void
sched_drop(struct sched *s, struct entry *e)
{
	struct entry **at = &s->ids[sched_hash(e->id, QID_LEN) & (s->capids - 1)];
	struct dest *d = e->dest;

	entry_detach(s, e);
	if (e->running)
		dest_end(s, d);
	if (e->telling)
		s->active[CLASS_REPORT]--;
	while (*at != e)
		at = &(*at)->same_hash;
	*at = e->same_hash;
	s->nids--;
	free(e);
	if (--d->entries == 0)
		dest_idle(s, d);
	else
		dest_update(s, d);
}

uint16_t
sched_sender(const struct sched *s, struct span sender, struct span client)
{
	struct span who = sender.n > 0 ? sender : client;
	size_t at = span_rfind(who, '@'), cut = 0;
	uint32_t h = s->salt ^ 2166136261u;

	while (cut < at && (cut == 0 || (who.p[cut] != '+' && who.p[cut] != '-' && who.p[cut] != '=')))
		cut++;
	for (size_t i = 0; i < who.n; i = i + 1 == cut && sender.n > 0 ? at : i + 1)
		h = (h ^ (unsigned char)ascii_lower(who.p[i])) * 16777619u;
	return (uint16_t)(h ^ h >> 16);
}

/* What is due */

/* Its sender is to be warned: when there is room, and somebody who does it. */
static bool
entry_late(struct sched *s, struct entry *e)
{
	if (!s->up[CLASS_REPORT] || s->nlate >= SCHED_LATE_MAX) {
		e->warn_ms = s->now + LATE_RETRY_MS + (int64_t)(sched_random(s) % LATE_SPREAD_MS);
		return false;
	}
	entry_detach(s, e);
	e->state = ENTRY_LATE;
	list_add(&s->late, e);
	s->nlate++;
	return true;
}

static void
entry_due(struct sched *s, struct entry *e)
{
	if (s->now >= e->expires_ms) {
		entry_detach(s, e);
		e->state = ENTRY_EXPIRED;
		list_add(&s->expired, e);
		return;
	}
	if (s->now >= e->warn_ms && entry_late(s, e))
		return;
	if (e->state == ENTRY_WAITING && e->retry_ms <= s->now) {
		e->state = ENTRY_READY;
		dest_queue(s, e->dest, e);
	}
	entry_watch(s, e);
}

static void
sched_advance(struct sched *s, int64_t now)
{
	if (now > s->now)
		s->now = now;
	while (s->nheap > 0 && s->heap[0]->due_ms <= s->now) {
		struct when *w = s->heap[0];

		heap_remove(s, w);
		if (w->of_dest)
			dest_due(s, (struct dest *)(void *)w);	/* its first member */
		else
			entry_due(s, (struct entry *)(void *)w);
	}
}

static bool
class_open(const struct sched *s, int class)
{
	bool deaf = s->deaf && (class == CLASS_REMOTE || class == CLASS_LOCAL);

	return s->up[class] && !deaf && s->active[class] < s->conf.max[class] && s->ring[class] != NULL;
}

static struct entry *
entry_start(struct sched *s, struct dest *d)
{
	struct entry *e = dest_head(d);

	entry_detach(s, e);
	e->running = true;
	e->expired = e->late = false;
	dest_start(s, d);
	return e;
}

static bool
late_open(const struct sched *s)
{
	return s->late.first != NULL && s->up[CLASS_REPORT] &&
	    s->active[CLASS_REPORT] < s->conf.max[CLASS_REPORT];
}

struct entry *
sched_next(struct sched *s, int64_t now)
{
	struct entry *e;

	sched_advance(s, now);
	if (!s->deaf && (e = s->expired.first) != NULL) {
		entry_detach(s, e);
		e->expired = true;
		e->late = false;
		return e;
	}
	if (late_open(s)) {
		e = s->late.first;
		entry_detach(s, e);
		e->late = e->telling = true;
		s->active[CLASS_REPORT]++;
		return e;
	}
	for (int class = 0; class < CLASS_COUNT; class++)
		while (class_open(s, class)) {
			struct dest *d = s->ring[class];

			dest_update(s, d);	/* its hours may be over */
			if (d->in_ring)
				return entry_start(s, d);
		}
	return NULL;
}

int64_t
sched_wait(const struct sched *s, int64_t now)
{
	if ((!s->deaf && s->expired.first != NULL) || late_open(s))
		return 0;
	for (int class = 0; class < CLASS_COUNT; class++)
		if (class_open(s, class))
			return 0;
	if (s->nheap == 0)
		return -1;
	return s->heap[0]->due_ms <= now ? 0 : s->heap[0]->due_ms - now;
}

int64_t
sched_delay(struct sched *s, const struct entry *e, uint16_t attempts)
{
	const struct destination *o = e->dest->opt;
	int64_t ms = s->conf.first_ms, max = s->conf.max_ms;

	if (o->nretry > 0) {
		uint16_t i = attempts == 0 ? 0 : (uint16_t)(attempts - 1);

		ms = (int64_t)o->retry_s[i < o->nretry ? i : o->nretry - 1] * 1000;
		max = ms + ms / 8;
	}
	for (uint16_t i = 1; o->nretry == 0 && i < attempts && ms < max; i++)
		ms *= 2;
	if (ms > max)
		ms = max;
	/* 7/8 to 9/8: messages that failed together do not all come back together. */
	ms = ms - ms / 8 + (int64_t)(sched_random(s) % (uint64_t)(ms / 4 + 1));
	return ms < max ? ms : max;
}

int64_t
sched_longest(const struct sched *s, const struct entry *e)
{
	const struct destination *o = e->dest->opt;
	int64_t max = o->nretry > 0 ? 0 : s->conf.max_ms;

	for (uint8_t i = 0; i < o->nretry; i++)
		if ((int64_t)o->retry_s[i] * 1125 > max)
			max = (int64_t)o->retry_s[i] * 1125;	/* jitter included */
	return max;
}

void
sched_defer(struct sched *s, struct entry *e, int64_t retry_ms, int64_t next_us, int64_t now)
{
	if (e->running || e->telling)
		sched_release(s, e, VERDICT_NONE, e->dest->epoch, 0, "", "", now);
	e->expired = e->late = e->urgent = false;
	entry_wait(s, e, retry_ms, next_us);
}

void
sched_expire_at(struct sched *s, struct entry *e, int64_t at_ms, int64_t now)
{
	e->expires_ms = at_ms;
	sched_defer(s, e, at_ms, e->next_us, now);
}

void
sched_expire_move(struct sched *s, struct entry *e, int64_t by_ms)
{
	if (e->expires_ms == SCHED_NEVER)
		return;
	e->expires_ms += by_ms;
	if (e->state == ENTRY_WAITING || e->state == ENTRY_READY)
		entry_watch(s, e);
}

bool
sched_dest_dead(const struct dest *d)
{
	return d->health == DEST_DEAD;
}

void
sched_warned(struct sched *s, struct entry *e, int64_t warn_ms, int64_t now)
{
	bool urgent = e->urgent;

	e->warn_ms = warn_ms;
	sched_defer(s, e, e->retry_ms, e->next_us, now);
	e->urgent = urgent;
}

void
sched_take(struct sched *s, struct entry *e)
{
	entry_detach(s, e);
}

void
sched_retry(struct sched *s, struct entry *e, int64_t now)
{
	struct dest *d = e->dest;

	if (e->state != ENTRY_WAITING && e->state != ENTRY_READY)
		return;
	s->now = now > s->now ? now : s->now;
	entry_detach(s, e);
	e->urgent = true;
	entry_wait(s, e, s->now, e->next_us);
	if (d->active == 0)
		d->wait_ms = 0;
	dest_update(s, d);
}
