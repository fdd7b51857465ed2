/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "learn/key.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/folder.h"

static char top[64];
static int dir;
static struct err e;

static void
setup(void)
{
	snprintf(top, sizeof top, "/tmp/accord-key-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY);
}

static void
teardown(void)
{
	close(dir);
	folder_remove(top);
}

START_TEST(it_is_made_once_and_kept)
{
	unsigned char first[TAG_KEY] = { 0 }, again[TAG_KEY] = { 0 }, none[TAG_KEY] = { 0 };
	struct stat st;

	ck_assert_int_eq(key_open(dir, first, &e), 0);
	ck_assert(memcmp(first, none, sizeof none) != 0);
	ck_assert_int_eq(fstatat(dir, "key", &st, 0), 0);
	ck_assert(st.st_size == TAG_KEY && (st.st_mode & 077) == 0);
	ck_assert_int_eq(faccessat(dir, "key.new", F_OK, 0), -1);
	ck_assert_int_eq(key_open(dir, again, &e), 0);
	ck_assert(memcmp(first, again, sizeof first) == 0);
}
END_TEST

/* One that is cut, one that is too long, one that is a link elsewhere: another for this run, and it stays. */
START_TEST(what_is_no_key_is_left)
{
	unsigned char key[TAG_KEY] = { 0 }, none[TAG_KEY] = { 0 };
	struct stat st;
	int fd;

	if (_i == 2) {
		ck_assert_int_eq(symlinkat("/etc/hostname", dir, "key"), 0);
	} else {
		fd = openat(dir, "key", O_WRONLY | O_CREAT, 0600);
		ck_assert_int_eq(ftruncate(fd, TAG_KEY - 1 + 2 * _i), 0);
		close(fd);
	}
	ck_assert_int_eq(key_open(dir, key, &e), 0);
	ck_assert(memcmp(key, none, sizeof none) != 0);
	ck_assert_int_eq(fstatat(dir, "key", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(_i == 2 ? S_ISLNK(st.st_mode) : st.st_size == TAG_KEY - 1 + 2 * _i);
}
END_TEST

/* Nothing can be written there: mail flows all the same. */
START_TEST(without_a_folder_to_write)
{
	unsigned char key[TAG_KEY] = { 0 }, none[TAG_KEY] = { 0 };
	int gone = dir;

	ck_assert_int_eq(rmdir(top), 0);
	ck_assert_int_eq(key_open(gone, key, &e), 0);
	ck_assert(memcmp(key, none, sizeof none) != 0);
	ck_assert_int_eq(mkdir(top, 0700), 0);
}
END_TEST

Suite *suite_key(void);
Suite *
suite_key(void)
{
	Suite *s = suite_create("key");
	TCase *tc = tcase_create("key");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_is_made_once_and_kept);
	tcase_add_loop_test(tc, what_is_no_key_is_left, 0, 3);
	tcase_add_test(tc, without_a_folder_to_write);
	suite_add_tcase(s, tc);
	return s;
}
