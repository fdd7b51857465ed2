/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Who gets a session, who waits and who is refused, by a parent that forks nobody: its processes are made here. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "smtpd/parent.h"
#include "tests/unit/clock.h"

enum { DOOR_CLIENTS = 64 };

static struct parent p;
static struct err e;
static int64_t *ahead;
static int theirs[PARENT_SPARE + 1], nchild;	/* the processes' ends of their channels */
static int client[DOOR_CLIENTS], nclient;
static struct sockaddr_in at;

static void
setting(enum conf_id id, const char *text)
{
	ck_assert_msg(conf_set(&p.d.conf, id, span_str(text), &e) == 0, "%s", e.what);
}

static void
nobody(struct chan *c, const struct err *why)
{
	(void)c, (void)why;
}

/* A process that waits for a client. */
static void
child(void)
{
	static struct child all[PARENT_SPARE + 1];
	struct child *c = &all[nchild];
	int pair[2];

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	*c = (struct child){ .parent = &p, .pid = -1, .line = &p.fresh, .next = p.child, .earlier = p.fresh.last };
	ck_assert_int_eq(chan_open(&c->chan, &p.d.loop, pair[0], "child", NULL, 0, nobody, c, &e), 0);
	*(p.fresh.last != NULL ? &p.fresh.last->later : &p.fresh.first) = c;
	p.fresh.last = p.child = c;
	p.fresh.n++;
	p.nchild++;
	theirs[nchild++] = pair[1];
}

static void
setup(void)
{
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ahead = test_clock();
	ck_assert_int_eq(conf_init(&p.d.conf, &e), 0);
	ck_assert_int_eq(loop_init(&p.d.loop, &e), 0);
	setting(CONF_ME, "here.example\n");
	setting(CONF_RELAYCLIENTS, "192.0.2.0/24\n");
	setting(CONF_CONCURRENCYINCOMING, "4\n");
	at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(fd, DOOR_CLIENTS), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	p.nlistener = 1;
	p.at[0] = (struct parent_listener){ { fd, door_on_connection, &p.at[0] }, &p };
	ck_assert_int_eq(loop_watch(&p.d.loop, &p.at[0].watch, EPOLLIN, &e), 0);
	p.look = (struct timer){ .fire = door_on_look, .arg = &p };
	p.resume = (struct timer){ .fire = door_on_resume, .arg = &p };
	p.pace = door_pace(&p);
	for (int i = 0; i < PARENT_SPARE; i++)
		child();
}

/* So many connect from 127.0.NETWORK.1; the parent takes them. */
static void
come(int network, int n)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001 + ((unsigned)network << 8)) };

	for (int i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
		client[nclient++] = fd;
	}
	p.fresh.n += PARENT_SPARE;		/* none is forked */
	door_on_connection(&p.at[0], EPOLLIN);
	p.fresh.n -= PARENT_SPARE;
}

/* What that client has heard: "" nothing so far, "-" it was hung up on, behind nothing. */
static const char *
heard(int i)
{
	static char line[600];
	ssize_t n = recv(client[i], line, sizeof line - 1, MSG_DONTWAIT);

	line[n > 0 ? n : 0] = '\0';
	return n == 0 ? "-" : line;
}

/* The packet that a process was sent with a connection; what it is told of patience is passed over.  false: none. */
static bool
given(int i, struct msg_client *m)
{
	struct pollfd ready = { theirs[i], POLLIN, 0 };
	int fds[MSG_FDS];
	size_t len;

	while (poll(&ready, 1, 0) == 1) {
		ck_assert_int_eq(ipc_recv(theirs[i], m, sizeof *m, &len, fds, &e), 1);
		if (m->h.type == MSG_PACE)
			continue;
		ck_assert_int_ne(fds[0], -1);
		ipc_close_fds(fds, MSG_FDS);
		return m->h.type == MSG_CLIENT && len == sizeof *m;
	}
	return false;
}

static uint64_t
refused(const char *why)
{
	for (int i = 0; i < PARENT_REASONS && p.refused[i].why != NULL; i++)
		if (strstr(p.refused[i].why, why) != NULL)
			return p.refused[i].n;
	return 0;
}

START_TEST(each_gets_a_process_till_there_are_as_many_as_may_be)
{
	struct msg_client m;

	come(0, 1);
	come(1, 1);
	ck_assert_uint_eq(p.sessions, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert(given(i, &m));
		ck_assert_uint_eq(m.listener, 0);
		ck_assert_uint_eq(m.delay_ms, 0);
		ck_assert_int_eq(m.peer.a[10] == 0xff && m.peer.a[12] == 127 && m.peer.a[14] == i, 1);
	}
	ck_assert(!given(2, &m));
	ck_assert_uint_eq(p.connections, 2);
	ck_assert_uint_eq(p.room.n, 0);
}
END_TEST

/* A client has half of all and one, a network three quarters; who may send anywhere has all. */
START_TEST(strangers_leave_others_their_share)
{
	setting(CONF_CONCURRENCYCLIENT, "50\n");
	come(0, 4);
	ck_assert_uint_eq(p.sessions, 3);
	ck_assert_uint_eq(refused("your address"), 1);
	ck_assert_ptr_nonnull(strstr(heard(3), "421 4.7.0 here.example too many sessions from your address, try again"));
	ck_assert_str_eq(heard(0), "");
	setting(CONF_RELAYCLIENTS, "127.0.0.0/8\n");
	come(0, 1);
	ck_assert_uint_eq(p.sessions, 4);
}
END_TEST

START_TEST(who_is_slowed_has_one_at_a_time_and_waits_for_it)
{
	struct netaddr a = { .a = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } };
	struct msg_client m;

	clients_punish(&p.clients, &a, clock_ms());
	come(0, 2);
	ck_assert(given(0, &m));
	ck_assert_uint_eq(m.delay_ms, PARENT_SLOW_DELAY_MS);
	ck_assert_ptr_nonnull(strstr(heard(1), "421 4.7.0"));
}
END_TEST

/* In the room nobody is greeted; who has waited a minute hears 421, and who is next gets what becomes free. */
START_TEST(where_all_are_taken_one_waits)
{
	struct msg_client m;

	setting(CONF_CONCURRENCYINCOMING, "1\n");
	setting(CONF_RELAYCLIENTS, "127.0.0.0/8\n");
	come(0, 1);
	come(1, 1);
	ck_assert_uint_eq(p.sessions, 1);
	ck_assert_uint_eq(p.room.n, 1);
	ck_assert(p.looking);
	ck_assert_str_eq(heard(1), "");
	*ahead += ROOM_WAIT_MS - 1000;
	door_on_look(&p);
	ck_assert_uint_eq(p.room.n, 1);
	come(2, 1);
	*ahead += 2000;
	door_on_look(&p);
	ck_assert_uint_eq(p.room.n, 1);
	ck_assert_ptr_nonnull(strstr(heard(1), "421 4.3.2 here.example"));
	ck_assert_str_eq(heard(2), "");
	p.sessions--;			/* the first is over */
	door_next(&p);
	ck_assert_uint_eq(p.room.n, 0);
	ck_assert(given(0, &m) && given(1, &m));
	ck_assert_int_eq(m.peer.a[14], 2);
}
END_TEST

/* Patience shrinks at once when sessions get rare, and grows again after two seconds. */
START_TEST(who_is_let_in_late_has_less_time)
{
	struct pace calm = door_pace(&p);
	struct msg_client m;

	setting(CONF_CONCURRENCYINCOMING, "8\n");
	setting(CONF_RELAYCLIENTS, "127.0.0.0/8\n");
	ck_assert_uint_eq(calm.timeout_s, 300);
	p.sessions = 5;
	ck_assert_uint_eq(door_pace(&p).timeout_s, 300);
	p.sessions = 6;
	ck_assert_uint_eq(door_pace(&p).timeout_s, PACE_BUSY_S);
	ck_assert_uint_eq(door_pace(&p).patience_s, PACE_BUSY_PATIENCE_S);
	p.sessions = 7;
	come(0, 1);			/* the last */
	ck_assert(given(0, &m));
	ck_assert_uint_eq(m.timeout_s, PACE_FULL_S);
	ck_assert_uint_eq(m.patience_s, PACE_FULL_PATIENCE_S);
	come(1, 1);			/* and one who waits */
	ck_assert_uint_eq(p.pace.timeout_s, PACE_WAITED_S);
	ck_assert_uint_eq(p.pace.patience_s, PACE_WAITED_PATIENCE_S);
	p.sessions = 1;
	door_next(&p);
	ck_assert_uint_eq(p.pace.timeout_s, PACE_WAITED_S);
	ck_assert(p.looking);
	*ahead += PACE_RELAX_MS;
	door_on_look(&p);
	ck_assert_uint_eq(p.pace.timeout_s, calm.timeout_s);
}
END_TEST

/* New settings: who waits is of the listener that has its address now, or has to go. */
START_TEST(a_listener_that_moves_or_goes)
{
	struct listener before[2] = { { .addr = { .port = 25 } }, { .addr = { .port = 26 } } };

	setting(CONF_CONCURRENCYINCOMING, "1\n");
	p.sessions = 1;
	come(0, 1);
	come(1, 1);
	ck_assert_uint_eq(p.room.n, 2);
	p.room.first->listener = 1;
	p.listener[0] = before[1];
	door_move(&p, before, 2);
	ck_assert_uint_eq(p.room.n, 1);
	ck_assert_uint_eq(p.room.first->listener, 0);
	ck_assert_uint_eq(refused("shutting down"), 1);
	p.stopping = true;
	door_next(&p);
	ck_assert_uint_eq(p.room.n, 1);
	door_empty(&p);
	ck_assert_uint_eq(p.room.n, 0);
	ck_assert_uint_eq(refused("shutting down"), 2);
}
END_TEST

/* Without a descriptor left nothing is taken for a moment, and nothing is lost. */
START_TEST(without_descriptors_it_pauses)
{
	struct rlimit l, none;
	struct msg_client m;
	int fd = dup(0);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
	client[nclient] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(client[nclient], (struct sockaddr *)&at, sizeof at), 0);
	nclient++;
	none = (struct rlimit){ (rlim_t)fd, l.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	come(0, 0);
	ck_assert(p.paused);
	ck_assert_uint_eq(p.connections, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
	come(0, 0);
	ck_assert_uint_eq(p.connections, 0);
	door_on_resume(&p);
	come(0, 0);
	ck_assert(!p.paused && given(0, &m));
	close(fd);
}
END_TEST

/* The line of a refusal is one line within RFC 5321's limit, whatever this host is called. */
START_TEST(a_refusal_is_one_line)
{
	char name[300] = "";
	int pair[2];
	struct netaddr a = { { 0 }, 0 };
	char line[600];
	ssize_t n;

	for (int i = 0; i < 4; i++)
		snprintf(name + strlen(name), sizeof name - strlen(name), "%.*s%s", i == 3 ? 60 : 62,
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", i == 3 ? "\n" : ".");
	setting(CONF_ME, name);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	door_refuse(&p, pair[0], "4.3.2", "too many sessions from your network", &a);
	n = recv(pair[1], line, sizeof line, MSG_DONTWAIT);
	ck_assert_int_gt(n, 250);
	ck_assert_int_le(n, 512);
	ck_assert(memcmp(line, "421 4.3.2 x", 11) == 0 && memchr(line, '\n', (size_t)n) == line + n - 1);
	close(pair[1]);
}
END_TEST

Suite *suite_door(void);
Suite *
suite_door(void)
{
	Suite *s = suite_create("door");
	TCase *tc = tcase_create("door");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, each_gets_a_process_till_there_are_as_many_as_may_be);
	tcase_add_test(tc, strangers_leave_others_their_share);
	tcase_add_test(tc, who_is_slowed_has_one_at_a_time_and_waits_for_it);
	tcase_add_test(tc, where_all_are_taken_one_waits);
	tcase_add_test(tc, who_is_let_in_late_has_less_time);
	tcase_add_test(tc, a_listener_that_moves_or_goes);
	tcase_add_test(tc, without_descriptors_it_pauses);
	tcase_add_test(tc, a_refusal_is_one_line);
	suite_add_tcase(s, tc);
	return s;
}
