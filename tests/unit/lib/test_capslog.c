/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Entries that come one by one: what was put is there after a start, whatever happened to the file's end. */
#include "lib/capslog.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/folder.h"

enum { NOW = 1000000, MANY = 1000 };

static char folder[64];
static int dir;
static struct capslog c;
static struct cap_entry got;
static struct err e;

static void
again(void)
{
	capslog_close(&c);
	ck_assert_msg(capslog_open(&c, dir, "entries", &e) == 0, "%s", e.what);
}

static void
setup(void)
{
	snprintf(folder, sizeof folder, "/tmp/accord-capslog-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e = (struct err){ 0 };
	ck_assert_msg(capslog_open(&c, dir, "entries", &e) == 0, "%s", e.what);
}

static void
teardown(void)
{
	capslog_close(&c);
	close(dir);
	folder_remove(folder);
}

static int
put_as(const char *key, enum cap_state state, const char *text, uint64_t since_s, uint32_t ttl_s, uint32_t max)
{
	struct cap_entry v = { SOURCE_OWN, state, span_str(text), since_s, ttl_s };

	return capslog_put(&c, span_str(key), &v, max, &e);
}

static void
put(const char *key, enum cap_state state, const char *text)
{
	ck_assert_msg(put_as(key, state, text, NOW, 0, MANY) == 0, "%s", e.what);
}

static int
get(const char *key)
{
	return capslog_get(&c, SOURCE_OWN, span_str(key), NOW, &got);
}

static off_t
size(void)
{
	struct stat st;

	return fstatat(dir, "entries", &st, 0) == 0 ? st.st_size : -1;
}

START_TEST(what_was_put_is_there)
{
	put("a@x.example", CAP_KNOWN, "(dpi=200)");
	put("b@x.example", CAP_ANY, "");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(get("a@x.example"), 1);
		ck_assert(got.state == CAP_KNOWN && span_is(got.text, "(dpi=200)"));
		ck_assert(got.source == SOURCE_OWN && got.since_s == NOW && got.ttl_s == 0);
		ck_assert_int_eq(get("b@x.example"), 1);
		ck_assert(got.state == CAP_ANY && got.text.n == 0);
		ck_assert_int_eq(get("c@x.example"), 0);
		ck_assert_int_eq(capslog_get(&c, SOURCE_CDB, span_str("a@x.example"), NOW, &got), 0);
		ck_assert_uint_eq(c.n, 2);
		ck_assert(c.damaged == 0 && c.cut == 0);
		again();
	}
}
END_TEST

START_TEST(the_last_word_counts)
{
	off_t before;

	put("a@x.example", CAP_KNOWN, "(dpi=200)");
	put("a@x.example", CAP_KNOWN, "(dpi=300)");
	before = size();
	put("a@x.example", CAP_KNOWN, "(dpi=300)");
	ck_assert_int_eq(size(), before);	/* nothing new: nothing is written */
	put("b@x.example", CAP_ANY, "");
	put("b@x.example", CAP_NONE, "");
	ck_assert_int_eq(get("b@x.example"), 0);
	again();
	ck_assert(get("a@x.example") == 1 && span_is(got.text, "(dpi=300)"));
	ck_assert_int_eq(get("b@x.example"), 0);
	ck_assert_uint_eq(c.n, 1);
}
END_TEST

START_TEST(an_old_entry_counts_no_longer)
{
	ck_assert_int_eq(put_as("a@x.example", CAP_ANY, "", NOW - 60, 60, MANY), 0);
	ck_assert_int_eq(put_as("b@x.example", CAP_ANY, "", NOW - 60, 61, MANY), 0);
	ck_assert_int_eq(put_as("c@x.example", CAP_ANY, "", NOW + 60, 1, MANY), 0);	/* the clock was set back */
	ck_assert_int_eq(get("a@x.example"), 0);
	ck_assert_int_eq(get("b@x.example"), 1);
	ck_assert_int_eq(get("c@x.example"), 1);
	/* the same words again count from now on */
	ck_assert_int_eq(put_as("a@x.example", CAP_ANY, "", NOW, 60, MANY), 0);
	again();
	ck_assert_int_eq(get("a@x.example"), 1);
}
END_TEST

START_TEST(there_is_room_for_so_many)
{
	ck_assert_int_eq(put_as("a@x.example", CAP_ANY, "", NOW - 60, 60, 2), 0);
	ck_assert_int_eq(put_as("b@x.example", CAP_ANY, "", NOW, 0, 2), 0);
	ck_assert_int_eq(put_as("c@x.example", CAP_ANY, "", NOW, 0, 2), 0);	/* in the place of an old one */
	ck_assert_int_eq(put_as("d@x.example", CAP_ANY, "", NOW, 0, 2), -1);
	ck_assert_str_eq(e.dsn, "4.3.1");
	ck_assert_int_eq(put_as("b@x.example", CAP_KNOWN, "(dpi=200)", NOW, 0, 2), 0);	/* it has its place */
	ck_assert_int_eq(put_as("b@x.example", CAP_NONE, "", NOW, 0, 0), 0);
	ck_assert_uint_eq(c.n, 1);
}
END_TEST

/* Cut anywhere in the last record, the others are there, and the next one is found behind them. */
START_TEST(a_torn_tail_is_cut_off)
{
	unsigned char all[400];
	off_t two, three;
	ssize_t n;
	int fd;

	put("a@x.example", CAP_KNOWN, "(dpi=200)");
	put("b@x.example", CAP_KNOWN, "(dpi=300)");
	two = size();
	put("c@x.example", CAP_KNOWN, "(dpi=400)");
	three = size();
	fd = openat(dir, "entries", O_RDWR);
	n = pread(fd, all, sizeof all, 0);
	ck_assert_int_eq(n, three);
	for (off_t at = two; at < three; at++) {
		ck_assert_int_eq(pwrite(fd, all, (size_t)n, 0), n);
		ck_assert_int_eq(ftruncate(fd, at), 0);
		again();
		ck_assert(get("a@x.example") == 1 && get("b@x.example") == 1 && get("c@x.example") == 0);
		ck_assert_uint_eq(c.cut, (uint64_t)(at - two));
		put("d@x.example", CAP_ANY, "");
		again();
		ck_assert(get("a@x.example") == 1 && get("b@x.example") == 1 && get("d@x.example") == 1);
		ck_assert(c.cut == 0 && c.damaged == 0);
	}
	close(fd);
}
END_TEST

/* A power cut may leave zeros, or another file's octets, where the last record was to be. */
START_TEST(octets_that_are_no_record_are_stepped_over)
{
	unsigned char zeros[64] = { 0 };
	off_t one, two;
	int fd;

	put("a@x.example", CAP_KNOWN, "(dpi=200)");
	one = size();
	put("b@x.example", CAP_KNOWN, "(dpi=300)");
	two = size();
	put("c@x.example", CAP_KNOWN, "(dpi=400)");
	fd = openat(dir, "entries", O_RDWR);
	ck_assert_int_eq(pwrite(fd, zeros, 1, one + 40), 1);	/* one octet of b */
	ck_assert_int_eq(pwrite(fd, zeros, sizeof zeros, size()), sizeof zeros);
	again();
	ck_assert(get("a@x.example") == 1 && get("b@x.example") == 0 && get("c@x.example") == 1);
	ck_assert_uint_eq(c.damaged, (uint64_t)(two - one));
	ck_assert_uint_eq(c.cut, sizeof zeros);
	again();
	ck_assert_uint_eq(c.cut, 0);
	close(fd);
}
END_TEST

START_TEST(another_file_stays_as_it_is)
{
	int fd = openat(dir, "other", O_RDWR | O_CREAT, 0600);
	char text[40] = "";

	ck_assert_int_eq(write(fd, "accord caps 2\n\0\0 more", 21), 21);
	capslog_close(&c);
	ck_assert_int_eq(capslog_open(&c, dir, "other", &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_int_eq(pread(fd, text, sizeof text, 0), 21);
	close(fd);
}
END_TEST

START_TEST(what_is_mostly_dead_is_written_anew)
{
	char text[2000], key[40];
	off_t most = 0;

	memset(text, ' ', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	put("first@x.example", CAP_KNOWN, "(dpi=100)");
	put("second@x.example", CAP_KNOWN, "(dpi=101)");
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof key, "%d@x.example", i % 10);
		text[0] = (char)('a' + i % 26);
		put(key, CAP_KNOWN, text);
		most = size() > most ? size() : most;
	}
	ck_assert_int_lt(most, 120000);		/* of a million */
	again();
	ck_assert_uint_eq(c.n, 12);
	ck_assert(get("first@x.example") == 1 && span_is(got.text, "(dpi=100)"));
	ck_assert(get("second@x.example") == 1 && span_is(got.text, "(dpi=101)"));
	ck_assert(get("9@x.example") == 1 && got.text.p[0] == 'a' + 499 % 26);
	ck_assert_int_eq(faccessat(dir, "entries.tmp", F_OK, 0), -1);
}
END_TEST

START_TEST(all_may_be_forgotten)
{
	ck_assert_int_eq(capslog_purge(&c, &e), 0);
	ck_assert_int_eq(size(), -1);
	put("a@x.example", CAP_ANY, "");
	put("b@x.example", CAP_ANY, "");
	ck_assert_int_eq(capslog_purge(&c, &e), 0);
	ck_assert_uint_eq(c.n, 0);
	again();
	ck_assert_uint_eq(c.n, 0);
	put("a@x.example", CAP_ANY, "");
	again();
	ck_assert_uint_eq(c.n, 1);
}
END_TEST

static void
limit_file(rlim_t octets)
{
	struct rlimit l;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = octets;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* The disk takes a part of the record, and no more: nothing of it is left, and the next one fits. */
START_TEST(a_record_that_does_not_fit_leaves_nothing)
{
	off_t before;

	put("a@x.example", CAP_KNOWN, "(dpi=200)");
	before = size();
	limit_file((rlim_t)before + 20);
	ck_assert_int_eq(put_as("a@x.example", CAP_KNOWN, "(dpi=300)", NOW, 0, MANY), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_int_eq(put_as("b@x.example", CAP_ANY, "", NOW, 0, MANY), -1);
	ck_assert_int_eq(put_as("a@x.example", CAP_NONE, "", NOW, 0, MANY), -1);
	ck_assert_int_eq(size(), before);
	ck_assert_uint_eq(c.n, 1);
	ck_assert(get("a@x.example") == 1 && span_is(got.text, "(dpi=200)") && get("b@x.example") == 0);
	limit_file(RLIM_INFINITY);
	put("b@x.example", CAP_ANY, "");
	again();
	ck_assert(get("a@x.example") == 1 && span_is(got.text, "(dpi=200)") && get("b@x.example") == 1);
	ck_assert(c.damaged == 0 && c.cut == 0);
}
END_TEST

START_TEST(what_is_too_long_is_refused)
{
	struct cap_entry v = { SOURCE_OWN, CAP_ANY, { NULL, 0 }, NOW, 0 };
	char key[CAPSLOG_KEY + 1];

	memset(key, 'k', sizeof key);
	ck_assert_int_eq(capslog_put(&c, span_of(key, sizeof key), &v, MANY, &e), -1);
	ck_assert_int_eq(capslog_get(&c, SOURCE_OWN, span_of(key, sizeof key), NOW, &got), 0);
	ck_assert_int_eq(capslog_put(&c, span_of(key, CAPSLOG_KEY), &v, MANY, &e), 0);
	again();
	ck_assert_int_eq(capslog_get(&c, SOURCE_OWN, span_of(key, CAPSLOG_KEY), NOW, &got), 1);
	ck_assert_int_eq(capslog_put(&c, span_of(key, 0), &v, MANY, &e), -1);
}
END_TEST

Suite *suite_capslog(void);
Suite *
suite_capslog(void)
{
	Suite *s = suite_create("capslog");
	TCase *tc = tcase_create("capslog");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_put_is_there);
	tcase_add_test(tc, the_last_word_counts);
	tcase_add_test(tc, an_old_entry_counts_no_longer);
	tcase_add_test(tc, there_is_room_for_so_many);
	tcase_add_test(tc, a_torn_tail_is_cut_off);
	tcase_add_test(tc, octets_that_are_no_record_are_stepped_over);
	tcase_add_test(tc, another_file_stays_as_it_is);
	tcase_add_test(tc, what_is_mostly_dead_is_written_anew);
	tcase_add_test(tc, all_may_be_forgotten);
	tcase_add_test(tc, a_record_that_does_not_fit_leaves_nothing);
	tcase_add_test(tc, what_is_too_long_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
