/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/qmgr/fake.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/clock.h"

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
	ck_assert_uint_eq(fake_expect(&f, role, MSG_ACK)->id, m->h.id);
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

/* The wall clock stepped back over a restart: numbers come again, and an ACK names nothing else. */
START_TEST(a_number_in_use_is_not_given_to_another_job)
{
	struct { struct msg_job m; uint32_t slot; } old = { .m = { .n = 1 } };
	struct msg_job *m;

	fake_peer(&f, ROLE_QUEUE);
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
	for (int i = 0; i < 10; i++)
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
	tcase_add_test(tc, a_number_in_use_is_not_given_to_another_job);
	tcase_add_test(tc, a_stop_waits_for_results);
	tcase_add_test(tc, queue_restarts);
	tcase_add_test(tc, nothing_without_queue);
	tcase_add_test(tc, failed_reported_bounced);
	tcase_add_test(tc, failed_slot_at_start);
	tcase_add_loop_test(tc, expiry_fails_and_reports, 0, sizeof expiries / sizeof *expiries);
	tcase_add_test(tc, dead_destination);
	tcase_add_test(tc, expired_but_never_tried);
	tcase_add_test(tc, bad_files);
	tcase_add_test(tc, success_notice);
	tcase_add_test(tc, no_notice_to_a_null_sender);
	tcase_add_test(tc, a_result_of_anothers_job);
	tcase_add_test(tc, a_clock_step_moves_no_deadline);
	tcase_add_test(tc, wrong_packets);
	suite_add_tcase(s, tc);
	return s;
}
