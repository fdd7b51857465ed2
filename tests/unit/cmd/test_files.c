/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* How the command writes files. */
#include "cmd/cmd.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/accord-files-XXXXXX", path[64];
static mode_t meanwhile;

static void
setup(void)
{
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/file", folder);
}

static void
teardown(void)
{
	unlink(path);
	rmdir(folder);
}

static int
note_mode(int fd, const char *to, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s", to);
	ck_assert_int_gt(st.st_size, 0);
	meanwhile = st.st_mode & 07777;
	return 0;
}

START_TEST(nobody_reads_a_setting_before_it_has_its_mode)
{
	struct err e = { 0 };

	ck_assert_int_eq(cmd_replace_file(path, span_str("secret\n"), note_mode, &e), 0);
	ck_assert_int_eq(meanwhile & 0077, 0);
}
END_TEST

START_TEST(a_pipe_is_written_to_and_stays)
{
	struct err e = { 0 };
	struct stat st;
	char got[8];
	int fd;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_ne(fd = open(path, O_RDONLY | O_NONBLOCK), -1);
	ck_assert_int_eq(cmd_write_file(path, span_str("result"), &e), 0);
	ck_assert_int_eq(read(fd, got, sizeof got), 6);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	close(fd);
}
END_TEST

Suite *suite_files(void);
Suite *
suite_files(void)
{
	Suite *s = suite_create("files");
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nobody_reads_a_setting_before_it_has_its_mode);
	tcase_add_test(tc, a_pipe_is_written_to_and_stays);
	suite_add_tcase(s, tc);
	return s;
}
