/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/aliasfile.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/aliases.h"
#include "tests/unit/folder.h"

static struct buf name, list;
static struct err e;

static void
setup(void)
{
	e = (struct err){ 0 };
	buf_init(&name, ALIASFILE_NAME);
	buf_init(&list, ALIASFILE_LIST);
}

static void
teardown(void)
{
	buf_free(&name);
	buf_free(&list);
}

static void
entry(struct aliasfile *f, uint32_t at, const char *want_name, const char *want_list)
{
	ck_assert_msg(aliasfile_next(f, &name, &list, &e) == 1, "%s", e.what);
	ck_assert_uint_eq(f->at, at);
	ck_assert_msg(span_is(buf_view(&name), want_name), "%.*s", (int)name.n, (const char *)name.p);
	ck_assert_msg(span_is(span_trim(buf_view(&list)), want_list), "%.*s", (int)list.n, (const char *)list.p);
}

START_TEST(entries)
{
	struct aliasfile f = { .rest = span_str("# one\n\na: b, c\n\t, d\n\n  # within\n  e\r\n\"x: y\" : z:\nlast:") };

	entry(&f, 3, "a", "b, c \t, d   e");
	entry(&f, 8, "\"x: y\"", "z:");
	entry(&f, 9, "last", "");
	ck_assert_int_eq(aliasfile_next(&f, &name, &list, &e), 0);
	ck_assert_int_eq(aliasfile_next(&f, &name, &list, &e), 0);
}
END_TEST

static const struct { const char *text; uint32_t at; const char *what; } bad[] = {
	{ "a: b\nc\n", 2, "expected NAME: ADDRESS" },
	{ "\n : b\n", 2, "expected NAME: before" },
	{ ": b\n", 1, "expected NAME: ADDRESS, not" },
	{ "a@b: c\n", 1, "expected NAME: ADDRESS, not" },
	{ "a b: c\n", 1, "expected NAME: ADDRESS, not" },
	{ "\"a: c\n", 1, "expected NAME: ADDRESS" },
	{ "a: b\n c\001\n", 1, "expected text without control" },
};

START_TEST(entries_that_are_none)
{
	struct aliasfile f = { .rest = span_str(bad[_i].text) };
	int r;

	while ((r = aliasfile_next(&f, &name, &list, &e)) == 1)
		;
	ck_assert_int_eq(r, -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_uint_eq(f.at, bad[_i].at);
	ck_assert_msg(strncmp(e.what, bad[_i].what, strlen(bad[_i].what)) == 0, "%s", e.what);
}
END_TEST

START_TEST(a_list_is_bounded)
{
	struct buf text;
	struct aliasfile f;

	buf_init(&text, ALIASFILE_LIST + 4096);
	ck_assert_int_eq(buf_add_str(&text, "a: ", &e), 0);
	while (text.n < ALIASFILE_LIST)
		ck_assert_int_eq(buf_add_str(&text, "bcdefghijklmnopqrstuvwxyz,", &e), 0);
	f = (struct aliasfile){ .rest = buf_view(&text) };
	ck_assert_int_eq(aliasfile_next(&f, &name, &list, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	buf_free(&text);
}
END_TEST

START_TEST(lines_of_an_included_file)
{
	struct aliasfile f = { .rest = span_str("a, b\n#c\n\n d\n") };
	struct span line;

	ck_assert(aliasfile_line(&f, &line) && span_is(line, "a, b") && f.at == 1);
	ck_assert(aliasfile_line(&f, &line) && span_is(line, " d") && f.at == 4);
	ck_assert(!aliasfile_line(&f, &line));
}
END_TEST

START_TEST(lines_of_the_setting)
{
	struct span path, domains;

	ck_assert_int_eq(aliasfile_setting(span_str("/etc/aliases"), &path, &domains, &e), 0);
	ck_assert(span_is(path, "/etc/aliases") && domains.n == 0);
	ck_assert_int_eq(aliasfile_setting(span_str("f a.example\tb.example"), &path, &domains, &e), 0);
	ck_assert(span_is(path, "f") && span_is(span_trim(domains), "a.example\tb.example"));
	ck_assert_int_eq(aliasfile_check(span_str("f a@b"), &e), -1);
	ck_assert_int_eq(aliasfile_check(span_str(""), &e), -1);
}
END_TEST

/* --- the database --- */

static char top[64];
static int dir, db;
static struct conf c;
static struct aliases a;
static struct known_make m;

static void
db_setup(void)
{
	e = (struct err){ 0 };
	snprintf(top, sizeof top, "/tmp/accord-alias-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY);
	db = memfd_create("db", MFD_CLOEXEC);
	ck_assert(conf_init_as(&c, "x.example", &e) == 0 && known_make_start(&m, db, &e) == 0);
	a = (struct aliases){ .conf = &c };
}

static void
db_teardown(void)
{
	aliases_close(&a);
	conf_free(&c);
	close(dir);
	folder_remove(top);
}

static void
put(const char *file, const char *text, mode_t mode)
{
	int fd = openat(dir, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void
open_all(const char *mailboxes, const char *setting)
{
	struct err ignored;

	ck_assert_msg(conf_set(&c, CONF_MAILBOXES, span_str(mailboxes), &e) == 0 &&
	    conf_set(&c, CONF_ALIASES, span_str(setting), &e) == 0 && known_make_aliases(&m, &c, dir, &e) == 0, "%s", e.what);
	ck_assert_int_eq(known_make_end(&m, &ignored), 0);
	ck_assert_int_eq(aliases_open(&a, &c, db, &e), 0);
}

/* "-": addr stands for nobody. */
static void
stands(const char *addr, const char *want)
{
	struct span to;

	if (!aliases_find(&a, span_str(addr), &to))
		to = span_str("-");
	ck_assert_msg(span_is(to, want), "%s: %.*s", addr, (int)to.n, (const char *)to.p);
}

START_TEST(who_stands_for_whom)
{
	put("f", "Joe: \\joe,x@far.example\n\"a b\": c\npostmaster: pm\nlist: :include:l, \":Include:l\"\nowner-list: o\n", 0644);
	put("l", "one\n# two\nthree, four\n", 0664);
	put("g", "info: i\n", 0600);
	open_all("joe@x.example maildir:mail/joe\ncat@x.example alias:z@far.example\n", "f\ng y.example\n");
	ck_assert_uint_eq(m.naliases, 6);
	stands("JOE@x.example", "\\joe,x@far.example");
	stands("joe+ext@x.example", "\\joe,x@far.example");
	stands("A\\ b@x.example", "-");
	stands("\"A b\"@x.example", "c");
	stands("list+ext@any.example", "one,three,four,one,three,four");
	stands("info@y.example", "i");
	stands("info@x.example", "-");
	stands("cat@x.example", "z@far.example");
	stands("postmaster@x.example", "pm");
	stands("abuse@x.example", "pm");
	ck_assert(aliases_box(&a, span_str("joe@x.example")) && !aliases_box(&a, span_str("cat@x.example")));
	ck_assert(aliases_named(&a, span_str("owner-LIST@x.example")) && aliases_named(&a, span_str("Cat@x.example")));
	ck_assert(!aliases_named(&a, span_str("owner-joe@x.example")));
}
END_TEST

static const struct { const char *text; mode_t mode; const char *what; } wrong[] = {
	{ "a: b\nA: c\n", 0644, "aliases:1: f:2: expected each name once in a domain" },
	{ "a: b\nc: |d\n", 0644, "aliases:1: f:2: expected an address: a program" },
	{ "a: \"b\n", 0644, "aliases:1: f:1: expected a quote's end" },
	{ "a: :include:l\n", 0644, "aliases:1: f:1: l:2: expected addresses, or there are too many" },
	{ "a: :include:\n", 0644, "aliases:1: f:1: expected :include:PATH" },
	{ "a: :include:w\n", 0644, "aliases:1: f:1: w: expected a file that not everybody can write" },
	{ "a: :include:.\n", 0644, "aliases:1: f:1: .: expected a regular file" },
	{ "a: b\n", 0646, "aliases:1: f: expected a file that not everybody can write" },
};

START_TEST(files_that_are_wrong)
{
	struct err ignored;

	put("f", wrong[_i].text, wrong[_i].mode);
	put("l", "one\nse cret\n", 0644);
	put("w", "one\n", 0666);
	ck_assert_int_eq(conf_set(&c, CONF_ALIASES, span_str("f"), &e), 0);
	ck_assert_int_eq(known_make_aliases(&m, &c, dir, &e), -1);
	ck_assert_msg(strncmp(e.what, wrong[_i].what, strlen(wrong[_i].what)) == 0, "%s", e.what);
	ck_assert_ptr_null(strstr(e.what, "cret"));
	(void)known_make_end(&m, &ignored);
	close(db);
}
END_TEST

Suite *suite_aliasfile(void);

Suite *
suite_aliasfile(void)
{
	Suite *s = suite_create("aliasfile");
	TCase *tc = tcase_create("text"), *d = tcase_create("database");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, entries);
	tcase_add_loop_test(tc, entries_that_are_none, 0, sizeof bad / sizeof *bad);
	tcase_add_test(tc, a_list_is_bounded);
	tcase_add_test(tc, lines_of_an_included_file);
	tcase_add_test(tc, lines_of_the_setting);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(d, db_setup, db_teardown);
	tcase_add_test(d, who_stands_for_whom);
	tcase_add_loop_test(d, files_that_are_wrong, 0, sizeof wrong / sizeof *wrong);
	suite_add_tcase(s, d);
	return s;
}
