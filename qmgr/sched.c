/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "qmgr/sched.h"

#include <stdlib.h>

#include "qmgr/heap.h"

enum health { DEST_NEW, DEST_GOOD, DEST_DEAD };
enum { SCHED_TABLE_MIN = 64 };

static uint32_t
hash_octets(const void *p, size_t n)
{
	const unsigned char *c = p;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * 16777619u;
	return h ^ h >> 15;
}

int
sched_init(struct sched *s, const struct sched_conf *conf, uint64_t seed, struct err *e)
{
	*s = (struct sched){ .conf = *conf, .seed = seed | 1, .capids = SCHED_TABLE_MIN,
	    .capdests = SCHED_TABLE_MIN };
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
			free(d->why);
			free(d);
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
			struct entry *e = s->ids[i], **at = &t[hash_octets(e->id, QID_LEN) & (cap - 1)];

			s->ids[i] = e->same_hash;
			e->same_hash = *at;
			*at = e;
		}
	free(s->ids);
	s->ids = t;
	s->capids = cap;
}

static void
dests_grow(struct sched *s)
{
	size_t cap = s->capdests * 2;
	struct dest **t;

	if (s->ndests < s->capdests || (t = calloc(cap, sizeof(struct dest *))) == NULL)
		return;
	for (size_t i = 0; i < s->capdests; i++)
		while (s->dests[i] != NULL) {
			struct dest *d = s->dests[i];
			struct dest **at = &t[hash_octets(d->name, strlen(d->name)) & (cap - 1)];

			s->dests[i] = d->same_hash;
			d->same_hash = *at;
			*at = d;
		}
	free(s->dests);
	s->dests = t;
	s->capdests = cap;
}

/* Destinations */

static enum sched_class
class_of(const char *name)
{
	if (strcmp(name, SCHED_READ) == 0)
		return CLASS_READ;
	if (strcmp(name, SCHED_REPORT) == 0)
		return CLASS_REPORT;
	return strcmp(name, SCHED_LOCAL) == 0 ? CLASS_LOCAL : CLASS_REMOTE;
}

static struct dest *
dest_find(const struct sched *s, const char *name)
{
	struct dest *d = s->dests[hash_octets(name, strlen(name)) & (s->capdests - 1)];

	while (d != NULL && strcmp(d->name, name) != 0)
		d = d->same_hash;
	return d;
}

/* The room in the heap was made by the caller. */
static struct dest *
dest_make(struct sched *s, const char *name)
{
	size_t n = strlen(name) + 1;
	struct dest *d = calloc(1, sizeof *d + n), **at;

	if (d == NULL)
		return NULL;
	memcpy(d->name, name, n);
	d->when.of_dest = true;
	d->class = (uint8_t)class_of(name);
	d->health = d->class == CLASS_REMOTE ? DEST_NEW : DEST_GOOD;
	d->window = d->class == CLASS_REMOTE ? 1 : s->conf.max[d->class];
	dests_grow(s);
	at = &s->dests[hash_octets(name, n - 1) & (s->capdests - 1)];
	d->same_hash = *at;
	*at = d;
	s->ndests++;
	return d;
}

static void
ring_remove(struct sched *s, struct dest *d)
{
	if (!d->in_ring)
		return;
	d->in_ring = false;
	if (d->ring_next == d) {
		s->ring[d->class] = NULL;
		return;
	}
	d->ring_prev->ring_next = d->ring_next;
	d->ring_next->ring_prev = d->ring_prev;
	if (s->ring[d->class] == d)
		s->ring[d->class] = d->ring_next;
}

/* At the end of its class's round. */
static void
ring_add(struct sched *s, struct dest *d)
{
	struct dest *first = s->ring[d->class];

	if (d->in_ring)
		return;
	d->in_ring = true;
	if (first == NULL) {
		s->ring[d->class] = d->ring_next = d->ring_prev = d;
		return;
	}
	d->ring_next = first;
	d->ring_prev = first->ring_prev;
	first->ring_prev->ring_next = d;
	first->ring_prev = d;
}

/* After anything about d changed. */
static void
dest_update(struct sched *s, struct dest *d)
{
	if (d->ready.first != NULL && d->active < d->window)
		ring_add(s, d);
	else
		ring_remove(s, d);
}

static void
dest_forget(struct sched *s, struct dest *d)
{
	struct dest **at = &s->dests[hash_octets(d->name, strlen(d->name)) & (s->capdests - 1)];

	while (*at != d)
		at = &(*at)->same_hash;
	*at = d->same_hash;
	ring_remove(s, d);
	heap_remove(s, &d->when);
	s->ndests--;
	free(d->why);
	free(d);
}

/* Lists of entries */

static void
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

static void
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

/* Out of heap and lists: in no state until the caller gives it one. */
static void
entry_detach(struct sched *s, struct entry *e)
{
	heap_remove(s, &e->when);
	if (e->state == ENTRY_READY) {
		list_remove(&e->dest->ready, e);
		dest_update(s, e->dest);
	} else if (e->state == ENTRY_EXPIRED) {
		list_remove(&s->expired, e);
	}
}

static void
entry_wait(struct sched *s, struct entry *e, int64_t retry_ms, int64_t next_us)
{
	e->state = ENTRY_WAITING;
	e->retry_ms = retry_ms;
	e->next_us = next_us;
	e->when.due_ms = retry_ms < e->expires_ms ? retry_ms : e->expires_ms;
	heap_add(s, &e->when);
}

struct entry *
sched_find(const struct sched *s, const char *id)
{
	struct entry *e = s->ids[hash_octets(id, QID_LEN) & (s->capids - 1)];

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

struct entry *
sched_add(struct sched *s, const char *id, const char *dest, int64_t retry_ms, int64_t next_us,
    int64_t expires_ms, uint16_t attempts)
{
	struct entry *e = sched_find_dest(s, id, dest), **at;
	struct dest *d;

	if (e != NULL) {
		if (e->state == ENTRY_WAITING && retry_ms < e->retry_ms) {
			heap_remove(s, &e->when);
			entry_wait(s, e, retry_ms, next_us);
		}
		return e;
	}
	if (!heap_room(s, s->nids + s->ndests + 2) || (e = calloc(1, sizeof *e)) == NULL)
		return NULL;
	d = dest_find(s, dest);
	if (d == NULL && (d = dest_make(s, dest)) == NULL) {
		free(e);
		return NULL;
	}
	memcpy(e->id, id, QID_LEN);
	e->dest = d;
	e->expires_ms = expires_ms;
	e->attempts = attempts;
	d->entries++;
	ids_grow(s);
	at = &s->ids[hash_octets(id, QID_LEN) & (s->capids - 1)];
	e->same_hash = *at;
	*at = e;
	s->nids++;
	entry_wait(s, e, retry_ms, next_us);
	return e;
}

void
sched_drop(struct sched *s, struct entry *e)
{
	struct entry **at = &s->ids[hash_octets(e->id, QID_LEN) & (s->capids - 1)];
	struct dest *d = e->dest;

	entry_detach(s, e);
	if (e->running) {
		d->active--;
		s->active[d->class]--;
	}
	while (*at != e)
		at = &(*at)->same_hash;
	*at = e->same_hash;
	s->nids--;
	free(e);
	if (--d->entries == 0)
		dest_forget(s, d);
	else
		dest_update(s, d);
}

/* A destination's time has come: one probe for a dead one, one more job for one in doubt. */
static void
dest_due(struct sched *s, struct dest *d, int64_t now)
{
	if (d->health == DEST_NEW && d->active > 0 && d->window < SCHED_TRIAL_MAX &&
	    d->window < s->conf.max_dest) {
		d->window++;
		d->when.due_ms = now + SCHED_TRIAL_MS;
		heap_add(s, &d->when);
	} else if (d->window == 0) {
		d->window = 1;
	}
	dest_update(s, d);
}

static void
entry_due(struct sched *s, struct entry *e, int64_t now)
{
	if (now >= e->expires_ms) {
		if (e->state == ENTRY_READY) {
			list_remove(&e->dest->ready, e);
			dest_update(s, e->dest);
		}
		e->state = ENTRY_EXPIRED;
		list_add(&s->expired, e);
		return;
	}
	e->state = ENTRY_READY;
	list_add(&e->dest->ready, e);
	dest_update(s, e->dest);
	if (e->expires_ms != SCHED_NEVER) {
		e->when.due_ms = e->expires_ms;
		heap_add(s, &e->when);
	}
}

static void
sched_advance(struct sched *s, int64_t now)
{
	while (s->nheap > 0 && s->heap[0]->due_ms <= now) {
		struct when *w = s->heap[0];

		heap_remove(s, w);
		if (w->of_dest)
			dest_due(s, (struct dest *)(void *)w, now);	/* its first member */
		else
			entry_due(s, (struct entry *)(void *)w, now);
	}
}

static bool
class_open(const struct sched *s, int class)
{
	return s->up[class] && s->active[class] < s->conf.max[class] && s->ring[class] != NULL;
}

static struct entry *
entry_start(struct sched *s, int class, int64_t now)
{
	struct dest *d = s->ring[class];
	struct entry *e = d->ready.first;

	entry_detach(s, e);
	e->state = ENTRY_BUSY;
	e->running = true;
	e->expired = false;
	d->active++;
	s->active[class]++;
	if (d->health == DEST_NEW && d->when.at == 0) {
		d->when.due_ms = now + SCHED_TRIAL_MS;
		heap_add(s, &d->when);
	}
	ring_remove(s, d);	/* to the end of the round */
	dest_update(s, d);
	return e;
}

struct entry *
sched_next(struct sched *s, int64_t now)
{
	struct entry *e;

	sched_advance(s, now);
	if ((e = s->expired.first) != NULL) {
		list_remove(&s->expired, e);
		e->state = ENTRY_BUSY;
		e->expired = true;
		return e;
	}
	for (int class = 0; class < CLASS_COUNT; class++)
		if (class_open(s, class))
			return entry_start(s, class, now);
	return NULL;
}

int64_t
sched_wait(const struct sched *s, int64_t now)
{
	if (s->expired.first != NULL)
		return 0;
	for (int class = 0; class < CLASS_COUNT; class++)
		if (class_open(s, class))
			return 0;
	if (s->nheap == 0)
		return -1;
	return s->heap[0]->due_ms <= now ? 0 : s->heap[0]->due_ms - now;
}

/* xorshift64*: spreads retries, guards nothing. */
static uint64_t
sched_random(struct sched *s)
{
	s->seed ^= s->seed >> 12;
	s->seed ^= s->seed << 25;
	s->seed ^= s->seed >> 27;
	return s->seed * 2685821657736338717u;
}

int64_t
sched_delay(struct sched *s, uint16_t attempts)
{
	int64_t ms = s->conf.first_ms;

	for (uint16_t i = 1; i < attempts && ms < s->conf.max_ms; i++)
		ms *= 2;
	if (ms > s->conf.max_ms)
		ms = s->conf.max_ms;
	/* 7/8 to 9/8: messages that failed together do not all come back together. */
	ms = ms - ms / 8 + (int64_t)(sched_random(s) % (uint64_t)(ms / 4 + 1));
	return ms < s->conf.max_ms ? ms : s->conf.max_ms;
}

static void
dest_why(struct dest *d, const char *dsn, const char *text)
{
	size_t a = strlen(dsn) + 1, b = strlen(text) + 1;
	char *why;

	if (b > MSG_MARK_TEXT)
		b = MSG_MARK_TEXT;
	why = malloc(a + b);
	if (why == NULL)
		return;		/* only words are lost */
	memcpy(why, dsn, a);
	memcpy(why + a, text, b);
	why[a + b - 1] = '\0';
	free(d->why);
	d->why = why;
}

static void
dest_close(struct sched *s, struct dest *d, int64_t until)
{
	d->window = 0;
	heap_remove(s, &d->when);
	d->when.due_ms = until;
	heap_add(s, &d->when);
}

void
sched_release(struct sched *s, struct entry *e, enum verdict v, uint32_t epoch, const char *dsn,
    const char *text, int64_t now)
{
	struct dest *d = e->dest;

	if (e->running) {
		e->running = false;
		d->active--;
		s->active[d->class]--;
	}
	if (d->class == CLASS_REMOTE && v == VERDICT_ANSWERED && d->health != DEST_GOOD) {
		d->health = DEST_GOOD;
		d->fails = 0;
		d->epoch++;
		d->window = s->conf.max_dest;
		heap_remove(s, &d->when);
	} else if (d->class == CLASS_REMOTE && v == VERDICT_DEAD && epoch == d->epoch) {
		d->health = DEST_DEAD;
		d->epoch++;
		d->fails += d->fails < UINT16_MAX;
		dest_why(d, dsn, text);
		dest_close(s, d, now + sched_delay(s, (uint16_t)d->fails));
	} else if (d->class == CLASS_REMOTE && v == VERDICT_NONE && d->health != DEST_GOOD &&
	    d->window > 0) {
		dest_close(s, d, now + SCHED_PAUSE_MS);
	}
	dest_update(s, d);
}

int64_t
sched_dead_until(const struct entry *e)
{
	return e->dest->health == DEST_DEAD && e->dest->when.at != 0 ? e->dest->when.due_ms : 0;
}

void
sched_why(const struct entry *e, const char **dsn, const char **text)
{
	*dsn = e->dest->why != NULL ? e->dest->why : "";
	*text = e->dest->why != NULL ? *dsn + strlen(*dsn) + 1 : "";
}

void
sched_defer(struct sched *s, struct entry *e, int64_t retry_ms, int64_t next_us, int64_t now)
{
	if (e->running)
		sched_release(s, e, VERDICT_NONE, e->dest->epoch, "", "", now);
	e->expired = false;
	entry_wait(s, e, retry_ms, next_us);
}

void
sched_expire_at(struct sched *s, struct entry *e, int64_t at_ms, int64_t now)
{
	e->expires_ms = at_ms;
	sched_defer(s, e, at_ms, e->next_us, now);
}

void
sched_window(struct sched *s, struct dest *d, uint32_t max)
{
	if (d->window > max || d->class != CLASS_REMOTE || (d->health == DEST_GOOD && d->window > 0))
		d->window = max;
	dest_update(s, d);
}

bool
sched_dest_dead(const struct dest *d)
{
	return d->health == DEST_DEAD;
}

void
sched_expire_move(struct sched *s, struct entry *e, int64_t by_ms)
{
	if (e->expires_ms == SCHED_NEVER)
		return;
	e->expires_ms += by_ms;
	if (e->when.at == 0)
		return;
	heap_remove(s, &e->when);
	e->when.due_ms = e->state == ENTRY_WAITING && e->retry_ms < e->expires_ms ? e->retry_ms :
	    e->expires_ms;
	heap_add(s, &e->when);
}
