/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* A daemon's half of a reload: only what it said to be valid comes into force. */
#include "lib/daemon.h"

#include <check.h>
#include <sys/mman.h>
#include <unistd.h>


enum { NUMBER = 7 };

static struct daemon d;
static int start;
static bool cut;

static void
stop_loop(void *arg)
{
	(void)arg;
	d.loop.stop = true;
}

static void
gone(struct chan *c, const struct err *why)
{
	(void)c;
	cut = why->kind == ERR_PROTO;
}

static void
setup(void)
{
	struct err e = { 0 };
	int fd[2];

	d = (struct daemon){ .settings = 1 };
	cut = false;
	ck_assert_int_eq(conf_init_as(&d.conf, "mx.example", &e), 0);
	ck_assert_int_eq(loop_init(&d.loop, &e), 0);
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	start = fd[0];
	ck_assert_int_eq(chan_open(&d.sup, &d.loop, fd[1], "start", daemon_reload_rules,
	    daemon_reload_nrule, gone, &d, &e), 0);
}

static void
teardown(void)
{
	chan_close(&d.sup);
	close(start);
	conf_free(&d.conf);
	loop_free(&d.loop);
}

static void
say(uint32_t type, const char *name)
{
	struct msg_settings begin = { .me = "mx.example" };
	struct msg_name m = { .name = "" };
	struct timer t = { .fire = stop_loop };
	struct msg_hdr *h = type == MSG_RELOAD_BEGIN ? &begin.h : &m.h;
	struct err e = { 0 };
	int fd = name == NULL ? -1 : memfd_create("setting", MFD_CLOEXEC);

	memcpy(m.name, name == NULL ? "" : name, name == NULL ? 0 : strlen(name));
	ck_assert_int_eq(ipc_send(start, h, type, NUMBER, type == MSG_RELOAD_BEGIN ? sizeof begin :
	    name != NULL ? sizeof m : sizeof *h, &fd, fd != -1, &e), 0);
	if (fd != -1)
		close(fd);
	d.loop.stop = false;
	ck_assert_int_eq(loop_timer(&d.loop, &t, 10, &e), 0);
	ck_assert_int_eq(loop_run(&d.loop, &e), 0);
}

START_TEST(what_is_valid_comes_into_force)
{
	say(MSG_RELOAD_BEGIN, NULL);
	say(MSG_RELOAD_SETTING, "locals");
	say(MSG_RELOAD_CHECK, NULL);
	say(MSG_RELOAD_SWITCH, NULL);
	ck_assert(!cut);
	ck_assert_uint_eq(d.settings, NUMBER);
}
END_TEST

static bool right;

static int
look_at_files(void *arg, struct daemon_next *next, struct err *e)
{
	int one = daemon_next_file(next, "one"), two = daemon_next_take(next, "two");

	(void)arg, (void)e;
	right = one != -1 && two != -1 && one != two && daemon_next_file(next, "two") == -1 &&
	    daemon_next_file(next, "three") == -1 && next->nfile == 2;
	close(two);
	return 0;
}

START_TEST(files_come_by_their_names)
{
	d.check = look_at_files;
	say(MSG_RELOAD_BEGIN, NULL);
	say(MSG_RELOAD_FILE, "one");
	say(MSG_RELOAD_FILE, "two");
	say(MSG_RELOAD_FILE, "one");
	say(MSG_RELOAD_CHECK, NULL);
	say(MSG_RELOAD_SWITCH, NULL);
	ck_assert(right);
	ck_assert(!cut);
	ck_assert_uint_eq(d.next.nfile, 0);
}
END_TEST

/* Neither what was not checked, nor what came after it. */
static const struct { uint32_t type[3]; const char *name; } wrong[] = {
	{ { MSG_RELOAD_SWITCH }, NULL },
	{ { MSG_RELOAD_CHECK, MSG_RELOAD_CHECK, MSG_RELOAD_SWITCH }, NULL },
	{ { MSG_RELOAD_CHECK, MSG_RELOAD_SETTING, MSG_RELOAD_SWITCH }, "locals" },
	{ { MSG_RELOAD_CHECK, MSG_RELOAD_FILE, MSG_RELOAD_SWITCH }, "caps.cdb" },
};

START_TEST(nothing_else_does)
{
	say(MSG_RELOAD_BEGIN, NULL);
	for (int i = 0; i < 3 && wrong[_i].type[i] != 0 && !cut; i++)
		say(wrong[_i].type[i], wrong[_i].type[i] == MSG_RELOAD_SETTING ||
		    wrong[_i].type[i] == MSG_RELOAD_FILE ? wrong[_i].name : NULL);
	ck_assert(cut);
	ck_assert_uint_eq(d.settings, 1);
	conf_free(&d.next.conf);
}
END_TEST

Suite *suite_reload(void);
Suite *
suite_reload(void)
{
	Suite *s = suite_create("reload");
	TCase *tc = tcase_create("reload");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_valid_comes_into_force);
	tcase_add_test(tc, files_come_by_their_names);
	tcase_add_loop_test(tc, nothing_else_does, 0, sizeof wrong / sizeof *wrong);
	suite_add_tcase(s, tc);
	return s;
}
