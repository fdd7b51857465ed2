/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What befalls the queue: no room, a worker's death, stops, starts and the clock. */
#include "tests/unit/queue/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct got g;

START_TEST(the_reserve_is_kept_for_bounces)
{
	struct msg_open o = { .size = 1, .reserve = 1 };
	struct rig r;
	struct err e;
	char id[QID_SIZE];
	int s;

	rig_new(&r, STRATEGY_JOURNAL);
	rig_stop(&r);
	r.reserve = 100;
	rig_boot(&r);
	s = rig_session(&r);
	ck_assert_int_eq(ipc_send(s, &o.h, MSG_OPEN, 1, sizeof o, NULL, 0, &e), 0);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.1");	/* a session's claim does not count */
	bounce_put(&r, "x", id);
	client_commit(r.bounce, id, "x", 1);
	ck_assert_uint_eq(rig_get(r.bounce, &g), MSG_COMMITTED);
	close(s);
	rig_end(&r);
}
END_TEST

/* A full disk shows as the tail cannot be written (here: a limit on the size of files). */
START_TEST(no_space_is_451_and_work_goes_on)
{
	struct rig r;
	char id[QID_SIZE], ok[QID_SIZE];
	char *big = calloc(1, 8001);
	int s;

	rig_new(&r, STRATEGY_JOURNAL);
	rig_stop(&r);
	r.file_max = 8192;
	rig_boot(&r);
	memset(big, 'x', 8000);
	s = rig_session(&r);
	client_put(s, big, id);
	client_commit(s, id, big, 8);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.1");
	ck_assert(!rig_has(&r, "tmp", id));
	client_send(s, rig_text, 1, ok);
	close(s);
	free(big);
	rig_end(&r);
}
END_TEST

START_TEST(no_descriptors_is_451_and_work_goes_on)
{
	struct msg_open o = { .size = 1 };
	struct rig r;
	struct err e;
	char id[QID_SIZE];
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 1, id);

	client_put(s, rig_text, id);
	rig_descriptors(&r, false);
	ck_assert_int_eq(ipc_send(s, &o.h, MSG_OPEN, 1, sizeof o, NULL, 0, &e), 0);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
	client_commit(s, id, rig_text, 1);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
	ck_assert_uint_eq(rig_count(&r, "tmp"), 0);
	rig_descriptors(&r, true);
	client_send(s, rig_text, 1, id);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(a_killed_worker_refuses_its_batch)
{
	struct rig r;
	char id[QID_SIZE], next[QID_SIZE];
	int s;
	pid_t w;

	s = rig_with_message(&r, _i == 0 ? STRATEGY_JOURNAL : STRATEGY_FS, 1, id);
	w = rig_worker(&r);
	kill(w, SIGSTOP);
	client_put(s, rig_text, id);
	client_commit(s, id, rig_text, 1);
	ck_assert(rig_silent(s, 100));
	kill(w, SIGKILL);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
	ck_assert(!rig_has(&r, "tmp", id) && !rig_has(&r, "HH", id));
	client_send(s, rig_text, 1, next);		/* by another worker */
	ck_assert_int_ne(rig_worker(&r), w);
	close(s);
	rig_end(&r);
}
END_TEST

/* A name that is there is never overwritten, whatever went wrong with clocks or logs. */
START_TEST(a_taken_name_is_refused)
{
	struct rig r;
	char id[QID_SIZE], path[PATH_SIZE], kept[8] = "";
	int s = rig_with_session(&r, STRATEGY_JOURNAL), there;

	client_put(s, rig_text, id);
	path_final(id, path);
	there = openat(r.dir_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(there, "first", 5), 5);
	client_commit(s, id, rig_text, 1);
	ck_assert_uint_eq(rig_refused(s)->kind, ERR_TEMP);
	ck_assert_int_eq(pread(there, kept, 5, 0), 5);
	ck_assert_str_eq(kept, "first");
	ck_assert(rig_has(&r, "HH", id));
	close(there);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(restart_clears_tmp_and_keeps_the_rest)
{
	struct rig r;
	char id[QID_SIZE], lost[QID_SIZE], after[QID_SIZE];
	int s = rig_with_message(&r, rig_strategies[_i], 1, id);

	client_put(s, rig_text, lost);
	rig_kill(&r);
	close(s);
	ck_assert(rig_has(&r, "tmp", lost));
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, rig_text, 1, after);
	ck_assert(!rig_has(&r, "tmp", lost));
	ck_assert(rig_has(&r, "HH", id));
	ck_assert_int_gt(strcmp(after, id), 0);
	close(s);
	rig_end(&r);
}
END_TEST

/* The clock went back while the queue was down: IDs go on behind the largest in the log. */
START_TEST(ids_grow_over_restarts_and_clock_steps)
{
	static const char future[QID_SIZE] = "7000000000000000";
	struct rig r;
	char line[LOGLINE + 1], id[QID_SIZE];
	int s, log;

	rig_new(&r, rig_strategies[_i]);
	rig_stop(&r);
	log = openat(r.dir_fd, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	logline_make(line, '+', future);
	ck_assert_int_eq(write(log, line, LOGLINE), LOGLINE);
	ck_assert_int_eq(write(log, "+vvvvvvvvvvvvvvvv00000000\n", 26), 26);	/* torn: no CRC */
	close(log);
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, rig_text, 1, id);
	ck_assert_int_gt(strcmp(id, future), 0);
	ck_assert_int_lt(strncmp(id, "7000001", 7), 0);
	close(s);
	rig_stop(&r);
	r.no_qmgr = false;
	rig_boot(&r);
	s = rig_session(&r);
	char again[QID_SIZE];
	client_send(s, rig_text, 1, again);
	ck_assert_int_gt(strcmp(again, id), 0);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(one_queue_per_directory)
{
	static struct queue q;
	struct loop l;
	struct rig r;
	struct err e = { 0 };
	struct queue_options opt = { .strategy = STRATEGY_JOURNAL };
	char id[QID_SIZE];
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 1, id);

	ck_assert_int_eq(loop_init(&l, &e), 0);
	ck_assert_int_eq(queue_start(&q, &l, r.dir_fd, &opt, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "another accord-queue"));
	loop_free(&l);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(without_qmgr_mail_is_taken)
{
	struct rig r;
	char id[QID_SIZE];
	int s;

	rig_new(&r, STRATEGY_JOURNAL);
	rig_stop(&r);
	r.no_qmgr = true;
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, rig_text, 1, id);
	ck_assert(rig_has(&r, "HH", id));
	close(s);
	rig_end(&r);
}
END_TEST

/* STOP: what is in flight is answered. */
START_TEST(stop_answers_what_is_in_flight)
{
	struct rig r;
	char id[QID_SIZE];
	int s;
	pid_t w;

	s = rig_with_session(&r, STRATEGY_JOURNAL);
	w = rig_worker(&r);
	kill(w, SIGSTOP);
	client_put(s, rig_text, id);
	client_commit(s, id, rig_text, 1);
	usleep(50000);
	close(r.life);
	usleep(50000);
	kill(w, SIGCONT);
	ck_assert_uint_eq(rig_get(s, &g), MSG_COMMITTED);
	r.life = dup(s);
	close(s);
	rig_end(&r);
}
END_TEST

/* What the sandbox allows is enough: commit, mark, a worker killed and made anew from inside it. */
START_TEST(confined_it_does_all_of_it)
{
	struct rig r;
	struct msg_id bad = { .id = "" };
	struct err e;
	char id[QID_SIZE], lost[QID_SIZE];
	int s;
	pid_t w;

	rig_new(&r, rig_strategies[_i]);
	rig_stop(&r);
	r.confined = true;
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, rig_text, 2, id);
	client_send(s, rig_text, 1, bad.id);
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	w = rig_worker(&r);
	kill(w, SIGKILL);
	client_put(s, rig_text, lost);
	usleep(1300000);		/* the marks' flush; the worker anew */
	for (int i = 0; i < 2 * EACH_WORKERS; i++)
		client_send(s, rig_text, 1, lost);
	ck_assert_int_ne(rig_worker(&r), w);
	ck_assert(qmgr_mark(&r, id, 1, SLOT_DELIVERED));
	ck_assert_int_eq(ipc_send(r.qmgr, &bad.h, MSG_BADFILE, 1, sizeof bad, NULL, 0, &e), 0);
	ck_assert(qmgr_mark(&r, bad.id, 0, SLOT_DELIVERED));
	ck_assert(rig_has(&r, "bad", bad.id));
	close(s);
	usleep(1300000);
	rig_end(&r);
}
END_TEST
Suite *suite_queue(void);
Suite *
suite_queue(void)
{
	Suite *s = suite_create("queue");
	TCase *tc = tcase_create("faults");

	tcase_add_test(tc, the_reserve_is_kept_for_bounces);
	tcase_add_test(tc, no_space_is_451_and_work_goes_on);
	tcase_add_test(tc, no_descriptors_is_451_and_work_goes_on);
	tcase_add_test(tc, a_taken_name_is_refused);
	tcase_add_loop_test(tc, a_killed_worker_refuses_its_batch, 0, 2);
	suite_add_tcase(s, tc);
	tc = tcase_create("restart");
	tcase_add_loop_test(tc, restart_clears_tmp_and_keeps_the_rest, 0, RIG_STRATEGIES);
	tcase_add_loop_test(tc, ids_grow_over_restarts_and_clock_steps, 0, RIG_STRATEGIES);
	tcase_add_test(tc, one_queue_per_directory);
	tcase_add_test(tc, without_qmgr_mail_is_taken);
	tcase_add_test(tc, stop_answers_what_is_in_flight);
	tcase_add_loop_test(tc, confined_it_does_all_of_it, 0, RIG_STRATEGIES);
	suite_add_tcase(s, tc);
	return s;
}
