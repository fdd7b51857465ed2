/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "qmgr/sched.h"

#include <check.h>
#include <stdio.h>

enum { FIRST = 60000, MAX = 4 * 3600 * 1000, LIFE = 5 * 86400 * 1000 };

static struct sched s;

static void
setup(void)
{
	struct sched_conf conf = { .first_ms = FIRST, .max_ms = MAX, .max_dest = 20,
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
	return sched_add(&s, id, dest, now, now * 1000, now + LIFE, 0);
}

static void
finish(struct entry *e, enum verdict v, int64_t now)
{
	sched_release(&s, e, v, e->dest->epoch, "4.4.1", "no connection", now);
}

/* The wait doubles from the first to the longest, spread by an eighth to both sides. */
START_TEST(retry_ladder)
{
	int64_t want = FIRST;

	for (uint16_t i = 1; i < 40; i++, want = want * 2 < MAX ? want * 2 : MAX)
		for (int k = 0; k < 50; k++) {
			int64_t got = sched_delay(&s, i);

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
			ck_assert_int_gt(sched_dead_until(e), now);
			sched_defer(&s, e, sched_dead_until(e), 0, now);
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
		for (int i = 0; i < n; i++, sent++) {
			finish(batch[i], VERDICT_ANSWERED, now);
			sched_drop(&s, batch[i]);
		}
	}
	ck_assert_int_eq(sent, 1000);
}
END_TEST

/* A first job that hangs: others follow slowly, five at most until one has answered. */
START_TEST(slow_destination_is_tried_by_more)
{
	int64_t now = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < 50; i++)
		add(i, "a.example:25", now);
	for (; now <= 60000; now += 500) {
		while (sched_next(&s, now) != NULL)
			n++;
		ck_assert_int_eq(n, now < 3000 ? 1 : now / 3000 + 1 < 5 ? now / 3000 + 1 : 5);
	}
}
END_TEST

/* Jobs that were under way together and fail together are one failure. */
START_TEST(failures_together_count_once)
{
	struct entry *e[20];
	uint32_t epoch;
	int64_t until;

	for (unsigned i = 0; i < 30; i++)
		add(i, "a.example:25", 0);
	e[0] = sched_next(&s, 0);
	finish(e[0], VERDICT_ANSWERED, 0);
	sched_drop(&s, e[0]);
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_nonnull(e[i] = sched_next(&s, 0));
	ck_assert_ptr_null(sched_next(&s, 0));
	epoch = e[0]->dest->epoch;
	sched_release(&s, e[0], VERDICT_DEAD, epoch, "4.4.1", "x", 10);
	until = sched_dead_until(e[0]);
	for (int i = 1; i < 20; i++) {
		sched_release(&s, e[i], VERDICT_DEAD, epoch, "4.4.1", "x", 20);
		ck_assert_int_eq(sched_dead_until(e[i]), until);
		ck_assert_int_eq(e[i]->dest->fails, 1);
		sched_defer(&s, e[i], until, 0, 20);
	}
	ck_assert_ptr_null(sched_next(&s, 30));
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
		e->attempts = 1;
		sched_defer(&s, e, 999999, 0, 0);	/* keeps the destination known as good */
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
	struct entry *e;

	for (unsigned i = 0; i < 100; i++)
		add(i, "a.example:25", 0);
	e = sched_next(&s, 0);
	finish(e, VERDICT_ANSWERED, 0);
	while (sched_next(&s, 0) != NULL)
		n++;
	ck_assert_uint_eq(n, 20);
}
END_TEST

/* Expiry comes whether an entry waits, is ready behind a dead destination, or is just deferred. */
START_TEST(expiry)
{
	struct entry *a, *b, *c, *e;

	a = sched_add(&s, "0000000000000001", "a.example:25", 0, 0, 5000, 0);
	b = sched_add(&s, "0000000000000002", "a.example:25", 0, 0, 6000, 0);
	c = sched_add(&s, "0000000000000003", "c.example:25", 9000, 0, 7000, 1);
	e = sched_next(&s, 0);
	ck_assert_ptr_eq(e, a);
	finish(a, VERDICT_DEAD, 0);
	sched_defer(&s, a, sched_dead_until(a), 0, 0);
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
	ck_assert_uint_eq(s.ndests, 0);
	ck_assert_uint_eq(s.nheap, 0);
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
	tcase_add_test(tc, expiry);
	tcase_add_test(tc, no_job_before_hello);
	tcase_add_test(tc, entries_are_found);
	suite_add_tcase(suite, tc);
	return suite;
}
