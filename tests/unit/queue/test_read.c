/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* A message that its session reads before it commits it: what is read is what is committed. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/queue/rig.h"

static const char text[] = "Subject: read\r\n\r\nand read again\r\n";
static struct rig r;
static struct got g;
static char id[QID_SIZE];
static int s, had;

static void
teardown(void)
{
	close(s);
	rig_end(&r);
}

/* How many the queue has. */
static int
descriptors(void)
{
	char path[64];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)r.pid);
	ck_assert_ptr_nonnull(d = opendir(path));
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
setup(void)
{
	rig_new(&r, STRATEGY_JOURNAL);
	rig_stop(&r);
	r.confined = true;
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, text, 1, id);
	had = descriptors();
}

/* No more than with a session alone. */
static void
no_more_descriptors(void)
{
	for (int ms = 0; descriptors() > had; ms += 10) {
		ck_assert_int_lt(ms, 5000);
		poll(NULL, 0, 10);
	}
}

static void
say(uint32_t type, const char *of)
{
	struct msg_id m = { .id = "" };
	struct err e;

	snprintf(m.id, sizeof m.id, "%s", of);
	ck_assert_int_eq(ipc_send(s, &m.h, type, 7, sizeof m, NULL, 0, &e), 0);
}

/* Its descriptor. */
static int
readable(const char *of)
{
	say(MSG_READ, of);
	ck_assert_uint_eq(rig_get(s, &g), MSG_READABLE);
	ck_assert_uint_eq(g.id, 7);
	ck_assert_str_eq(((struct msg_id *)(void *)g.packet)->id, of);
	ck_assert_int_ne(g.fd, -1);
	return g.fd;
}

static void
committed(const char *of)
{
	client_commit(s, of, text, 1);
	ck_assert_uint_eq(rig_get(s, &g), MSG_COMMITTED);
	ck_assert(rig_has(&r, "HH", of) && !rig_has(&r, "tmp", of));
}

static void
gone(const char *of)
{
	for (int ms = 0; rig_has(&r, "tmp", of); ms += 10) {
		ck_assert_int_lt(ms, 5000);
		poll(NULL, 0, 10);
	}
}

START_TEST(what_is_read_is_committed)
{
	char was[sizeof text] = "";
	int fd;

	client_put(s, text, id);
	fd = readable(id);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_int_eq(pread(fd, was, sizeof was, 0), (ssize_t)strlen(text));
	ck_assert_str_eq(was, text);
	if (_i == 0)		/* who has it still may go on reading */
		close(fd);
	committed(id);
	if (_i == 1)
		close(fd);
	no_more_descriptors();
	client_put(s, text, id);	/* one after the other */
	close(readable(id));
	committed(id);
	no_more_descriptors();
}
END_TEST

/* Nobody may alter what was judged: who still could is cut off. */
START_TEST(a_writer_left_is_refused)
{
	int fd = client_open(s, text, id);

	say(MSG_READ, id);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
	ck_assert(!rig_get(s, &g));
	gone(id);
	close(fd);
}
END_TEST

/* Somebody with the right to (this test) opens it for writing: the kernel breaks the lease. */
START_TEST(opened_by_somebody_else_it_is_not_committed)
{
	char path[600], tmp[PATH_SIZE];
	int fd;

	client_put(s, text, id);
	close(readable(id));
	path_tmp(id, tmp);
	snprintf(path, sizeof path, "%s/%s", r.dir, tmp);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_eq(fd, -1);
	client_commit(s, id, text, 1);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
	gone(id);
	client_send(s, text, 1, id);	/* its own fault it was not */
	no_more_descriptors();
}
END_TEST

/* It goes with its session, or when that says so. */
START_TEST(what_is_not_committed_goes)
{
	client_put(s, text, id);
	close(readable(id));
	if (_i == 0) {
		say(MSG_ABANDON, id);
	} else {
		close(s);
		s = rig_session(&r);
	}
	gone(id);
	no_more_descriptors();
	client_send(s, text, 1, id);
}
END_TEST

START_TEST(unknown_messages_are_refused)
{
	say(MSG_READ, "0123456789abcdef");
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
	client_send(s, text, 1, id);
	say(MSG_READ, id);		/* committed: no session's any more */
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
}
END_TEST

/* A descriptor each: one message of a session at a time. */
START_TEST(twice_is_too_often)
{
	char other[QID_SIZE];

	client_put(s, text, id);
	client_put(s, text, other);
	close(readable(id));
	say(MSG_READ, _i == 0 ? id : other);
	ck_assert(!rig_get(s, &g));
	gone(id);
	gone(other);
	no_more_descriptors();
}
END_TEST

START_TEST(a_length_that_is_another_is_refused)
{
	client_put(s, text, id);
	close(readable(id));
	client_commit(s, id, "Subject: short\r\n\r\n", 1);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
	ck_assert(!rig_get(s, &g));
	gone(id);
}
END_TEST

Suite *suite_read(void);
Suite *
suite_read(void)
{
	Suite *all = suite_create("read");
	TCase *tc = tcase_create("read");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_is_read_is_committed, 0, 2);
	tcase_add_test(tc, a_writer_left_is_refused);
	tcase_add_test(tc, opened_by_somebody_else_it_is_not_committed);
	tcase_add_loop_test(tc, what_is_not_committed_goes, 0, 2);
	tcase_add_test(tc, unknown_messages_are_refused);
	tcase_add_loop_test(tc, twice_is_too_often, 0, 2);
	tcase_add_test(tc, a_length_that_is_another_is_refused);
	suite_add_tcase(all, tc);
	return all;
}
