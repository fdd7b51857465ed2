/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Jobs, their results and marks; what a restart of anybody leaves. */
#include "tests/unit/qmgr/scene.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"

START_TEST(recipients_are_grouped_by_next_hop)
{
	static const char *const to[] = { "a@One.Example", "b@one.example", "\"x@y\"@here.example",
	    "c@routed.example", NULL };
	struct msg_job *m;

	all_peers();
	fake_message(&f, id, "s@s.example", to, 0);
	fake_new(&f, id);
	m = job(ROLE_LOCAL);
	ck_assert_str_eq(m->dest, "local");
	ck_assert_uint_eq(m->n, 1);
	ck_assert_uint_eq(job_slot(m, 0), 2);
	ck_assert(!result(ROLE_LOCAL, m, &delivered));
	for (int i = 0; i < 2; i++) {
		m = job(ROLE_REMOTE);
		if (strcmp(m->dest, "one.example") == 0) {
			ck_assert_uint_eq(m->n, 2);
			ck_assert_uint_eq(job_slot(m, 0), 0);
			ck_assert_uint_eq(job_slot(m, 1), 1);
		} else {
			ck_assert_str_eq(m->dest, "[192.0.2.1]:2525");
		}
		ck_assert_str_eq(m->id, id);
		fake_result(&f, ROLE_REMOTE, m, &delivered);
		ck_assert_int_eq(fake_queue_mark(&f), i == 1);
	}
	ck_assert_uint_eq(f.q.sched.nids, 0);
	ck_assert_uint_eq(f.q.njobs, 0);
}
END_TEST

/* What is there at the start is found, and nothing begins before a worker's hello. */
START_TEST(startup_scan_waits_for_hello)
{
	int n = 300, jobs = 0, acks = 0;

	for (int i = 0; i < n; i++)
		message("a@here.example", 0);
	fake_peer(&f, ROLE_QUEUE);
	fake_idle(&f, ROLE_REMOTE);
	fake_peer(&f, ROLE_LOCAL);
	fake_new(&f, id);	/* known by the scan too: one entry */
	fake_run(&f, 50);
	ck_assert_uint_eq(f.q.sched.nids, (size_t)n);
	fake_silence(&f, ROLE_LOCAL);
	fake_hello(&f, ROLE_LOCAL);
	while (jobs < n || acks < n) {
		static _Alignas(8) unsigned char copy[MSG_MAX];

		if (fake_next(&f, ROLE_LOCAL)->type == MSG_ACK) {
			acks++;
			continue;
		}
		ck_assert_int_le(++jobs - acks, 21);	/* concurrencylocal; one may be on its way */
		memcpy(copy, f.packet, f.len);
		fake_result(&f, ROLE_LOCAL, (struct msg_job *)(void *)copy, &delivered);
		ck_assert(fake_queue_mark(&f));
	}
	ck_assert_int_eq(jobs, n);
	ck_assert_uint_eq(f.q.sched.nids, 0);
	ck_assert(!fake_exists(&f, id));
}
END_TEST

START_TEST(deferred_is_tried_again)
{
	struct msg_job *m;
	struct slot s;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	for (unsigned i = 1; i <= 4; i++) {
		m = job(ROLE_REMOTE);
		ck_assert(!result(ROLE_REMOTE, m, &greylisted));
		s = fake_slot(&f, id, 0);
		ck_assert_uint_eq(s.attempts, i);
		ck_assert_uint_eq(s.code, 450);
		ck_assert_str_eq(s.text, "450 4.7.1 later");
		fake_advance(&f, (60000 << (i - 1)) * 3 / 4);
		fake_silence(&f, ROLE_REMOTE);
		fake_advance(&f, (60000 << (i - 1)) / 2);
	}
	ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
}
END_TEST

START_TEST(soon_and_conneg_tries)
{
	struct rcpt_result soon = greylisted, conneg = greylisted;

	soon.flags = RESULT_SOON;
	conneg.flags = RESULT_CONNEG_TRY;
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &soon);
	ck_assert_uint_eq(fake_slot(&f, id, 0).attempts, 0);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 1100);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &conneg);
	ck_assert_uint_eq(fake_slot(&f, id, 0).conneg_tries, 1);
	ck_assert_uint_eq(fake_slot(&f, id, 0).attempts, 1);
}
END_TEST

/* remote starts anew: what it still does goes on, what it lost is begun again after a while. */
START_TEST(remote_restarts)
{
	struct { struct msg_job m; uint32_t slot; } keep;
	struct msg_job *m;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	memcpy(&keep, job(ROLE_REMOTE), sizeof keep);
	message("a@two.example", 0);
	fake_new(&f, id);
	ck_assert_str_eq(job(ROLE_REMOTE)->dest, "two.example");
	fake_peer(&f, ROLE_REMOTE);
	message("a@three.example", 0);
	fake_new(&f, id);
	fake_silence(&f, ROLE_REMOTE);
	fake_send(&f, ROLE_REMOTE, &keep, MSG_INFLIGHT, keep.m.h.id,
	    sizeof keep.m + sizeof keep.slot);
	fake_silence(&f, ROLE_REMOTE);
	fake_hello(&f, ROLE_REMOTE);
	ck_assert_str_eq(job(ROLE_REMOTE)->dest, "three.example");
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 3100);
	m = job(ROLE_REMOTE);
	ck_assert_str_eq(m->dest, "two.example");
	fake_advance(&f, 60000);
	fake_silence(&f, ROLE_REMOTE);
	ck_assert(result(ROLE_REMOTE, &keep.m, &delivered));
}
END_TEST

/* qmgr starts anew: what is in flight is not begun a second time; the result is kept. */
START_TEST(qmgr_restarts)
{
	struct { struct msg_job m; uint32_t slot; } keep;
	struct msg_job *m;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	memcpy(&keep, job(ROLE_REMOTE), sizeof keep);
	fake_restart_qmgr(&f);
	fake_idle(&f, ROLE_LOCAL);
	fake_peer(&f, ROLE_QUEUE);
	fake_peer(&f, ROLE_REMOTE);
	fake_run(&f, 20);
	fake_send(&f, ROLE_REMOTE, &keep, MSG_INFLIGHT, keep.m.h.id,
	    sizeof keep.m + sizeof keep.slot);
	fake_hello(&f, ROLE_REMOTE);
	fake_silence(&f, ROLE_REMOTE);
	for (int i = 0; i < 5; i++)
		fake_advance(&f, 3000);
	fake_silence(&f, ROLE_REMOTE);
	ck_assert(!result(ROLE_REMOTE, &keep.m, &greylisted));
	ck_assert_uint_eq(fake_slot(&f, id, 0).attempts, 1);
	ck_assert_uint_eq(f.q.nadopted, 0);
	for (int i = 0; i < 30; i++)
		fake_advance(&f, 3000);
	m = job(ROLE_REMOTE);
	ck_assert(result(ROLE_REMOTE, m, &delivered));
	ck_assert_uint_eq(f.q.sched.nids, 0);
}
END_TEST

/* A result that the earlier qmgr had not acknowledged, and one whose mark it had made already. */
START_TEST(results_are_repeated_to_a_new_qmgr)
{
	struct { struct msg_job m; uint32_t slot; } keep;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	memcpy(&keep, job(ROLE_REMOTE), sizeof keep);
	fake_restart_qmgr(&f);
	fake_peer(&f, ROLE_QUEUE);
	fake_peer(&f, ROLE_REMOTE);
	fake_result(&f, ROLE_REMOTE, &keep.m, &refused);
	fake_result(&f, ROLE_REMOTE, &keep.m, &refused);
	fake_hello(&f, ROLE_REMOTE);
	ck_assert(!fake_queue_mark(&f));
	fake_expect(&f, ROLE_REMOTE, MSG_ACK);
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_FAILED);
	fake_silence(&f, ROLE_QUEUE);
	/* Once more, after the mark: it is acknowledged, and nothing is marked. */
	fake_result(&f, ROLE_REMOTE, &keep.m, &refused);
	fake_expect(&f, ROLE_REMOTE, MSG_ACK);
	fake_silence(&f, ROLE_QUEUE);
	/* And of a message that is gone. */
	memset(keep.m.id, '7', QID_LEN);
	fake_result(&f, ROLE_REMOTE, &keep.m, &refused);
	fake_expect(&f, ROLE_REMOTE, MSG_ACK);
	fake_silence(&f, ROLE_QUEUE);
	ck_assert_uint_eq(f.q.njobs, 0);
}
END_TEST

/* It would be marked as it was said, and queue would cut us off for it. */
START_TEST(a_result_of_no_recipient_cuts_the_worker_off)
{
	struct { struct msg_job m; uint32_t slot; } keep;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	memcpy(&keep, job(ROLE_REMOTE), sizeof keep);
	fake_restart_qmgr(&f);
	fake_peer(&f, ROLE_QUEUE);
	fake_peer(&f, ROLE_REMOTE);
	keep.slot = 1;
	fake_result(&f, ROLE_REMOTE, &keep.m, &delivered);
	fake_run(&f, 50);
	fake_silence(&f, ROLE_QUEUE);
	ck_assert(!f.q.peer[ROLE_REMOTE].chan.open);
	ck_assert_uint_eq(f.q.njobs, 0);
	ck_assert_uint_eq(f.q.nadopted, 0);
}
END_TEST

/* The message was read when the mark of a repeated result was on its way: what was read then is old. */
START_TEST(read_between_mark_and_answer)
{
	static const char *const to[] = { "a@one.example", "b@one.example", NULL };
	struct slot held = { .state = SLOT_HELD };
	struct { struct msg_job m; uint32_t slot; } keep;

	all_peers();
	fake_message(&f, id, "s@s.example", to, 0);
	fake_set_slot(&f, id, 1, &held);
	fake_new(&f, id);
	memcpy(&keep, job(ROLE_REMOTE), sizeof keep);
	fake_restart_qmgr(&f);
	fake_peer(&f, ROLE_REMOTE);
	fake_peer(&f, ROLE_QUEUE);
	fake_result(&f, ROLE_REMOTE, &keep.m, &delivered);
	fake_known(&f, id, "one.example");
	ck_assert(!fake_queue_mark(&f));
	fake_expect(&f, ROLE_REMOTE, MSG_ACK);
	fake_idle(&f, ROLE_LOCAL);
	fake_hello(&f, ROLE_REMOTE);
	fake_silence(&f, ROLE_REMOTE);
	ck_assert_uint_eq(f.q.sched.nids, 0);
}
END_TEST

/* The wall clock stepped back over a restart: numbers come again, and an ACK names nothing else. */
START_TEST(a_number_in_use_is_not_given_to_another_job)
{
	struct { struct msg_job m; uint32_t slot; } old = { .m = { .n = 1 } };
	struct msg_job *m;

	fake_peer(&f, ROLE_QUEUE);
	fake_idle(&f, ROLE_LOCAL);
	fake_peer(&f, ROLE_REMOTE);
	memset(old.m.id, '7', QID_LEN);
	for (uint32_t i = 4; i < 7; i++)	/* they cost three numbers */
		fake_send(&f, ROLE_REMOTE, &old, MSG_INFLIGHT, f.q.number + i,
		    sizeof old.m + sizeof old.slot);
	fake_hello(&f, ROLE_REMOTE);
	message("a@one.example", 0);
	fake_new(&f, id);
	m = job(ROLE_REMOTE);
	for (uint32_t i = 0; i < QMGR_TABLE; i++)
		for (struct job *j = f.q.jobs[i]; j != NULL; j = j->same_hash)
			ck_assert(j->entry != NULL || j->number != m->h.id);
}
END_TEST

/* Told to stop it begins nothing more, and leaves when what was begun is on disk. */
START_TEST(a_stop_waits_for_results)
{
	struct { struct msg_job m; uint32_t slot; } keep;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	memcpy(&keep, job(ROLE_REMOTE), sizeof keep);
	f.d.loop.stop = false;
	qmgr_stop(&f.q);
	ck_assert(!f.d.loop.stop);
	message("b@two.example", 0);
	fake_new(&f, id);
	fake_silence(&f, ROLE_REMOTE);
	fake_result(&f, ROLE_REMOTE, &keep.m, &delivered);
	ck_assert(fake_queue_mark(&f));
	fake_expect(&f, ROLE_REMOTE, MSG_ACK);
	ck_assert_uint_eq(f.q.njobs, 0);
	ck_assert_uint_eq(f.q.sched.nids, 1);
}
END_TEST

/* A mark that the old queue did not answer is repeated to the new one. */
START_TEST(queue_restarts)
{
	struct msg_job *m;
	char second[QID_SIZE];
	unsigned seen = 0;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	m = job(ROLE_REMOTE);
	fake_result(&f, ROLE_REMOTE, m, &delivered);
	fake_expect(&f, ROLE_QUEUE, MSG_MARK);
	message("a@two.example", 0);	/* its MSG_NEW was lost */
	memcpy(second, id, sizeof second);
	fake_peer(&f, ROLE_QUEUE);
	ck_assert(fake_queue_mark(&f));
	for (int i = 0; i < 2; i++) {	/* in either order */
		const struct msg_hdr *h = fake_next(&f, ROLE_REMOTE);

		if (h->type == MSG_JOB)
			ck_assert_str_eq(((const struct msg_job *)(const void *)h)->id, second);
		else
			ck_assert_uint_eq(h->type, MSG_ACK);
		seen |= 1u << (h->type == MSG_JOB);
	}
	ck_assert_uint_eq(seen, 3);
}
END_TEST

/* The queue is away: nothing is begun, since no result could be kept. */
START_TEST(nothing_without_queue)
{
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	close(f.end[ROLE_QUEUE]);
	f.end[ROLE_QUEUE] = -1;
	fake_run(&f, 5);
	fake_advance(&f, 100000);
	fake_silence(&f, ROLE_REMOTE);
	fake_peer(&f, ROLE_QUEUE);
	ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
}
END_TEST

/* Expired while the system was down: each recipient still gets its attempt. */
START_TEST(expired_but_never_tried)
{
	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_restart_qmgr(&f);
	message("a@one.example", 0);
	fake_advance(&f, 7200 * 1000);
	all_peers();
	ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
}
END_TEST

/* The same for one that was tried before: its next attempt came due meanwhile. */
START_TEST(expired_with_an_attempt_due)
{
	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	fake_advance(&f, 7200 * 1000 * (int64_t)_i);
	fake_restart_qmgr(&f);
	all_peers();
	fake_advance(&f, 7200 * 1000 * (int64_t)!_i);	/* up all the time: no more than the last one */
	if (_i)
		ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
	else
		ck_assert(!fake_queue_mark(&f) && fake_slot(&f, id, 0).state == SLOT_FAILED);
}
END_TEST

/* As in an earlier qmgr: tried once, and its time is over. */
static void
tried_and_over(void)
{
	/* not due before: who is overdue has some time left */
	struct slot s = { .state = SLOT_QUEUED, .attempts = 1, .code = 450, .dsn = "4.7.1",
	    .next_us = (uint64_t)clock_us() + UINT64_C(36000000000) };

	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_restart_qmgr(&f);
	message("a@one.example", 0);
	fake_set_slot(&f, id, 0, &s);
	fake_advance(&f, 7200 * 1000);
}

/* Who is with a worker does not fail meanwhile, though its time is over and the worker, of an earlier
 * route (_i), says so only now. */
START_TEST(time_over_in_flight)
{
	static const enum role r[] = { ROLE_REMOTE, ROLE_LOCAL };
	struct { struct msg_job m; uint32_t slot; } done = { .m = { .n = 1 } };

	tried_and_over();
	fake_peer(&f, ROLE_QUEUE);
	for (int i = 0; i < 2; i++)
		fake_peer(&f, r[i]);
	fake_hello(&f, r[!_i]);
	fake_silence(&f, ROLE_QUEUE);
	in_flight(r[_i], 7);
	fake_hello(&f, r[_i]);
	fake_silence(&f, ROLE_QUEUE);
	fake_silence(&f, ROLE_REMOTE);
	memcpy(done.m.id, id, QID_SIZE);
	done.m.h.id = 7;
	fake_result(&f, r[_i], &done.m, &delivered);
	ck_assert(fake_queue_mark(&f));
	fake_expect_ack(&f, r[_i], 7);
}
END_TEST

/* A worker says what it did and dies; its successor's channel comes before that was read. */
START_TEST(last_words_are_read)
{
	struct { struct msg_job m; uint32_t slot; } one;
	struct msg_result head = { .n = 1 };
	struct buf b;
	struct err e;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	memcpy(&one, job(ROLE_REMOTE), sizeof one);
	memcpy(head.id, id, QID_SIZE);
	buf_init(&b, MSG_MAX);
	ck_assert_int_eq(buf_add(&b, span_of(&head, sizeof head), &e), 0);
	ck_assert_int_eq(result_add(&b, &delivered, span_of(NULL, 0), &e), 0);
	ck_assert_int_eq(ipc_send(f.end[ROLE_REMOTE], (struct msg_hdr *)(void *)b.p, MSG_RESULT,
	    one.m.h.id, b.n, NULL, 0, &e), 0);
	buf_free(&b);
	fake_peer(&f, ROLE_REMOTE);
	ck_assert(fake_queue_mark(&f));
	fake_hello(&f, ROLE_REMOTE);
	fake_advance(&f, 4000);
	fake_silence(&f, ROLE_REMOTE);
}
END_TEST

START_TEST(bad_files)
{
	struct { struct msg_result m; } bad = { .m = { .bad_file = 1 } };
	struct msg_job *m;
	char dir[3], path[128];

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	m = job(ROLE_REMOTE);
	memcpy(bad.m.id, m->id, QID_SIZE);
	fake_send(&f, ROLE_REMOTE, &bad, MSG_RESULT, m->h.id, sizeof bad);
	fake_expect(&f, ROLE_QUEUE, MSG_BADFILE);
	fake_expect(&f, ROLE_REMOTE, MSG_ACK);
	/* A file that is none of ours is found when it is read. */
	message("a@two.example", 0);
	qid_dir(id, dir);
	snprintf(path, sizeof path, "%s/%s/%s", f.path, dir, id);
	ck_assert_int_eq(truncate(path, 700), 0);
	fake_new(&f, id);
	fake_expect(&f, ROLE_QUEUE, MSG_BADFILE);
	ck_assert_ptr_null(sched_find(&f.q.sched, id));
}
END_TEST

/* local speaks of a job that remote has: it is cut off, and the job goes on. */
START_TEST(a_result_of_anothers_job)
{
	struct msg_job *m;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	m = job(ROLE_REMOTE);
	fake_result(&f, ROLE_LOCAL, m, &delivered);
	fake_silence(&f, ROLE_QUEUE);
	ck_assert(!f.q.peer[ROLE_LOCAL].chan.open);
	ck_assert(result(ROLE_REMOTE, m, &delivered));
}
END_TEST

/* The wall clock was wrong by years when the next try was written down. */
START_TEST(a_clock_step_moves_no_deadline)
{
	struct slot s = { .state = SLOT_QUEUED, .attempts = 1, .code = 450, .dsn = "4.7.1" };

	message("a@one.example", 0);
	s.next_us = (uint64_t)clock_us() + UINT64_C(10) * 365 * 86400 * 1000000;
	fake_set_slot(&f, id, 0, &s);
	all_peers();
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, f.q.sched.conf.max_ms + 1000);
	ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
}
END_TEST

/* A worker that says it has more recipients than a job may have would have them all marked at once. */
START_TEST(a_job_in_flight_has_no_more_than_a_job)
{
	struct { struct msg_job m; uint32_t slot[QMGR_JOB_RCPTS + 1]; } has = { .m = { .n = QMGR_JOB_RCPTS } };

	message("a@one.example", 0);
	fake_peer(&f, ROLE_QUEUE);
	fake_peer(&f, ROLE_REMOTE);
	memcpy(has.m.id, id, QID_SIZE);
	fake_send(&f, ROLE_REMOTE, &has, MSG_INFLIGHT, 7, sizeof has.m + has.m.n * sizeof *has.slot);
	ck_assert(f.q.peer[ROLE_REMOTE].chan.open);
	ck_assert_uint_eq(f.q.njobs, 1);
	has.m.n++;
	fake_send(&f, ROLE_REMOTE, &has, MSG_INFLIGHT, 8, sizeof has.m + has.m.n * sizeof *has.slot);
	ck_assert(!f.q.peer[ROLE_REMOTE].chan.open);
	ck_assert_uint_eq(f.q.njobs, 1);
}
END_TEST

/* Packets that a peer may not send cut it off, and nothing else happens. */
START_TEST(wrong_packets)
{
	struct { struct msg_result m; unsigned char junk[100]; } r = { .m = { .n = 1 } };

	all_peers();
	memset(r.m.id, '0', QID_LEN);
	fake_send(&f, ROLE_REMOTE, &r, MSG_RESULT, 1, sizeof r);
	ck_assert(!f.q.peer[ROLE_REMOTE].chan.open);
	fake_new(&f, "../../etc/passwd.......");
	ck_assert(!f.q.peer[ROLE_QUEUE].chan.open);
	ck_assert_uint_eq(f.q.sched.nids, 0);
}
END_TEST

Suite *suite_qmgr(void);
Suite *
suite_qmgr(void)
{
	Suite *s = suite_create("qmgr");
	TCase *tc = tcase_create("qmgr");

	tcase_add_checked_fixture(tc, scene_begin, scene_end);
	tcase_add_test(tc, recipients_are_grouped_by_next_hop);
	tcase_add_test(tc, startup_scan_waits_for_hello);
	tcase_add_test(tc, deferred_is_tried_again);
	tcase_add_test(tc, soon_and_conneg_tries);
	tcase_add_test(tc, remote_restarts);
	tcase_add_test(tc, qmgr_restarts);
	tcase_add_test(tc, results_are_repeated_to_a_new_qmgr);
	tcase_add_test(tc, a_result_of_no_recipient_cuts_the_worker_off);
	tcase_add_test(tc, read_between_mark_and_answer);
	tcase_add_test(tc, a_number_in_use_is_not_given_to_another_job);
	tcase_add_test(tc, a_stop_waits_for_results);
	tcase_add_test(tc, queue_restarts);
	tcase_add_test(tc, nothing_without_queue);
	tcase_add_test(tc, expired_but_never_tried);
	tcase_add_loop_test(tc, expired_with_an_attempt_due, 0, 2);
	tcase_add_loop_test(tc, time_over_in_flight, 0, 2);
	tcase_add_test(tc, last_words_are_read);
	tcase_add_test(tc, bad_files);
	tcase_add_test(tc, a_result_of_anothers_job);
	tcase_add_test(tc, a_clock_step_moves_no_deadline);
	tcase_add_test(tc, a_job_in_flight_has_no_more_than_a_job);
	tcase_add_test(tc, wrong_packets);
	suite_add_tcase(s, tc);
	return s;
}
