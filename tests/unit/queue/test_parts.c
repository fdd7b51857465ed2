/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What needs no process: cache, log lines, choice of strategy. */
#include "queue/queue.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct { const char *name, *options; bool want; } mounts[] = {
	{ "all in force", "rw\ndelalloc\nbarrier\ndata=ordered\n", true },
	{ "by commas", "rw,barrier=1,data=ordered", true },
	{ "no journal", "rw\ndelalloc\nbarrier\n", false },
	{ "no barriers", "rw\nnobarrier\ndata=ordered\n", false },
	{ "barriers off", "rw\nbarrier\nbarrier=0\ndata=ordered\n", false },
	{ "barriers not named", "rw\ndata=ordered\n", false },
	{ "write-back", "rw\nbarrier\ndata=writeback\n", false },
	{ "asynchronous commit", "rw\nbarrier\ndata=ordered\njournal_async_commit\n", false },
	{ "a word in a word", "rw\nxbarrier\nxdata=ordered\n", false },
	{ "nothing", "", false },
};

START_TEST(journal_only_where_it_is_proven)
{
	ck_assert_msg(strategy_ext4_ordered(span_str(mounts[_i].options)) == mounts[_i].want, "%s",
	    mounts[_i].name);
}
END_TEST

static const struct { const char *name, *info; bool want; } counts[] = {
	{ "none", "fc stats:\n0 commits\n0 ineligible\n0 numblks\n7us avg_commit_time\n", false },
	{ "one", "fc stats:\n1 commits\n0 ineligible\n2 numblks\n7us avg_commit_time\n", true },
	{ "tens", "fc stats:\n100 commits\n0 ineligible\n", true },
	{ "not possible", "fc stats:\n0 commits\n3 ineligible\n", true },
	{ "why not", "fc stats:\n0 commits\n0 ineligible\nIneligible reasons:\n\"Resize\":\t3\n", false },
	{ "cut short", "fc stats:\n0 commits\n2 inelig", false },
	{ "nothing", "", false },
};

START_TEST(fast_commits_are_seen)
{
	ck_assert_msg(strategy_ext4_fast(span_str(counts[_i].info)) == counts[_i].want, "%s", counts[_i].name);
}
END_TEST

START_TEST(settings_choose)
{
	char why[128];

	ck_assert_int_eq(strategy_choose("journal", -1, why, sizeof why), STRATEGY_JOURNAL);
	ck_assert_int_eq(strategy_choose("each", -1, why, sizeof why), STRATEGY_EACH);
	ck_assert_int_eq(strategy_choose("fs", -1, why, sizeof why), STRATEGY_FS);
	ck_assert_int_eq(strategy_choose("auto", -1, why, sizeof why), STRATEGY_EACH);
}
END_TEST

START_TEST(log_lines_are_checked)
{
	static const char id[QID_SIZE] = "1j0qf5275v800000";
	char line[LOGLINE + 1], got[QID_SIZE];

	logline_make(line, '+', id);
	ck_assert_uint_eq(strlen(line), LOGLINE);
	ck_assert(logline_read(line, got));
	ck_assert_str_eq(got, id);
	for (int i = 0; i < LOGLINE; i++) {
		line[i] ^= 1;
		ck_assert_msg(!logline_read(line, got), "octet %d", i);
		line[i] ^= 1;
	}
}
END_TEST

/* Given, and refused to a file with a writer; nothing is left behind. */
START_TEST(leases_are_tried_out)
{
	char dir[] = "/dev/shm/queue.XXXXXX";
	struct err e = { 0 };
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(setup_leases(fd, &e), -1);	/* no tmp/ yet */
	ck_assert_int_eq(mkdirat(fd, "tmp", 0700), 0);
	ck_assert_msg(setup_leases(fd, &e) == 0, "%s", e.what);
	ck_assert_int_eq(unlinkat(fd, "tmp", AT_REMOVEDIR), 0);	/* nothing is left there */
	close(fd);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static void
number_id(unsigned n, char id[QID_SIZE])
{
	snprintf(id, QID_SIZE, "%016u", n);
}

START_TEST(cache_keeps_to_its_size)
{
	enum { N = 3000, SLOTS = 10 };
	const struct qfile file = { .nslot = SLOTS };
	static struct cache c;
	struct entry *x;
	char id[QID_SIZE];
	unsigned there = 0;

	cache_init(&c, 100 * (sizeof(struct entry) + SLOTS));
	number_id(0, id);
	cache_dirty(&c, cache_add(&c, id, &file));	/* must stay, old as it gets */
	for (unsigned i = 1; i < N; i++) {
		number_id(i, id);
		x = cache_add(&c, id, &file);
		ck_assert_ptr_nonnull(x);
		ck_assert_uint_eq(x->left, SLOTS);
		ck_assert_ptr_eq(cache_find(&c, id), x);
		ck_assert_ptr_eq(cache_add(&c, id, &file), x);
		ck_assert_uint_le(c.bytes, c.max);
	}
	for (unsigned i = 0; i < N; i++) {
		number_id(i, id);
		there += cache_find(&c, id) != NULL;
	}
	ck_assert_uint_eq(there, 100);
	x = cache_take_dirty(&c);
	ck_assert_ptr_nonnull(x);
	number_id(0, id);
	ck_assert_str_eq(x->id, id);
	ck_assert_ptr_null(cache_take_dirty(&c));
	cache_free(&c);
	ck_assert_uint_eq(c.bytes, 0);
}
END_TEST

START_TEST(dirty_ones_come_in_order)
{
	const struct qfile file = { .nslot = 1 };
	static struct cache c;
	char id[QID_SIZE];

	cache_init(&c, CACHE_BYTES);
	for (unsigned i = 0; i < 4; i++) {
		number_id(i, id);
		cache_dirty(&c, cache_add(&c, id, &file));
		cache_dirty(&c, cache_find(&c, id));	/* once is enough */
	}
	number_id(1, id);
	cache_drop(&c, cache_find(&c, id));
	number_id(3, id);
	cache_drop(&c, cache_find(&c, id));
	number_id(7, id);
	cache_dirty(&c, cache_add(&c, id, &file));
	for (unsigned i = 0; i < 3; i++) {
		number_id(i == 0 ? 0 : i == 1 ? 2 : 7, id);
		ck_assert_str_eq(cache_take_dirty(&c)->id, id);
	}
	ck_assert_ptr_null(cache_take_dirty(&c));
	cache_free(&c);
}
END_TEST

Suite *suite_parts(void);
Suite *
suite_parts(void)
{
	Suite *s = suite_create("parts");
	TCase *tc = tcase_create("parts");

	tcase_add_loop_test(tc, journal_only_where_it_is_proven, 0, sizeof mounts / sizeof *mounts);
	tcase_add_loop_test(tc, fast_commits_are_seen, 0, sizeof counts / sizeof *counts);
	tcase_add_test(tc, settings_choose);
	tcase_add_test(tc, log_lines_are_checked);
	tcase_add_test(tc, leases_are_tried_out);
	tcase_add_test(tc, cache_keeps_to_its_size);
	tcase_add_test(tc, dirty_ones_come_in_order);
	suite_add_tcase(s, tc);
	return s;
}
