/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* How sessions and messages end: errors, silence, time, stop, loss, and what queue does. */
#include "tests/unit/smtpd/rig.h"

#include <check.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "smtpd/child.h"

static struct rig r;

START_TEST(too_many_errors)
{
	rig_hello(&r);
	for (int i = 0; i < 19; i++)
		rig_talk(&r, "BOGUS\r\n", "500", NULL);
	rig_talk(&r, "BOGUS\r\nNOOP\r\n", "500", "421 4.7.0 mx.example", "", NULL);
	ck_assert(r.eof);
	rig_end(&r);
}
END_TEST

START_TEST(idle_chatter_ends)
{
	rig_hello(&r);
	for (int i = 0; i < JUNK_MAX - 1; i++)
		rig_talk(&r, "NOOP\r\n", "250", NULL);
	rig_talk(&r, "NOOP\r\n", "250", "421 4.7.0", "", NULL);
	rig_end(&r);
}
END_TEST

START_TEST(silence_ends)
{
	rig_init(&r);
	rig_set(&r, CONF_TIMEOUTSMTPD, "1\n");
	rig_start(&r);
	rig_talk(&r, HELLO, "220", "250-", NULL);
	rig_talk(&r, "NO", "421 4.4.2 mx.example", "", NULL);
	rig_end(&r);
}
END_TEST

/* Octets that trickle in do not make a transaction last for ever. */
START_TEST(a_transaction_has_its_time)
{
	rig_init(&r);
	rig_set(&r, CONF_TIMEOUTTRANSACTION, "1\n");
	rig_start(&r);
	rig_talk(&r, HELLO BEGIN "DATA\r\n", "220", "250-", "250", "250", "354", NULL);
	for (int i = 0; i < 40 && !r.eof; i++) {
		rig_send(&r, span_str("x"));
		usleep(50000);
	}
	rig_talk(&r, "", "421 4.4.2", "", NULL);
	ck_assert_uint_eq(r.committed, 0);
	rig_end(&r);
}
END_TEST

/* Nor do those that come without a pause: there is no time limit if only waiting is timed. */
START_TEST(a_flood_has_its_time)
{
	static struct wire w;
	struct span in;
	char block[4096];
	int fd[2];

	memset(block, 'x', sizeof block);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	for (int stop = 0; stop < 2; stop++) {
		enum wire_status late = stop ? WIRE_STOP : WIRE_TIMEOUT;

		wire_init(&w, fd[0], -1, 1000);
		w.in_data = true;
		ck_assert_int_eq(write(fd[1], block, sizeof block), sizeof block);
		ck_assert_int_eq(wire_octets(&w, &in), WIRE_OK);
		ck_assert_int_eq(write(fd[1], block, sizeof block), sizeof block);
		w.stop = stop;
		w.due_ms = clock_ms() - 1;
		ck_assert_int_eq(wire_skip(&w, 2 * sizeof block), late);
		ck_assert_int_eq(wire_line(&w, &in), late);
		w.due_ms = 0;
		w.patience_ms = clock_ms() - 2 * (int64_t)sizeof block;
		ck_assert_int_eq(wire_octets(&w, &in), late);
		w.patience_ms = 0;
		ck_assert_int_eq(wire_octets(&w, &in), WIRE_OK);
	}
	close(fd[0]);
	close(fd[1]);
}
END_TEST

START_TEST(stop_ends_a_session)
{
	rig_hello(&r);
	rig_stop(&r);
	rig_talk(&r, "", "421 4.3.2 mx.example", "", NULL);
	rig_end(&r);
}
END_TEST

/* One that came while queue was waited for is heeded too. */
START_TEST(stop_while_queue_restarts)
{
	rig_hello(&r);
	rig_talk(&r, BEGIN, "250", "250", NULL);
	r.queue_gone = r.stop_first = true;
	rig_talk(&r, "DATA\r\n", "354", NULL);
	rig_talk(&r, "x\r\n.\r\n", "250 2.0.0", "421 4.3.2", "", NULL);
	ck_assert_uint_eq(r.committed, 1);
	rig_end(&r);
}
END_TEST

START_TEST(stop_lets_a_message_end)
{
	rig_hello(&r);
	rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
	rig_send(&r, span_str("x\r\n"));
	rig_stop(&r);
	usleep(200000);
	rig_talk(&r, ".\r\n", "250 2.0.0", "421 4.3.2", "", NULL);
	ck_assert_uint_eq(r.committed, 1);
	rig_end(&r);
}
END_TEST

START_TEST(a_lost_client_leaves_nothing)
{
	rig_hello(&r);
	rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
	rig_send(&r, span_str("x\r\n.\r"));
	rig_client(&r);
	rig_talk(&r, "", "220", NULL);
	rig_until(&r, &r.abandoned, 1);
	ck_assert_uint_eq(r.abandoned, 1);
	ck_assert_uint_eq(r.committed, 0);
	rig_end(&r);
}
END_TEST

static const struct { struct err open, commit; const char *want; } failures[] = {
	{ { .kind = ERR_TEMP, .dsn = "4.3.1", .what = "full" }, { 0 }, "452 4.3.1" },
	{ { .kind = ERR_TEMP, .dsn = "4.3.0", .what = "x" }, { 0 }, "451 4.3.0" },
	{ { .kind = ERR_TEMP, .dsn = "5.3.0", .what = "x" }, { 0 }, "451 4.3.0" },
	{ { 0 }, { .kind = ERR_TEMP, .dsn = "4.3.1", .what = "full" }, "452 4.3.1" },
	{ { 0 }, { .kind = ERR_TEMP, .dsn = "4.3.0", .what = "flush failed" }, "451 4.3.0" },
	{ { 0 }, { .kind = ERR_PERM, .dsn = "5.5.4", .what = "x" }, "554 5.5.4" },
};

START_TEST(what_queue_refuses)
{
	rig_hello(&r);
	r.open_fails = failures[_i].open;
	r.commit_fails = failures[_i].commit;
	if (r.open_fails.kind != ERR_NONE) {
		rig_talk(&r, BEGIN "DATA\r\n", "250", "250", failures[_i].want, NULL);
	} else {
		rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
		rig_talk(&r, "x\r\n.\r\n", failures[_i].want, NULL);
	}
	r.open_fails = r.commit_fails = (struct err){ 0 };
	rig_talk(&r, "RSET\r\n" BEGIN "DATA\r\n", "250", "250", "250", "354", NULL);
	rig_talk(&r, "x\r\n.\r\n", "250 2.0.0", NULL);
	rig_end(&r);
}
END_TEST

/* queue restarts: what was not begun goes on over a new channel, what was to be committed gets 451. */
START_TEST(queue_restarts)
{
	rig_hello(&r);
	r.queue_gone = true;
	rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
	ck_assert_uint_eq(r.fresh, 1);
	r.queue_gone = true;
	rig_talk(&r, "x\r\n.\r\n", "451 4.3.0", NULL);
	rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
	rig_talk(&r, "x\r\n.\r\n", "250 2.0.0", NULL);
	ck_assert_uint_eq(r.fresh, 2);
	ck_assert_uint_eq(r.committed, 1);
	rig_end(&r);
}
END_TEST

/* Who brings no message has its patience, and no more, whatever it says meanwhile. */
START_TEST(patience_ends)
{
	rig_init(&r);
	r.patience_s = 1;
	rig_start(&r);
	rig_talk(&r, HELLO, "220", "250-", NULL);
	for (int i = 0; i < 60 && !r.eof; i++) {
		rig_send(&r, span_str("NOOP\r\n"));
		usleep(50000);
		if (strncmp(rig_reply(&r), "421 4.4.2", 9) == 0)
			break;
	}
	rig_talk(&r, "", "", NULL);
	/* octets that trickle in buy little time, a message buys all of it anew */
	rig_client(&r);
	rig_talk(&r, HELLO, "220", "250-", NULL);
	for (int i = 0; i < 5; i++) {
		usleep(300000);
		rig_talk(&r, BEGIN "BDAT 4 LAST\r\nok\r\n", "250", "250", "250", NULL);
	}
	rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
	for (int i = 0; i < 60 && !r.eof; i++) {
		rig_send(&r, span_str("x"));
		usleep(50000);
	}
	rig_talk(&r, "", "421 4.4.2", "", NULL);
	ck_assert_uint_eq(r.committed, 5);
	rig_end(&r);
}
END_TEST

/* A session that cannot say that it is over would be counted for ever: its process ends instead. */
START_TEST(an_end_that_cannot_be_said)
{
	static const struct listener none;
	struct msg_client m = { .listener = 1 };	/* there is no such: nothing is said to the client */
	struct link l;
	int ctl[2], status = -1;
	struct err e;
	pid_t pid;

	ck_assert_int_eq(ipc_pair(ctl, &e), 0);
	ck_assert_int_eq(ipc_send(ctl[0], &m.h, MSG_CLIENT, 0, sizeof m, &ctl[1], 1, &e), 0);
	ck_assert_int_eq(shutdown(ctl[1], SHUT_WR), 0);
	if ((pid = fork()) == 0) {
		close(ctl[0]);
		alarm(5);
		link_init(&l, ctl[1], -1, -1);
		child_run(NULL, &none, 1, NULL, &l);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(ctl[0]);
	close(ctl[1]);
}
END_TEST

Suite *suite_ends(void);
Suite *
suite_ends(void)
{
	Suite *s = suite_create("ends");
	TCase *tc = tcase_create("ends");

#define LOOP(test, table) tcase_add_loop_test(tc, test, 0, sizeof table / sizeof *table)
	tcase_add_test(tc, too_many_errors);
	tcase_add_test(tc, idle_chatter_ends);
	tcase_add_test(tc, silence_ends);
	tcase_add_test(tc, a_transaction_has_its_time);
	tcase_add_test(tc, a_flood_has_its_time);
	tcase_add_test(tc, stop_ends_a_session);
	tcase_add_test(tc, stop_while_queue_restarts);
	tcase_add_test(tc, stop_lets_a_message_end);
	tcase_add_test(tc, a_lost_client_leaves_nothing);
	LOOP(what_queue_refuses, failures);
	tcase_add_test(tc, queue_restarts);
	tcase_add_test(tc, patience_ends);
	tcase_add_test(tc, an_end_that_cannot_be_said);
	suite_add_tcase(s, tc);
	return s;
}
