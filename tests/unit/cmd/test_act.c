/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The control server between the command and qmgr: who may ask, and whose answer is whose. */
#include "cmd/server/server.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct daemon d;
static struct control c;
static struct err e;
static char path[100];
static int qmgr;
static _Alignas(8) unsigned char packet[MSG_MAX];

static void
stop_loop(void *arg)
{
	(void)arg;
	d.loop.stop = true;
}

static void
turn(void)
{
	struct timer t = { .fire = stop_loop };

	d.loop.stop = false;
	ck_assert_int_eq(loop_timer(&d.loop, &t, 20, &e), 0);
	ck_assert_int_eq(loop_run(&d.loop, &e), 0);
}

static void
setup(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd[2], s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	signal(SIGPIPE, SIG_IGN);
	e = (struct err){ 0 };
	d = (struct daemon){ .nfile = 1, .file = { { "control.sock", s } } };
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	snprintf(path, sizeof path, "/tmp/accord-act-%d", (int)getpid());
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	unlink(path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof sun), 0);
	ck_assert_int_eq(listen(s, 5), 0);
	ck_assert_int_eq(loop_init(&d.loop, &e), 0);
	ck_assert_int_eq(conf_init(&d.conf, &e), 0);
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	qmgr = fd[0];
	d.peer_fd[ROLE_QMGR] = fd[1];
	ck_assert_msg(control_open(&c, &d, &e) == 0, "%s", e.what);
}

static void
teardown(void)
{
	unlink(path);
	loop_free(&d.loop);
	conf_free(&d.conf);
}

static int
client(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	turn();
	return fd;
}

static void
ask_as(int fd, uint32_t number, uint32_t verb, uint32_t n, const char *id, size_t len)
{
	struct msg_act *m = (struct msg_act *)(void *)packet;

	memset(packet, 0, sizeof packet);
	m->verb = verb;
	m->n = n;
	for (uint32_t i = 0; i < n && i < ACT_MAX; i++) {
		snprintf(m->act[i].id, QID_SIZE, "%s", id);
		m->act[i].slot = i;
	}
	ck_assert_int_eq(ipc_send(fd, &m->h, MSG_ACT, number, len, NULL, 0, &e), 0);
	turn();
}

static void
ask(int fd, uint32_t number, uint32_t verb, uint32_t n)
{
	ask_as(fd, number, verb, n, "0123456789abcdef", sizeof(struct msg_act) + n * sizeof(struct act));
}

/* The next packet at fd: its type, or 0 for an end. */
static uint32_t
next(int fd)
{
	int fds[MSG_FDS], r;
	size_t len;

	ck_assert_int_ge(r = ipc_recv(fd, packet, sizeof packet, &len, fds, &e), 0);
	return r == 0 ? 0 : ((struct msg_hdr *)(void *)packet)->type;
}

static uint32_t
number_of(void)
{
	return ((struct msg_hdr *)(void *)packet)->id;
}

static void
answer(uint32_t number, uint32_t done)
{
	struct msg_acted m = { .done = done };

	ck_assert_int_eq(ipc_send(qmgr, &m.h, MSG_ACTED, number, sizeof m, NULL, 0, &e), 0);
	turn();
}

START_TEST(answers_find_who_asked_in_any_order)
{
	int a = client(), b = client();
	uint32_t number[3];
	const struct msg_act *m = (const struct msg_act *)(const void *)packet;
	const struct msg_acted *got = (const struct msg_acted *)(const void *)packet;

	ask(a, 7, ACT_HOLD, 2);
	ask(a, 8, ACT_RETRY, 1);
	ask(b, 7, ACT_REMOVE, ACT_MAX);
	for (int i = 0; i < 3; i++) {
		static const uint32_t verbs[] = { ACT_HOLD, ACT_RETRY, ACT_REMOVE }, n[] = { 2, 1, ACT_MAX };

		ck_assert_uint_eq(next(qmgr), MSG_ACT);
		ck_assert_uint_eq(m->verb, verbs[i]);
		ck_assert_uint_eq(m->n, n[i]);
		ck_assert_str_eq(m->act[n[i] - 1].id, "0123456789abcdef");
		ck_assert_uint_eq(m->act[n[i] - 1].slot, n[i] - 1);
		number[i] = number_of();
	}
	answer(number[2], 3);
	answer(number[1], 2);
	answer(number[0], 1);
	answer(number[0], 9);		/* twice: nobody waits for it */
	ck_assert_uint_eq(next(b), MSG_ACTED);
	ck_assert_uint_eq(number_of(), 7);
	ck_assert_uint_eq(got->done, 3);
	ck_assert_uint_eq(next(a), MSG_ACTED);
	ck_assert_uint_eq(number_of(), 8);
	ck_assert_uint_eq(got->done, 2);
	ck_assert_uint_eq(next(a), MSG_ACTED);
	ck_assert_uint_eq(number_of(), 7);
	ck_assert_uint_eq(got->done, 1);
}
END_TEST

/* A refusal of that kind for the request of that number. */
static void
refused(int fd, uint32_t number, uint32_t kind, const char *word)
{
	const struct msg_refused *no = (const struct msg_refused *)(const void *)packet;

	ck_assert_uint_eq(next(fd), MSG_REFUSED);
	ck_assert_uint_eq(number_of(), number);
	ck_assert_uint_eq(no->kind, kind);
	ck_assert_msg(strstr(no->what, word) != NULL, "%s", no->what);
}

START_TEST(only_the_administrator_may_ask)
{
	int a = client();

	c.clients->uid = geteuid() + 12345;
	ask(a, 5, ACT_REMOVE, 1);
	refused(a, 5, ERR_PERM, "administrator");
	ck_assert_int_eq(recv(qmgr, packet, sizeof packet, MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(without_qmgr_it_is_later)
{
	int a = client(), fd[2];

	ask(a, 1, ACT_HOLD, 1);
	ck_assert_uint_eq(next(qmgr), MSG_ACT);
	close(qmgr);			/* it dies with the request */
	turn();
	refused(a, 1, ERR_TEMP, "restarted");
	ask(a, 2, ACT_HOLD, 1);
	refused(a, 2, ERR_TEMP, "later");
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	qmgr = fd[0];
	d.peer(d.arg, ROLE_QMGR, 2, fd[1]);
	ask(a, 3, ACT_HOLD, 1);
	ck_assert_uint_eq(next(qmgr), MSG_ACT);
	/* its successor's channel may come before the news of its end */
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	d.peer(d.arg, ROLE_QMGR, 3, fd[1]);
	refused(a, 3, ERR_TEMP, "restarted");
}
END_TEST

START_TEST(one_who_goes_leaves_nothing_behind)
{
	int a = client(), b;
	uint32_t number;

	ask(a, 1, ACT_HOLD, 1);
	ck_assert_uint_eq(next(qmgr), MSG_ACT);
	number = number_of();
	close(a);
	turn();
	ck_assert_ptr_null(c.clients);
	b = client();
	answer(number, 1);
	ck_assert_ptr_null(c.acts);
	ck_assert_int_eq(recv(b, packet, sizeof packet, MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(a_client_has_so_many_at_once)
{
	int a = client();

	for (uint32_t i = 1; i <= CONTROL_ACTS + 1; i++)
		ask(a, i, ACT_RETRY, 1);
	refused(a, CONTROL_ACTS + 1, ERR_TEMP, "too many");
	ck_assert_uint_eq(next(qmgr), MSG_ACT);
	answer(number_of(), 1);
	ck_assert_uint_eq(next(a), MSG_ACTED);
	ask(a, 50, ACT_RETRY, 1);
	for (int i = 0; i < CONTROL_ACTS; i++)
		ck_assert_uint_eq(next(qmgr), MSG_ACT);
}
END_TEST

static const struct { uint32_t verb, n; const char *id; size_t len; } wrong[] = {
	{ ACT_REMOVE + 1, 1, "0123456789abcdef", sizeof(struct msg_act) + sizeof(struct act) },
	{ ACT_HOLD, 0, "0123456789abcdef", sizeof(struct msg_act) + sizeof(struct act) },
	{ ACT_HOLD, 2, "0123456789abcdef", sizeof(struct msg_act) + sizeof(struct act) },
	{ ACT_HOLD, ACT_MAX + 1, "0123456789abcdef", sizeof(struct msg_act) + 2 * sizeof(struct act) },
	{ ACT_HOLD, 1, "../../etc/passwd", sizeof(struct msg_act) + sizeof(struct act) },
	{ ACT_HOLD, 1, "0123456789abcdef0", sizeof(struct msg_act) + sizeof(struct act) },
	{ ACT_HOLD, 1, "", sizeof(struct msg_act) + sizeof(struct act) },
};

START_TEST(what_is_no_act_cuts_off)
{
	int a = client();

	ask_as(a, 1, wrong[_i].verb, wrong[_i].n, wrong[_i].id, wrong[_i].len);
	ck_assert_uint_eq(next(a), 0);
	ck_assert_int_eq(recv(qmgr, packet, sizeof packet, MSG_DONTWAIT), -1);
}
END_TEST

/* What queue says goes into the log and into a Received field. */
START_TEST(a_queue_that_names_no_ID_is_cut_off)
{
	static const uint32_t types[] = { MSG_OPENED, MSG_COMMITTED };
	size_t len = types[_i] == MSG_OPENED ? sizeof(struct msg_id) : sizeof(struct msg_committed);
	struct msg_committed m = { .id = "" };
	int fd[2], file;

	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	d.peer(d.arg, ROLE_QUEUE, 1, fd[1]);
	memset(m.id, 'x', sizeof m.id);		/* no NUL */
	file = dup(fd[0]);
	ck_assert_int_eq(ipc_send(fd[0], &m.h, types[_i], 1, len, &file, types[_i] == MSG_OPENED, &e), 0);
	close(file);
	turn();
	ck_assert(!c.queue.open);
	ck_assert_uint_eq(next(fd[0]), 0);
}
END_TEST

Suite *suite_act(void);
Suite *
suite_act(void)
{
	Suite *s = suite_create("act");
	TCase *tc = tcase_create("act");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answers_find_who_asked_in_any_order);
	tcase_add_test(tc, only_the_administrator_may_ask);
	tcase_add_test(tc, without_qmgr_it_is_later);
	tcase_add_test(tc, one_who_goes_leaves_nothing_behind);
	tcase_add_test(tc, a_client_has_so_many_at_once);
	tcase_add_loop_test(tc, a_queue_that_names_no_ID_is_cut_off, 0, 2);
	tcase_add_loop_test(tc, what_is_no_act_cuts_off, 0, sizeof wrong / sizeof *wrong);
	suite_add_tcase(s, tc);
	return s;
}
