/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* New settings while messages wait and jobs run. */
#include "tests/unit/qmgr/fake.h"

#include <check.h>

static struct fake f;
static char id[QID_SIZE];

static const struct rcpt_result delivered = { .outcome = OUTCOME_DELIVERED, .code = 250,
    .dsn = "2.0.0", .mta = "a", .text = "250 ok" };
static const struct rcpt_result greylisted = { .outcome = OUTCOME_DEFERRED, .code = 450,
    .dsn = "4.7.1", .text = "450 4.7.1 later" };
static const struct rcpt_result no_connection = { .outcome = OUTCOME_DEFERRED, .flags = RESULT_HOST, .dsn = "4.4.1",
    .text = "no connection" };

static void
setup(void)
{
	static const enum role r[] = { ROLE_REMOTE, ROLE_LOCAL, ROLE_BOUNCE };

	fake_start(&f);
	fake_peer(&f, ROLE_QUEUE);
	for (int i = 0; i < 3; i++) {
		fake_peer(&f, r[i]);
		fake_hello(&f, r[i]);
	}
	fake_run(&f, 5);
}

static void
teardown(void)
{
	fake_end(&f);
}

static void
message(const char *const *to)
{
	fake_message(&f, id, "s@s.example", to, 0);
	fake_new(&f, id);
}

/* The next job, copied; acknowledgements are passed over. */
static struct msg_job *
job(void)
{
	static _Alignas(8) unsigned char copy[sizeof(struct msg_job) + 4 * 100];

	while (fake_next(&f, ROLE_REMOTE)->type == MSG_ACK)
		;
	ck_assert_uint_eq(((struct msg_hdr *)(void *)f.packet)->type, MSG_JOB);
	memcpy(copy, f.packet, f.len);
	return (struct msg_job *)(void *)copy;
}

static bool
result(const struct msg_job *m, const struct rcpt_result *r)
{
	fake_result(&f, ROLE_REMOTE, m, r);
	return fake_queue_mark(&f);
}

/* No job comes: only acknowledgements. */
static void
no_job(void)
{
	uint32_t active = f.q.sched.active[CLASS_REMOTE];

	fake_run(&f, 20);
	ck_assert_uint_le(f.q.sched.active[CLASS_REMOTE], active);
}

/* As the daemon does it. */
static void
change(enum conf_id what, const char *text)
{
	struct conf old = f.d.conf;
	struct err e = { 0 };

	ck_assert_int_eq(conf_init_as(&f.d.conf, "gateway.example", &e), 0);
	for (int i = 0; i < CONF_COUNT; i++)
		if (i != (int)what && old.v[i].set) {
			struct buf b;

			buf_init(&b, 10000);
			for (uint32_t k = 0; k < old.v[i].n; k++) {
				(void)buf_add(&b, old.v[i].line[k], &e);
				(void)buf_add_byte(&b, '\n', &e);
			}
			ck_assert_int_eq(conf_set(&f.d.conf, (enum conf_id)i, buf_view(&b), &e), 0);
			buf_free(&b);
		}
	ck_assert_int_eq(conf_set(&f.d.conf, what, span_str(text), &e), 0);
	qmgr_switched(&f.q, &old);
	conf_free(&old);
	fake_run(&f, 20);
}

START_TEST(a_waiting_message_takes_the_new_route)
{
	static const char *const to[] = { "a@one.example", "b@two.example", NULL };
	struct msg_job *m;

	message(to);
	for (int i = 0; i < 2; i++) {
		m = job();
		result(m, &greylisted);
	}
	change(CONF_SMTPROUTES, "one.example:[192.0.2.9]:25\n");
	ck_assert_ptr_null(sched_find_dest(&f.q.sched, id, "one.example"));
	ck_assert_ptr_nonnull(sched_find_dest(&f.q.sched, id, "[192.0.2.9]:25"));
	ck_assert_ptr_nonnull(sched_find_dest(&f.q.sched, id, "two.example"));
	ck_assert_uint_eq(f.q.sched.nids, 2);
	no_job();		/* its time has not come because of that */
	fake_advance(&f, 3600 * 1000);
	for (int i = 0; i < 2; i++) {
		m = job();
		ck_assert_uint_eq(m->n, 1);
		ck_assert_str_ne(m->dest, "one.example");
		ck_assert_int_eq(result(m, &delivered), i == 1);
	}
	ck_assert_uint_eq(f.q.sched.nids, 0);
	ck_assert_uint_eq(f.q.nadopted, 0);
}
END_TEST

/* Delivered by the old route while the message had entries of the new one: once. */
START_TEST(under_way_is_not_begun_again)
{
	static const char *const to[] = { "a@one.example", "b@two.example", NULL };
	struct msg_job *m, first;

	message(to);
	first = *job();
	ck_assert_uint_eq(first.n, 1);
	m = job();
	result(m, &greylisted);
	/* both recipients go one way now, and the second is due before the first is over */
	change(CONF_SMTPROUTES, ":[192.0.2.9]:25\n");
	fake_advance(&f, 600 * 1000);
	m = job();
	ck_assert_str_eq(m->dest, "[192.0.2.9]:25");
	ck_assert_uint_eq(m->n, 1);
	ck_assert(!result(m, &delivered));
	no_job();
	{
		struct { struct msg_job j; uint32_t slot; } again = { first, 0 };

		again.slot = strcmp(first.dest, "one.example") == 0 ? 0 : 1;
		ck_assert(result(&again.j, _i == 0 ? &delivered : &greylisted) == (_i == 0));
	}
	fake_advance(&f, 3600 * 1000);
	if (_i == 1) {		/* deferred: by the new route, then */
		m = job();
		ck_assert_str_eq(m->dest, "[192.0.2.9]:25");
		ck_assert(result(m, &delivered));
	}
	no_job();
	ck_assert_uint_eq(f.q.nadopted, 0);
	ck_assert_uint_eq(f.q.sched.nids, 0);
}
END_TEST

START_TEST(a_dead_destination_stays_dead)
{
	static const char *const to[] = { "a@one.example", NULL };
	const struct entry *en;
	int64_t until;

	message(to);
	result(job(), &no_connection);
	en = sched_find_dest(&f.q.sched, id, "one.example");
	ck_assert_int_gt(until = sched_dead_until(&f.q.sched, en), 0);
	change(CONF_SMTPROUTES, "two.example:[192.0.2.9]:25\n");
	en = sched_find_dest(&f.q.sched, id, "one.example");
	ck_assert_ptr_nonnull(en);
	ck_assert_int_eq(sched_dead_until(&f.q.sched, en), until);
	change(CONF_CONCURRENCYDOMAIN, "1\n");
	ck_assert_int_eq(sched_dead_until(&f.q.sched, en), until);
}
END_TEST

static uint32_t
active(void)
{
	fake_run(&f, 20);
	return f.q.sched.active[CLASS_REMOTE];
}

/* The oldest job that is under way is answered; how many are then. */
static uint32_t
answer_one(void)
{
	struct { struct msg_job j; uint32_t slot; } r = { *job(), 0 };

	result(&r.j, &delivered);
	return active();
}

START_TEST(limits_follow)
{
	static const char *const to[] = { "a@one.example", NULL };
	uint32_t most = 0;

	for (int i = 0; i < 60; i++)
		message(to);
	while (active() < 4)		/* it answers, so more may go */
		answer_one();
	change(CONF_CONCURRENCYDOMAIN, "2\n");
	ck_assert_uint_eq(active(), 4);		/* what is under way goes on */
	ck_assert_uint_eq(answer_one(), 3);
	ck_assert_uint_eq(answer_one(), 2);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(answer_one(), 2);
	change(CONF_CONCURRENCYDOMAIN, "5\n");
	for (int i = 0; i < 15; i++)
		most = answer_one() > most ? active() : most;
	ck_assert_uint_eq(most, 5);
	change(CONF_CONCURRENCYREMOTE, "6\n");
	change(CONF_CONCURRENCYDOMAIN, "20\n");
	for (int i = 0; i < 15; i++)
		most = answer_one() > most ? active() : most;
	ck_assert_uint_eq(most, 6);
}
END_TEST

START_TEST(a_shorter_lifetime_is_for_those_that_wait)
{
	static const char *const to[] = { "a@one.example", NULL };

	message(to);
	result(job(), &greylisted);
	change(CONF_QUEUELIFETIME, "50\n");
	fake_advance(&f, 51 * 1000);
	fake_queue_mark(&f);
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_FAILED);
}
END_TEST

/* Its time is over, and that is on its way to the disk, when it gets another route: not delivered too. */
START_TEST(expired_is_not_begun_by_the_new_route)
{
	static const char *const to[] = { "a@one.example", NULL };

	f.q.sched.up[CLASS_REMOTE] = false;
	message(to);
	change(CONF_QUEUELIFETIME, "50\n");
	fake_advance(&f, 121 * 1000);
	change(CONF_SMTPROUTES, ":[192.0.2.9]:25\n");
	f.q.sched.up[CLASS_REMOTE] = true;
	qmgr_wake(&f.q);
	fake_silence(&f, ROLE_REMOTE);
	ck_assert(!fake_queue_mark(&f));
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_FAILED);
	fake_advance(&f, 3000);
	fake_silence(&f, ROLE_REMOTE);
	ck_assert_uint_eq(f.q.nadopted, 0);
}
END_TEST

Suite *suite_reload(void);
Suite *
suite_reload(void)
{
	Suite *s = suite_create("reload");
	TCase *tc = tcase_create("reload");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_waiting_message_takes_the_new_route);
	tcase_add_loop_test(tc, under_way_is_not_begun_again, 0, 2);
	tcase_add_test(tc, a_dead_destination_stays_dead);
	tcase_add_test(tc, limits_follow);
	tcase_add_test(tc, a_shorter_lifetime_is_for_those_that_wait);
	tcase_add_test(tc, expired_is_not_begun_by_the_new_route);
	suite_add_tcase(s, tc);
	return s;
}
