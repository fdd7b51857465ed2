/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Failures, notices and delays go to bounce. */
#include "tests/unit/qmgr/scene.h"

#include <check.h>
#include <stdio.h>
#include <sys/resource.h>

#include "lib/clock.h"

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

/* The first recipient's job; the other's stays under way. */
static const struct msg_job *
two_jobs(void)
{
	const struct msg_job *m = job(ROLE_REMOTE);

	ck_assert_uint_eq(m->n, 1);
	ck_assert_uint_eq(job_slot(m, 0), 0);
	fake_expect(&f, ROLE_REMOTE, MSG_JOB);
	return m;
}

/* The message has no report to come, and is not read again. */
static void
nothing_is_lost(void)
{
	fake_silence(&f, ROLE_BOUNCE);
	ck_assert_uint_eq(f.q.sched.nids, 1);
	ck_assert_int_eq(sched_find(&f.q.sched, id)->state, ENTRY_BUSY);
	ck_assert(!sched_find(&f.q.sched, id)->again);
}

/* The disk lost the mark of a failure: the recipient is queued again, and is not forgotten. */
START_TEST(a_lost_failure_is_tried_again)
{
	struct slot queued = { .state = SLOT_QUEUED };

	all_peers();
	fake_peer(&f, ROLE_BOUNCE);		/* it says nothing yet */
	message("a@one.example", 0);
	fake_new(&f, id);
	ck_assert(!result(ROLE_REMOTE, job(ROLE_REMOTE), &refused));
	fake_set_slot(&f, id, 0, &queued);
	fake_hello(&f, ROLE_BOUNCE);
	ck_assert(!result(ROLE_REMOTE, job(ROLE_REMOTE), &refused));
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	answer_report(MSG_REPORTED);
	ck_assert(fake_queue_mark(&f));
	ck_assert_uint_eq(f.q.sched.nids, 0);
}
END_TEST

/* Removed before his report could be told, or told by a report that took him along before his mark's answer was
 * read. */
static const enum slot_state not_lost[] = { SLOT_REMOVED, SLOT_BOUNCED };

START_TEST(who_failed_and_was_removed_or_told_is_not_lost)
{
	struct slot now = { .state = (uint8_t)not_lost[_i] };
	static const char *const to[] = { "a@one.example", "b@two.example", NULL };

	all_peers();
	fake_peer(&f, ROLE_BOUNCE);
	fake_message(&f, id, "s@s.example", to, 0);
	fake_new(&f, id);
	ck_assert(!result(ROLE_REMOTE, two_jobs(), &refused));
	fake_set_slot(&f, id, 0, &now);
	fake_hello(&f, ROLE_BOUNCE);
	nothing_is_lost();
}
END_TEST

/* A report that is not taken, of a failure that only the disk told of: it is not lost either. */
START_TEST(a_failure_lost_after_a_start_is_tried_again)
{
	struct slot failed = { .state = SLOT_FAILED }, queued = { .state = SLOT_QUEUED };

	message("a@one.example", 0);
	fake_set_slot(&f, id, 0, &failed);
	all_peers();
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	fake_set_slot(&f, id, 0, &queued);
	answer_report(MSG_REFUSED);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 70000);
	(void)job(ROLE_REMOTE);
}
END_TEST

/* One of two: its report is told, the other goes on; nothing is read again for that. */
START_TEST(a_told_failure_is_not_looked_for)
{
	static const char *const to[] = { "a@one.example", "b@two.example", NULL };
	struct msg_job *m;

	all_peers();
	fake_message(&f, id, "s@s.example", to, 0);
	fake_new(&f, id);
	m = job(ROLE_REMOTE);
	ck_assert_uint_eq(m->n, 1);
	fake_expect(&f, ROLE_REMOTE, MSG_JOB);	/* the other's, which stays under way */
	fake_result(&f, ROLE_REMOTE, m, &refused);
	ck_assert(!fake_queue_mark(&f));
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	answer_report(MSG_REPORTED);
	ck_assert(!fake_queue_mark(&f));
	fake_silence(&f, ROLE_BOUNCE);
	ck_assert_uint_eq(f.q.sched.nids, 1);
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

/* What was found at the last attempt is told (RFC 3463, 3.5: rather than X.4.7), and stays temporary. */
static const struct { const char *last, *want; uint16_t code; } expiries[] = {
	{ "4.6.5", "5.6.5", 0 },	/* row B5f, of our own converter alone */
	{ "4.6.5", "4.6.5", 451 },
	{ "4.7.1", "4.7.1", 450 }, { "4.2.2", "4.2.2", 452 }, { "4.4.2", "4.4.2", 0 }, { "4.0.0", "4.0.0", 450 },
	{ "4.0.0", "4.4.7", 0 }, { "", "4.4.7", 0 },
};

START_TEST(expiry_fails_and_reports)
{
	struct rcpt_result r = greylisted;
	struct span detail;
	struct slot s;

	snprintf(r.dsn, sizeof r.dsn, "%s", expiries[_i].last);
	r.code = expiries[_i].code;
	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_setting(&f, CONF_RETRYFIRST, "3000\n");
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &r);
	fake_advance(&f, 3500 * 1000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &r);
	fake_silence(&f, ROLE_QUEUE);
	fake_advance(&f, 101 * 1000);
	ck_assert(!fake_queue_mark(&f));
	s = fake_slot(&f, id, 0);
	ck_assert_int_eq(s.state, SLOT_FAILED);
	ck_assert_str_eq(s.dsn, expiries[_i].want);
	ck_assert_str_eq(s.text, "450 4.7.1 later");
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	r = report_record(&detail);
	ck_assert_str_eq(r.dsn, expiries[_i].want);
	ck_assert_uint_eq(r.code, expiries[_i].code);
	ck_assert_uint_eq(r.flags, RESULT_EXPIRED);
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

/* --- notifications (RFC 3297) --- */

static const struct rcpt_result preferred = { .outcome = OUTCOME_DEFERRED, .flags = RESULT_PREFERRED, .dsn = "4.6.0",
    .text = "another form is asked for" };
static const struct rcpt_result lost = { .outcome = OUTCOME_DELIVERED, .flags = RESULT_LOST, .dsn = "2.0.0" };

/* The notification is committed, then the recipient is marked as one who has asked; the mail stays. */
START_TEST(another_form_is_asked_for_before_the_mark)
{
	struct msg_job *m;
	struct rcpt_result r;
	struct span detail;

	all_peers();
	message("a@here.example", NOTIFY_NEVER);
	fake_new(&f, id);
	m = job(ROLE_LOCAL);
	fake_result(&f, ROLE_LOCAL, m, &preferred);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	r = report_record(&detail);
	ck_assert_int_eq(r.outcome, OUTCOME_DEFERRED);
	ck_assert_uint_eq(r.flags, RESULT_PREFERRED);
	fake_silence(&f, ROLE_QUEUE);
	answer_report(MSG_REPORTED);
	ck_assert(!fake_queue_mark(&f));
	ck_assert_uint_eq(fake_slot(&f, id, 0).flags, SLOT_ASKED);
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_QUEUED);
	ck_assert_uint_eq(fake_slot(&f, id, 0).attempts, 1);
}
END_TEST

/* A next hop's worker has nobody to ask, and a null sender is nobody. */
START_TEST(nobody_else_asks)
{
	static const char *const here[] = { "a@here.example", NULL };

	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	ck_assert(!result(ROLE_REMOTE, job(ROLE_REMOTE), &preferred));
	ck_assert_uint_eq(fake_slot(&f, id, 0).flags, 0);
	fake_message(&f, id, "", here, 0);
	fake_new(&f, id);
	ck_assert(!result(ROLE_LOCAL, job(ROLE_LOCAL), &preferred));
	ck_assert_uint_eq(fake_slot(&f, id, 0).flags, 0);
	fake_message(&f, id, "", here, 0);
	fake_new(&f, id);
	ck_assert(result(ROLE_LOCAL, job(ROLE_LOCAL), &lost));
	fake_silence(&f, ROLE_BOUNCE);
}
END_TEST

START_TEST(what_is_lost_is_told_without_NOTIFY)
{
	all_peers();
	message("a@here.example", NOTIFY_NEVER);
	fake_new(&f, id);
	fake_result(&f, ROLE_LOCAL, job(ROLE_LOCAL), &lost);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	answer_report(MSG_REPORTED);
	ck_assert(fake_queue_mark(&f));
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

Suite *suite_report(void);
Suite *
suite_report(void)
{
	Suite *s = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, scene_begin, scene_end);
	tcase_add_test(tc, failed_reported_bounced);
	tcase_add_test(tc, a_lost_failure_is_tried_again);
	tcase_add_loop_test(tc, who_failed_and_was_removed_or_told_is_not_lost, 0, sizeof not_lost / sizeof *not_lost);
	tcase_add_test(tc, a_failure_lost_after_a_start_is_tried_again);
	tcase_add_test(tc, a_told_failure_is_not_looked_for);
	tcase_add_test(tc, failed_slot_at_start);
	tcase_add_loop_test(tc, expiry_fails_and_reports, 0, sizeof expiries / sizeof *expiries);
	tcase_add_test(tc, success_notice);
	tcase_add_test(tc, a_notice_waits_for_its_message);
	tcase_add_test(tc, no_notice_to_a_null_sender);
	tcase_add_test(tc, another_form_is_asked_for_before_the_mark);
	tcase_add_test(tc, nobody_else_asks);
	tcase_add_test(tc, what_is_lost_is_told_without_NOTIFY);
	tcase_add_test(tc, delay_is_told_once);
	tcase_add_loop_test(tc, delay_is_told_to_nobody_else, 0, sizeof untold / sizeof *untold);
	suite_add_tcase(s, tc);
	return s;
}
