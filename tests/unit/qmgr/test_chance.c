/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Whatever happens to the scheduler in whatever order, its books are right after every step, and when
 * destinations answer again every entry comes out in the end: there is no state that no event leaves.
 */
#include "qmgr/sched_impl.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 20000, HELD_MAX = 400, MESSAGES = 300, LIFE = 3 * 3600 * 1000 };

static const char *const names[] = { "a", "b", "c", "opt1", "opt2", "local", ROUTE_READ, ROUTE_REPORT, "a x", "a y",
    "opt1 x", "opt3 x", "opt3 y", "h x", "h y", "h z" };
enum { NAMES = sizeof names / sizeof *names };

struct held { struct entry *e; uint32_t epoch; };

static struct sched s;
static struct destination opt = { .rate_n = 2, .rate_s = 1, .nretry = 1, .retry_s = { 30 },
    .nhours = 1 };
static struct held held[HELD_MAX];
static unsigned nheld;
static int64_t now;
static uint64_t seed;

static unsigned
chance(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static const struct destination *
options_of(void *arg, const char *name)
{
	static const struct destination none;

	(void)arg;
	return strncmp(name, "opt", 3) == 0 ? &opt : &none;
}

/* Ten minutes of each hour it is closed. */
static bool
is_open(void *arg, const struct destination *o, int64_t at, int64_t *until_ms)
{
	int64_t in = at % 3600000;

	(void)arg, (void)o;
	*until_ms = at - in + (in < 600000 ? 600000 : 3600000);
	return in >= 600000;
}

static struct sched_conf
settings(void)
{
	return (struct sched_conf){ .first_ms = 5000, .max_ms = 60000, .patience_ms = 3000,
	    .max_dest = 1 + chance(20), .options = options_of, .open = is_open,
	    .max = { [CLASS_REPORT] = 4, [CLASS_LOCAL] = 3, [CLASS_REMOTE] = 30, [CLASS_READ] = 1 } };
}

/* --- the books --- */

static int wrong;	/* the first line that found something; an assertion each would take minutes */

static void
right(bool is, int line)
{
	if (!is && wrong == 0)
		wrong = line;
}

static uint32_t
check_tier(const struct dest *d, unsigned tier)
{
	const struct tier *t = &d->tier[tier];
	uint32_t n = 0;

	for (unsigned i = 0; i < (t->lane == &t->only ? 1u : SCHED_LANES); i++) {
		uint32_t here = 0;

		for (const struct entry *e = t->lane[i].list.first; e != NULL; e = e->next) {
			right(e->state == ENTRY_READY && e->tier == tier, __LINE__);
			here++;
		}
		right(here == t->lane[i].n, __LINE__);
		right((t->filled >> i & 1) == (here > 0), __LINE__);
		n += here;
	}
	right(n == t->n && t->passed <= SCHED_PASSED + PRIORITY_LEVELS && (n > 0 || t->passed == 0), __LINE__);
	return n;
}

static void
check_lanes(const struct dest *d, uint32_t ready)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < PRIORITY_LEVELS; i++)
		n += check_tier(d, i);
	right(n == ready, __LINE__);
	right(n == d->ready, __LINE__);
}

/* A hop counts what goes to it in all; who waits for it is woken by a job's end, its clock, or who is before it. */
static void
check_hop(const struct dest *hop)
{
	uint32_t jobs = 0, parts = 0, turns = 0, limit = hop->opt->concurrency;

	for (size_t i = 0; i < s.capdests; i++)
		for (const struct dest *d = s.dests[i]; d != NULL; d = d->same_hash)
			if (d->hop == hop) {
				jobs += d->active;
				parts += d != hop;
				turns += d->in_ring;
			}
	right(jobs == hop->jobs, __LINE__);
	right(parts == hop->parts && turns == hop->turns, __LINE__);
	limit = limit != 0 ? limit : hop->class == CLASS_REMOTE ? s.conf.max_dest : s.conf.max[hop->class];
	right(hop->waiting == NULL || jobs >= limit || hop->when.at != 0 || turns > 0, __LINE__);
}

static void
check_dest(struct dest *d, uint32_t active[CLASS_COUNT])
{
	uint32_t entries = 0, ready = 0, running = 0;

	for (size_t i = 0; i < s.capids; i++)
		for (const struct entry *e = s.ids[i]; e != NULL; e = e->same_hash)
			if (e->dest == d) {
				entries++;
				ready += e->state == ENTRY_READY;
				running += e->running;
				active[CLASS_REPORT] += e->telling;
				if (e->state == ENTRY_WAITING && e->retry_ms != SCHED_NEVER)
					right(e->when.at != 0, __LINE__);
			}
	right(entries == d->entries, __LINE__);
	right(running == d->active, __LINE__);
	right(d->window >= 1, __LINE__);
	active[d->class] += running;
	check_lanes(d, ready);
	/* what waits for a place of its own is in a round, or in the heap for when that changes */
	if (d->ready > 0 && d->active < d->window)
		right(d->in_ring || d->held || d->when.at != 0, __LINE__);
	right(!(d->in_ring && d->held), __LINE__);
	check_hop(d);
}

static void
check_books(void)
{
	uint32_t active[CLASS_COUNT] = { 0 };

	for (size_t i = 0; i < s.nheap; i++) {
		right(s.heap[i]->at == i + 1, __LINE__);
		if (i > 0)
			right(s.heap[(i - 1) / 2]->due_ms <= s.heap[i]->due_ms, __LINE__);
	}
	for (size_t i = 0; i < s.capdests; i++)
		for (struct dest *d = s.dests[i]; d != NULL; d = d->same_hash)
			check_dest(d, active);
	for (int c = 0; c < CLASS_COUNT; c++)
		right(active[c] == s.active[c], __LINE__);
	ck_assert_int_eq(wrong, 0);
}

/* --- what happens --- */

static void
some_add(void)
{
	struct sched_new n = { .level = (int8_t)((int)chance(3) - 1), .retry_ms = now + chance(3) * chance(20000), .expires_ms = now + LIFE,
	    .warn_ms = chance(4) == 0 ? now + chance(100000) : SCHED_NEVER,
	    .sender = (uint16_t)chance(5000) };
	char id[QID_SIZE];

	snprintf(id, sizeof id, "%016u", chance(MESSAGES));
	right(sched_add(&s, id, names[chance(NAMES)], &n) != NULL, __LINE__);
}

static struct entry *
some_entry(void)
{
	char id[QID_SIZE];

	snprintf(id, sizeof id, "%016u", chance(MESSAGES));
	return sched_find(&s, id);
}

static void
some_begin(void)
{
	struct entry *e = nheld < HELD_MAX ? sched_next(&s, now) : NULL;

	if (e == NULL)
		return;
	right(e->state == ENTRY_BUSY, __LINE__);
	held[nheld++] = (struct held){ e, e->dest->epoch };
}

/* One of those under way is over.  good: its destination answered, and nothing is left of it. */
static void
some_end(bool good)
{
	static const enum verdict v[] = { VERDICT_NONE, VERDICT_ANSWERED, VERDICT_DEAD, VERDICT_DEAD,
	    VERDICT_DROPPED };
	unsigned i = nheld > 0 ? chance(nheld) : 0;
	struct held h = held[i];

	if (nheld == 0)
		return;
	held[i] = held[--nheld];
	if (h.e->running)
		sched_release(&s, h.e, good ? VERDICT_ANSWERED : v[chance(5)], h.epoch, 0, "4.4.1", "x", now);
	if (h.e->late && chance(3) != 0)
		sched_warned(&s, h.e, SCHED_NEVER, now);
	else if (good || h.e->expired || chance(3) == 0)
		sched_drop(&s, h.e);
	else
		sched_defer(&s, h.e, now + sched_delay(&s, h.e, 1), 0, now);
}

static void
some_administrator(void)
{
	struct entry *e = some_entry();

	if (e == NULL || e->state == ENTRY_BUSY)
		return;
	switch (chance(5)) {
	case 0:
		sched_drop(&s, e);
		break;
	case 1:
		if (nheld < HELD_MAX) {
			sched_take(&s, e);
			held[nheld++] = (struct held){ e, 0 };
		}
		break;
	case 2:
		sched_believe_dead(&s, e, now + 40000, 3, 0, "4.4.1", "x");
		break;
	case 3:
		sched_expire_move(&s, e, (int64_t)chance(200000) - 100000);
		break;
	default:
		sched_retry(&s, e, now);
	}
}

static void
some_step(void)
{
	struct sched_conf conf;

	switch (chance(20)) {
	case 0:
		now += chance(chance(10) == 0 ? 700000 : 5000);
		break;
	case 1:
		some_administrator();
		break;
	case 2:
		if (chance(20) == 0) {
			conf = settings();
			sched_settings(&s, &conf);
		} else if (chance(3) == 0) {
			s.up[chance(CLASS_READ)] ^= true;
		}
		break;
	default:
		if (chance(3) == 0)
			some_add();
		else if (chance(2) == 0)
			some_begin();
		else
			some_end(false);
	}
}

START_TEST(nothing_stays_for_ever)
{
	struct sched_conf conf;
	struct err e;

	seed = (uint64_t)_i * 7919 + 1;
	now = 1000;
	nheld = 0;
	conf = settings();
	ck_assert_int_eq(sched_init(&s, &conf, seed, &e), 0);
	for (int i = 0; i < CLASS_COUNT; i++)
		s.up[i] = true;
	for (int i = 0; i < STEPS; i++) {
		some_step();
		if (i % 16 == 0)
			check_books();
	}
	for (int i = 0; i < CLASS_COUNT; i++)
		s.up[i] = true;
	for (int i = 0; s.nids > 0; i++) {	/* all answer now, and all is well */
		int64_t wait = sched_wait(&s, now);

		if (i == 20000 || (wait < 0 && nheld == 0))
			ck_abort_msg("%zu entries stay", s.nids);
		if (wait > 0 && nheld == 0)
			now += wait;
		some_begin();
		some_end(true);
	}
	check_books();
	ck_assert_uint_eq(nheld, 0);
	ck_assert_uint_eq(s.nlate, 0);
	for (int i = 0; i < 2; i++) {		/* hops after their parts */
		now += SCHED_IDLE_MS;
		ck_assert_ptr_null(sched_next(&s, now));
	}
	ck_assert_uint_eq(s.ndests, 0);
	ck_assert_uint_eq(s.nidle, 0);
	ck_assert_uint_eq(s.nheap, 0);
	sched_free(&s);
}
END_TEST

Suite *suite_chance(void);
Suite *
suite_chance(void)
{
	Suite *suite = suite_create("chance");
	TCase *tc = tcase_create("chance");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, nothing_stays_for_ever, 0, 8);
	suite_add_tcase(suite, tc);
	return suite;
}
