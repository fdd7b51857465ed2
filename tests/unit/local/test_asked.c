/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/asked.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/unit/clock.h"
#include "tests/unit/folder.h"

static char top[64];
static int folder;

static void
setup(void)
{
	snprintf(top, sizeof top, "/tmp/accord-asked-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	folder = open(top, O_RDONLY | O_DIRECTORY);
}

static void
teardown(void)
{
	close(folder);
	folder_remove(top);
}

static struct asked
opened(const char *id, const char *rcpt, const char *sender, bool make)
{
	struct asked a = { .id = span_str(id), .rcpt = span_str(rcpt), .sender = span_str(sender) };
	struct err e = { 0 };

	ck_assert_msg(asked_open(&a, folder, "box", make, &e) == 0, "%s", e.what);
	return a;
}

/* How many files there are. */
static int
files(void)
{
	char path[100];
	struct dirent *en;
	DIR *d;
	int n = 0;

	snprintf(path, sizeof path, "%s/box/alternatives", top);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while ((en = readdir(d)) != NULL)
		n += en->d_name[0] != '.';
	closedir(d);
	return n;
}

START_TEST(a_wait_from_its_beginning_to_its_end)
{
	struct asked a = opened("<1@s>", "a@x", "s@s", false);
	struct err e = { 0 };
	int64_t until = 0;

	ck_assert_int_eq(a.dir, -1);		/* there is no folder yet, and none is made */
	ck_assert_int_eq(asked_look(&a, &until), ASKED_NOT);
	ck_assert(!asked_answer(&a, ASKED_CAME));
	a = opened("<1@s>", "a@x", "s@s", true);
	ck_assert_int_eq(asked_look(&a, &until), ASKED_NOT);
	ck_assert_int_eq(asked_begin(&a, 12345, &e), 0);
	ck_assert_int_eq(asked_look(&a, &until), ASKED_WAITS);
	ck_assert_int_eq(until, 12345);
	ck_assert(asked_answer(&a, _i == 0 ? ASKED_CAME : ASKED_REFUSED));
	ck_assert_int_eq(asked_look(&a, &until), _i == 0 ? ASKED_CAME : ASKED_REFUSED);
	ck_assert(!asked_answer(&a, ASKED_CAME));	/* once */
	ck_assert_int_eq(files(), 1);
	ck_assert_int_eq(asked_begin(&a, 12346, &e), 0);	/* anew, after a crash before its mark */
	ck_assert_int_eq(asked_look(&a, &until), ASKED_WAITS);
	ck_assert_int_eq(files(), 1);
	asked_close(&a);
	asked_close(&a);
}
END_TEST

static const struct { const char *id, *rcpt, *sender; } others[] = {
	{ "<2@s>", "a@x", "s@s" }, { "<1@s>", "b@x", "s@s" }, { "<1@s>", "a@x", "t@s" }, { "<1@s>", "a@x", "" },
};

START_TEST(nobody_else_answers_it)
{
	struct asked a = opened("<1@s>", "a@x", "s@s", true);
	struct asked b = opened(others[_i].id, others[_i].rcpt, others[_i].sender, false);
	struct err e = { 0 };
	int64_t until;

	ck_assert_int_eq(asked_begin(&a, 1, &e), 0);
	ck_assert_int_eq(asked_look(&b, &until), ASKED_NOT);
	ck_assert(!asked_answer(&b, ASKED_CAME));
	ck_assert_int_eq(asked_look(&a, &until), ASKED_WAITS);
	asked_close(&a);
	asked_close(&b);
}
END_TEST

/* Whatever the owner writes there. */
START_TEST(a_file_of_something_else)
{
	static const char *const texts[] = { "", "\n", "12\n<1@s>\na@x\n", "x\n<1@s>\na@x\ns@s\n",
	    "12\n<1@s>\na@x\ns@s\nmore" };
	struct asked a = opened("<1@s>", "a@x", "s@s", true);
	struct err e = { 0 };
	int64_t until;
	char name[64];
	int fd;

	ck_assert_int_eq(asked_begin(&a, 12, &e), 0);
	snprintf(name, sizeof name, "%s.waits", a.name);
	fd = openat(a.dir, name, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, texts[_i], strlen(texts[_i])), (ssize_t)strlen(texts[_i]));
	close(fd);
	ck_assert_int_eq(asked_look(&a, &until), ASKED_NOT);
	ck_assert_int_eq(unlinkat(a.dir, name, 0), 0);
	ck_assert_int_eq(mkfifoat(a.dir, name, 0600), 0);
	ck_assert_int_eq(asked_look(&a, &until), ASKED_NOT);	/* and nobody waits */
	asked_close(&a);
}
END_TEST

START_TEST(old_ones_go_and_their_number_is_bounded)
{
	int64_t *shift = test_clock();
	struct asked a = opened("<1@s>", "a@x", "s@s", true), b = opened("<2@s>", "a@x", "s@s", true);
	struct err e = { 0 };
	char name[64];

	for (int i = 1; i < ASKED_MAX; i++) {
		snprintf(name, sizeof name, "%d", i);
		close(openat(a.dir, name, O_WRONLY | O_CREAT, 0600));
	}
	ck_assert_int_eq(asked_begin(&a, 1, &e), 0);
	ck_assert_int_eq(asked_begin(&b, 1, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	*shift += (ASKED_OLD_S + 2) * INT64_C(1000);
	ck_assert_int_eq(asked_begin(&b, 1, &e), 0);
	ck_assert_int_eq(files(), 1);
	asked_close(&a);
	asked_close(&b);
}
END_TEST

Suite *suite_asked(void);
Suite *
suite_asked(void)
{
	Suite *s = suite_create("asked");
	TCase *t = tcase_create("asked");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_wait_from_its_beginning_to_its_end, 0, 2);
	tcase_add_loop_test(t, nobody_else_answers_it, 0, sizeof others / sizeof *others);
	tcase_add_loop_test(t, a_file_of_something_else, 0, 5);
	tcase_add_test(t, old_ones_go_and_their_number_is_bounded);
	suite_add_tcase(s, t);
	return s;
}
