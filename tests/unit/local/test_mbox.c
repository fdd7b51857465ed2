/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/mbox.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/folder.h"


enum { AT_US = 1780000000 };	/* seconds: Thu May 28 20:26:40 2026 */
#define LINE "From a@x.example Thu May 28 20:26:40 2026\n"

Suite *suite_mbox(void);

static char top[64];
static int folder;

static void
setup(void)
{
	snprintf(top, sizeof top, "/tmp/accord-mbox-XXXXXX");
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

static int
begin(struct mbox *m, const char *sender, struct err *e)
{
	return mbox_begin(m, folder, "box", span_str(sender), (int64_t)AT_US * 1000000, false, e);
}

/* in in pieces cut at cut. */
static void
deliver(const char *in, size_t cut)
{
	struct span all = span_str(in);
	struct mbox m;
	struct err e = { 0 };

	ck_assert_msg(begin(&m, "a@x.example", &e) == 0, "%s", e.what);
	ck_assert_int_eq(letter_put(&m.letter, span_sub(all, 0, cut), &e), 0);
	ck_assert_int_eq(letter_put(&m.letter, span_sub(all, cut, all.n), &e), 0);
	ck_assert_msg(mbox_commit(&m, &e) == 0, "%s", e.what);
	mbox_end(&m);
	ck_assert_int_eq(faccessat(folder, "box.lock", F_OK, 0), -1);
}

static const char *
content(void)
{
	static char out[65536];
	int fd = openat(folder, "box", O_RDONLY);
	ssize_t n = read(fd, out, sizeof out - 1);

	ck_assert_int_ge(n, 0);
	out[n] = '\0';
	close(fd);
	return out;
}

static void
put(const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

START_TEST(lines_are_quoted)
{
	static const char in[] = "A: 1\r\n\r\nFrom me\r\n>From you\r\n>>From\r\nFromage\r\n From\r\n>\r\nFro";
	static const char want[] = LINE "A: 1\n\n>From me\n>>From you\n>>From\nFromage\n From\n>\nFro\n\n";

	for (size_t cut = 0; cut < sizeof in; cut++) {
		unlinkat(folder, "box", 0);
		deliver(in, cut);
		ck_assert_str_eq(content(), want);
	}
}
END_TEST

START_TEST(messages_stand_apart)
{
	struct mbox m;
	struct err e = { 0 };

	put("box", "From old\n\nno end");
	deliver("A: 1\r\n\r\nx\r\n", 3);
	deliver("A: 2\r\n\r\n", 3);
	ck_assert_str_eq(content(), "From old\n\nno end\n\n" LINE "A: 1\n\nx\n\n" LINE "A: 2\n\n\n");
	ck_assert_int_eq(begin(&m, "a b\n@x.example", &e), 0);
	ck_assert_int_eq(mbox_commit(&m, &e), 0);
	mbox_end(&m);
	ck_assert_ptr_nonnull(strstr(content(), "\nFrom a-b-@x.example Thu"));
	ck_assert_int_eq(begin(&m, "", &e), 0);
	ck_assert_int_eq(mbox_commit(&m, &e), 0);
	mbox_end(&m);
	ck_assert_ptr_nonnull(strstr(content(), "\nFrom MAILER-DAEMON Thu"));
}
END_TEST

START_TEST(what_is_not_committed_is_cut_off)
{
	struct mbox m;
	struct err e = { 0 };
	char before[256];

	deliver("A: 1\r\n\r\nx\r\n", 3);
	snprintf(before, sizeof before, "%s", content());
	ck_assert_int_eq(begin(&m, "a@x.example", &e), 0);
	for (int i = 0; i < 3; i++) {
		static char lines[100000];

		memset(lines, 'x', sizeof lines);
		ck_assert_int_eq(letter_put(&m.letter, span_str("A: 1\r\n\r\n"), &e), 0);
		ck_assert_int_eq(letter_put(&m.letter, span_of(lines, sizeof lines), &e), 0);
	}
	ck_assert_int_gt((int)lseek(m.file, 0, SEEK_END), 100000);
	mbox_end(&m);
	ck_assert_str_eq(content(), before);
	ck_assert_int_eq(faccessat(folder, "box.lock", F_OK, 0), -1);
}
END_TEST

/* The disk is full amid a message. */
START_TEST(a_full_disk_leaves_nothing)
{
	struct rlimit small = { 50000, 50000 };
	static char lines[200000];
	struct mbox m;
	struct err e = { 0 };

	deliver("A: 1\r\n\r\nx\r\n", 3);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	memset(lines, 'x', sizeof lines);
	ck_assert_int_eq(begin(&m, "a@x.example", &e), 0);
	ck_assert_int_eq(letter_put(&m.letter, span_str("A: 1\r\n\r\n"), &e), 0);
	ck_assert(letter_put(&m.letter, span_of(lines, sizeof lines), &e) == -1 || mbox_commit(&m, &e) == -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	mbox_end(&m);
	ck_assert_str_eq(content(), LINE "A: 1\n\nx\n\n");
}
END_TEST

/* A process that was killed amid a message; mark: what its lock said is as it was. */
static void
killed(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		static char lines[200000];
		struct mbox m;
		struct err e = { 0 };

		memset(lines, 'x', sizeof lines);
		if (begin(&m, "a@x.example", &e) == -1 || letter_put(&m.letter, span_str("B: 2\r\n\r\n"), &e) == -1 ||
		    letter_put(&m.letter, span_of(lines, sizeof lines), &e) == -1)
			_exit(1);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(faccessat(folder, "box.lock", F_OK, 0), 0);
}

START_TEST(half_a_message_goes)
{
	deliver("A: 1\r\n\r\nx\r\n", 3);
	killed();
	ck_assert_ptr_nonnull(strstr(content(), "B: 2"));
	deliver("A: 3\r\n\r\ny\r\n", 3);
	ck_assert_str_eq(content(), LINE "A: 1\n\nx\n\n" LINE "A: 3\n\ny\n\n");
}
END_TEST

/* What another program has put there since stays. */
START_TEST(nothing_of_others_goes)
{
	FILE *f;
	char path[96];

	deliver("A: 1\r\n\r\nx\r\n", 3);
	killed();
	snprintf(path, sizeof path, "%s/box", top);
	f = fopen(path, "a");
	fputs("\n\nFrom other\n\nkeep\n\n", f);
	fclose(f);
	deliver("A: 3\r\n\r\ny\r\n", 3);
	f = fopen(path, "r");
	ck_assert_int_eq(fseek(f, -150, SEEK_END), 0);
	{
		char end[200] = "";

		ck_assert_int_gt((int)fread(end, 1, sizeof end - 1, f), 0);
		ck_assert_ptr_nonnull(strstr(end, "From other\n\nkeep\n\n" LINE "A: 3\n\ny\n\n"));
	}
	fclose(f);
	/* rewritten by somebody: what stands where the message began is not it */
	unlinkat(folder, "box", 0);
	put("box", "From short\n\nkeep this, which is longer\n\n");
	put("box.lock", "accord 5\n" LINE);
	deliver("A: 4\r\n\r\n", 3);
	ck_assert_ptr_nonnull(strstr(content(), "keep this, which is longer\n\n" LINE "A: 4\n"));
}
END_TEST

START_TEST(it_has_to_be_a_file_of_its_own)
{
	struct mbox m;
	struct err e = { 0 };

	ck_assert_int_eq(mkdirat(folder, "box", 0700), 0);
	ck_assert_int_eq(begin(&m, "", &e), -1);
	mbox_end(&m);
	unlinkat(folder, "box", AT_REMOVEDIR);
	put("else", "secret");
	ck_assert_int_eq(symlinkat("else", folder, "box"), 0);
	ck_assert_int_eq(begin(&m, "", &e), -1);
	mbox_end(&m);
	unlinkat(folder, "box", 0);
	ck_assert_int_eq(linkat(folder, "else", folder, "box", 0), 0);
	ck_assert_int_eq(begin(&m, "", &e), -1);
	mbox_end(&m);
	ck_assert_int_eq(mbox_begin(&m, folder, "missing/box", span_str(""), 0, false, &e), -1);
	mbox_end(&m);
}
END_TEST

Suite *
suite_mbox(void)
{
	Suite *s = suite_create("mbox");
	TCase *tc = tcase_create("mbox");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_are_quoted);
	tcase_add_test(tc, messages_stand_apart);
	tcase_add_test(tc, what_is_not_committed_is_cut_off);
	tcase_add_test(tc, a_full_disk_leaves_nothing);
	tcase_add_test(tc, half_a_message_goes);
	tcase_add_test(tc, nothing_of_others_goes);
	tcase_add_test(tc, it_has_to_be_a_file_of_its_own);
	suite_add_tcase(s, tc);
	return s;
}
