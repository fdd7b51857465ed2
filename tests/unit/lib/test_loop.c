/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Timers, watches and packet channels. */
#include "lib/chan.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/msg.h"

static struct loop loop;
static int order[64], fired, handled, gone;
static struct err why;

/* The libc's stands behind this one: so many calls fail, each with fail_errno, before one is made. */
static int failing, fail_errno;

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	if (failing > 0) {
		failing--;
		errno = fail_errno;
		return -1;
	}
	return syscall(SYS_sendmsg, fd, m, flags);
}

static void
on_fire(void *arg)
{
	order[fired++] = *(int *)arg;
	if (fired == 20)
		loop.stop = true;
}

START_TEST(timers_fire_in_order_of_their_time)
{
	static struct timer t[32];
	static int number[32];
	struct err e = { 0 };

	ck_assert_int_eq(loop_init(&loop, &e), 0);
	for (int i = 0; i < 32; i++) {
		number[i] = i;
		t[i] = (struct timer){ .fire = on_fire, .arg = &number[i] };
		/* far apart: a busy machine takes its time between two of these */
		ck_assert_int_eq(loop_timer(&loop, &t[i], 5 + (i * 7 % 32) * 20, &e), 0);
	}
	for (int i = 0; i < 32; i++)		/* take out some, move one */
		if (i * 7 % 32 >= 20)
			loop_cancel(&loop, &t[i]);
	ck_assert_int_eq(loop_run(&loop, &e), 0);
	ck_assert_int_eq(fired, 20);
	for (int i = 1; i < 20; i++)
		ck_assert_int_lt(order[i - 1] * 7 % 32, order[i] * 7 % 32);
	loop_free(&loop);
}
END_TEST

static int
on_packet(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	(void)msg, (void)len, (void)fds;
	handled++;
	if (handled == 100)
		c->loop->stop = true;
	if (handled == 1000)
		return err_set(e, ERR_PROTO, NULL, "enough");
	return 0;
}

static const struct msg_rule rules[] = {
	{ MSG_NEW, sizeof(struct msg_hdr), 4096, 0, 1, on_packet },
};

static void
on_gone(struct chan *c, const struct err *e)
{
	gone++;
	why = *e;
	c->loop->stop = true;
}

static struct chan c;
static int other;		/* the peer's end of it */
static struct err e;
static struct { struct msg_hdr h; char fill[4000]; } big;	/* few of these fit */

static void
open_channel(void)
{
	int fd[2];

	handled = gone = 0;
	ck_assert_int_eq(loop_init(&loop, &e), 0);
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	ck_assert_int_eq(chan_open(&c, &loop, fd[0], "peer", rules, 1, on_gone, NULL, &e), 0);
	other = fd[1];
}

/* The next so many calls of the system fail. */
static void
fail_next(int calls, int why_not)
{
	failing = calls;
	fail_errno = why_not;
}

static void
peer_says(int n)
{
	struct msg_hdr h;

	for (int i = 0; i < n; i++)
		ck_assert_int_eq(ipc_send(other, &h, MSG_NEW, 1, sizeof h, NULL, 0, &e), 0);
}

/* What the owner is told at the end, when so many packets were handled; ERR_NONE: the peer went. */
static void
ends_with(enum err_kind kind, int packets)
{
	ck_assert_int_eq(loop_run(&loop, &e), 0);
	ck_assert_int_eq(gone, 1);
	ck_assert_int_eq(why.kind, kind);
	ck_assert_int_eq(handled, packets);
}

/* Goes on for so long, and the owner hears of no end. */
static void
lives_on(unsigned ms)
{
	struct timer end = { .fire = on_fire, .arg = order };

	fired = 19;		/* one more stops the loop */
	ck_assert_int_eq(loop_timer(&loop, &end, ms, &e), 0);
	ck_assert_int_eq(loop_run(&loop, &e), 0);
	ck_assert_int_eq(gone, 0);
}

START_TEST(what_does_not_fit_waits_and_keeps_its_order)
{
	struct chan b;

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(chan_send(&c, &big.h, MSG_NEW, (uint32_t)i, sizeof big, NULL, 0, &e), 0);
	ck_assert_uint_gt(c.waiting, 0);
	ck_assert_int_eq(chan_open(&b, &loop, other, "other", rules, 1, on_gone, NULL, &e), 0);
	ck_assert_int_eq(loop_run(&loop, &e), 0);
	ck_assert_int_eq(handled, 100);
	ck_assert_uint_eq(c.waiting, 0);
}
END_TEST

START_TEST(what_waits_has_a_limit)
{
	int i = 0, fd = open("/dev/null", O_RDONLY);

	c.most = 3;
	while (i < 1000 && chan_send(&c, &big.h, MSG_NEW, 0, sizeof big, NULL, 0, &e) == 0)
		i++;
	ck_assert_int_lt(i, 1000);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	ck_assert_uint_eq(c.waiting, 3);
	ck_assert_int_eq(chan_send(&c, &big.h, MSG_NEW, 0, sizeof big.h, &fd, 1, &e), -1);
	ck_assert_int_eq(fd, -1);	/* taken over all the same */
	chan_close(&c);
	close(other);
}
END_TEST

/* The system's want of memory passes: nothing is lost, nothing overtakes, nothing spins meanwhile. */
START_TEST(what_finds_no_memory_waits_and_keeps_its_order)
{
	struct msg_hdr h;
	struct chan b;

	fail_next(3, _i == 0 ? ENOBUFS : ENOMEM);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(chan_send(&c, &h, MSG_NEW, (uint32_t)i, sizeof h, NULL, 0, &e), 0);
	ck_assert_int_eq(failing, 2);		/* the others saw that it waits */
	ck_assert_uint_eq(c.waiting, 100);
	ck_assert_int_eq(chan_open(&b, &loop, other, "other", rules, 1, on_gone, NULL, &e), 0);
	ck_assert_int_eq(loop_run(&loop, &e), 0);
	ck_assert_int_eq(handled, 100);
	ck_assert_int_eq(gone, 0);
	ck_assert_uint_eq(c.waiting, 0);
	chan_close(&c);
	chan_close(&b);
}
END_TEST

START_TEST(a_channel_closed_meanwhile_is_not_tried_again)
{
	struct msg_hdr h;

	fail_next(2, ENOBUFS);
	ck_assert_int_eq(chan_send(&c, &h, MSG_NEW, 0, sizeof h, NULL, 0, &e), 0);
	chan_close(&c);
	lives_on(40);
	ck_assert_int_eq(failing, 1);
	failing = 0;
	close(other);
}
END_TEST

/* One of both would wait for ever. */
START_TEST(a_packet_that_is_lost_is_the_end_of_the_channel)
{
	struct msg_hdr h;

	fail_next(1, EMSGSIZE);
	ck_assert_int_eq(chan_send(&c, &h, MSG_NEW, 0, sizeof h, NULL, 0, &e), -1);
	ck_assert_int_eq(loop_run(&loop, &e), 0);
	ck_assert_int_eq(gone, 1);
	close(other);
}
END_TEST

START_TEST(an_owner_may_do_without_a_packet)
{
	struct msg_hdr h;

	c.lossy = true;
	fail_next(1, EMSGSIZE);
	ck_assert_int_eq(chan_send(&c, &h, MSG_NEW, 0, sizeof h, NULL, 0, &e), -1);
	lives_on(20);
	chan_close(&c);
	close(other);
}
END_TEST

/* What stands unread is handled; a peer that lives, and says no more, is not waited for. */
START_TEST(draining_waits_for_nobody)
{
	peer_says(3);
	chan_drain(&c);
	ck_assert_int_eq(handled, 3);
	ck_assert_int_eq(gone, 0);
	chan_close(&c);
	close(other);
}
END_TEST

/* They were taken together with it: not handled, and their descriptors are closed. */
START_TEST(what_lies_behind_the_cut_is_dropped)
{
	struct msg_hdr h;
	char got;
	int end[2];

	ck_assert_int_eq(pipe(end), 0);
	for (int i = 0; i < IPC_SOME + 2; i++)
		ck_assert_int_eq(ipc_send(other, &h, MSG_NEW, 1, sizeof h, &end[1], 1, &e), 0);
	close(end[1]);
	handled = 997;		/* the third one is too much */
	ends_with(ERR_PROTO, 1000);
	close(other);
	ck_assert_int_eq(fcntl(end[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(read(end[0], &got, 1), 0);
	close(end[0]);
}
END_TEST

START_TEST(a_packet_out_of_the_table_cuts_the_peer_off)
{
	struct { struct msg_hdr h; char more[8]; } m = { 0 };

	ck_assert_int_eq(ipc_send(other, &m.h, MSG_MARK, 1, sizeof m, NULL, 0, &e), 0);
	ends_with(ERR_PROTO, 0);
}
END_TEST

START_TEST(descriptors_that_the_table_does_not_allow_cut_the_peer_off)
{
	struct msg_hdr h;
	int fds[2] = { open("/dev/null", O_RDONLY), open("/dev/null", O_RDONLY) };

	ck_assert_int_eq(ipc_send(other, &h, MSG_NEW, 1, sizeof h, fds, 2, &e), 0);
	ends_with(ERR_PROTO, 0);
}
END_TEST

/* Each bound of a row of the table. */
static const struct { size_t len; bool with_fd, ok; } bounds[] = {
	{ sizeof(struct msg_hdr) + 7, true, false }, { sizeof(struct msg_hdr) + 8, true, true },
	{ sizeof(struct msg_hdr) + 16, true, true }, { sizeof(struct msg_hdr) + 17, true, false },
	{ sizeof(struct msg_hdr) + 8, false, false },
};

START_TEST(a_packet_keeps_the_bounds_of_its_row)
{
	static const struct msg_rule one[] = { { MSG_NEW, sizeof(struct msg_hdr) + 8,
	    sizeof(struct msg_hdr) + 16, 1, 1, on_packet } };
	struct { struct msg_hdr h; char more[32]; } m = { 0 };
	int fd = open("/dev/null", O_RDONLY);

	c.rules = one;
	ck_assert_int_eq(ipc_send(other, &m.h, MSG_NEW, 1, bounds[_i].len, &fd, bounds[_i].with_fd, &e), 0);
	close(other);
	ends_with(bounds[_i].ok ? ERR_NONE : ERR_PROTO, bounds[_i].ok);
}
END_TEST

START_TEST(another_build_is_cut_off)
{
	struct msg_hdr h = { ipc_build() + 1, MSG_NEW, 1, sizeof h };

	ck_assert_int_eq(write(other, &h, sizeof h), sizeof h);
	ends_with(ERR_PROTO, 0);
}
END_TEST

START_TEST(a_peer_that_goes_is_no_fault)
{
	close(other);
	ends_with(ERR_NONE, 0);
}
END_TEST

/* It died with our packets unread: ECONNRESET for us, and what it said before is still there. */
START_TEST(what_a_peer_said_last_is_read_though_it_left_packets_unread)
{
	struct msg_hdr h;

	ck_assert_int_eq(chan_send(&c, &h, MSG_NEW, 1, sizeof h, NULL, 0, &e), 0);
	peer_says(3);
	close(other);
	ends_with(ERR_NONE, 3);
}
END_TEST

START_TEST(what_a_peer_said_last_is_read_though_packets_wait_for_it)
{
	while (c.waiting < 3)
		ck_assert_int_eq(chan_send(&c, &big.h, MSG_NEW, 1, sizeof big, NULL, 0, &e), 0);
	peer_says(3);
	close(other);
	ends_with(ERR_NONE, 3);
}
END_TEST

Suite *suite_loop(void);
Suite *
suite_loop(void)
{
	Suite *s = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_add_test(tc, timers_fire_in_order_of_their_time);
	suite_add_tcase(s, tc);
	tc = tcase_create("channel");
	tcase_add_checked_fixture(tc, open_channel, NULL);
	tcase_add_test(tc, what_does_not_fit_waits_and_keeps_its_order);
	tcase_add_test(tc, what_waits_has_a_limit);
	tcase_add_loop_test(tc, what_finds_no_memory_waits_and_keeps_its_order, 0, 2);
	tcase_add_test(tc, a_channel_closed_meanwhile_is_not_tried_again);
	tcase_add_test(tc, a_packet_that_is_lost_is_the_end_of_the_channel);
	tcase_add_test(tc, an_owner_may_do_without_a_packet);
	tcase_add_test(tc, draining_waits_for_nobody);
	tcase_add_test(tc, what_lies_behind_the_cut_is_dropped);
	tcase_add_test(tc, a_packet_out_of_the_table_cuts_the_peer_off);
	tcase_add_test(tc, descriptors_that_the_table_does_not_allow_cut_the_peer_off);
	tcase_add_loop_test(tc, a_packet_keeps_the_bounds_of_its_row, 0, sizeof bounds / sizeof *bounds);
	tcase_add_test(tc, another_build_is_cut_off);
	tcase_add_test(tc, a_peer_that_goes_is_no_fault);
	tcase_add_test(tc, what_a_peer_said_last_is_read_though_it_left_packets_unread);
	tcase_add_test(tc, what_a_peer_said_last_is_read_though_packets_wait_for_it);
	suite_add_tcase(s, tc);
	return s;
}
