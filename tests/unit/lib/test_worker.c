/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The worker's half of the job protocol, against a qmgr that the test plays. */
#include "lib/worker.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/result.h"

static struct loop loop;
static struct worker worker;
static struct worker_job *started;
static int nstarted, qmgr;
static struct timer stop;

static void
on_stop(void *arg)
{
	(void)arg;
	loop.stop = true;
}

static void
on_start(void *arg, struct worker_job *job, int message_fd)
{
	(void)arg;
	close(message_fd);
	started = job;
	nstarted++;
}

static void
spin(void)
{
	struct err e = { 0 };

	loop.stop = false;
	ck_assert_int_eq(loop_timer(&loop, &stop, 20, &e), 0);
	ck_assert_int_eq(loop_run(&loop, &e), 0);
}

static void
connect_qmgr(void)
{
	struct err e = { 0 };
	int pair[2];

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(worker_connect(&worker, pair[0], &e), 0);
	qmgr = pair[1];
	fcntl(qmgr, F_SETFL, O_NONBLOCK);
}

static void
setup(void)
{
	struct err e = { 0 };

	ck_assert_int_eq(loop_init(&loop, &e), 0);
	stop = (struct timer){ .fire = on_stop };
	nstarted = 0;
	worker_init(&worker, &loop, on_start, NULL);
	connect_qmgr();
}

/* The next packet's type, or 0 for none. */
static uint32_t
next(uint32_t *id)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	if (ipc_recv(qmgr, packet, sizeof packet, &len, fds, &e) != 1)
		return 0;
	ipc_close_fds(fds, MSG_FDS);
	*id = ((struct msg_hdr *)(void *)packet)->id;
	return ((struct msg_hdr *)(void *)packet)->type;
}

static void
send_job(uint32_t id, uint32_t n)
{
	struct { struct msg_job m; uint32_t slot[4]; } job = { .m = { .n = n } };
	struct err e = { 0 };
	int fd = open("/dev/null", O_RDONLY);

	memcpy(job.m.id, "0123456789abcdef", QID_LEN);
	memcpy(job.m.dest, "local", 6);
	ck_assert_int_eq(ipc_send(qmgr, &job.m.h, MSG_JOB, id, sizeof job.m + n * sizeof(uint32_t), &fd,
	    1, &e), 0);
	close(fd);
	spin();
}

static void
acknowledge(uint32_t number)
{
	struct { struct msg_hdr h; uint32_t n, pad, number; } m = { .n = 1, .number = number };
	struct err e = { 0 };

	ck_assert_int_eq(ipc_send(qmgr, &m.h, MSG_ACK, 0, sizeof m, NULL, 0, &e), 0);
}

static void
finish(struct worker_job *job)
{
	struct rcpt_result r = { .outcome = OUTCOME_DELIVERED };
	struct buf records;
	struct err e = { 0 };

	buf_init(&records, 4096);
	ck_assert_int_eq(result_add(&records, &r, span_of(NULL, 0), &e), 0);
	ck_assert_int_eq(worker_done(&worker, job, buf_view(&records), 1, false, &e), 0);
	buf_free(&records);
}

START_TEST(hello_comes_first)
{
	uint32_t id;

	ck_assert_uint_eq(next(&id), MSG_HELLO);
	ck_assert_uint_eq(next(&id), 0);
}
END_TEST

START_TEST(a_new_qmgr_hears_what_is_under_way_and_what_was_not_acknowledged)
{
	uint32_t id;

	ck_assert_uint_eq(next(&id), MSG_HELLO);
	send_job(7, 1);
	finish(started);
	send_job(8, 2);
	ck_assert_int_eq(nstarted, 2);
	ck_assert_uint_eq(next(&id), MSG_RESULT);
	ck_assert_uint_eq(id, 7);
	close(qmgr);			/* dies before it says ACK */
	spin();
	connect_qmgr();
	ck_assert_uint_eq(next(&id), MSG_INFLIGHT);
	ck_assert_uint_eq(id, 8);
	ck_assert_uint_eq(next(&id), MSG_RESULT);
	ck_assert_uint_eq(id, 7);
	ck_assert_uint_eq(next(&id), MSG_HELLO);
	acknowledge(7);
	spin();
	close(qmgr);
	spin();
	connect_qmgr();
	ck_assert_uint_eq(next(&id), MSG_INFLIGHT);
	ck_assert_uint_eq(next(&id), MSG_HELLO);
}
END_TEST

START_TEST(only_what_was_acknowledged_is_forgotten)
{
	uint32_t id;

	(void)next(&id);
	for (uint32_t i = 7; i <= 8; i++) {
		send_job(i, 1);
		finish(started);
		ck_assert_uint_eq(next(&id), MSG_RESULT);
	}
	acknowledge(8);
	spin();
	close(qmgr);
	spin();
	connect_qmgr();
	ck_assert_uint_eq(next(&id), MSG_RESULT);
	ck_assert_uint_eq(id, 7);
	ck_assert_uint_eq(next(&id), MSG_HELLO);
}
END_TEST

/* Whoever wrote them, qmgr would cut this process off for them, and again after each repetition. */
START_TEST(records_that_are_not_of_the_job_are_refused)
{
	static const struct { uint32_t slot, n, cut; } bad[] = {
		{ 1, 1, 0 },		/* another recipient's */
		{ 0, 2, 0 },		/* fewer than it says */
		{ 0, 0, 0 },		/* more */
		{ 0, 1, 1 },		/* cut short */
	};
	struct err e = { 0 };
	uint32_t id;

	(void)next(&id);
	send_job(7, 1);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct rcpt_result r = { .outcome = OUTCOME_DELIVERED, .slot = bad[i].slot };
		struct buf records;

		buf_init(&records, 4096);
		ck_assert_int_eq(result_add(&records, &r, span_of(NULL, 0), &e), 0);
		records.n -= bad[i].cut;
		ck_assert_int_eq(worker_done(&worker, started, buf_view(&records), bad[i].n, false, &e), -1);
		ck_assert_int_eq(e.kind, ERR_PROTO);
		ck_assert(!started->done);
		buf_free(&records);
	}
	ck_assert_uint_eq(next(&id), 0);
	finish(started);		/* and it can still end well */
	ck_assert_uint_eq(next(&id), MSG_RESULT);
}
END_TEST

START_TEST(acknowledged_in_any_order)
{
	static const uint32_t order[] = { 3, 1, 2 };
	uint32_t id;

	(void)next(&id);
	for (uint32_t i = 1; i <= 3; i++) {
		send_job(i, 1);
		finish(started);
	}
	for (size_t i = 0; i < 3; i++) {
		ck_assert(!worker_idle(&worker));
		acknowledge(order[i]);
		spin();
	}
	ck_assert(worker_idle(&worker));
	send_job(4, 1);			/* the list is whole */
	finish(started);
	ck_assert(!worker_idle(&worker));
	acknowledge(4);
	spin();
	ck_assert(worker_idle(&worker));
}
END_TEST

START_TEST(a_result_without_a_qmgr_waits_for_the_next)
{
	uint32_t id;

	(void)next(&id);
	send_job(9, 1);
	close(qmgr);
	spin();
	finish(started);
	connect_qmgr();
	ck_assert_uint_eq(next(&id), MSG_RESULT);
	ck_assert_uint_eq(id, 9);
}
END_TEST

START_TEST(a_job_that_lies_about_its_length_cuts_qmgr_off)
{
	struct msg_job m = { .n = 5 };
	struct err e = { 0 };
	int fd = open("/dev/null", O_RDONLY);
	uint32_t id;

	memcpy(m.id, "0123456789abcdef", QID_LEN);
	(void)next(&id);
	struct { struct msg_job m; uint32_t slot; } job = { .m = m };
	ck_assert_int_eq(ipc_send(qmgr, &job.m.h, MSG_JOB, 1, sizeof job, &fd, 1, &e), 0);
	spin();
	ck_assert_int_eq(nstarted, 0);
	ck_assert(!worker.qmgr.open);
}
END_TEST

Suite *suite_worker(void);
Suite *
suite_worker(void)
{
	Suite *s = suite_create("worker");
	TCase *tc = tcase_create("worker");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, hello_comes_first);
	tcase_add_test(tc, a_new_qmgr_hears_what_is_under_way_and_what_was_not_acknowledged);
	tcase_add_test(tc, only_what_was_acknowledged_is_forgotten);
	tcase_add_test(tc, records_that_are_not_of_the_job_are_refused);
	tcase_add_test(tc, acknowledged_in_any_order);
	tcase_add_test(tc, a_result_without_a_qmgr_waits_for_the_next);
	tcase_add_test(tc, a_job_that_lies_about_its_length_cuts_qmgr_off);
	suite_add_tcase(s, tc);
	return s;
}
