/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The control server between a command, local and capd: who may ask about an address, and say something of it. */
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
static int capd, local, user;
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
	snprintf(path, sizeof path, "/tmp/accord-owner-%d", (int)getpid());
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	unlink(path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof sun), 0);
	ck_assert_int_eq(listen(s, 5), 0);
	ck_assert_int_eq(loop_init(&d.loop, &e), 0);
	ck_assert_int_eq(conf_init(&d.conf, &e), 0);
	ck_assert_msg(control_open(&c, &d, &e) == 0, "%s", e.what);
	capd = peer(ROLE_CAPD);
	local = peer(ROLE_LOCAL);
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

static void
set(int fd, uint32_t id, const char *addr)
{
	struct { struct msg_cap_set m; char addr[100]; } p = { .m = { .source = SOURCE_OWN, .state = CAP_ANY,
	    .addr_len = (uint32_t)strlen(addr) } };

	if (addr[0] == '\0')
		p.m.source = SOURCE_NONE, p.m.state = CAP_NONE;
	snprintf(p.addr, sizeof p.addr, "%s", addr);
	send_packet(fd, &p, MSG_CAP_SET, id, sizeof p.m + strlen(addr));
}

static void
ask(int fd, uint32_t id, const char *addr)
{
	struct { struct msg_cap_ask m; char addr[100]; } p = { .m = { .want = CAP_WANT_FEATURES,
	    .addr_len = (uint32_t)strlen(addr) } };

	snprintf(p.addr, sizeof p.addr, "%s", addr);
	send_packet(fd, &p, MSG_CAP_ASK, id, sizeof p.m + strlen(addr));
}

static void
owned(uint32_t id, uint32_t found, uid_t uid)
{
	struct msg_owned m = { .found = found, .uid = uid };

	send_packet(local, &m, MSG_OWNED, id, sizeof m);
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
refused(int fd, uint32_t number, enum err_kind kind, const char *word)
{
	const struct msg_refused *no = (const struct msg_refused *)(const void *)packet;

	ck_assert_int_eq(next(fd), MSG_REFUSED);
	ck_assert_uint_eq(number_of(), number);
	ck_assert_uint_eq(no->kind, kind);
	ck_assert_msg(strstr(no->what, word) != NULL, "%s", no->what);
}

static void
done(uint32_t number)
{
	struct msg_hdr h;

	send_packet(capd, &h, MSG_CAP_SETTED, number, sizeof h);
}

START_TEST(DR6_the_owner_and_the_administrator_may)
{
	int admin = client(geteuid());
	uint32_t number;

	set(admin, 7, "a@far.example");
	ck_assert_int_eq(next(local), -1);
	ck_assert_int_eq(next(capd), MSG_CAP_SET);
	done(number_of());
	ck_assert_int_eq(next(admin), MSG_CAP_SETTED);
	ck_assert_uint_eq(number_of(), 7);

	set(user, 8, "a@here.example");
	ck_assert_int_eq(next(capd), -1);
	ck_assert_int_eq(next(local), MSG_OWNER);
	ck_assert(packet_len == sizeof(struct msg_hdr) + 14 &&
	    memcmp(packet + sizeof(struct msg_hdr), "a@here.example", 14) == 0);
	number = number_of();
	owned(number, 1, geteuid() + STRANGER);
	ck_assert_int_eq(next(capd), MSG_CAP_SET);
	ck_assert(packet_len == sizeof(struct msg_cap_set) + 14 &&
	    memcmp(packet + sizeof(struct msg_cap_set), "a@here.example", 14) == 0);
	done(number_of());
	ck_assert_int_eq(next(user), MSG_CAP_SETTED);
	ck_assert_uint_eq(number_of(), 8);
	ck_assert_uint_eq(c.clients->next->with, WITH_NOBODY);
}
END_TEST

START_TEST(DR6_nobody_else_may)
{
	static const struct { uint32_t found; int64_t uid; } rows[] = {
		{ 0, STRANGER }, { 1, 0 }, { 1, STRANGER + 1 }, { 2, STRANGER },
	};

	for (uint32_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		(i % 2 == 0 ? set : ask)(user, i, "a@here.example");
		ck_assert_int_eq(next(local), MSG_OWNER);
		owned(number_of(), rows[i / 2].found, (uid_t)(geteuid() + rows[i / 2].uid));
		refused(user, i, ERR_PERM, "owner");
		ck_assert_int_eq(next(capd), -1);
	}
	set(user, 50, "");		/* everybody's */
	refused(user, 50, ERR_PERM, "administrator");
	ck_assert_int_eq(next(local), -1);
	ck_assert_int_eq(next(capd), -1);
}
END_TEST

/* What local says of one address is not said of another that is asked about meanwhile. */
START_TEST(DR6_an_old_answer_allows_nothing)
{
	uint32_t number;

	set(user, 1, "mine@here.example");
	ck_assert_int_eq(next(local), MSG_OWNER);
	number = number_of();
	set(user, 2, "yours@here.example");
	ck_assert_int_eq(next(user), 0);	/* cut off */
	owned(number, 1, geteuid() + STRANGER);
	ck_assert_int_eq(next(capd), -1);
	user = client(geteuid() + STRANGER);
	set(user, 3, "yours@here.example");
	owned(number, 1, geteuid() + STRANGER);
	ck_assert_int_eq(next(capd), -1);
	close(local);
	local = peer(ROLE_LOCAL);
	refused(user, 3, ERR_TEMP, "restarted");
	owned(number + 1, 1, geteuid() + STRANGER);
	ck_assert_int_eq(next(capd), -1);
}
END_TEST

START_TEST(an_owner_may_look)
{
	struct { struct msg_cap m; char text[16]; } p = { { .features = CAP_KNOWN, .len = 9 }, "(dpi=200)" };
	struct msg_hdr h;

	ask(user, 4, "a@here.example");
	ck_assert_int_eq(next(local), MSG_OWNER);
	owned(number_of(), 1, geteuid() + STRANGER);
	ck_assert_int_eq(next(capd), MSG_CAP_ASK);
	send_packet(capd, &p, MSG_CAP, number_of(), sizeof p.m + 9);
	ck_assert_int_eq(next(user), MSG_CAP);
	ck_assert(number_of() == 4 && packet_len == sizeof p.m + 9);
	/* "it is on the disk" answers no question */
	ask(user, 5, "a@here.example");
	ck_assert_int_eq(next(local), MSG_OWNER);
	owned(number_of(), 1, geteuid() + STRANGER);
	ck_assert_int_eq(next(capd), MSG_CAP_ASK);
	send_packet(capd, &h, MSG_CAP_SETTED, number_of(), sizeof h);
	ck_assert_int_eq(next(capd), 0);
	refused(user, 5, ERR_TEMP, "restarted");
}
END_TEST

START_TEST(without_them_it_is_later)
{
	close(capd);
	turn();
	set(user, 1, "a@here.example");
	ck_assert_int_eq(next(local), MSG_OWNER);
	owned(number_of(), 1, geteuid() + STRANGER);
	refused(user, 1, ERR_TEMP, "restarted");
	close(local);
	turn();
	set(user, 2, "a@here.example");
	refused(user, 2, ERR_TEMP, "restarted");
	capd = peer(ROLE_CAPD);
	local = peer(ROLE_LOCAL);
	set(user, 3, "a@here.example");
	ck_assert_int_eq(next(local), MSG_OWNER);
	owned(number_of(), 1, geteuid() + STRANGER);
	ck_assert_int_eq(next(capd), MSG_CAP_SET);
	peer(ROLE_CAPD);		/* its successor's channel comes before the news of its end */
	refused(user, 3, ERR_TEMP, "restarted");
}
END_TEST

START_TEST(one_who_goes_leaves_nothing_behind)
{
	uint32_t number;

	set(user, 1, "a@here.example");
	ck_assert_int_eq(next(local), MSG_OWNER);
	number = number_of();
	close(user);
	turn();
	ck_assert_ptr_null(c.clients);
	owned(number, 1, geteuid() + STRANGER);
	done(number);
	ck_assert_int_eq(next(capd), -1);
	ck_assert(c.capd.open && c.local.open);
}
END_TEST

static const struct { uint32_t type, source, state, addr_len, len; } wrong[] = {
	{ MSG_CAP_SET, SOURCE_OWN, CAP_ANY, 15, 0 }, { MSG_CAP_SET, SOURCE_OWN, CAP_ANY, 14, UINT32_MAX },
	{ MSG_CAP_SET, SOURCE_OWN, CAP_TEMP, 14, 0 }, { MSG_CAP_SET, SOURCE_CDB, CAP_ANY, 14, 0 },
	{ MSG_CAP_SET, SOURCE_LEARNED, CAP_ANY, 14, 0 }, { MSG_CAP_SET, SOURCE_NONE, CAP_ANY, 14, 0 },
	{ MSG_CAP_SET, SOURCE_OWN, CAP_NONE, 0, 14 }, { MSG_CAP_SET, SOURCE_OWN, CAP_ANY, 15, UINT32_MAX },
};

/* capd would cut control off, and with it everybody who asks. */
START_TEST(what_is_no_request_reaches_nobody)
{
	struct { struct msg_cap_set m; char addr[16]; } p = { { .source = wrong[_i].source,
	    .state = wrong[_i].state, .addr_len = wrong[_i].addr_len, .len = wrong[_i].len }, "a@here.example" };
	struct { struct msg_cap_ask m; char addr[16]; } q = { { .addr_len = 15 }, "a@here.example" };
	int admin = client(geteuid());

	send_packet(admin, &p, wrong[_i].type, 1, sizeof p.m + 14);
	ck_assert_int_eq(next(admin), 0);
	send_packet(user, &q, MSG_CAP_ASK, 1, sizeof q.m + 14);
	ck_assert_int_eq(next(user), 0);
	ck_assert_int_eq(next(capd), -1);
	ck_assert_int_eq(next(local), -1);
}
END_TEST

Suite *suite_owner(void);
Suite *
suite_owner(void)
{
	Suite *s = suite_create("owner");
	TCase *tc = tcase_create("owner");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, DR6_the_owner_and_the_administrator_may);
	tcase_add_test(tc, DR6_nobody_else_may);
	tcase_add_test(tc, DR6_an_old_answer_allows_nothing);
	tcase_add_test(tc, an_owner_may_look);
	tcase_add_test(tc, without_them_it_is_later);
	tcase_add_test(tc, one_who_goes_leaves_nothing_behind);
	tcase_add_loop_test(tc, what_is_no_request_reaches_nobody, 0, sizeof wrong / sizeof *wrong);
	suite_add_tcase(s, tc);
	return s;
}
