/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "qmgr/sched.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE = 31000, FIRST = 60000, MAX = 4 * 3600 * 1000, LIFE = 5 * 86400 * 1000 };

static struct sched s;
static struct destination opt;		/* of every destination that is named opt… */
static int64_t opens_ms, closes_ms;

static const struct destination *
options_of(void *arg, const char *name)
{
	static const struct destination none;

	(void)arg;
	return strncmp(name, "opt", 3) == 0 ? &opt : &none;
}

static bool
is_open(void *arg, const struct destination *o, int64_t now, int64_t *until_ms)
{
	bool open = now >= opens_ms && now < closes_ms;

	(void)arg;
	ck_assert_ptr_eq(o, &opt);
	*until_ms = now < opens_ms ? opens_ms : now < closes_ms ? closes_ms : now + 1000000;
	return open;
}

static void
setup(void)
{
	struct sched_conf conf = { .first_ms = FIRST, .max_ms = MAX, .max_dest = 20,
	    .patience_ms = PATIENCE, .options = options_of, .open = is_open,
	    .max = { [CLASS_REPORT] = 16, [CLASS_LOCAL] = 10, [CLASS_REMOTE] = 200,
	    [CLASS_READ] = 1 } };
	struct err e;

	ck_assert_int_eq(sched_init(&s, &conf, 42, &e), 0);
	for (int i = 0; i < CLASS_COUNT; i++)
		s.up[i] = true;
}

static void
teardown(void)
{
	sched_free(&s);
}

static struct entry *
add(unsigned n, const char *dest, int64_t now)
{
	char id[QID_SIZE];

	snprintf(id, sizeof id, "%016u", n);
	return sched_add(&s, id, dest, &(struct sched_new){ .retry_ms = now, .next_us = now * 1000,
	    .expires_ms = now + LIFE, .warn_ms = SCHED_NEVER });
}

static struct entry *
add_from(unsigned n, const char *sender, const char *dest, int64_t now)
{
	struct entry *e;
	char id[QID_SIZE];

	snprintf(id, sizeof id, "%016u", n);
	e = sched_add(&s, id, dest, &(struct sched_new){ .retry_ms = now, .expires_ms = now + LIFE,
	    .warn_ms = SCHED_NEVER, .sender = sched_sender(&s, span_str(sender), span_str("c")) });
	ck_assert_ptr_nonnull(e);
	return e;
}

static void
finish(struct entry *e, enum verdict v, int64_t now)
{
	sched_release(&s, e, v, e->dest->epoch, 0, "4.4.1", "no connection", now);
}

/* A job that is begun at the start and delivers. */
static void
begin_and_drop(struct entry *e)
{
	ck_assert_ptr_eq(sched_next(&s, 0), e);
	sched_drop(&s, e);
}

/* Makes a destination known as one that takes n jobs at once. */
static void
warm(const char *dest, int64_t now)
{
	struct entry *batch[64];

	for (unsigned i = 0; i < 200; i++)
		add(900000 + i, dest, now);
	for (int n = 1; n > 0;) {
		for (n = 0; n < 64 && (batch[n] = sched_next(&s, now)) != NULL; n++)
			continue;
		for (int i = 0; i < n; i++) {
			finish(batch[i], VERDICT_ANSWERED, now);
			sched_drop(&s, batch[i]);
		}
	}
}

/* The wait doubles from the first to the longest, spread by an eighth to both sides. */
START_TEST(retry_ladder)
{
	struct entry *e = add(1, "a.example:25", 0);
	int64_t want = FIRST;

	for (uint16_t i = 1; i < 40; i++, want = want * 2 < MAX ? want * 2 : MAX)
		for (int k = 0; k < 50; k++) {
			int64_t got = sched_delay(&s, e, i);

			ck_assert_int_ge(got, want - want / 8);
			ck_assert_int_le(got, want + want / 8);
			ck_assert_int_le(got, MAX);
		}
}
END_TEST

/* Many messages for a destination that is down: one attempt, then one for each back-off. */
START_TEST(dead_destination_costs_one_probe)
{
	int64_t now = 1000, end = now + 24 * 3600 * 1000;
	int attempts = 0, sent = 0;
	struct entry *e;

	for (unsigned i = 0; i < 1000; i++)
		ck_assert_ptr_nonnull(add(i, "a.example:25", now));
	while (now < end) {
		int64_t wait;

		while ((e = sched_next(&s, now)) != NULL) {
			ck_assert_int_eq(s.active[CLASS_REMOTE], 1);
			attempts++;
			finish(e, VERDICT_DEAD, now);
			ck_assert_int_gt(sched_dead_until(&s, e), now);
			sched_defer(&s, e, sched_dead_until(&s, e), 0, now);
		}
		wait = sched_wait(&s, now);
		ck_assert_int_gt(wait, 0);
		now += wait;
	}
	/* 1, 2, 4 … 128 minutes, 4 hours: 9 in the first 4 hours, then one in 3.5 to 4 hours. */
	ck_assert_int_ge(attempts, 12);
	ck_assert_int_le(attempts, 16);
	/* It comes up: the probe succeeds, all the rest follows at once, at most 20 together. */
	for (;;) {
		struct entry *batch[64];
		int n = 0;

		while (n < 64 && (e = sched_next(&s, now)) != NULL)
			batch[n++] = e;
		if (n == 0 && s.nids == 0)
			break;
		if (n == 0) {
			ck_assert_int_eq(sent, 0);
			now += sched_wait(&s, now);
			continue;
		}
		ck_assert_int_le(n, sent == 0 ? 1 : 20);
		ck_assert(sent < 31 || n == 20 || n == 1000 - sent);
		for (int i = 0; i < n; i++, sent++) {
			finish(batch[i], VERDICT_ANSWERED, now);
			sched_drop(&s, batch[i]);
		}
	}
	ck_assert_int_eq(sent, 1000);
}
END_TEST

/* A first job that says nothing for longer than a connection may take: others follow, one by one, five
 * at most until one has answered. */
START_TEST(slow_destination_is_tried_by_more)
{
	int64_t now = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < 50; i++)
		add(i, "a.example:25", now);
	for (; now <= 300000; now += 500) {
		while (sched_next(&s, now) != NULL)
			n++;
		ck_assert_int_eq(n, now / PATIENCE + 1 < 5 ? now / PATIENCE + 1 : 5);
	}
}
END_TEST

/* One job, then two, four …: all 20 are under way after five rounds. */
START_TEST(window_doubles)
{
	static const int want[] = { 1, 2, 4, 8, 16, 20, 20 };
	struct entry *e[64];

	for (unsigned i = 0; i < 200; i++)
		add(i, "a.example:25", 0);
	for (size_t round = 0; round < sizeof want / sizeof *want; round++) {
		int n = 0;

		while ((e[n] = sched_next(&s, 0)) != NULL)
			n++;
		ck_assert_int_eq(n, want[round]);
		for (int i = 0; i < n; i++) {
			finish(e[i], VERDICT_ANSWERED, 0);
			sched_drop(&s, e[i]);
		}
	}
}
END_TEST

/* A host that takes ten sessions and refuses more, or breaks them off: half, then one more for each round of answers. */
START_TEST(window_halves_and_grows_slowly)
{
	struct entry *e[64];
	uint32_t before;
	int n = 0;

	warm("a.example:25", 0);
	for (unsigned i = 0; i < 500; i++)
		add(i, "a.example:25", 0);
	while ((e[n] = sched_next(&s, 0)) != NULL)
		n++;
	ck_assert_int_eq(n, 20);
	before = e[0]->dest->epoch;
	for (int i = 0; i < 20; i++) {
		sched_release(&s, e[i], i < 5 ? (_i ? VERDICT_DROPPED : VERDICT_DEAD) : VERDICT_ANSWERED, before, 0,
		    "4.4.1", "full", 0);
		ck_assert_int_eq(sched_dead_until(&s, e[i]), 0);
		ck_assert_int_le(e[i]->dest->window, 12);
		ck_assert_int_ge(e[i]->dest->window, 10);
	}
	for (int i = 0; i < 20; i++)
		sched_drop(&s, e[i]);
	for (int round = 0; round < 4; round++) {
		uint32_t window;

		for (n = 0; (e[n] = sched_next(&s, 0)) != NULL;)
			n++;
		window = e[0]->dest->window;
		ck_assert_int_eq(n, (int)window);
		for (int i = 0; i < n; i++)
			finish(e[i], VERDICT_ANSWERED, 0);
		ck_assert_uint_ge(e[0]->dest->window, window);
		ck_assert_uint_le(e[0]->dest->window, window + 1);
		for (int i = 0; i < n; i++)
			sched_drop(&s, e[i]);
	}
}
END_TEST

/* It dies with 20 jobs under way: half of them say so, then it is left alone; the rest of them make it
 * no worse. */
START_TEST(failures_together_count_once)
{
	struct entry *e[20];
	uint32_t epoch;
	int64_t until;

	warm("a.example:25", 0);
	for (unsigned i = 0; i < 30; i++)
		add(i, "a.example:25", 0);
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_nonnull(e[i] = sched_next(&s, 0));
	ck_assert_ptr_null(sched_next(&s, 0));
	epoch = e[0]->dest->epoch;
	for (int i = 0; i < 11; i++) {
		ck_assert_int_eq(sched_dead_until(&s, e[0]), 0);
		sched_release(&s, e[i], VERDICT_DEAD, epoch, 0, "4.4.1", "x", 10);
		ck_assert_ptr_null(sched_next(&s, 10));
	}
	until = sched_dead_until(&s, e[0]);
	ck_assert_int_ge(until, FIRST * 7 / 8);
	for (int i = 11; i < 20; i++) {
		sched_release(&s, e[i], VERDICT_DEAD, epoch, 0, "4.4.1", "x", 20);
		ck_assert_int_eq(sched_dead_until(&s, e[i]), until);
		ck_assert_int_eq(e[i]->dest->fails, 1);
	}
	for (int i = 0; i < 20; i++)
		sched_defer(&s, e[i], until, 0, 20);
	ck_assert_ptr_null(sched_next(&s, 30));
}
END_TEST

/* What an earlier process found out is believed until its time; then there is one probe. */
START_TEST(dead_from_disk)
{
	struct entry *e = NULL;
	const char *dsn, *text;
	int64_t until = 3600000;

	for (unsigned i = 0; i < 1000; i++)
		e = add(i, "a.example:25", 0);
	sched_believe_dead(&s, e, until, 7, 554, "4.4.1", "554 no");
	ck_assert_ptr_null(sched_next(&s, 1));
	ck_assert_ptr_null(sched_next(&s, until - 1));
	ck_assert_int_eq(sched_dead_until(&s, e), until);
	ck_assert_uint_eq(sched_why(e, &dsn, &text), 554);
	ck_assert_str_eq(text, "554 no");
	e = sched_next(&s, until);
	ck_assert_ptr_nonnull(e);
	ck_assert_ptr_null(sched_next(&s, until));
	finish(e, VERDICT_DEAD, until);	/* the eighth time in a row: the longest wait but one */
	ck_assert_int_ge(sched_dead_until(&s, e), until + FIRST * 128 * 7 / 8);
	sched_defer(&s, e, sched_dead_until(&s, e), 0, until);
	/* An administrator wants one now: it goes, and no other. */
	sched_retry(&s, sched_find(&s, "0000000000000500"), until + 1);
	e = sched_next(&s, until + 1);
	ck_assert_ptr_eq(e, sched_find(&s, "0000000000000500"));
	ck_assert_ptr_null(sched_next(&s, until + 1));
	finish(e, VERDICT_ANSWERED, until + 1);
	ck_assert_ptr_nonnull(sched_next(&s, until + 1));
}
END_TEST

/* One sender's 100,000 messages hold up another's single one by no more than a round of senders. */
START_TEST(senders_take_turns)
{
	struct entry *e, *mine[50];
	char who[64];

	for (unsigned i = 0; i < 100000; i++) {		/* with an address for each, as lists have */
		snprintf(who, sizeof who, "News-return-%u-joe=b.example@bulk.example", i);
		add_from(i, who, "a.example:25", 0);
	}
	e = sched_next(&s, 0);
	finish(e, VERDICT_ANSWERED, 0);
	sched_drop(&s, e);
	for (unsigned i = 0; i < 50; i++) {
		snprintf(who, sizeof who, "%c%c@person.example", 'a' + i % 26, 'a' + i / 26);
		mine[i] = add_from(200000 + i, who, "a.example:25", 1);
	}
	for (int round = 0; round < 60; round++) {
		struct entry *was = e = sched_next(&s, 1);

		ck_assert_ptr_nonnull(e);
		for (int i = 0; i < 50; i++)
			if (mine[i] == was)
				mine[i] = NULL;
		finish(e, VERDICT_ANSWERED, 1);
		sched_drop(&s, e);
	}
	for (int left = 0, i = 0; i < 50; i++) {
		left += mine[i] != NULL;
		ck_assert_int_le(left, 12);	/* two or more in a lane, or in one of the flood's */
	}
	for (int round = 0; round < 200; round++) {
		ck_assert_ptr_nonnull(e = sched_next(&s, 1));
		for (int i = 0; i < 50; i++)
			if (mine[i] == e)
				mine[i] = NULL;
		finish(e, VERDICT_ANSWERED, 1);
		sched_drop(&s, e);
	}
	for (int i = 0; i < 50; i++)
		ck_assert_ptr_null(mine[i]);
}
END_TEST

static const struct { const char *a, *b; bool same; } senders[] = {
	{ "joe@a.example", "JOE@A.example", true },
	{ "joe@a.example", "ann@a.example", false },
	{ "joe@a.example", "joe@b.example", false },
	{ "joe+x@a.example", "joe+y@a.example", true },
	{ "l-return-1-x=y@a.example", "l-return-2-z=y@a.example", true },
	{ "-1@a.example", "-2@a.example", false },
	{ "postmaster", "root", false },
};

static struct entry *
add_level(unsigned n, int8_t level)
{
	char id[QID_SIZE];

	snprintf(id, sizeof id, "%016u", n);
	return sched_add(&s, id, "a.example:25", &(struct sched_new){ .level = level, .expires_ms = LIFE,
	    .warn_ms = SCHED_NEVER, .sender = (uint16_t)n });
}

/* RFC 6710, 5.1: the urgent before the others, and within a level in turn; but nobody waits for ever. */
START_TEST(the_urgent_go_first)
{
	static const int8_t levels[] = { 1, 0, -1 };
	unsigned seen[3] = { 0 }, last[3] = { 0 };
	struct entry *e;

	s.conf.max_dest = 1;
	for (unsigned i = 0; i < 300; i++)
		ck_assert_ptr_nonnull(add_level(i, levels[i % 3]));
	for (unsigned i = 1; i <= 300; i++) {
		ck_assert_ptr_nonnull(e = sched_next(&s, 0));
		if (seen[e->tier] < 100)
			ck_assert_uint_le(i - last[e->tier], 2 * (SCHED_PASSED + 2));
		last[e->tier] = i;
		seen[e->tier]++;
		if (i == 100) {		/* 8 of 10 are urgent */
			ck_assert_uint_ge(seen[0], 80);
			ck_assert_uint_ge(seen[1], 8);
			ck_assert_uint_ge(seen[2], 8);
		}
		finish(e, VERDICT_ANSWERED, 0);
		sched_drop(&s, e);
	}
	ck_assert(seen[0] == 100 && seen[1] == 100 && seen[2] == 100);
}
END_TEST

START_TEST(the_first_is_the_most_urgent)
{
	for (unsigned i = 0; i < 3; i++)
		add_level(i, (int8_t)(1 - (int)i));
	for (unsigned i = 0; i < 3; i++) {
		struct entry *e = sched_next(&s, 0);

		ck_assert_ptr_nonnull(e);
		ck_assert_uint_eq(e->tier, i);
		finish(e, VERDICT_ANSWERED, 0);
		sched_drop(&s, e);
	}
}
END_TEST

START_TEST(who_is_one_sender)
{
	struct span none = span_str("");

	for (unsigned i = 0; i < sizeof senders / sizeof *senders; i++)
		ck_assert_int_eq(sched_sender(&s, span_str(senders[i].a), none) ==
		    sched_sender(&s, span_str(senders[i].b), none), senders[i].same);
	/* Reports have no sender: their client counts. */
	ck_assert_uint_ne(sched_sender(&s, none, span_str("a [192.0.2.1]")),
	    sched_sender(&s, none, span_str("a [192.0.2.2]")));
}
END_TEST

/* 10 a second: after the first one in 100 ms. */
START_TEST(rate_is_kept)
{
	unsigned n = 0;

	opt = (struct destination){ .rate_n = 10, .rate_s = 1 };
	for (unsigned i = 0; i < 100; i++)
		add(i, "opt.example:25", 0);
	for (int64_t now = 0; now <= 5000;) {
		struct entry *e = sched_next(&s, now);

		if (e == NULL) {
			ck_assert_int_gt(sched_wait(&s, now), 0);
			now += sched_wait(&s, now);
			continue;
		}
		n++;
		finish(e, VERDICT_ANSWERED, now);
		sched_drop(&s, e);
		ck_assert_uint_le(n, now / 100 + 2);
		ck_assert_uint_ge(n + 1, now / 100);
	}
}
END_TEST

START_TEST(options_of_destinations)
{
	unsigned n = 0;
	struct entry *e;

	opt = (struct destination){ .concurrency = 3, .nretry = 2, .retry_s = { 10, 100 } };
	for (unsigned i = 0; i < 100; i++)
		e = add(i, "opt.example:25", 0);
	warm("opt.example:25", 0);
	for (unsigned i = 0; i < 100; i++)
		e = add(i, "opt.example:25", 0);
	while (sched_next(&s, 0) != NULL)
		n++;
	ck_assert_uint_eq(n, 3);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_ge(sched_delay(&s, e, 1), 8750);
		ck_assert_int_le(sched_delay(&s, e, 1), 11250);
		ck_assert_int_ge(sched_delay(&s, e, 9), 87500);
		ck_assert_int_le(sched_delay(&s, e, 9), sched_longest(&s, e));
	}
	ck_assert_int_eq(sched_longest(&s, e), 112500);
}
END_TEST

/* --- a hop and its parts --- */

/* Ten domains with lines of their own share a hop: its limit is theirs together, and they take turns. */
START_TEST(a_hop_has_one_limit)
{
	unsigned n[11] = { 0 }, active = 0;
	struct entry *e, *busy[20];
	char dest[32];

	for (unsigned i = 0; i < 11 * 40; i++) {
		snprintf(dest, sizeof dest, i % 11 == 0 ? "hop.example:25" : "hop.example:25 d%u", i % 11);
		e = add(i, dest, 0);
		e->dest->health = 1;	/* known, and as wide as it gets */
		e->dest->window = 20;
	}
	for (int64_t now = 0; now < 300; now++) {
		while ((e = sched_next(&s, now)) != NULL) {
			ck_assert_uint_lt(active, 20);
			busy[active++] = e;
			n[atoi(e->id) % 11]++;
		}
		for (unsigned d = 1; d < 11; d++)
			ck_assert_int_le(abs((int)n[d] - (int)n[0]), 2);
		if (now < 10)
			ck_assert_uint_eq(active, 20);
		if (active == 0)
			break;
		e = busy[0];
		busy[0] = busy[--active];
		finish(e, VERDICT_ANSWERED, now);
		sched_drop(&s, e);
	}
}
END_TEST

/* The hop's rate is kept by all its mail; a part's own besides. */
START_TEST(a_hop_has_one_rate)
{
	static const char *const dests[] = { "opt.example:25", "opt.example:25 a", "opt.example:25 b" };
	unsigned n[3] = { 0 };

	opt = (struct destination){ .rate_n = 10, .rate_s = 1 };
	for (unsigned i = 0; i < 300; i++)
		add(i, dests[i % 3], 0);
	for (int64_t now = 0; now <= 6000;) {
		struct entry *e = sched_next(&s, now);
		unsigned all;

		if (e == NULL) {
			ck_assert_int_gt(sched_wait(&s, now), 0);
			now += sched_wait(&s, now);
			continue;
		}
		n[atoi(e->id) % 3]++;
		all = n[0] + n[1] + n[2];
		finish(e, VERDICT_ANSWERED, now);
		sched_drop(&s, e);
		ck_assert_uint_le(all, now / 100 + 2);
		ck_assert_uint_ge(all + 1, now / 100);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_uint_ge(n[i], 18);
}
END_TEST

/* A part's own limit holds within the hop's, and the hop lives for as long as its last part. */
START_TEST(a_part_has_its_own_limit)
{
	unsigned parts = 0, others = 0;
	struct entry *e, *last = NULL;

	opt = (struct destination){ .concurrency = 2 };
	for (unsigned i = 0; i < 60; i++) {
		e = add(i, i % 2 == 0 ? "big.example:25" : "big.example:25 opt", 0);
		e->dest->health = 1;
		e->dest->window = i % 2 == 0 ? 20 : 2;
	}
	e->dest->opt = &opt;
	while ((e = sched_next(&s, 0)) != NULL) {
		if (e->dest->hop != e->dest)
			parts++, last = e;
		else
			others++;
	}
	ck_assert_uint_eq(parts, 2);
	ck_assert_uint_eq(others, 18);
	ck_assert_uint_eq(last->dest->hop->parts, 1);
	for (unsigned i = 0; i < 60; i++) {
		char id[QID_SIZE];

		snprintf(id, sizeof id, "%016u", i);
		sched_drop(&s, sched_find(&s, id));
	}
	ck_assert_uint_eq(s.nidle, 1);
	ck_assert_ptr_null(sched_next(&s, SCHED_IDLE_MS));
	ck_assert_uint_eq(s.ndests, 1);
	ck_assert_uint_eq(s.nidle, 1);
	ck_assert_ptr_null(sched_next(&s, 2 * SCHED_IDLE_MS));
	ck_assert_uint_eq(s.ndests, 0);
	ck_assert_uint_eq(s.nheap, 0);
}
END_TEST

/* One an hour: the next one waits, of the part and of its hop, though neither had mail meanwhile. */
START_TEST(a_rate_outlives_its_mail)
{
	struct entry *e;

	opt = (struct destination){ .rate_n = 1, .rate_s = 3600 };
	begin_and_drop(add(0, "opt.example:25 a", 0));
	ck_assert_ptr_null(sched_next(&s, 2 * SCHED_IDLE_MS));
	e = add(1, "opt.example:25", 2 * SCHED_IDLE_MS);
	ck_assert_ptr_null(sched_next(&s, 3599000));
	ck_assert_ptr_eq(sched_next(&s, 3600000), e);
	sched_drop(&s, e);
	ck_assert_ptr_null(sched_next(&s, 7199000));
	ck_assert_uint_eq(s.ndests, 1);
	ck_assert_ptr_null(sched_next(&s, 7200000));
	ck_assert_uint_eq(s.ndests, 0);
	ck_assert_uint_eq(s.nheap, 0);
}
END_TEST

/* Also when many others are remembered, up to a limit that is another one. */
START_TEST(a_rate_outlives_its_mail_among_many)
{
	char name[32];

	opt = (struct destination){ .rate_n = 1, .rate_s = 3600 };
	for (unsigned i = 0; i < SCHED_IDLE_MAX + 5; i++) {
		snprintf(name, sizeof name, "d%u", i);
		sched_drop(&s, add(i, name, 0));
	}
	ck_assert_uint_eq(s.nidle, SCHED_IDLE_MAX);
	begin_and_drop(add(0, "opt1", 0));
	ck_assert_uint_eq(s.nidle, SCHED_IDLE_MAX + 1);
	(void)add(0, "opt1", 0);
	ck_assert_ptr_null(sched_next(&s, 0));
	s.nidle += SCHED_RATED_MAX;
	begin_and_drop(add(1, "opt2", 0));
	ck_assert_uint_eq(s.ndests, SCHED_IDLE_MAX + 1);
	s.nidle -= SCHED_RATED_MAX;
}
END_TEST

/* New settings allow no message that the rate forbids; a new rate holds from now on, and none forbids nothing. */
START_TEST(a_rate_outlives_new_settings)
{
	struct sched_conf conf = s.conf;
	struct entry *e;

	opt = (struct destination){ .rate_n = 1, .rate_s = 3600 };
	begin_and_drop(add(0, "opt", 0));
	e = add(1, "opt", 0);
	sched_settings(&s, &conf);
	ck_assert_ptr_null(sched_next(&s, 0));
	ck_assert_int_eq(sched_wait(&s, 0), 3600000);
	opt.rate_s = 60;
	sched_settings(&s, &conf);
	ck_assert_ptr_null(sched_next(&s, 0));
	ck_assert_int_eq(sched_wait(&s, 0), 60000);
	opt.rate_s = 600;
	sched_settings(&s, &conf);
	ck_assert_int_eq(sched_wait(&s, 0), 60000);
	opt = (struct destination){ .rate_n = 0 };
	sched_settings(&s, &conf);
	ck_assert_ptr_eq(sched_next(&s, 0), e);
}
END_TEST

/* Outside its hours nothing is begun, and mail still expires. */
START_TEST(hours)
{
	struct entry *a, *b;

	opt = (struct destination){ .nhours = 1, .hours = { { 0, 1 } } };
	opens_ms = 50000;
	closes_ms = 60000;
	a = add(1, "opt.example:25", 0);
	b = sched_add(&s, "0000000000000002", "opt.example:25", &(struct sched_new){ .retry_ms = 0,
	    .expires_ms = 20000, .warn_ms = SCHED_NEVER });
	ck_assert_ptr_null(sched_next(&s, 0));
	ck_assert_int_eq(sched_wait(&s, 0), 20000);
	ck_assert_ptr_eq(sched_next(&s, 20000), b);
	ck_assert(b->expired);
	sched_drop(&s, b);
	ck_assert_ptr_null(sched_next(&s, 49999));
	ck_assert_int_eq(sched_wait(&s, 49999), 1);
	ck_assert_ptr_eq(sched_next(&s, 50000), a);
	finish(a, VERDICT_ANSWERED, 50000);
	sched_defer(&s, a, 60000, 0, 50000);
	ck_assert_ptr_null(sched_next(&s, 60000));
	sched_drop(&s, a);
}
END_TEST

/* A warning is due once, also behind a dead destination, and only when there is somebody to tell. */
START_TEST(warnings)
{
	struct entry *e = sched_add(&s, "0000000000000001", "a.example:25", &(struct sched_new){
	    .retry_ms = 0, .expires_ms = LIFE, .warn_ms = 5000 });

	ck_assert_ptr_eq(sched_next(&s, 0), e);
	finish(e, VERDICT_DEAD, 0);
	sched_defer(&s, e, sched_dead_until(&s, e), 0, 0);
	ck_assert_ptr_null(sched_next(&s, 4999));
	s.up[CLASS_REPORT] = false;
	ck_assert_ptr_null(sched_next(&s, 5000));
	s.up[CLASS_REPORT] = true;
	ck_assert_ptr_eq(sched_next(&s, 20000), e);
	ck_assert(e->late && !e->running);
	ck_assert_uint_eq(s.active[CLASS_REPORT], 1);
	sched_warned(&s, e, SCHED_NEVER, 20000);
	ck_assert_uint_eq(s.active[CLASS_REPORT], 0);
	ck_assert_ptr_null(sched_next(&s, 20001));
	ck_assert_ptr_eq(sched_next(&s, FIRST * 9 / 8), e);
	ck_assert(!e->late && e->running);
}
END_TEST

/* Without mail a destination is remembered for a while, then forgotten. */
START_TEST(idle_destinations)
{
	warm("a.example:25", 0);
	ck_assert_uint_eq(s.nids, 0);
	ck_assert_uint_eq(s.ndests, 1);
	for (unsigned i = 0; i < 30; i++)
		add(i, "a.example:25", SCHED_IDLE_MS - 1);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_ptr_nonnull(sched_next(&s, SCHED_IDLE_MS - 1));
	for (unsigned i = 0; i < 30; i++)
		sched_drop(&s, add(i, "a.example:25", SCHED_IDLE_MS - 1));
	ck_assert_ptr_null(sched_next(&s, 2 * SCHED_IDLE_MS - 2));
	ck_assert_uint_eq(s.ndests, 1);
	ck_assert_ptr_null(sched_next(&s, 2 * SCHED_IDLE_MS));
	ck_assert_uint_eq(s.ndests, 0);
	ck_assert_uint_eq(s.nheap, 0);
	ck_assert_uint_eq(s.nidle, 0);
}
END_TEST

START_TEST(concurrency_is_kept)
{
	unsigned n = 0, per[30] = { 0 }, nlocal = 0;
	struct entry *e;
	char dest[32];

	for (unsigned d = 0; d < 30; d++) {
		snprintf(dest, sizeof dest, "d%u.example:25", d);
		add(10000 + d, dest, 0);
	}
	while ((e = sched_next(&s, 0)) != NULL) {
		finish(e, VERDICT_ANSWERED, 0);
		e->dest->window = 20;
		sched_defer(&s, e, 999999, 0, 0);
	}
	for (unsigned i = 0; i < 900; i++) {
		snprintf(dest, sizeof dest, "d%u.example:25", i / 30);
		add(i, dest, 1);
	}
	for (unsigned i = 0; i < 50; i++)
		add(i, "local", 1);
	while ((e = sched_next(&s, 1)) != NULL) {
		unsigned d;

		if (strcmp(e->dest->name, "local") == 0) {
			nlocal++;
			continue;
		}
		ck_assert_int_eq(sscanf(e->dest->name, "d%u.", &d), 1);
		per[d]++;
		n++;
		/* Round robin: none is two ahead of another. */
		for (unsigned k = 0; k < 30; k++)
			ck_assert_uint_le(per[d], per[k] + 1);
	}
	ck_assert_uint_eq(n, 200);
	ck_assert_uint_eq(nlocal, 10);
}
END_TEST

START_TEST(one_destination_has_its_limit)
{
	unsigned n = 0;

	warm("a.example:25", 0);
	for (unsigned i = 0; i < 100; i++)
		add(i, "a.example:25", 0);
	while (sched_next(&s, 0) != NULL)
		n++;
	ck_assert_uint_eq(n, 20);
}
END_TEST

/* Expiry comes whether an entry waits, is ready behind a dead destination, or is just deferred. */
START_TEST(expiry)
{
	struct entry *a, *b, *c, *e;

	a = sched_add(&s, "0000000000000001", "a.example:25", &(struct sched_new){ .expires_ms = 5000,
	    .warn_ms = SCHED_NEVER });
	b = sched_add(&s, "0000000000000002", "a.example:25", &(struct sched_new){ .expires_ms = 6000,
	    .warn_ms = SCHED_NEVER });
	c = sched_add(&s, "0000000000000003", "c.example:25", &(struct sched_new){ .retry_ms = 9000,
	    .expires_ms = 7000, .warn_ms = SCHED_NEVER, .attempts = 1 });
	e = sched_next(&s, 0);
	ck_assert_ptr_eq(e, a);
	finish(a, VERDICT_DEAD, 0);
	sched_defer(&s, a, sched_dead_until(&s, a), 0, 0);
	ck_assert_ptr_null(sched_next(&s, 4999));
	ck_assert_ptr_eq(sched_next(&s, 5000), a);
	ck_assert(a->expired && !a->running);
	sched_drop(&s, a);
	ck_assert_ptr_null(sched_next(&s, 5999));
	ck_assert_int_eq(sched_wait(&s, 5999), 1);
	ck_assert_ptr_eq(sched_next(&s, 6000), b);
	ck_assert(b->expired);
	ck_assert_ptr_eq(sched_next(&s, 7000), c);
	ck_assert(c->expired);
	sched_drop(&s, b);
	sched_drop(&s, c);
	ck_assert_uint_eq(s.nids, 0);
	ck_assert_uint_eq(s.nheap, s.ndests);	/* they alone are left, for a while */
}
END_TEST

/* Nothing is started for a class that has not said hello. */
START_TEST(no_job_before_hello)
{
	add(1, "a.example:25", 0);
	add(1, "local", 0);
	s.up[CLASS_REMOTE] = s.up[CLASS_LOCAL] = false;
	ck_assert_ptr_null(sched_next(&s, 10));
	s.up[CLASS_LOCAL] = true;
	ck_assert_str_eq(sched_next(&s, 10)->dest->name, "local");
	ck_assert_ptr_null(sched_next(&s, 10));
	s.up[CLASS_REMOTE] = true;
	ck_assert_str_eq(sched_next(&s, 10)->dest->name, "a.example:25");
}
END_TEST

START_TEST(entries_are_found)
{
	struct entry *e;
	int n = 0;

	for (unsigned i = 0; i < 5000; i++) {
		add(i, "a.example:25", 0);
		add(i, "b.example:25", 0);
	}
	ck_assert_uint_eq(s.nids, 10000);
	ck_assert_ptr_eq(add(17, "a.example:25", 0), sched_find_dest(&s, "0000000000000017",
	    "a.example:25"));
	ck_assert_uint_eq(s.nids, 10000);
	for (e = sched_find(&s, "0000000000000017"); e != NULL; e = sched_sibling(e))
		n++;
	ck_assert_int_eq(n, 2);
	ck_assert_ptr_null(sched_find(&s, "zzzzzzzzzzzzzzzz"));
}
END_TEST

Suite *suite_sched(void);
Suite *
suite_sched(void)
{
	Suite *suite = suite_create("sched");
	TCase *tc = tcase_create("sched");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, retry_ladder);
	tcase_add_test(tc, dead_destination_costs_one_probe);
	tcase_add_test(tc, slow_destination_is_tried_by_more);
	tcase_add_test(tc, failures_together_count_once);
	tcase_add_test(tc, concurrency_is_kept);
	tcase_add_test(tc, one_destination_has_its_limit);
	tcase_add_test(tc, window_doubles);
	tcase_add_loop_test(tc, window_halves_and_grows_slowly, 0, 2);
	tcase_add_test(tc, dead_from_disk);
	tcase_add_test(tc, senders_take_turns);
	tcase_add_test(tc, the_urgent_go_first);
	tcase_add_test(tc, the_first_is_the_most_urgent);
	tcase_add_test(tc, who_is_one_sender);
	tcase_add_test(tc, rate_is_kept);
	tcase_add_test(tc, options_of_destinations);
	tcase_add_test(tc, a_hop_has_one_limit);
	tcase_add_test(tc, a_hop_has_one_rate);
	tcase_add_test(tc, a_part_has_its_own_limit);
	tcase_add_test(tc, a_rate_outlives_its_mail);
	tcase_add_test(tc, a_rate_outlives_its_mail_among_many);
	tcase_add_test(tc, a_rate_outlives_new_settings);
	tcase_add_test(tc, hours);
	tcase_add_test(tc, warnings);
	tcase_add_test(tc, idle_destinations);
	tcase_add_test(tc, expiry);
	tcase_add_test(tc, no_job_before_hello);
	tcase_add_test(tc, entries_are_found);
	suite_add_tcase(suite, tc);
	return suite;
}
