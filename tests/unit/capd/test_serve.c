/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* capd as its askers see it: over a channel, with a directory that is replaced under them. */
#include "capd/serve.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/envelope.h"

static struct daemon d;
static struct capd capd;
static struct timer stop;
static char top[64];
static int dir, asker;

static void
on_stop(void *arg)
{
	(void)arg;
	d.loop.stop = true;
}

static void
spin(void)
{
	struct err e = { 0 };

	d.loop.stop = false;
	ck_assert_int_eq(loop_timer(&d.loop, &stop, 20, &e), 0);
	ck_assert_int_eq(loop_run(&d.loop, &e), 0);
}

/* Compiles text; the result's descriptor. */
static int
build(const char *text)
{
	struct err e = { 0 };
	int in = openat(dir, "caps", O_RDWR | O_CREAT | O_TRUNC, 0600), out;

	ck_assert_int_eq(write(in, text, strlen(text)), (ssize_t)strlen(text));
	lseek(in, 0, SEEK_SET);
	ck_assert_msg(capsdb_build(in, "caps", dir, "caps.cdb", &e) == 0, "%s", e.what);
	close(in);
	out = openat(dir, "caps.cdb", O_RDONLY);
	ck_assert_int_ne(out, -1);
	return out;
}

static void
setup(void)
{
	static const char boxes[] = "Box@Here.example maildir:m\n@all.example maildir:n\n";
	struct err e = { 0 };
	int pair[2];

	snprintf(top, sizeof top, "/tmp/accord-capd-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY);
	d = (struct daemon){ 0 };
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	stop = (struct timer){ .fire = on_stop };
	ck_assert_int_eq(conf_init(&d.conf, &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_MAILBOXES, span_str(boxes), &e), 0);
	ck_assert_int_eq(loop_init(&d.loop, &e), 0);
	ck_assert_int_eq(capd_open(&capd, &d, &e), 0);
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(capd_add_asker(&capd, pair[0], 1, &e), 0);
	asker = pair[1];
}

static void
teardown(void)
{
	unlinkat(dir, "caps", 0);
	unlinkat(dir, "caps.cdb", 0);
	close(dir);
	rmdir(top);
}

static struct { struct msg_cap m; char text[8192]; } reply;

static void
ask(const char *addr)
{
	struct { struct msg_cap_ask m; char addr[256]; } q = { 0 };
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len, n = strlen(addr);

	q.m.want = CAP_WANT_FEATURES | CAP_WANT_KNOWN;
	q.m.addr_len = (uint32_t)n;
	memcpy(q.addr, addr, n);
	ck_assert_int_eq(ipc_send(asker, &q.m.h, MSG_CAP_ASK, 77, sizeof q.m + n, NULL, 0, &e), 0);
	spin();
	memset(&reply, 0, sizeof reply);
	ck_assert_int_eq(ipc_recv(asker, &reply, sizeof reply, &len, fds, &e), 1);
	ck_assert_uint_eq(reply.m.h.id, 77);
	ck_assert_uint_eq(len, sizeof reply.m + reply.m.len);
}

START_TEST(address_comes_before_its_domain)
{
	struct err e = { 0 };

	ck_assert_int_eq(directory_replace(&capd.directory, build("a@here.example (dpi=200)\n"
	    "@here.example (dpi=300)\nb@here.example any\n"), &e), 0);
	ask("A@HERE.example");
	ck_assert_uint_eq(reply.m.features, CAP_KNOWN);
	ck_assert_ptr_nonnull(strstr(reply.text, "200"));
	ask("other@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "300"));
	ask("b@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_ANY);
	ck_assert_uint_eq(reply.m.len, 0);
	ask("b@elsewhere.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
}
END_TEST

START_TEST(G4_mailboxes_are_known_in_any_case)
{
	ask("bOX@here.EXAMPLE");
	ck_assert_uint_eq(reply.m.known, 1);
	ask("whoever@all.example");
	ck_assert_uint_eq(reply.m.known, 1);
	ask("nobody@here.example");
	ck_assert_uint_eq(reply.m.known, 0);
}
END_TEST

START_TEST(a_new_directory_answers_at_once_and_a_broken_one_never)
{
	struct err e = { 0 };
	int junk;

	ck_assert_int_eq(directory_replace(&capd.directory, build("a@here.example (dpi=200)\n"), &e), 0);
	ask("a@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "200"));
	d.file_changed(d.arg, "caps.cdb", build("a@here.example (dpi=400)\n"));
	ask("a@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "400"));
	junk = openat(dir, "caps", O_RDWR | O_TRUNC);
	ck_assert_int_eq(write(junk, "junk", 4), 4);
	d.file_changed(d.arg, "caps.cdb", junk);
	ask("a@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "400"));
}
END_TEST

START_TEST(a_question_that_lies_about_its_length_cuts_the_asker_off)
{
	struct { struct msg_cap_ask m; char addr[8]; } q = { .m = { .want = 1, .addr_len = 4000 } };
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	ck_assert_int_eq(ipc_send(asker, &q.m.h, MSG_CAP_ASK, 1, sizeof q, NULL, 0, &e), 0);
	spin();
	ck_assert_int_eq(ipc_recv(asker, &reply, sizeof reply, &len, fds, &e), 0);
	ck_assert_ptr_null(capd.askers);
}
END_TEST

START_TEST(who_asks_and_never_reads_is_cut_off)
{
	struct { struct msg_cap_ask m; char addr[16]; } q = { .m = { .want = CAP_WANT_FEATURES,
	    .addr_len = 16 } };
	struct err e = { 0 };
	int fd = build("@here.example (dpi=200)\n");

	ck_assert_int_eq(directory_replace(&capd.directory, fd, &e), 0);
	memcpy(q.addr, "abc@here.example", 16);
	ck_assert_int_eq(fcntl(asker, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 5000 && capd.askers != NULL; i++)
		if (ipc_send(asker, &q.m.h, MSG_CAP_ASK, 1, sizeof q, NULL, 0, &e) == -1)
			spin();
	ck_assert_ptr_null(capd.askers);
}
END_TEST

Suite *suite_serve(void);
Suite *
suite_serve(void)
{
	Suite *s = suite_create("capd");
	TCase *tc = tcase_create("serve");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, address_comes_before_its_domain);
	tcase_add_test(tc, G4_mailboxes_are_known_in_any_case);
	tcase_add_test(tc, a_new_directory_answers_at_once_and_a_broken_one_never);
	tcase_add_test(tc, a_question_that_lies_about_its_length_cuts_the_asker_off);
	tcase_add_test(tc, who_asks_and_never_reads_is_cut_off);
	suite_add_tcase(s, tc);
	return s;
}
