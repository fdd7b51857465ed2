/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/dest.c - destinations: who may start a job now, how many at once, and the senders' lanes. */
#include "qmgr/sched_impl.h"

#include <stdio.h>
#include <stdlib.h>

static const struct destination no_options;

/* Doubles the table when it is full; without memory the chains just grow longer. */
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
			struct dest **at = &t[sched_hash(d->name, strlen(d->name)) & (cap - 1)];

			s->dests[i] = d->same_hash;
			d->same_hash = *at;
			*at = d;
		}
	free(s->dests);
	s->dests = t;
	s->capdests = cap;
}

static enum sched_class
class_of(const char *name)
{
	if (strcmp(name, ROUTE_READ) == 0)
		return CLASS_READ;
	if (strcmp(name, ROUTE_REPORT) == 0)
		return CLASS_REPORT;
	return strcmp(name, ROUTE_LOCAL) == 0 ? CLASS_LOCAL : CLASS_REMOTE;
}

struct dest *
dest_find(const struct sched *s, const char *name)
{
	struct dest *d = s->dests[sched_hash(name, strlen(name)) & (s->capdests - 1)];

	while (d != NULL && strcmp(d->name, name) != 0)
		d = d->same_hash;
	return d;
}

static uint32_t
dest_limit(const struct sched *s, const struct dest *d)
{
	uint32_t n = d->class == CLASS_REMOTE ? s->conf.max_dest : s->conf.max[d->class];

	return d->opt->concurrency != 0 ? d->opt->concurrency : n;
}

/* Between two jobs; 0: it has no rate. */
static int64_t
rate_step_us(const struct destination *o)
{
	return o->rate_n != 0 ? (int64_t)o->rate_s * 1000000 / o->rate_n : 0;
}

/* Gives d the options that hold now.  What its last job forbids stays forbidden, if not for longer than a new
 * rate would have it. */
static void
dest_options(struct sched *s, struct dest *d)
{
	bool hop = d->class == CLASS_REMOTE || d->class == CLASS_LOCAL;

	d->opt = &no_options;
	if (hop && s->conf.options != NULL)
		d->opt = s->conf.options(s->conf.arg, d->name);
	d->hours_ms = 0;
	d->closed = false;
	if (d->rate_us > s->now * 1000 + rate_step_us(d->opt))
		d->rate_us = s->now * 1000 + rate_step_us(d->opt);
	if (d->class != CLASS_REMOTE)
		d->window = dest_limit(s, d);
	else if (d->window > dest_limit(s, d))
		d->window = dest_limit(s, d);
	d->threshold = dest_limit(s, d);
}

bool
dest_is_idle(const struct dest *d)
{
	return d->entries == 0 && d->parts == 0;
}

/* It has a hop: itself, or the one that it is a part of, made if it is not there.  false: no memory. */
static bool
dest_join(struct sched *s, struct dest *d)
{
	size_t n = strcspn(d->name, " ");
	char name[JOB_DEST];

	d->hop = d;
	if (d->name[n] == '\0')
		return true;
	snprintf(name, sizeof name, "%.*s", (int)n, d->name);
	if ((d->hop = dest_find(s, name)) == NULL && (d->hop = dest_make(s, name)) != NULL)
		s->nidle++;
	if (d->hop == NULL)
		return false;
	s->nidle -= dest_is_idle(d->hop);
	d->hop->parts++;
	dest_update(s, d->hop);
	return true;
}

struct dest *
dest_make(struct sched *s, const char *name)
{
	size_t n = strlen(name) + 1;
	struct dest *d = calloc(1, sizeof *d + n), **at;

	if (d == NULL)
		return NULL;
	memcpy(d->name, name, n);
	if (!dest_join(s, d)) {
		free(d);
		return NULL;
	}
	for (int i = 0; i < PRIORITY_LEVELS; i++)
		d->tier[i].lane = &d->tier[i].only;
	d->when.of_dest = true;
	d->class = (uint8_t)class_of(name);
	d->health = d->class == CLASS_REMOTE ? DEST_NEW : DEST_GOOD;
	d->window = 1;
	dest_options(s, d);
	dests_grow(s);
	at = &s->dests[sched_hash(name, n - 1) & (s->capdests - 1)];
	d->same_hash = *at;
	*at = d;
	s->ndests++;
	return d;
}

void
dest_free(struct dest *d)
{
	for (struct tier *t = d->tier; t < d->tier + PRIORITY_LEVELS; t++)
		if (t->lane != &t->only)
			free(t->lane);
	free(d->why);
	free(d);
}

void
sched_settings(struct sched *s, const struct sched_conf *conf)
{
	s->conf = *conf;
	for (size_t i = 0; i < s->capdests; i++)
		for (struct dest *d = s->dests[i]; d != NULL; d = d->same_hash)
			dest_options(s, d);
	for (size_t i = 0; i < s->capdests; i++)
		for (struct dest *d = s->dests[i]; d != NULL; d = d->same_hash)
			dest_update(s, d);
}

/* --- rounds --- */

static void
ring_remove(struct dest **ring, struct dest *d)
{
	if (d->ring_next == d) {
		*ring = NULL;
		return;
	}
	d->ring_prev->ring_next = d->ring_next;
	d->ring_next->ring_prev = d->ring_prev;
	if (*ring == d)
		*ring = d->ring_next;
}

/* At the end of the round. */
static void
ring_add(struct dest **ring, struct dest *d)
{
	struct dest *first = *ring;

	if (first == NULL) {
		*ring = d->ring_next = d->ring_prev = d;
		return;
	}
	d->ring_next = first;
	d->ring_prev = first->ring_prev;
	first->ring_prev->ring_next = d;
	first->ring_prev = d;
}

/* In its class's round, in its hop's, or in none; its place stays if it is there already.  Whoever had a
 * place in the class's is the next of its hop's, before those that have begun a job since. */
static void
ring_change(struct sched *s, struct dest *d, bool in_ring, bool held)
{
	bool next = d->in_ring;

	if (d->in_ring && !in_ring)
		ring_remove(&s->ring[d->class], d);
	if (d->held && !held)
		ring_remove(&d->hop->waiting, d);
	if (!d->in_ring && in_ring)
		ring_add(&s->ring[d->class], d);
	if (!d->held && held) {
		ring_add(&d->hop->waiting, d);
		if (next)
			d->hop->waiting = d;
	}
	d->hop->turns += (unsigned)in_ring - d->in_ring;
	d->in_ring = in_ring;
	d->held = held;
}

void
dest_turn(struct sched *s, struct dest *d)
{
	ring_change(s, d, false, false);	/* to the end of the round */
	dest_update(s, d);
}

/* --- when --- */

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Until when the hours keep it closed; 0: it is open. */
static int64_t
dest_hours(struct sched *s, struct dest *d)
{
	if (d->opt->nhours == 0 || s->conf.open == NULL)
		return 0;
	if (s->now >= d->hours_ms)
		d->closed = !s->conf.open(s->conf.arg, d->opt, s->now, &d->hours_ms);
	return d->closed ? d->hours_ms : 0;
}

static bool
dest_in_doubt(const struct sched *s, const struct dest *d)
{
	return d->health == DEST_NEW && d->ready > 0 && d->active > 0 && d->active >= d->window &&
	    d->window < SCHED_TRIAL_MAX && d->window < dest_limit(s, d);
}

static int64_t
rate_ms(const struct dest *d)
{
	return (d->rate_us + 999) / 1000;
}

/* May a job begin there, as far as the hop's limits go? */
static bool
hop_free(const struct sched *s, const struct dest *hop)
{
	return hop->jobs < dest_limit(s, hop) && rate_ms(hop) <= s->now;
}

/* When it may begin a job, but for its hop's limits; SCHED_NEVER: not before something changes. */
static int64_t
dest_when(struct sched *s, struct dest *d)
{
	int64_t rate = d->hop != d ? rate_ms(d) : 0;

	if (d->ready == 0 || d->active >= d->window)
		return SCHED_NEVER;
	return later(later(d->wait_ms, rate), dest_hours(s, d));
}

/* In the heap for what has to be looked at next. */
static void
dest_watch(struct sched *s, struct dest *d, int64_t when)
{
	int64_t due = when > s->now ? when : SCHED_NEVER;

	if (dest_in_doubt(s, d) && d->patience_ms < due)
		due = d->patience_ms;
	if (d->waiting != NULL && rate_ms(d) > s->now && rate_ms(d) < due)
		due = rate_ms(d);
	if (dest_is_idle(d))
		due = later(d->idle_ms, rate_ms(d));
	if (d->when.at != 0 && d->when.due_ms == due)
		return;
	heap_remove(s, &d->when);
	d->when.due_ms = due;
	if (due != SCHED_NEVER)
		heap_add(s, &d->when);
}

static void
dest_place(struct sched *s, struct dest *d)
{
	int64_t when = dest_when(s, d);
	bool may = when <= s->now;
	bool turn = d->in_ring || d->hop->waiting == NULL || d->hop->waiting == d;	/* nobody is before it */
	bool room = turn && hop_free(s, d->hop);

	ring_change(s, d, may && room, may && !room);
	dest_watch(s, d, when);
}

/* Who waits for the hop gets its turn, the first first, one at a time: when that one has begun, or will not,
 * this is called again. */
static void
hop_wake(struct sched *s, struct dest *hop)
{
	while (hop->turns == 0 && hop->waiting != NULL && hop_free(s, hop))
		dest_place(s, hop->waiting);
	dest_watch(s, hop, dest_when(s, hop));	/* for those who still wait */
}

void
dest_update(struct sched *s, struct dest *d)
{
	dest_place(s, d);
	if (d->hop != d)
		dest_place(s, d->hop);
	hop_wake(s, d->hop);
}

static void
dest_forget(struct sched *s, struct dest *d)
{
	struct dest **at = &s->dests[sched_hash(d->name, strlen(d->name)) & (s->capdests - 1)];

	while (*at != d)
		at = &(*at)->same_hash;
	*at = d->same_hash;
	ring_change(s, d, false, false);
	heap_remove(s, &d->when);
	s->ndests--;
	dest_free(d);
}

/* It is forgotten, and maybe its hop after it. */
static void
dest_leave(struct sched *s, struct dest *d)
{
	struct dest *hop = d->hop;

	dest_forget(s, d);
	if (hop == d)
		return;
	hop->parts--;
	if (dest_is_idle(hop))
		dest_idle(s, hop);
	else
		dest_update(s, hop);
}

void
dest_idle(struct sched *s, struct dest *d)
{
	uint32_t max = rate_ms(d) > s->now ? SCHED_RATED_MAX : SCHED_IDLE_MAX;

	if (dest_is_idle(d) && s->nidle >= max) {
		dest_leave(s, d);
		return;
	}
	s->nidle += dest_is_idle(d);
	d->idle_ms = s->now + SCHED_IDLE_MS;
	dest_update(s, d);
}

void
dest_due(struct sched *s, struct dest *d)
{
	if (dest_is_idle(d)) {
		s->nidle--;
		dest_leave(s, d);
		return;
	}
	if (dest_in_doubt(s, d) && d->patience_ms <= s->now) {
		d->window++;
		d->patience_ms = s->now + s->conf.patience_ms;
	}
	dest_update(s, d);
}

static void
rate_count(const struct sched *s, struct dest *d)
{
	if (d->opt->rate_n != 0)
		d->rate_us = later(d->rate_us, s->now * 1000 - SCHED_BURST_US) + rate_step_us(d->opt);
}

void
dest_start(struct sched *s, struct dest *d)
{
	d->active++;
	d->hop->jobs++;
	s->active[d->class]++;
	if (d->active > d->peak)
		d->peak = d->active;
	d->patience_ms = s->now + s->conf.patience_ms;
	rate_count(s, d);
	if (d->hop != d)
		rate_count(s, d->hop);
	dest_turn(s, d);
}

void
dest_end(struct sched *s, struct dest *d)
{
	d->active--;
	d->hop->jobs--;
	s->active[d->class]--;
}

/* --- lanes --- */

static void
lane_add(struct tier *t, struct entry *e)
{
	unsigned a = e->sender % SCHED_LANES, b = e->sender / SCHED_LANES % SCHED_LANES;

	if (t->lane == &t->only)
		a = b = 0;
	e->lane = (uint8_t)(t->lane[b].n < t->lane[a].n ? b : a);
	t->lane[e->lane].n++;
	t->filled |= UINT64_C(1) << e->lane;
	list_add(&t->lane[e->lane].list, e);
}

/* Without memory all stay in one lane, as in the order they came. */
static void
lanes_open(struct tier *t)
{
	struct queue_list all = t->only.list;
	struct lane *lane = calloc(SCHED_LANES, sizeof *lane);

	if (lane == NULL)
		return;
	t->only = (struct lane){ .n = 0 };
	t->lane = lane;
	t->filled = 0;
	for (struct entry *e = all.first, *next; e != NULL; e = next) {
		next = e->next;
		lane_add(t, e);
	}
}

/* The first of its lane, and that lane's turn is now. */
static void
lane_first(struct tier *t, struct entry *e)
{
	struct queue_list *l = &t->lane[e->lane].list;

	list_remove(l, e);
	e->next = l->first;
	if (l->first != NULL)
		l->first->prev = e;
	else
		l->last = e;
	l->first = e;
	t->next_lane = e->lane;
}

void
dest_queue(struct sched *s, struct dest *d, struct entry *e)
{
	struct tier *t;

	if (e->urgent)			/* from now on: who hastens it means it */
		e->tier = 0;
	t = &d->tier[e->tier];
	if (d->entries > SCHED_LANE_MIN && t->lane == &t->only)
		lanes_open(t);
	lane_add(t, e);
	if (e->urgent)
		lane_first(t, e);
	t->n++;
	d->ready++;
	dest_update(s, d);
}

void
dest_unqueue(struct sched *s, struct entry *e)
{
	struct dest *d = e->dest;
	struct tier *t = &d->tier[e->tier];
	struct lane *l = &t->lane[e->lane];

	list_remove(&l->list, e);
	if (--l->n == 0)
		t->filled &= ~(UINT64_C(1) << e->lane);
	if (--t->n == 0)
		t->passed = 0;
	if (t->n == 0 && t->lane != &t->only) {
		free(t->lane);
		t->lane = &t->only;
	}
	d->ready--;
	dest_update(s, d);
}

/* The highest that has entries, or who has been passed by often enough. */
static struct tier *
tier_turn(struct dest *d)
{
	struct tier *turn = NULL;

	for (struct tier *t = d->tier; t < d->tier + PRIORITY_LEVELS; t++)
		if (t->n > 0 && (turn == NULL || t->passed >= SCHED_PASSED))
			turn = t;
	for (struct tier *t = d->tier; t < d->tier + PRIORITY_LEVELS; t++)
		if (t->n > 0 && t > turn)
			t->passed++;
	turn->passed = 0;
	return turn;
}

struct entry *
dest_head(struct dest *d)
{
	struct tier *t = tier_turn(d);
	uint64_t from = t->filled >> t->next_lane << t->next_lane;
	unsigned n = (unsigned)__builtin_ctzll(from != 0 ? from : t->filled);

	t->next_lane = (uint8_t)((n + 1) % SCHED_LANES);
	return t->lane[n].list.first;
}

/* --- what jobs say of it --- */

static void
dest_why(struct dest *d, uint16_t code, const char *dsn, const char *text)
{
	size_t a = strlen(dsn) + 1, b = strlen(text) + 1;
	char *why;

	if (b > MSG_MARK_TEXT)
		b = MSG_MARK_TEXT;
	why = malloc(a + b);
	if (why == NULL)
		return;		/* only words are lost */
	memcpy(why, dsn, a);
	text_cut(text, why + a, b);
	free(d->why);
	d->why = why;
	d->why_code = code;
}

static void
dest_answered(const struct sched *s, struct dest *d)
{
	d->streak = d->fails = 0;
	if (d->health != DEST_GOOD) {
		d->health = DEST_GOOD;
		d->epoch++;
		d->wait_ms = 0;
	}
	/* What is not used proves nothing: it grows where at least half of it was busy. */
	if (d->window >= dest_limit(s, d) || d->peak * 2 < d->window)
		return;
	if (d->window < d->threshold) {
		d->window++;
	} else if (++d->credit >= d->window) {
		d->window++;
		d->credit = 0;
	}
}

/* Once for all jobs that were under way then. */
static void
dest_halve(struct dest *d, uint32_t epoch)
{
	if (epoch != d->epoch)
		return;
	d->threshold = d->window = d->window > 1 ? d->window / 2 : 1;
	d->credit = 0;
	d->epoch++;
}

/* A host that greets is not dead, whatever it does over one recipient. */
static void
dest_dropped(struct dest *d, uint32_t epoch)
{
	d->streak = 0;
	dest_halve(d, epoch);
	if (d->health == DEST_GOOD)
		return;
	d->health = DEST_GOOD;
	d->epoch++;
	d->wait_ms = 0;
}

static void
dest_failed(struct sched *s, struct entry *e, uint32_t epoch, uint16_t code, const char *dsn,
    const char *text)
{
	struct dest *d = e->dest;

	if (d->health == DEST_DEAD && epoch != d->epoch)
		return;		/* one of those that were under way when it died */
	d->streak++;
	dest_why(d, code, dsn, text);
	dest_halve(d, epoch);
	if (d->health == DEST_GOOD && d->streak <= d->active)
		return;
	d->health = DEST_DEAD;
	d->epoch++;
	d->fails += d->fails < UINT16_MAX;
	d->window = 1;		/* then one job asks */
	d->threshold = dest_limit(s, d);
	d->wait_ms = s->now + sched_delay(s, e, (uint16_t)d->fails);
}

void
sched_release(struct sched *s, struct entry *e, enum verdict v, uint32_t epoch,
    uint16_t code, const char *dsn, const char *text, int64_t now)
{
	struct dest *d = e->dest;

	s->now = later(s->now, now);
	if (e->telling) {
		e->telling = false;
		s->active[CLASS_REPORT]--;
		return;
	}
	if (e->running) {
		e->running = false;
		dest_end(s, d);
	}
	if (d->class == CLASS_REMOTE && v == VERDICT_ANSWERED)
		dest_answered(s, d);
	else if (d->class == CLASS_REMOTE && v == VERDICT_DROPPED)
		dest_dropped(d, epoch);
	else if (d->class == CLASS_REMOTE && v == VERDICT_DEAD)
		dest_failed(s, e, epoch, code, dsn, text);
	else if (d->class == CLASS_REMOTE && d->health != DEST_GOOD && d->wait_ms <= s->now)
		d->wait_ms = s->now + SCHED_PAUSE_MS;
	if (d->active == 0)
		d->peak = 0;
	dest_update(s, d);
}

int64_t
sched_dead_until(const struct sched *s, const struct entry *e)
{
	return e->dest->health == DEST_DEAD && e->dest->wait_ms > s->now ? e->dest->wait_ms : 0;
}

void
sched_believe_dead(struct sched *s, struct entry *e, int64_t until_ms, uint16_t attempts,
    uint16_t code, const char *dsn, const char *text)
{
	struct dest *d = e->dest;

	if (d->class != CLASS_REMOTE || d->health == DEST_GOOD || d->active > 0 ||
	    until_ms <= later(d->wait_ms, s->now))
		return;
	d->health = DEST_DEAD;
	d->wait_ms = until_ms;
	d->fails = attempts > d->fails ? attempts : d->fails;
	dest_why(d, code, dsn, text);
	dest_update(s, d);
}

uint16_t
sched_why(const struct entry *e, const char **dsn, const char **text)
{
	*dsn = e->dest->why != NULL ? e->dest->why : "";
	*text = e->dest->why != NULL ? *dsn + strlen(*dsn) + 1 : "";
	return e->dest->why_code;
}
