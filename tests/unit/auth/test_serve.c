/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "auth/serve.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/passwd.h"
#include "tests/unit/suites.h"

enum { SESSIONS = AUTH_WORKERS + AUTH_WAITING + 2 };

static struct daemon d;
static struct authd a;
static struct err e;
static int side[SESSIONS];

static void
set_up(void)
{
	char hash[PASSWD_HASH_MAX], line[PASSWD_HASH_MAX + 8];
	int n;

	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	for (int i = 0; i < SESSIONS; i++)
		side[i] = -1;
	ck_assert_int_eq(conf_init(&d.conf, &e) | loop_init(&d.loop, &e) | authd_open(&a, &d, &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_AUTH, span_str("passwd\n"), &e), 0);
	ck_assert_int_eq(passwd_hash(span_str("sesame"), hash, &e), 0);
	n = snprintf(line, sizeof line, "ann:%s\n", hash);
	ck_assert_int_eq(buf_add(&a.users, span_of(line, (size_t)n), &e), 0);
}

static void
open_session(int i)
{
	int pair[2];

	ipc_close_fds(&side[i], 1);
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(authd_add_session(&a, pair[0], &e), 0);
	side[i] = pair[1];
}

static void
ask(int i, const char *user, const char *word, int more)
{
	struct { struct msg_login m; char text[512]; } p = { .m = { .client = "192.0.2.1", .user_len = (uint32_t)strlen(user),
	    .word_len = (uint32_t)strlen(word) } };
	size_t n = (size_t)snprintf(p.text, sizeof p.text, "%s%s", user, word) + (size_t)more;

	ck_assert_int_eq(ipc_send(side[i], &p.m.h, MSG_LOGIN, 7, sizeof p.m + n, NULL, 0, &e), 0);
}

static void
stop(void *arg)
{
	((struct loop *)arg)->stop = true;
}

/* Turns the loop until the session has an answer: its type, or 0 where it was cut off; ERR_TEMP: nobody knows. */
static uint32_t
answer(int i, uint32_t *kind)
{
	union { struct msg_hdr h; struct msg_logged_in in; struct msg_refused no; } m;
	struct pollfd p = { side[i], POLLIN, 0 };
	int fds[MSG_FDS];
	size_t len;

	for (int turns = 0; poll(&p, 1, 0) == 0; turns++) {
		struct timer t = { .fire = stop, .arg = &d.loop };

		ck_assert_int_lt(turns, 2000);
		d.loop.stop = false;
		ck_assert_int_eq(loop_timer(&d.loop, &t, 10, &e), 0);
		ck_assert_int_eq(loop_run(&d.loop, &e), 0);
		d.loop.stop = false;
	}
	if (ipc_recv(side[i], &m, sizeof m, &len, fds, &e) != 1)
		return 0;
	ck_assert_uint_eq(m.h.id, 7);
	*kind = m.h.type == MSG_REFUSED ? m.no.kind : ERR_NONE;
	if (m.h.type == MSG_LOGGED_IN)
		ck_assert_str_eq(m.in.user, "ann");
	return m.h.type;
}

/* Sessions hang up; what they leave is found by sanitizers. */
static void
tear_down(void)
{
	struct timer t = { .fire = stop, .arg = &d.loop };

	for (int i = 0; i < SESSIONS; i++)
		ipc_close_fds(&side[i], 1);
	while (a.nsession > 0) {
		d.loop.stop = false;
		ck_assert_int_eq(loop_timer(&d.loop, &t, 10, &e), 0);
		ck_assert_int_eq(loop_run(&d.loop, &e), 0);
	}
	buf_free(&a.users);
	conf_free(&d.conf);
	loop_free(&d.loop);
}

START_TEST(who_is_right_and_who_is_not)
{
	uint32_t kind;

	set_up();
	open_session(0);
	ask(0, "ann", "sesame", 0);
	ck_assert_uint_eq(answer(0, &kind), MSG_LOGGED_IN);
	ask(0, "ann", "Sesame", 0);
	ck_assert_uint_eq(answer(0, &kind), MSG_REFUSED);
	ck_assert_uint_eq(kind, ERR_PERM);
	ask(0, "bob", "sesame", 0);
	ck_assert_uint_eq(answer(0, &kind), MSG_REFUSED);
	ck_assert_uint_eq(kind, ERR_PERM);
	ck_assert_uint_eq(a.right, 1);
	ck_assert_uint_eq(a.wrong, 2);
	tear_down();
}
END_TEST

START_TEST(nobody_logs_in_where_auth_has_no_line)
{
	uint32_t kind;

	set_up();
	ck_assert_int_eq(conf_set(&d.conf, CONF_AUTH, span_str("# none\n"), &e), 0);
	open_session(0);
	ask(0, "ann", "sesame", 0);
	ck_assert_uint_eq(answer(0, &kind), MSG_REFUSED);
	ck_assert_uint_eq(kind, ERR_TEMP);
	tear_down();
}
END_TEST

static const struct { const char *user, *word; int more; } wrong[] = {
	{ "", "sesame", 0 }, { "ann", "", 0 }, { "a\nn", "sesame", 0 }, { "ann", "sesame", 1 }, { "ann", "sesame", -1 },
};

START_TEST(what_is_no_login_cuts_off)
{
	uint32_t kind;

	set_up();
	open_session(0);
	ask(0, wrong[_i].user, wrong[_i].word, wrong[_i].more);
	ck_assert_uint_eq(answer(0, &kind), 0);
	open_session(0);
	ask(0, "ann", "sesame", 0);	/* two at once */
	ask(0, "ann", "sesame", 0);
	ck_assert_uint_eq(answer(0, &kind), 0);
	open_session(0);
	ask(0, "ann", "sesame", 0);
	ck_assert_uint_eq(answer(0, &kind), MSG_LOGGED_IN);
	tear_down();
}
END_TEST

/* So many are looked at, so many wait, others are told to come again; all have their answer. */
START_TEST(many_at_once_are_bounded)
{
	uint32_t kind, right = 0, later = 0;

	set_up();
	for (int i = 0; i < SESSIONS; i++) {
		open_session(i);
		ask(i, "ann", "sesame", 0);
	}
	ipc_close_fds(&side[3], 1);		/* one does not wait for it */
	for (int i = 0; i < SESSIONS; i++) {
		if (i == 3)
			continue;
		right += answer(i, &kind) == MSG_LOGGED_IN;
		later += kind == ERR_TEMP;
	}
	ck_assert_uint_ge(later, 1);
	ck_assert_uint_eq(right + later, SESSIONS - 1);
	ck_assert_uint_eq(a.nwaiting, 0);
	tear_down();
}
END_TEST

Suite *suite_serve(void);
Suite *
suite_serve(void)
{
	Suite *s = suite_create("serve");
	TCase *t = tcase_create("serve");

	tcase_add_test(t, who_is_right_and_who_is_not);
	tcase_add_test(t, nobody_logs_in_where_auth_has_no_line);
	tcase_add_loop_test(t, what_is_no_login_cuts_off, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(t, many_at_once_are_bounded);
	suite_add_tcase(s, t);
	return s;
}
