/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What the administrator wants. */
#include "tests/unit/qmgr/scene.h"

#include <check.h>
#include <fcntl.h>

/* A wish does not reach who is with a worker that has not spoken yet. */
START_TEST(an_act_waits_for_hello)
{
	struct { struct msg_act m; struct act a; } act = { .m = { .verb = ACT_BOUNCE, .n = 1 } };

	message("a@one.example", 0);
	memcpy(act.a.id, id, QID_SIZE);
	act.a.slot = ACT_ALL_SLOTS;
	fake_peer(&f, ROLE_QUEUE);
	fake_peer(&f, ROLE_CONTROL);
	fake_peer(&f, ROLE_LOCAL);
	fake_hello(&f, ROLE_LOCAL);
	fake_send(&f, ROLE_CONTROL, &act, MSG_ACT, 1, sizeof act);
	fake_silence(&f, ROLE_QUEUE);
	fake_peer(&f, ROLE_REMOTE);
	in_flight(ROLE_REMOTE, 7);
	fake_hello(&f, ROLE_REMOTE);
	ck_assert_uint_eq(((const struct msg_acted *)(const void *)fake_expect(&f, ROLE_CONTROL,
	    MSG_ACTED))->busy, 1);
	fake_silence(&f, ROLE_QUEUE);
}
END_TEST

/* --- the administrator --- */

static void
act(uint32_t verb, const char *const *ids, uint32_t n, uint32_t slot)
{
	static _Alignas(8) unsigned char p[sizeof(struct msg_act) + ACT_MAX * sizeof(struct act)];
	struct msg_act *m = (struct msg_act *)(void *)p;

	memset(p, 0, sizeof p);
	m->verb = verb;
	m->n = n;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(m->act[i].id, ids[i], QID_SIZE);
		m->act[i].slot = slot;
	}
	fake_send(&f, ROLE_CONTROL, m, MSG_ACT, 77, sizeof *m + n * sizeof *m->act);
}

static void
act_one(uint32_t verb, uint32_t slot)
{
	const char *const ids[] = { id };

	act(verb, ids, 1, slot);
}

static void
acted(uint32_t done, uint32_t busy, uint32_t gone)
{
	const struct msg_acted *m = (const struct msg_acted *)(const void *)fake_expect(&f, ROLE_CONTROL,
	    MSG_ACTED);

	ck_assert_uint_eq(m->h.id, 77);
	ck_assert_uint_eq(m->done, done);
	ck_assert_uint_eq(m->busy, busy);
	ck_assert_uint_eq(m->gone, gone);
}

static void
with_control(void)
{
	all_peers();
	fake_peer(&f, ROLE_CONTROL);
}

/* Held mail is not tried, does not expire, is still held after a restart; released it gets a try. */
START_TEST(hold_and_release)
{
	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_restart_qmgr(&f);
	with_control();
	message("a@one.example", NOTIFY_DELAY);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	act_one(ACT_HOLD, ACT_ALL_SLOTS);
	fake_silence(&f, ROLE_CONTROL);		/* not before it is on disk */
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_HELD);
	ck_assert_ptr_null(sched_find(&f.q.sched, id));
	act_one(ACT_HOLD, 0);			/* again: it is so */
	acted(1, 0, 0);
	act_one(ACT_RETRY, 0);			/* nothing is retried */
	acted(0, 0, 0);
	fake_advance(&f, 100000 * 1000);
	fake_silence(&f, ROLE_REMOTE);
	fake_restart_qmgr(&f);
	with_control();
	fake_advance(&f, 100000 * 1000);
	fake_silence(&f, ROLE_REMOTE);
	fake_silence(&f, ROLE_QUEUE);
	act_one(ACT_RELEASE, ACT_ALL_SLOTS);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	ck_assert_uint_eq(fake_slot(&f, id, 0).attempts, 0);	/* retries begin anew */
	ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
}
END_TEST

/* It was held for longer than mail is kept.  Released it has its retries and its whole time, over a restart too. */
START_TEST(released_has_its_time)
{
	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_setting(&f, CONF_RETRYFIRST, "1000\n");
	fake_setting(&f, CONF_RETRYMAX, "1000\n");
	fake_restart_qmgr(&f);
	with_control();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	act_one(ACT_HOLD, ACT_ALL_SLOTS);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	fake_advance(&f, 100000 * 1000);
	act_one(ACT_RELEASE, ACT_ALL_SLOTS);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	for (int attempts = 1; attempts <= 3; attempts++) {
		ck_assert(!result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted));
		ck_assert_uint_eq(fake_slot(&f, id, 0).attempts, attempts);
		if (attempts == 2) {
			fake_restart_qmgr(&f);
			with_control();
		}
		fake_silence(&f, ROLE_QUEUE);
		fake_advance(&f, 1130 * 1000);
	}
	ck_assert(!result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted));
	fake_advance(&f, 240 * 1000);
	ck_assert(!fake_queue_mark(&f));
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_FAILED);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
}
END_TEST

/* Of two for the same hop one was held for a while: each has its own end, whatever happens to the other. */
START_TEST(released_beside_one_that_expires)
{
	static const char *const to[] = { "a@one.example", "b@one.example", NULL };
	struct msg_job *m;

	fake_setting(&f, CONF_QUEUELIFETIME, "36000\n");
	fake_setting(&f, CONF_RETRYFIRST, "20000\n");
	fake_setting(&f, CONF_RETRYMAX, "20000\n");
	fake_restart_qmgr(&f);
	with_control();
	fake_message(&f, id, "s@s.example", to, 0);
	fake_new(&f, id);
	m = job(ROLE_REMOTE);
	ck_assert_uint_eq(m->n, 2);
	result(ROLE_REMOTE, m, &greylisted);
	act_one(ACT_HOLD, (uint32_t)_i);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	fake_advance(&f, 5000 * 1000);
	act_one(ACT_RELEASE, (uint32_t)_i);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	m = job(ROLE_REMOTE);
	ck_assert_uint_eq(m->n, 1);
	result(ROLE_REMOTE, m, &greylisted);
	fake_advance(&f, 31010 * 1000);		/* ten hours after the arrival */
	ck_assert(!fake_queue_mark(&f));
	ck_assert_int_eq(fake_slot(&f, id, (uint32_t)(1 - _i)).state, SLOT_FAILED);
	ck_assert_int_eq(fake_slot(&f, id, (uint32_t)_i).state, SLOT_QUEUED);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	answer_report(MSG_REPORTED);
	ck_assert(!fake_queue_mark(&f));
	m = job(ROLE_REMOTE);
	ck_assert_uint_eq(m->n, 1);
	result(ROLE_REMOTE, m, &greylisted);
	fake_silence(&f, ROLE_QUEUE);
	fake_advance(&f, 5000 * 1000);		/* and after the release */
	ck_assert(!fake_queue_mark(&f));
	ck_assert_int_eq(fake_slot(&f, id, (uint32_t)_i).state, SLOT_FAILED);
}
END_TEST

/* One recipient of three, one after the other; the others go on. */
START_TEST(acts_on_single_recipients)
{
	static const char *const to[] = { "a@one.example", "b@one.example", "c@two.example", NULL };
	struct msg_job *m;

	with_control();
	f.q.sched.up[CLASS_REMOTE] = false;
	fake_message(&f, id, "s@s.example", to, 0);
	fake_new(&f, id);
	fake_run(&f, 20);
	act_one(ACT_HOLD, 1);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	act_one(ACT_REMOVE, 2);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	act_one(ACT_REMOVE, 2);
	acted(0, 0, 1);
	act_one(ACT_HOLD, 99);
	acted(0, 0, 1);
	f.q.sched.up[CLASS_REMOTE] = true;
	qmgr_wake(&f.q);
	m = job(ROLE_REMOTE);
	ck_assert_uint_eq(m->n, 1);
	ck_assert_uint_eq(job_slot(m, 0), 0);
	act_one(ACT_REMOVE, ACT_ALL_SLOTS);	/* the held one goes, the one under way is busy */
	ck_assert(!fake_queue_mark(&f));
	acted(1, 1, 0);
	ck_assert(result(ROLE_REMOTE, m, &delivered));
	fake_silence(&f, ROLE_REMOTE);
	act_one(ACT_HOLD, ACT_ALL_SLOTS);
	acted(0, 0, 1);
	ck_assert_uint_eq(f.q.sched.nids, 0);
	ck_assert_uint_eq(f.q.njobs, 0);
}
END_TEST

START_TEST(removed_is_gone_without_a_report)
{
	with_control();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	act_one(ACT_REMOVE, ACT_ALL_SLOTS);
	ck_assert(fake_queue_mark(&f));
	acted(1, 0, 0);
	ck_assert(!fake_exists(&f, id));
	fake_silence(&f, ROLE_BOUNCE);
	ck_assert_uint_eq(f.q.sched.nids, 0);
}
END_TEST

START_TEST(bounced_by_the_administrator)
{
	struct span detail;

	with_control();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	act_one(ACT_BOUNCE, ACT_ALL_SLOTS);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	ck_assert_str_eq(report_record(&detail).dsn, "5.4.7");
	answer_report(MSG_REPORTED);
	ck_assert(fake_queue_mark(&f));
}
END_TEST

/* Due in a minute, behind a destination that is dead: retry means now. */
START_TEST(retry_means_now)
{
	char other[QID_SIZE];

	with_control();
	message("a@one.example", 0);
	memcpy(other, id, sizeof other);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	message("a@one.example", 0);
	fake_new(&f, id);
	fake_silence(&f, ROLE_REMOTE);
	memcpy(id, other, sizeof other);
	act_one(ACT_RETRY, ACT_ALL_SLOTS);
	acted(1, 0, 0);
	fake_silence(&f, ROLE_QUEUE);
	ck_assert_str_eq(job(ROLE_REMOTE)->id, other);
	fake_silence(&f, ROLE_REMOTE);
}
END_TEST

/* A recipient was held in the moments in which a new qmgr did not know of its delivery. */
START_TEST(held_on_its_way)
{
	struct { struct msg_job m; uint32_t slot; } keep;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	memcpy(&keep, job(ROLE_REMOTE), sizeof keep);
	fake_restart_qmgr(&f);
	fake_peer(&f, ROLE_QUEUE);
	fake_peer(&f, ROLE_CONTROL);
	fake_run(&f, 20);
	act_one(ACT_HOLD, ACT_ALL_SLOTS);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	fake_peer(&f, ROLE_REMOTE);
	fake_result(&f, ROLE_REMOTE, &keep.m, &greylisted);
	fake_expect(&f, ROLE_REMOTE, MSG_ACK);
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_HELD);
	fake_result(&f, ROLE_REMOTE, &keep.m, &delivered);
	ck_assert(fake_queue_mark(&f));
}
END_TEST

/* Released while another recipient of the same message is with the same hop: it has its turn then, though
 * nothing else is left of the entry. */
START_TEST(released_beside_one_under_way)
{
	static const char *const to[] = { "a@one.example", "b@one.example", NULL };
	struct slot held = { .state = SLOT_HELD };
	struct { struct msg_job m; uint32_t slot; } first;
	struct msg_job *m;

	with_control();
	fake_message(&f, id, "s@s.example", to, 0);
	fake_set_slot(&f, id, 1, &held);
	fake_new(&f, id);
	memcpy(&first, job(ROLE_REMOTE), sizeof first);
	ck_assert_uint_eq(first.m.n, 1);
	act_one(ACT_RELEASE, 1);
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	fake_silence(&f, ROLE_REMOTE);
	ck_assert(!result(ROLE_REMOTE, &first.m, _i == 0 ? &delivered : &greylisted));
	m = job(ROLE_REMOTE);
	ck_assert_uint_eq(m->n, 1);
	ck_assert_uint_eq(job_slot(m, 0), 1);
	ck_assert(result(ROLE_REMOTE, m, &delivered) == (_i == 0));
	fake_silence(&f, ROLE_REMOTE);
}
END_TEST

/* The table of jobs was full of deliveries when the request came: it goes on when one is over. */
START_TEST(an_act_waits_for_a_place)
{
	struct msg_job *m;

	with_control();
	message("a@one.example", 0);
	fake_new(&f, id);
	m = job(ROLE_REMOTE);
	message("b@two.example", 0);
	f.q.njobs += QMGR_JOBS - 1;
	act_one(ACT_HOLD, ACT_ALL_SLOTS);
	fake_silence(&f, ROLE_QUEUE);
	ck_assert(result(ROLE_REMOTE, m, &delivered));
	ck_assert(!fake_queue_mark(&f));
	acted(1, 0, 0);
	f.q.njobs -= QMGR_JOBS - 1;
}
END_TEST

/* 1000 messages in a packet, a queue that is slow, another that replaces it: all counted, once. */
START_TEST(act_on_many)
{
	static char all[ACT_MAX][QID_SIZE];
	const char *ids[ACT_MAX];
	uint32_t n = 1000;

	with_control();
	f.q.sched.up[CLASS_REMOTE] = false;
	for (uint32_t i = 0; i < n; i++) {
		message("a@one.example", 0);
		memcpy(all[i], id, QID_SIZE);
		ids[i] = all[i];
	}
	memset(all[n], '7', QID_LEN);		/* no such message */
	ids[n] = all[n];
	act(ACT_HOLD, ids, n + 1, ACT_ALL_SLOTS);
	fake_expect(&f, ROLE_QUEUE, MSG_MARK);
	fake_peer(&f, ROLE_QUEUE);
	while (f.marked < n)
		ck_assert(!fake_queue_mark(&f));
	ck_assert_uint_eq(f.marked, n);
	acted(n, 0, 1);
	fake_silence(&f, ROLE_QUEUE);
	for (int turns = 0; f.q.sched.nids > 0 && turns < 30000; turns++)
		fake_run(&f, 1);
	ck_assert_uint_eq(f.q.sched.nids, 0);
	ck_assert_uint_eq(f.q.njobs, 0);
}
END_TEST

/* More recipients than fit one packet of marks. */
START_TEST(act_on_a_large_message)
{
	static const char *to[FAKE_MAX_RCPT + 1];
	uint32_t n = 900;

	with_control();
	f.q.sched.up[CLASS_REMOTE] = false;
	for (uint32_t i = 0; i < n; i++)
		to[i] = "a@one.example";
	fake_message(&f, id, "s@s.example", to, 0);
	fake_new(&f, id);
	act_one(ACT_HOLD, ACT_ALL_SLOTS);
	for (int i = 0; i < 3; i++)
		ck_assert(!fake_queue_mark(&f));
	acted(n, 0, 0);
	for (uint32_t i = 0; i < n; i += 100)
		ck_assert_int_eq(fake_slot(&f, id, i).state, SLOT_HELD);
	act_one(ACT_REMOVE, ACT_ALL_SLOTS);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(fake_queue_mark(&f), i == 2);
	acted(n, 0, 0);
	ck_assert_uint_eq(f.q.sched.nids, 0);
}
END_TEST

START_TEST(wrong_acts_cut_off)
{
	_Alignas(8) unsigned char p[sizeof(struct msg_act) + sizeof(struct act)] = { 0 };
	struct msg_act *m = (struct msg_act *)(void *)p;

	with_control();
	m->verb = _i == 0 ? 99 : ACT_HOLD;
	m->n = _i == 1 ? 2 : 1;
	memset(m->act[0].id, _i == 2 ? '/' : '0', QID_LEN);
	fake_send(&f, ROLE_CONTROL, m, MSG_ACT, 1, sizeof p);
	ck_assert(!f.q.peer[ROLE_CONTROL].chan.open);
}
END_TEST

Suite *suite_act(void);
Suite *
suite_act(void)
{
	Suite *s = suite_create("act");
	TCase *tc = tcase_create("act");

	tcase_add_checked_fixture(tc, scene_begin, scene_end);
	tcase_add_test(tc, an_act_waits_for_hello);
	tcase_add_test(tc, hold_and_release);
	tcase_add_test(tc, released_has_its_time);
	tcase_add_loop_test(tc, released_beside_one_that_expires, 0, 2);
	tcase_add_test(tc, acts_on_single_recipients);
	tcase_add_test(tc, removed_is_gone_without_a_report);
	tcase_add_test(tc, bounced_by_the_administrator);
	tcase_add_test(tc, retry_means_now);
	tcase_add_test(tc, held_on_its_way);
	tcase_add_loop_test(tc, released_beside_one_under_way, 0, 2);
	tcase_add_test(tc, an_act_waits_for_a_place);
	tcase_add_test(tc, act_on_many);
	tcase_add_test(tc, act_on_a_large_message);
	tcase_add_loop_test(tc, wrong_acts_cut_off, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
