/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/capsdb.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/features.h"

static char folder[] = "/tmp/accord-capsdb-XXXXXX";
static int dir_fd;
static struct err err;

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY);
}

static void
teardown(void)
{
	unlinkat(dir_fd, "caps.cdb", 0);
	ck_assert_msg(rmdir(folder) == 0, "a file was left behind");
	close(dir_fd);
}

static int
build(const char *text)
{
	int fd = memfd_create("caps", 0), r;

	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	err = (struct err){ 0 };
	r = capsdb_build(fd, "caps", dir_fd, "caps.cdb", &err);
	close(fd);
	return r;
}

static void
open_db(struct capsdb *d)
{
	ck_assert_msg(capsdb_open(d, openat(dir_fd, "caps.cdb", O_RDONLY), &err) == 0, "%s", err.what);
}

static const char text[] = "# who takes what\n"
    "fax@example.com (& (color=binary) (image-coding=MH))  # the old one\n"
    "  \"Odd Name\"@Example.COM (image-coding=[MH,MMR])\n"
    "all@example.com any\r\n"
    "@example.com\t(image-coding=MMR)\n"
    "@other.example any\n";

/* want: NULL nothing known, "any", or an expression the answer must mean. */
static const struct { const char *addr, *want; } cases[] = {
	{ "fax@example.com", "(&(color=binary)(image-coding=MH))" },
	{ "FAX@EXAMPLE.com", "(&(color=binary)(image-coding=MH))" },
	{ "\"fax\"@example.com", "(&(color=binary)(image-coding=MH))" },
	{ "\"odd name\"@example.com", "(|(image-coding=MH)(image-coding=MMR))" },
	{ "odd\\ name@example.com", "(image-coding=MMR)" },
	{ "all@example.com", "any" },
	{ "someone@example.com", "(image-coding=MMR)" },
	{ "x@other.example", "any" },
	{ "x@sub.other.example", NULL },
	{ "x@nowhere.example", NULL },
	{ "x", NULL },
	{ "", NULL },
};

START_TEST(found_by_address_then_domain)
{
	struct capsdb d;
	struct span got;
	bool any;
	int r;

	ck_assert_msg(build(text) == 0, "%s", err.what);
	open_db(&d);
	r = capsdb_get(&d, span_str(cases[_i].addr), &got, &any, &err);
	ck_assert_int_eq(r, cases[_i].want != NULL);
	if (r == 1)
		ck_assert_int_eq(any, strcmp(cases[_i].want, "any") == 0);
	if (r == 1 && !any) {
		struct feat *a, *b;

		ck_assert_int_eq(feat_parse(got, FEAT_CLAIM, &a, &err), 0);
		ck_assert_int_eq(feat_parse(span_str(cases[_i].want), FEAT_CLAIM, &b, &err), 0);
		ck_assert_msg(feat_same(a, b), "%.*s", (int)got.n, (const char *)got.p);
		feat_free(a);
		feat_free(b);
	}
	capsdb_close(&d);
}
END_TEST

#define HUNDRED "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
static const struct { const char *text, *want; } wrong[] = {
	{ "fax@example.com", "caps:1:16: expected an expression or any" },
	{ "\nnot-an-address (color=binary)", "caps:2:1: expected ADDRESS or @domain" },
	{ "  @bad..domain any", "caps:1:3: expected a host's name" },
	{ "a@example.com (color=", "caps:1:" },
	{ "a@example.com everything", "caps:1:15: " },
	/* what no answer to CONNEG could say */
	{ "a@example.com (a=\"" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "\")",
	    "caps:1:15: feature expression cannot be broken" },
	{ "a@example.com any\nA@EXAMPLE.COM any", "caps:2:1: expected each address once" },
};

START_TEST(errors_name_line_and_column)
{
	struct capsdb d;
	struct span got;
	bool any;

	ck_assert_int_eq(build("old@example.com any\n"), 0);
	ck_assert_int_eq(build(wrong[_i].text), -1);
	ck_assert_int_eq(err.kind, ERR_PERM);
	ck_assert_msg(strncmp(err.what, wrong[_i].want, strlen(wrong[_i].want)) == 0, "got '%s'",
	    err.what);
	open_db(&d);		/* the old one is still there */
	ck_assert_int_eq(capsdb_get(&d, span_str("old@example.com"), &got, &any, &err), 1);
	capsdb_close(&d);
}
END_TEST

START_TEST(many_entries)
{
	static char big[60 * 5000];
	size_t n = 0;
	struct capsdb d;
	struct span got;
	bool any;

	for (int i = 0; i < 5000; i++)
		n += (size_t)snprintf(big + n, sizeof big - n, "user%d@example.com (dpi=%d)\n", i, i + 1);
	ck_assert_int_eq(build(big), 0);
	open_db(&d);
	ck_assert_int_eq(capsdb_get(&d, span_str("user4999@example.com"), &got, &any, &err), 1);
	ck_assert_ptr_nonnull(memmem(got.p, got.n, "5000", 4));
	ck_assert_int_eq(capsdb_get(&d, span_str("user5000@example.com"), &got, &any, &err), 0);
	capsdb_close(&d);
}
END_TEST

/* A damaged file is an error, never a wrong answer or a crash. */
START_TEST(damage_is_seen)
{
	struct capsdb d;
	struct span got;
	bool any;
	int fd, r;

	ck_assert_int_eq(build(text), 0);
	fd = openat(dir_fd, "caps.cdb", O_RDWR);
	ck_assert_int_eq(ftruncate(fd, 1000), 0);
	close(fd);
	ck_assert_int_eq(capsdb_open(&d, openat(dir_fd, "caps.cdb", O_RDONLY), &err), -1);
	fd = openat(dir_fd, "caps.cdb", O_RDWR);
	ck_assert_int_eq(ftruncate(fd, 3000), 0);
	for (int i = 0; i < 2048; i += 4)	/* every table points far outside */
		ck_assert_int_eq(pwrite(fd, "\xff\xff\xff\x7f", 4, i), 4);
	close(fd);
	open_db(&d);
	r = capsdb_get(&d, span_str("fax@example.com"), &got, &any, &err);
	ck_assert_int_eq(r, -1);
	ck_assert_int_eq(err.kind, ERR_TEMP);
	capsdb_close(&d);
}
END_TEST

Suite *suite_capsdb(void);
Suite *
suite_capsdb(void)
{
	Suite *s = suite_create("capsdb");
	TCase *tc = tcase_create("capsdb");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, found_by_address_then_domain, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(tc, errors_name_line_and_column, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, many_entries);
	tcase_add_test(tc, damage_is_seen);
	suite_add_tcase(s, tc);
	return s;
}
