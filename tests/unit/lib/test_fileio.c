/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/fileio.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LONG = 200001 };		/* octets: more than are read at once, and no multiple of them */

START_TEST(what_is_written_is_read)
{
	unsigned char *text = malloc(LONG);
	int fd = memfd_create("file", MFD_CLOEXEC);
	struct buf out;
	struct err e;

	ck_assert(text != NULL && fd != -1);
	for (int i = 0; i < LONG; i++)
		text[i] = (unsigned char)(i * 7 + i / 256);
	ck_assert_int_eq(fileio_write(fd, span_of(text, LONG), &e), 0);
	buf_init(&out, 2 * LONG);
	ck_assert_int_eq(buf_add_str(&out, "before", &e), 0);
	ck_assert_int_eq(fileio_read(fd, &out, &e), 0);		/* it stands at its end */
	ck_assert_uint_eq(out.n, 6 + LONG);
	ck_assert(memcmp(out.p, "before", 6) == 0 && memcmp(out.p + 6, text, LONG) == 0);
	buf_free(&out);
	free(text);
	close(fd);
}
END_TEST

START_TEST(what_fails_is_said)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), folder = open("/", O_RDONLY | O_CLOEXEC);
	int fd = memfd_create("file", MFD_CLOEXEC);
	struct buf out;
	struct err e = { 0 };

	ck_assert_int_eq(fileio_write(full, span_str("x"), &e), -1);
	ck_assert(e.kind == ERR_TEMP && e.sys == ENOSPC);
	buf_init(&out, 1 << 20);
	ck_assert_int_eq(fileio_read(folder, &out, &e), -1);
	ck_assert_int_eq(e.sys, EISDIR);
	buf_free(&out);
	ck_assert_int_eq(fileio_write(fd, span_str("0123456789"), &e), 0);
	buf_init(&out, 4);
	ck_assert_int_eq(fileio_read(fd, &out, &e), -1);
	buf_free(&out);
	close(full), close(folder), close(fd);
}
END_TEST

Suite *suite_fileio(void);
Suite *
suite_fileio(void)
{
	Suite *s = suite_create("fileio");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, what_is_written_is_read);
	tcase_add_test(tc, what_fails_is_said);
	suite_add_tcase(s, tc);
	return s;
}
