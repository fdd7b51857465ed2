/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The control server between a command and learn: who asks for a tag gets an answer, from learn or without it. */
#include "cmd/server/server.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STRANGER = 12345 };

static struct daemon d;
static struct control c;
static struct err e;
static char path[100];
static int learn, user;
static _Alignas(8) unsigned char packet[MSG_MAX];
static size_t packet_len;

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

static int
peer(enum role role)
{
	int fd[2];

	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	d.peer(d.arg, role, 1, fd[1]);
	return fd[0];
}

/* Connects; control takes whoever it is for that user. */
static int
client(uid_t uid)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	turn();
	c.clients->uid = uid;
	return fd;
}

static void
setup(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	signal(SIGPIPE, SIG_IGN);
	e = (struct err){ 0 };
	d = (struct daemon){ .nfile = 1, .file = { { "control.sock", s } } };
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	snprintf(path, sizeof path, "/tmp/accord-tag-%d", (int)getpid());
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	unlink(path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof sun), 0);
	ck_assert_int_eq(listen(s, 5), 0);
	ck_assert_int_eq(loop_init(&d.loop, &e), 0);
	ck_assert_int_eq(conf_init(&d.conf, &e), 0);
	ck_assert_msg(control_open(&c, &d, &e) == 0, "%s", e.what);
	learn = peer(ROLE_LEARN);
	user = client(geteuid() + STRANGER);
}

static void
teardown(void)
{
	unlink(path);
	loop_free(&d.loop);
	conf_free(&d.conf);
}

static void
send_packet(int fd, void *h, uint32_t type, uint32_t id, size_t len)
{
	ck_assert_int_eq(ipc_send(fd, h, type, id, len, NULL, 0, &e), 0);
	turn();
}

/* The next packet at fd: its type; 0 for an end, -1 for none. */
static int64_t
next(int fd)
{
	int fds[MSG_FDS], r = ipc_recv_now(fd, packet, sizeof packet, &packet_len, fds, &e);

	return r < 1 ? r : (int64_t)((struct msg_hdr *)(void *)packet)->type;
}

static uint32_t
number_of(void)
{
	return ((struct msg_hdr *)(void *)packet)->id;
}

static void
ask(int fd, uint32_t id, const char *text, size_t n)
{
	struct { struct msg_hdr h; char text[5000]; } p = { 0 };

	memcpy(p.text, text, n);
	send_packet(fd, &p, MSG_TAG, id, sizeof p.h + n);
}

static void
tagged(uint32_t id, const char *tag)
{
	struct msg_tagged m = { .tag = "" };

	memcpy(m.tag, tag, strlen(tag));
	send_packet(learn, &m, MSG_TAGGED, id, sizeof m);
}

static void
has(int fd, uint32_t number, const char *tag)
{
	ck_assert_int_eq(next(fd), MSG_TAGGED);
	ck_assert_uint_eq(number_of(), number);
	ck_assert_uint_eq(packet_len, sizeof(struct msg_tagged));
	ck_assert_str_eq(((struct msg_tagged *)(void *)packet)->tag, tag);
}

START_TEST(a_tag_comes_to_who_asked)
{
	int other = client(geteuid() + STRANGER);
	uint32_t number[2];

	ask(user, 7, "a@x.example", 12);
	ck_assert_int_eq(next(learn), MSG_TAG);
	number[0] = number_of();
	ck_assert_uint_eq(packet_len, sizeof(struct msg_hdr) + 12);
	ck_assert_int_eq(memcmp(packet + sizeof(struct msg_hdr), "a@x.example", 12), 0);
	ask(other, 8, "b@x.example", 12);
	ck_assert_int_eq(next(learn), MSG_TAG);
	number[1] = number_of();
	tagged(number[1], "second");
	tagged(number[0], "first");
	has(user, 7, "first");
	has(other, 8, "second");
	tagged(number[0], "again");		/* of nothing that waits */
	ck_assert_int_eq(next(user), -1);
	ask(user, 9, "", 0);			/* what it is for learn judges */
	ck_assert_int_eq(next(learn), MSG_TAG);
	tagged(number_of(), "");
	has(user, 9, "");
}
END_TEST

/* It dies, comes anew, is not there: nobody waits for it. */
START_TEST(without_learn_there_is_none)
{
	ask(user, 7, "a@x.example", 12);
	ck_assert_int_eq(next(learn), MSG_TAG);
	if (_i == 0)
		close(learn);
	else
		learn = peer(ROLE_LEARN);
	turn();
	has(user, 7, "");
	ask(user, 8, "a@x.example", 12);
	if (_i == 1) {
		ck_assert_int_eq(next(learn), MSG_TAG);
		tagged(number_of(), "tag");
	}
	has(user, 8, _i == 1 ? "tag" : "");
}
END_TEST

START_TEST(a_second_question_at_once_cuts_off)
{
	ask(user, 7, "a@x.example", 12);
	ask(user, 8, "a@x.example", 12);
	ck_assert_int_eq(next(user), 0);
}
END_TEST

START_TEST(who_has_gone_is_not_waited_for)
{
	ask(user, 7, "a@x.example", 12);
	ck_assert_int_eq(next(learn), MSG_TAG);
	close(user);
	turn();
	tagged(number_of(), "tag");
	ck_assert_uint_eq(c.nclient, 0);
	ck_assert(c.learn.open);
}
END_TEST

/* What learn says is text with an end; anything else cuts it off. */
START_TEST(what_learn_says_has_an_end)
{
	struct msg_tagged m;
	struct msg_hdr h;

	ask(user, 7, "a@x.example", 12);
	ck_assert_int_eq(next(learn), MSG_TAG);
	memset(&m, 'x', sizeof m);
	send_packet(learn, &m, MSG_TAGGED, number_of(), sizeof m);
	ck_assert_int_eq(next(user), MSG_TAGGED);
	ck_assert_uint_eq(strlen(((struct msg_tagged *)(void *)packet)->tag), TAG_TEXT - 1);
	send_packet(learn, &h, MSG_CAP_SETTED, 1, sizeof h);
	ck_assert(!c.learn.open);
}
END_TEST

Suite *suite_tag(void);
Suite *
suite_tag(void)
{
	Suite *s = suite_create("tag");
	TCase *tc = tcase_create("tag");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_tag_comes_to_who_asked);
	tcase_add_loop_test(tc, without_learn_there_is_none, 0, 2);
	tcase_add_test(tc, a_second_question_at_once_cuts_off);
	tcase_add_test(tc, who_has_gone_is_not_waited_for);
	tcase_add_test(tc, what_learn_says_has_an_end);
	suite_add_tcase(s, tc);
	return s;
}
