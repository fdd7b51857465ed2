/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Marks and acknowledgements that come close together go in one packet, and none is lost by it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/qmgr/fake.h"

enum { N = 5 };

static struct fake f;
static const struct rcpt_result delivered = { .outcome = OUTCOME_DELIVERED, .code = 250, .dsn = "2.0.0" };

static void
setup(void)
{
	fake_start(&f);
	fake_peer(&f, ROLE_QUEUE);
	fake_idle(&f, ROLE_REMOTE);
	fake_idle(&f, ROLE_LOCAL);
	fake_idle(&f, ROLE_BOUNCE);
}

static void
teardown(void)
{
	fake_end(&f);
}

/* Messages to destinations of their own, delivered at once; their results come together.  Their jobs' numbers. */
static void
deliver(uint32_t number[N])
{
	static const char *const to[N][2] = { { "a@a.example" }, { "a@b.example" }, { "a@c.example" },
	    { "a@d.example" }, { "a@e.example" } };
	static struct { struct msg_job m; uint32_t slot; } jobs[N];
	char id[QID_SIZE];

	for (int i = 0; i < N; i++) {
		fake_message(&f, id, "s@s.example", to[i], 0);
		fake_new(&f, id);
		fake_expect(&f, ROLE_REMOTE, MSG_JOB);
		memcpy(&jobs[i], f.packet, sizeof jobs[i].m + sizeof jobs[i].slot);
		number[i] = jobs[i].m.h.id;
	}
	for (int i = 0; i < N; i++) {
		const struct msg_job *m = &jobs[i].m;
		struct msg_result *r = (struct msg_result *)(void *)f.packet;
		struct rcpt_result one = delivered;
		struct buf b;
		struct err e = { 0 };

		*r = (struct msg_result){ .n = 1 };
		memcpy(r->id, m->id, QID_SIZE);
		buf_init(&b, MSG_MAX);
		ck_assert_int_eq(buf_add(&b, span_of(r, sizeof *r), &e) |
		    result_add(&b, &one, span_of(NULL, 0), &e), 0);
		ck_assert_int_eq(ipc_send(f.end[ROLE_REMOTE], (struct msg_hdr *)(void *)b.p, MSG_RESULT,
		    m->h.id, b.n, NULL, 0, &e), 0);
		buf_free(&b);
	}
}

/* f.packet acknowledges all of them. */
static void
are_all(const uint32_t number[N])
{
	const struct msg_ack *m = (const struct msg_ack *)(const void *)f.packet;
	uint32_t found = 0;

	ck_assert_uint_eq(m->h.type, MSG_ACK);
	ck_assert_uint_eq(m->n, N);
	for (int i = 0; i < N; i++)
		for (uint32_t k = 0; k < m->n; k++)
			found += m->number[k] == number[i];
	ck_assert_uint_eq(found, N);
}

static void
acknowledged(const uint32_t number[N])
{
	fake_expect(&f, ROLE_REMOTE, MSG_ACK);
	are_all(number);
}

START_TEST(results_that_come_together_are_one_packet)
{
	uint32_t number[N];

	deliver(number);
	ck_assert(fake_queue_mark(&f));
	ck_assert_uint_eq(f.marked, N);
	acknowledged(number);
	fake_silence(&f, ROLE_QUEUE);
	ck_assert_uint_eq(f.q.njobs, 0);
}
END_TEST

/* It had not heard of them yet, or had not answered. */
START_TEST(a_new_queue_has_them_all)
{
	uint32_t number[N];

	deliver(number);
	if (_i == 0)
		fake_run(&f, 1);
	else
		fake_expect(&f, ROLE_QUEUE, MSG_MARK);
	fake_peer(&f, ROLE_QUEUE);
	while (f.marked < N)
		ck_assert(fake_queue_mark(&f));
	ck_assert_uint_eq(f.marked, N);
	acknowledged(number);
	ck_assert_uint_eq(f.q.njobs, 0);
}
END_TEST

/* qmgr ends with the last of them: the worker has to hear of it, or would say it again. */
START_TEST(the_last_acknowledgements_go_before_the_end)
{
	uint32_t number[N];
	struct err e;

	deliver(number);
	qmgr_stop(&f.q);
	ck_assert(fake_queue_mark(&f));		/* its loop ends with this */
	ck_assert_int_eq(ipc_recv(f.end[ROLE_REMOTE], f.packet, sizeof f.packet, &f.len, f.fds, &e), 1);
	are_all(number);
	ck_assert_uint_eq(f.q.njobs, 0);
}
END_TEST

/* More marks than a packet takes: those that wait go first. */
START_TEST(marks_that_do_not_fit_are_another_packet)
{
	struct job j = { .kind = JOB_EXPIRE, .nmark = QMGR_MARKS };

	j.marks = calloc(j.nmark, sizeof *j.marks);
	ck_assert_ptr_nonnull(j.marks);
	for (j.number = 1; j.number <= 3; j.number++)
		gather_mark(&f.q, &j);
	for (uint32_t i = 1; i <= 3; i++) {
		const struct msg_marks *m = (const struct msg_marks *)(const void *)fake_expect(&f,
		    ROLE_QUEUE, MSG_MARK);

		ck_assert_uint_eq(m->n, QMGR_MARKS);
		ck_assert_uint_eq(m->mark[0].number, i);
		ck_assert_uint_eq(m->mark[QMGR_MARKS - 1].number, i);
	}
	free(j.marks);
}
END_TEST

/* More acknowledgements than a packet takes. */
START_TEST(many_acknowledgements_are_several_packets)
{
	struct job j = { .kind = JOB_DELIVER, .worker = ROLE_REMOTE };
	uint32_t seen = 0;

	j.generation = f.q.peer[ROLE_REMOTE].generation;
	for (uint32_t i = 0; i < 3 * QMGR_ACKS; i++) {
		j.number = i;
		gather_ack(&f.q, &j);
	}
	while (seen < 3 * QMGR_ACKS) {
		const struct msg_ack *m = (const struct msg_ack *)(const void *)fake_expect(&f, ROLE_REMOTE,
		    MSG_ACK);

		for (uint32_t k = 0; k < m->n; k++)
			ck_assert_uint_eq(m->number[k], seen++);
	}
}
END_TEST

Suite *suite_gather(void);
Suite *
suite_gather(void)
{
	Suite *s = suite_create("gather");
	TCase *tc = tcase_create("gather");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, results_that_come_together_are_one_packet);
	tcase_add_loop_test(tc, a_new_queue_has_them_all, 0, 2);
	tcase_add_test(tc, the_last_acknowledgements_go_before_the_end);
	tcase_add_test(tc, marks_that_do_not_fit_are_another_packet);
	tcase_add_test(tc, many_acknowledgements_are_several_packets);
	suite_add_tcase(s, tc);
	return s;
}
