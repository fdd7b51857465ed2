/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/maildir.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/folder.h"

static char top[64];
static int folder;
static unsigned flushed;	/* calls of fsync(), which is libc's fdatasync() here */

int
fsync(int fd)
{
	flushed++;
	return fdatasync(fd);
}

static int fails_after = -1;	/* so many calls of futimens() that go well; -1: none fails */
static int (*libc_futimens)(int, const struct timespec [2]);

int
futimens(int fd, const struct timespec t[2])
{
	if (fails_after == 0) {
		errno = EROFS;
		return -1;
	}
	fails_after -= fails_after > 0;
	if (libc_futimens == NULL)
		*(void **)&libc_futimens = dlsym(RTLD_NEXT, "futimens");
	return libc_futimens(fd, t);
}

static void
setup(void)
{
	snprintf(top, sizeof top, "/tmp/accord-maildir-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	folder = open(top, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(folder, -1);
}

static void
teardown(void)
{
	close(folder);
	folder_remove(top);
}

/* Delivers in in two pieces cut at `cut`, reads new/NAME back. */
static size_t
deliver(const char *in, size_t cut, char *out, size_t cap)
{
	struct span all = span_str(in);
	struct maildir m;
	struct err e = { 0 };
	ssize_t n;
	int fd;

	ck_assert_int_eq(maildir_begin(&m, folder, "a/b", "name", false, &e), 0);
	ck_assert_int_eq(letter_own(&m.letter, span_str("Return-Path: <x>\r\n"), &e), 0);
	ck_assert_int_eq(letter_put(&m.letter, span_sub(all, 0, cut), &e), 0);
	ck_assert_int_eq(letter_put(&m.letter, span_sub(all, cut, all.n), &e), 0);
	ck_assert_int_eq(maildir_commit(&m, &e), 0);
	maildir_end(&m);
	fd = openat(folder, "a/b/new/name", O_RDONLY);
	ck_assert_int_ne(fd, -1);
	n = read(fd, out, cap - 1);
	ck_assert_int_ge(n, 0);
	out[n] = '\0';
	close(fd);
	return (size_t)n;
}

static const struct { const char *in, *want; } cases[] = {
	{ "A: 1\r\n\r\nbody\r\n", "Return-Path: <x>\nA: 1\n\nbody\n" },
	{ "Return-Path: <old>\r\nA: 1\r\n\r\nReturn-Path: kept\r\n",
	    "Return-Path: <x>\nA: 1\n\nReturn-Path: kept\n" },
	{ "A: 1\r\nRETURN-path: <old>\r\n folded\r\nB: 2\r\n\r\nx", "Return-Path: <x>\nA: 1\nB: 2\n\nx" },
	{ "Original-Recipient: rfc822;o@x\r\n y\r\nreturn-path :<o>\r\nReturn-Pathology: 1\r\n\r\nx",
	    "Return-Path: <x>\nReturn-Pathology: 1\n\nx" },
	{ "\r\nonly a body\r\n", "Return-Path: <x>\n\nonly a body\n" },
	{ "A: no body at all\r\n", "Return-Path: <x>\nA: no body at all\n" },
	{ "A: 1\r\n\r\na\rb\r\r\nc\r", "Return-Path: <x>\nA: 1\n\na\rb\r\nc\r" },
	{ "", "Return-Path: <x>\n" },
};

START_TEST(H6_lines_and_return_path)
{
	char got[512];

	for (size_t cut = 0; cut <= strlen(cases[_i].in); cut++) {
		deliver(cases[_i].in, cut, got, sizeof got);
		ck_assert_str_eq(got, cases[_i].want);
	}
}
END_TEST

START_TEST(nothing_stays_of_what_was_not_committed)
{
	struct maildir m;
	struct err e = { 0 };
	char tmp[sizeof m.tmp];

	ck_assert_int_eq(maildir_begin(&m, folder, "", "gone", false, &e), 0);
	ck_assert_int_eq(letter_put(&m.letter, span_str("A: 1\r\n\r\nx\r\n"), &e), 0);
	memcpy(tmp, m.tmp, sizeof tmp);
	ck_assert_int_eq(faccessat(folder, tmp, F_OK, 0), 0);
	maildir_end(&m);
	ck_assert_int_eq(faccessat(folder, tmp, F_OK, 0), -1);
	ck_assert_int_eq(faccessat(folder, "new/gone", F_OK, 0), -1);
}
END_TEST

START_TEST(a_second_delivery_takes_the_place_of_the_first)
{
	char got[512];

	deliver("A: 1\r\n\r\nfirst\r\n", 0, got, sizeof got);
	deliver("A: 1\r\n\r\nsecond\r\n", 0, got, sizeof got);
	ck_assert_str_eq(got, "Return-Path: <x>\nA: 1\n\nsecond\n");
}
END_TEST

START_TEST(a_file_in_the_way_is_a_temporary_failure)
{
	struct maildir m;
	struct err e = { 0 };
	int fd = openat(folder, "a", O_CREAT | O_WRONLY, 0600);

	close(fd);
	ck_assert_int_eq(maildir_begin(&m, folder, "a/b", "name", false, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	maildir_end(&m);
}
END_TEST

/* A delivery was killed between making a folder and flushing its name: the next one flushes it; once all is
 * known to be durable only the message is. */
START_TEST(folders_of_a_killed_delivery_are_flushed)
{
	static const char *const left[] = { "a", "a/b", "a/b/tmp", "a/b/new" };
	char got[4096];

	for (size_t i = 0; i < sizeof left / sizeof *left; i++)
		ck_assert_int_eq(mkdirat(folder, left[i], 0700), 0);
	flushed = 0;
	deliver("Subject: x\r\n\r\nbody\r\n", 3, got, sizeof got);
	ck_assert_uint_eq(flushed, 2 + 3 + 2);
	flushed = 0;
	deliver("Subject: x\r\n\r\nbody\r\n", 3, got, sizeof got);
	ck_assert_uint_eq(flushed, 2);
}
END_TEST

/*
 * Its journal had failed by the time of the last fsync, which said nothing: this is no delivery.  ext4 may take a
 * first change, by which it notices.
 */
START_TEST(a_file_system_that_takes_no_change_has_kept_nothing)
{
	struct maildir m;
	struct err e = { 0 };

	ck_assert_int_eq(maildir_begin(&m, folder, "m", "name", false, &e), 0);
	ck_assert_int_eq(letter_put(&m.letter, span_str("A: 1\r\n\r\nbody\r\n"), &e), 0);
	fails_after = _i;
	ck_assert_int_eq(maildir_commit(&m, &e), -1);
	fails_after = -1;
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_int_eq(e.sys, EROFS);
	maildir_end(&m);
}
END_TEST

/* local was killed and begins the message again while the first delivery still goes on. */
START_TEST(two_deliveries_at_once_do_not_mix)
{
	static const char first[] = "A: 1\r\n\r\nwhole\r\n";
	char got[256];
	struct maildir a, b;
	struct err e = { 0 };
	int fd;

	ck_assert_int_eq(maildir_begin(&a, folder, "m", "name", false, &e), 0);
	ck_assert_int_eq(letter_put(&a.letter, span_str(first), &e), 0);
	ck_assert_int_eq(maildir_begin(&b, folder, "m", "name", false, &e), 0);
	ck_assert_int_eq(letter_put(&b.letter, span_str("A: 1\r\n\r\nwh"), &e), 0);
	ck_assert_int_eq(maildir_commit(&a, &e), 0);
	maildir_end(&a);
	for (int i = 0; i < 2; i++) {
		memset(got, 0, sizeof got);
		fd = openat(folder, "m/new/name", O_RDONLY);
		ck_assert_int_ge(read(fd, got, sizeof got - 1), 0);
		close(fd);
		ck_assert_str_eq(got, "A: 1\n\nwhole\n");
		if (i == 0) {
			ck_assert_int_eq(letter_put(&b.letter, span_str("ole\r\n"), &e), 0);
			ck_assert_int_eq(maildir_commit(&b, &e), 0);
			maildir_end(&b);
		}
	}
}
END_TEST

/* RFC 3030 3: "to preserve all bits in each octet"; the header's lines end in LF as ever. */
START_TEST(a_binary_body_stays)
{
	static const unsigned char in[] = "A: b\r\nReturn-Path: <y>\r\n\r\n\r\n\r\r\n\0\n\xff\r";
	static const unsigned char want[] = "A: b\n\n\r\n\r\r\n\0\n\xff\r";
	unsigned char got[100];

	for (size_t cut = 0; cut < sizeof in; cut++) {
		struct span all = span_of(in, sizeof in - 1);
		struct maildir m;
		struct err e = { 0 };
		int fd;

		ck_assert_int_eq(maildir_begin(&m, folder, "b", "name", true, &e), 0);
		ck_assert_int_eq(letter_put(&m.letter, span_sub(all, 0, cut), &e), 0);
		ck_assert_int_eq(letter_put(&m.letter, span_sub(all, cut, all.n), &e), 0);
		ck_assert_int_eq(maildir_commit(&m, &e), 0);
		maildir_end(&m);
		fd = openat(folder, "b/new/name", O_RDONLY);
		ck_assert_int_ne(fd, -1);
		ck_assert_int_eq(read(fd, got, sizeof got), (ssize_t)sizeof want - 1);
		ck_assert_int_eq(memcmp(got, want, sizeof want - 1), 0);
		close(fd);
	}
}
END_TEST

Suite *suite_maildir(void);
Suite *
suite_maildir(void)
{
	Suite *s = suite_create("maildir");
	TCase *tc = tcase_create("maildir");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, H6_lines_and_return_path, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, nothing_stays_of_what_was_not_committed);
	tcase_add_test(tc, a_second_delivery_takes_the_place_of_the_first);
	tcase_add_test(tc, folders_of_a_killed_delivery_are_flushed);
	tcase_add_loop_test(tc, a_file_system_that_takes_no_change_has_kept_nothing, 0, 2);
	tcase_add_test(tc, two_deliveries_at_once_do_not_mix);
	tcase_add_test(tc, a_file_in_the_way_is_a_temporary_failure);
	tcase_add_test(tc, a_binary_body_stays);
	suite_add_tcase(s, tc);
	return s;
}
