/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/qmgr/fake.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/route.h"

static struct fake f;
static char id[QID_SIZE];

static const struct rcpt_result delivered = { .outcome = OUTCOME_DELIVERED, .code = 250,
    .dsn = "2.0.0", .mta = "a [192.0.2.1]:25", .text = "250 ok" };
static const struct rcpt_result greylisted = { .outcome = OUTCOME_DEFERRED, .code = 450,
    .dsn = "4.7.1", .text = "450 4.7.1 later" };
static const struct rcpt_result no_connection = { .outcome = OUTCOME_DEFERRED, .dsn = "4.4.1",
    .text = "no connection" };
static const struct rcpt_result refused = { .outcome = OUTCOME_FAILED, .code = 550, .dsn = "5.1.1",
    .mta = "a", .text = "550 5.1.1 no such user" };

static void
setup(void)
{
	fake_start(&f);
}

static void
teardown(void)
{
	fake_end(&f);
}

static void
all_peers(void)
{
	fake_peer(&f, ROLE_QUEUE);
	for (int i = 0; i < 3; i++) {
		static const enum role r[] = { ROLE_REMOTE, ROLE_LOCAL, ROLE_BOUNCE };

		fake_peer(&f, r[i]);
		fake_hello(&f, r[i]);
	}
	fake_run(&f, 5);
}

static void
message(const char *to, uint8_t notify)
{
	const char *const list[] = { to, NULL };

	fake_message(&f, id, "s@sender.example", list, notify);
}

/* The next job, copied. */
static struct msg_job *
job(enum role role)
{
	static _Alignas(8) unsigned char copy[sizeof(struct msg_job) + 4 * 100];

	fake_expect(&f, role, MSG_JOB);
	memcpy(copy, f.packet, f.len);
	return (struct msg_job *)(void *)copy;
}

static uint32_t
job_slot(const struct msg_job *m, uint32_t i)
{
	return ((const uint32_t *)(const void *)(m + 1))[i];
}

/* A result, its mark, its acknowledgement; the mark comes first. */
static bool
result(enum role role, const struct msg_job *m, const struct rcpt_result *r)
{
	bool gone;

	fake_result(&f, role, m, r);
	fake_silence(&f, role);
	gone = fake_queue_mark(&f);
	fake_expect_ack(&f, role, m->h.id);
	return gone;
}

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
	fake_run(&f, 50);
	ck_assert_ptr_nonnull(sched_find_dest(&f.q.sched, id, "one.example"));
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

static void
answer_report(uint32_t type)
{
	const struct msg_job *m = (const struct msg_job *)(const void *)f.packet;
	struct msg_reported done = { .report = "0000000000000000" };
	struct msg_refused no = { .kind = ERR_TEMP, .what = "full" };
	uint32_t number = m->h.id;

	memcpy(done.id, m->id, QID_SIZE);
	if (type == MSG_REPORTED)
		fake_send(&f, ROLE_BOUNCE, &done, type, number, sizeof done);
	else
		fake_send(&f, ROLE_BOUNCE, &no, type, number, sizeof no);
}

static struct rcpt_result
report_record(struct span *detail)
{
	const struct msg_job *m = (const struct msg_job *)(const void *)f.packet;
	struct span rest = span_of(m + 1, f.len - sizeof *m);
	struct rcpt_result r;
	struct err e;

	ck_assert_uint_eq(m->n, 1);
	ck_assert_int_eq(result_next(&rest, &r, detail, &e), 1);
	ck_assert_uint_eq(rest.n, 0);
	return r;
}

START_TEST(failed_reported_bounced)
{
	struct rcpt_result r;
	struct span detail;

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	ck_assert(!result(ROLE_REMOTE, job(ROLE_REMOTE), &refused));
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_FAILED);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	r = report_record(&detail);
	ck_assert_str_eq(r.text, "550 5.1.1 no such user");
	ck_assert_str_eq(r.mta, "a");
	ck_assert(span_is(detail, "part: 1\n"));
	answer_report(MSG_REFUSED);		/* again later, with the details from the disk */
	fake_silence(&f, ROLE_BOUNCE);
	fake_advance(&f, 70000);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	fake_peer(&f, ROLE_BOUNCE);		/* it dies over it */
	fake_advance(&f, 5000);
	fake_silence(&f, ROLE_BOUNCE);
	fake_hello(&f, ROLE_BOUNCE);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	r = report_record(&detail);
	ck_assert_str_eq(r.dsn, "5.1.1");
	ck_assert(span_is(detail, "part: 1\n"));
	answer_report(MSG_REPORTED);
	ck_assert(fake_queue_mark(&f));
	ck_assert(!fake_exists(&f, id));
	ck_assert_uint_eq(f.q.njobs, 0);
	ck_assert_uint_eq(f.q.sched.nids, 0);
	ck_assert_uint_eq(f.q.stash, 0);
}
END_TEST

/* After a restart a failure that is on disk goes to bounce, with what the disk knows. */
START_TEST(failed_slot_at_start)
{
	struct slot s = { .state = SLOT_FAILED, .attempts = 2, .code = 550, .dsn = "5.2.2",
	    .text = "550 full" };
	struct rcpt_result r;
	struct span detail;

	message("a@one.example", 0);
	fake_set_slot(&f, id, 0, &s);
	all_peers();
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	r = report_record(&detail);
	ck_assert_int_eq(r.outcome, OUTCOME_FAILED);
	ck_assert_str_eq(r.dsn, "5.2.2");
	ck_assert_str_eq(r.text, "550 full");
	answer_report(MSG_REPORTED);
	ck_assert(fake_queue_mark(&f));
}
END_TEST

static const struct { const char *last, *want; } expiries[] = {
	{ "4.6.5", "5.6.5" },	/* row B5f */
	{ "4.4.1", "4.4.7" }, { "4.2.2", "5.2.2" }, { "4.0.0", "4.4.7" }, { "", "4.4.7" },
};

START_TEST(expiry_fails_and_reports)
{
	struct rcpt_result r = greylisted;
	struct slot s;

	snprintf(r.dsn, sizeof r.dsn, "%s", expiries[_i].last);
	r.code = 0;
	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_setting(&f, CONF_RETRYFIRST, "3000\n");
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &r);
	fake_advance(&f, 3500 * 1000);
	if (*expiries[_i].last == '4' && strcmp(expiries[_i].last, "4.4.1") == 0) {
		job(ROLE_REMOTE);
		return;
	}
	result(ROLE_REMOTE, job(ROLE_REMOTE), &r);
	fake_silence(&f, ROLE_QUEUE);
	fake_advance(&f, 101 * 1000);
	ck_assert(!fake_queue_mark(&f));
	s = fake_slot(&f, id, 0);
	ck_assert_int_eq(s.state, SLOT_FAILED);
	ck_assert_str_eq(s.dsn, expiries[_i].want);
	ck_assert_str_eq(s.text, "450 4.7.1 later");
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
}
END_TEST

/* Messages behind a dead destination expire without an attempt of their own, and say why. */
START_TEST(dead_destination)
{
	char first[QID_SIZE];
	struct msg_job *m;

	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_restart_qmgr(&f);
	all_peers();
	for (int i = 0; i < 10; i++) {
		message("a@one.example", 0);
		if (i == 0)
			memcpy(first, id, sizeof first);
		fake_new(&f, id);
	}
	m = job(ROLE_REMOTE);
	ck_assert_str_eq(m->id, first);
	fake_silence(&f, ROLE_REMOTE);
	result(ROLE_REMOTE, m, &no_connection);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 68000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 3600 * 1000);
	for (uint32_t before = f.marked; f.marked < before + 10;)
		ck_assert(!fake_queue_mark(&f));
	ck_assert_str_eq(fake_slot(&f, id, 0).dsn, "4.4.7");
	ck_assert_str_eq(fake_slot(&f, id, 0).text, "no connection");
	ck_assert_uint_eq(fake_slot(&f, id, 0).attempts, 0);
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

static void
in_flight(enum role role, uint32_t number)
{
	struct { struct msg_job m; uint32_t slot; } job = { .m = { .n = 1 } };

	memcpy(job.m.id, id, QID_SIZE);
	fake_send(&f, role, &job, MSG_INFLIGHT, number, sizeof job.m + sizeof job.slot);
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

/* Nor does the administrator's wish reach who is with a worker that has not spoken yet. */
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

/* RFC 3461, 5.2.3: success was asked for; the report comes before the mark that ends the message. */
START_TEST(success_notice)
{
	struct span detail;
	struct msg_job *m;

	all_peers();
	message("a@here.example", NOTIFY_SUCCESS);
	fake_new(&f, id);
	m = job(ROLE_LOCAL);
	fake_result(&f, ROLE_LOCAL, m, &delivered);
	fake_silence(&f, ROLE_QUEUE);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	ck_assert_int_eq(report_record(&detail).outcome, OUTCOME_DELIVERED);
	answer_report(MSG_REFUSED);
	fake_silence(&f, ROLE_QUEUE);
	fake_advance(&f, 6000);
	fake_run(&f, 10);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	answer_report(MSG_REPORTED);
	ck_assert(fake_queue_mark(&f));
	fake_expect(&f, ROLE_LOCAL, MSG_ACK);
}
END_TEST

/* The message cannot be read just now: the notice is not given up for that. */
START_TEST(a_notice_waits_for_its_message)
{
	struct rlimit was, none;
	struct msg_job *m;

	all_peers();
	message("a@here.example", NOTIFY_SUCCESS);
	fake_new(&f, id);
	m = job(ROLE_LOCAL);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	fake_result(&f, ROLE_LOCAL, m, &delivered);
	fake_silence(&f, ROLE_QUEUE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	fake_advance(&f, 6000);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	answer_report(MSG_REPORTED);
	ck_assert(fake_queue_mark(&f));
}
END_TEST

/* A report of success to nobody: there is none. */
START_TEST(no_notice_to_a_null_sender)
{
	static const char *const to[] = { "a@here.example", NULL };

	all_peers();
	fake_message(&f, id, "", to, NOTIFY_SUCCESS);
	fake_new(&f, id);
	ck_assert(result(ROLE_LOCAL, job(ROLE_LOCAL), &delivered));
	fake_silence(&f, ROLE_BOUNCE);
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

/* --- what is on disk of a dead destination --- */

/* 300 messages, of which one was tried: nothing is sent after a restart before it is due, then one. */
START_TEST(dead_destination_over_restart)
{
	struct slot was;
	char tried[QID_SIZE];

	fake_setting(&f, CONF_RETRYFIRST, "1000\n");
	fake_restart_qmgr(&f);
	fake_idle(&f, ROLE_LOCAL);
	all_peers();
	message("a@one.example", 0);
	memcpy(tried, id, sizeof tried);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	was = fake_slot(&f, tried, 0);
	ck_assert_uint_eq(was.dead, qfile_dest("one.example"));
	for (int i = 0; i < 300; i++)
		message("a@one.example", 0);
	fake_restart_qmgr(&f);
	fake_idle(&f, ROLE_LOCAL);
	fake_peer(&f, ROLE_QUEUE);	/* the scan is over before remote is there */
	fake_run(&f, 100);
	fake_peer(&f, ROLE_REMOTE);
	fake_hello(&f, ROLE_REMOTE);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 800 * 1000);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 330 * 1000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 1700 * 1000);	/* twice the first wait by now */
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 600 * 1000);
	fake_result(&f, ROLE_REMOTE, job(ROLE_REMOTE), &delivered);
	ck_assert(fake_queue_mark(&f));	/* and all the others may go */
	for (int jobs = 0; jobs < 2;)
		jobs += fake_next(&f, ROLE_REMOTE)->type == MSG_JOB;
}
END_TEST

/* The destination is dead, not the domain: whom a new route leads elsewhere is not kept waiting for it. */
START_TEST(dead_destination_is_left_by_a_new_route)
{
	fake_setting(&f, CONF_RETRYFIRST, "1000\n");
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	message("b@one.example", 0);
	fake_setting(&f, CONF_SMTPROUTES, ":other.example\n");
	fake_restart_qmgr(&f);
	all_peers();
	ck_assert_str_eq(job(ROLE_REMOTE)->dest, "other.example:25");
}
END_TEST

/* A host that greets with 421, or with 5yz, is no better than none (RFC 5321, 3.1, 3.8). */
static const struct rcpt_result greetings[] = {
	{ .outcome = OUTCOME_DEFERRED, .code = 421, .dsn = "4.3.2", .text = "421 busy" },
	{ .outcome = OUTCOME_DEFERRED, .code = 554, .dsn = "4.0.0", .text = "554 no service" },
};

START_TEST(a_refusing_greeting_is_the_hosts)
{
	all_peers();
	for (int i = 0; i < 3; i++) {
		message("a@one.example", 0);
		fake_new(&f, id);
	}
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greetings[_i]);
	fake_silence(&f, ROLE_REMOTE);
}
END_TEST

/* A refusal of one recipient says that the host is there. */
START_TEST(a_refused_recipient_is_not_the_hosts)
{
	struct msg_job *m;

	all_peers();
	for (int i = 0; i < 3; i++) {
		message("a@one.example", 0);
		fake_new(&f, id);
	}
	m = job(ROLE_REMOTE);
	fake_result(&f, ROLE_REMOTE, m, &greylisted);
	ck_assert(!fake_queue_mark(&f));
	ck_assert_uint_eq(fake_slot(&f, m->id, 0).flags, 0);
	while (fake_next(&f, ROLE_REMOTE)->type != MSG_JOB)
		continue;
}
END_TEST

/* --- options of destinations --- */

START_TEST(destinations_of_a_route)
{
	char out[ROUTE_MAX], hop[JOB_DEST];
	struct destination d;

	fake_setting(&f, CONF_SMTPROUTES, ":[192.0.2.9]:25\n");
	fake_setting(&f, CONF_DESTINATIONS, "* concurrency=7 rate=100/m\n"
	    "Slow.example concurrency=1 retry=5m,1h\n.fax.example hours=22:00-06:00\n"
	    "[192.0.2.9]:25 rate=9/s\n");
	route_of(&f.d.conf, span_str("a@other.example"), out);
	ck_assert_str_eq(out, "[192.0.2.9]:25");
	route_options(&f.d.conf, out, &d);
	ck_assert_uint_eq(d.concurrency, 7);
	ck_assert_uint_eq(d.rate_n, 9);
	route_of(&f.d.conf, span_str("a@SLOW.example"), out);
	ck_assert_str_eq(out, "[192.0.2.9]:25 slow.example");
	route_hop(out, hop);
	ck_assert_str_eq(hop, "[192.0.2.9]:25");
	route_options(&f.d.conf, out, &d);
	ck_assert_uint_eq(d.concurrency, 1);
	ck_assert_uint_eq(d.rate_n, 9);
	ck_assert_uint_eq(d.nretry, 2);
	ck_assert_uint_eq(d.nhours, 0);
	route_of(&f.d.conf, span_str("a@x.fax.example"), out);
	ck_assert_str_eq(out, "[192.0.2.9]:25 .fax.example");
	route_options(&f.d.conf, out, &d);
	ck_assert_uint_eq(d.nhours, 1);
	fake_setting(&f, CONF_SMTPROUTES, "");
	route_of(&f.d.conf, span_str("a@slow.example"), out);
	ck_assert_str_eq(out, "slow.example");
	route_options(&f.d.conf, out, &d);
	ck_assert_uint_eq(d.concurrency, 1);
}
END_TEST

START_TEST(retries_and_lifetime_of_a_destination)
{
	fake_setting(&f, CONF_DESTINATIONS, "one.example retry=10,1000 lifetime=2000\n");
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	fake_advance(&f, 8000);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 4000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	fake_advance(&f, 800 * 1000);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 400 * 1000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	fake_advance(&f, 800 * 1000);
	ck_assert(!fake_queue_mark(&f));
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_FAILED);
}
END_TEST

/* Closed for the next two hours: it waits, then goes.  TZ is none, so local time is UTC. */
START_TEST(mail_waits_for_its_hours)
{
	int64_t minute = clock_us() / 60000000 % 1440 + 121, end = minute + 60;
	char line[64];

	snprintf(line, sizeof line, "one.example hours=%02d:%02d-%02d:%02d\n",
	    (int)(minute % 1440 / 60), (int)(minute % 60), (int)(end % 1440 / 60), (int)(end % 60));
	setenv("TZ", "UTC", 1);
	tzset();
	fake_setting(&f, CONF_DESTINATIONS, line);
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 119 * 60000);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 3 * 60000);
	ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
}
END_TEST

/* --- "delayed" reports --- */

/* RFC 3461, 5.2.5: once, for those with DELAY; also over a restart. */
START_TEST(delay_is_told_once)
{
	const struct msg_job *m;
	struct rcpt_result r;
	struct span detail;

	fake_setting(&f, CONF_DELAYWARNING, "3600\n");
	fake_setting(&f, CONF_RETRYFIRST, "30000\n");
	fake_setting(&f, CONF_RETRYMAX, "30000\n");
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", NOTIFY_DELAY | NOTIFY_FAILURE);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	fake_advance(&f, 3500 * 1000);
	fake_silence(&f, ROLE_BOUNCE);
	fake_advance(&f, 101 * 1000);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	m = (const struct msg_job *)(const void *)f.packet;
	ck_assert_uint_gt(m->expires_us, (uint64_t)clock_us());
	r = report_record(&detail);
	ck_assert_int_eq(r.outcome, OUTCOME_DEFERRED);
	ck_assert_str_eq(r.dsn, "4.4.1");
	ck_assert_str_eq(r.text, "no connection");
	answer_report(MSG_REFUSED);
	fake_silence(&f, ROLE_BOUNCE);
	fake_advance(&f, 301 * 1000);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	answer_report(MSG_REPORTED);
	ck_assert(!fake_queue_mark(&f));
	ck_assert_uint_eq(fake_slot(&f, id, 0).flags, SLOT_DELAY_TOLD);
	ck_assert_uint_eq(fake_slot(&f, id, 0).dead, qfile_dest("one.example"));
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_QUEUED);
	fake_silence(&f, ROLE_BOUNCE);
	fake_restart_qmgr(&f);
	all_peers();
	fake_advance(&f, 10000 * 1000);
	fake_silence(&f, ROLE_BOUNCE);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 20000 * 1000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	ck_assert_uint_eq(fake_slot(&f, id, 0).flags, SLOT_DELAY_TOLD);
	fake_silence(&f, ROLE_BOUNCE);
}
END_TEST

static const struct { const char *sender, *warning; uint8_t notify; } untold[] = {
	{ "s@s.example", "60\n", 0 }, { "s@s.example", "60\n", NOTIFY_FAILURE | NOTIFY_SUCCESS },
	{ "s@s.example", "60\n", NOTIFY_NEVER }, { "", "60\n", NOTIFY_DELAY },
	{ "s@s.example", "0\n", NOTIFY_DELAY },
};

START_TEST(delay_is_told_to_nobody_else)
{
	static const char *const to[] = { "a@one.example", NULL };

	fake_setting(&f, CONF_DELAYWARNING, untold[_i].warning);
	fake_restart_qmgr(&f);
	all_peers();
	fake_message(&f, id, untold[_i].sender, to, untold[_i].notify);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	fake_advance(&f, 50 * 1000);
	fake_advance(&f, 50 * 1000);
	fake_silence(&f, ROLE_BOUNCE);
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
	ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
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
	fake_run(&f, 100);
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

Suite *suite_qmgr(void);
Suite *
suite_qmgr(void)
{
	Suite *s = suite_create("qmgr");
	TCase *tc = tcase_create("qmgr");

	tcase_add_checked_fixture(tc, setup, teardown);
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
	tcase_add_test(tc, failed_reported_bounced);
	tcase_add_test(tc, failed_slot_at_start);
	tcase_add_loop_test(tc, expiry_fails_and_reports, 0, sizeof expiries / sizeof *expiries);
	tcase_add_test(tc, dead_destination);
	tcase_add_test(tc, expired_but_never_tried);
	tcase_add_loop_test(tc, expired_with_an_attempt_due, 0, 2);
	tcase_add_loop_test(tc, time_over_in_flight, 0, 2);
	tcase_add_test(tc, an_act_waits_for_hello);
	tcase_add_test(tc, last_words_are_read);
	tcase_add_test(tc, bad_files);
	tcase_add_test(tc, success_notice);
	tcase_add_test(tc, a_notice_waits_for_its_message);
	tcase_add_test(tc, no_notice_to_a_null_sender);
	tcase_add_test(tc, a_result_of_anothers_job);
	tcase_add_test(tc, a_clock_step_moves_no_deadline);
	tcase_add_test(tc, wrong_packets);
	tcase_add_test(tc, dead_destination_over_restart);
	tcase_add_test(tc, dead_destination_is_left_by_a_new_route);
	tcase_add_loop_test(tc, a_refusing_greeting_is_the_hosts, 0,
	    sizeof greetings / sizeof *greetings);
	tcase_add_test(tc, a_refused_recipient_is_not_the_hosts);
	tcase_add_test(tc, destinations_of_a_route);
	tcase_add_test(tc, retries_and_lifetime_of_a_destination);
	tcase_add_test(tc, mail_waits_for_its_hours);
	tcase_add_test(tc, delay_is_told_once);
	tcase_add_loop_test(tc, delay_is_told_to_nobody_else, 0, sizeof untold / sizeof *untold);
	tcase_add_test(tc, hold_and_release);
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
