/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* H14: what a local program gives becomes a message that may travel; its recipients under -t. */
#include "cmd/origin.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "cmd/client.h"

static struct err e;
static struct origin o;
static struct buf out;

static int
make_n(const char *text, size_t n)
{
	int r;

	buf_free(&out);
	buf_free(&o.rcpt);
	buf_init(&out, 1000000);
	buf_init(&o.rcpt, 1000000);
	o.nrcpt = 0;
	r = origin_message(&o, span_of(text, n), &out, &e);
	if (r == 0)
		ck_assert_int_eq(buf_add_byte(&out, '\0', &e), 0);
	return r;
}

static const char *
make(const char *text)
{
	ck_assert_msg(make_n(text, strlen(text)) == 0, "%s: %s", text, e.what);
	return (const char *)out.p;
}

static void
setup(void)
{
	e = (struct err){ 0 };
	o = (struct origin){ .host = "here.example", .from = "u@here.example", .name = "",
	    .from_header = true };
}

/* The recipients, each with a comma behind it. */
static const char *
rcpts(void)
{
	static char all[1000];
	const char *p = (const char *)o.rcpt.p;

	all[0] = '\0';
	for (uint32_t i = 0; i < o.nrcpt; i++, p += strlen(p) + 1)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s,", p);
	return all;
}

#define WHOLE "Date: x\nFrom: a@b.example\nMessage-ID: <1@b.example>\n"

START_TEST(a_whole_message_is_not_touched)
{
	o.from_header = false;
	ck_assert_str_eq(make(WHOLE "To: c@d.example\n\nbody\n.\n\xc3\xa4\n"),
	    "Date: x\r\nFrom: a@b.example\r\nMessage-ID: <1@b.example>\r\nTo: c@d.example\r\n\r\nbody\r\n.\r\n"
	    "\xc3\xa4\r\n");
	ck_assert_uint_eq(o.nrcpt, 0);
}
END_TEST

START_TEST(what_is_missing_is_added)
{
	const char *m = make("Subject: x\n\nbody");

	ck_assert_ptr_nonnull(strstr(m, "Date: "));
	ck_assert_ptr_nonnull(strstr(m, "\r\nFrom: <u@here.example>\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "@here.example>\r\nSubject: x\r\n\r\nbody\r\n"));
	m = make("no header at all\n");
	ck_assert_ptr_nonnull(strstr(m, "\r\nMessage-ID: <"));
	ck_assert_ptr_nonnull(strstr(m, ">\r\n\r\nno header at all\r\n"));
	m = make("X: y\nthe body, without an empty line\n");
	ck_assert_ptr_nonnull(strstr(m, "X: y\r\n\r\nthe body, without"));
	m = make("From u Mon Jan  1 00:00:00 2024\n" WHOLE "\nbody\n");
	ck_assert_int_eq(strncmp(m, "Date: x\r\n", 9), 0);
	ck_assert_ptr_nonnull(strstr(make(""), "From: <u@here.example>\r\n"));
}
END_TEST

static const struct { const char *name, *want; } names[] = {
	{ "Cron Daemon", "From: Cron Daemon <u@" }, { "O'Neil, \"Q\"", "From: \"O'Neil, \\\"Q\\\"\" <u@" },
	{ "J\xc3\xb6rg", "From: =?utf-8?B?SsO2cmc=?= <u@" }, { "", "From: <u@" },
	{ "a@b <c>", "From: \"a@b <c>\" <u@" }
};

START_TEST(names_are_quoted_or_encoded)
{
	o.name = names[_i].name;
	ck_assert_msg(strstr(make("X: y\n\n"), names[_i].want) != NULL, "%s", (const char *)out.p);
}
END_TEST

START_TEST(recipients_come_from_the_header)
{
	make("To: a@b.example, Ann <root>\nCc: g: x@y.example;\nBCC: secret@z.example,\n \"q q\"\n"
	    "X: no@no.example\n\nTo: body@no.example\n");
	ck_assert_str_eq(rcpts(), "a@b.example,root@here.example,x@y.example,secret@z.example,"
	    "\"q q\"@here.example,");
	ck_assert_ptr_null(strstr((char *)out.p, "secret"));
	ck_assert_ptr_null(strstr((char *)out.p, "q q"));
	ck_assert_ptr_nonnull(strstr((char *)out.p, "To: a@b.example, Ann <root@here.example>\r\n"));
	/* sent again: only to those */
	make("To: a@b.example\nResent-To: c@d.example\nResent-Bcc: e@f.example\n\n");
	ck_assert_str_eq(rcpts(), "c@d.example,e@f.example,");
	ck_assert_ptr_null(strstr((char *)out.p, "e@f"));
	o.from_header = false;		/* Bcc goes in any case */
	make("Bcc: secret@z.example\nReturn-Path: <x@y.example>\n\n");
	ck_assert_str_eq(rcpts(), "");
	ck_assert_ptr_null(strstr((char *)out.p, "secret"));
	ck_assert_ptr_null(strstr((char *)out.p, "Return-Path"));
}
END_TEST

START_TEST(short_addresses_get_our_name)
{
	const char *m = make("From: root (Cron Daemon)\nTo: root, b@c.example,\n d (D)\n"
	    "Reply-To: not a list\nSubject: root\n\n");

	ck_assert_ptr_nonnull(strstr(m, "From: root@here.example (Cron Daemon)\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "To: root@here.example, b@c.example,\r\n d@here.example (D)\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "Reply-To: not a list\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "Subject: root\r\n"));
}
END_TEST

START_TEST(what_no_line_may_hold_is_encoded_not_lost)
{
	static const char progress[] = "X: y\n\n10%\r20%\rdone\0!\n";
	char text[3000] = WHOLE "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
	    "MIME-Version: 1.0\n\n";
	const char *m;

	ck_assert_int_eq(make_n(progress, sizeof progress - 1), 0);
	m = (const char *)out.p;
	ck_assert_ptr_nonnull(strstr(m, "10%=0D20%=0Ddone=00!\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "Content-Transfer-Encoding: quoted-printable\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "Content-Type: text/plain; charset=utf-8\r\n"));
	memset(text + strlen(text), 'x', 1200);		/* as cron's long lines */
	m = make(text);
	ck_assert_ptr_null(strstr(m, ": 8bit"));
	ck_assert_ptr_nonnull(strstr(m, "Content-Transfer-Encoding: quoted-printable\r\n"));
	for (const char *at = m; *at != '\0'; at += strcspn(at, "\n") + 1)
		ck_assert_uint_le(strcspn(at, "\n"), ORIGIN_LINE);
	/* a structure of several parts cannot be encoded so */
	ck_assert_int_eq(make_n("Content-Type: multipart/mixed; boundary=b\n\na\rb\n", 48), -1);
	ck_assert_int_eq(make_n("Subject: a\rb\n\nx\n", 16), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
}
END_TEST

static const struct { const char *in, *want; } words[] = {
	{ "root", "root@here.example" }, { "a@b.example", "a@b.example" }, { "<a@b.example>", "a@b.example" },
	{ "\"a b\"", "\"a b\"@here.example" }, { "a b", NULL }, { "", NULL }, { "a@", NULL }, { "@b", NULL },
	{ "a@b.example>\r\nX: y", NULL }, { "-oQ/tmp", "-oQ/tmp@here.example" }
};

START_TEST(words_become_addresses)
{
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_int_eq(origin_address(&o, words[_i].in, &b, &e) == 0, words[_i].want != NULL);
	if (words[_i].want != NULL)
		ck_assert_str_eq((char *)b.p, words[_i].want);
	buf_free(&b);
}
END_TEST

static const struct { const char *text; int want; } notifies[] = {
	{ "never", NOTIFY_NEVER }, { "SUCCESS,Failure,delay", NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY },
	{ "never,delay", -1 }, { "delay,delay", -1 }, { "", -1 }, { "success,", -1 }, { "often", -1 }
};

START_TEST(dsn_words)
{
	uint8_t n;

	if (notifies[_i].want == -1) {
		ck_assert_int_eq(dsn_notify(notifies[_i].text, &n), -1);
	} else {
		ck_assert_int_eq(dsn_notify(notifies[_i].text, &n), 0);
		ck_assert_int_eq(n, notifies[_i].want);
	}
	ck_assert_int_eq(dsn_ret("HDRS", &n), 0);
	ck_assert_int_eq(n, RET_HDRS);
	ck_assert_int_eq(dsn_ret("all", &n), -1);
	ck_assert_int_eq(dsn_envid("a+2Bb"), 0);
	ck_assert_int_eq(dsn_envid("a+2"), -1);
	ck_assert_int_eq(dsn_envid("a=b"), -1);
	ck_assert_int_eq(dsn_envid("a b"), -1);
	ck_assert_int_eq(dsn_envid(""), -1);
}
END_TEST

Suite *suite_origin(void);
Suite *
suite_origin(void)
{
	Suite *s = suite_create("origin");
	TCase *tc = tcase_create("origin");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_whole_message_is_not_touched);
	tcase_add_test(tc, what_is_missing_is_added);
	tcase_add_loop_test(tc, names_are_quoted_or_encoded, 0, sizeof names / sizeof *names);
	tcase_add_test(tc, recipients_come_from_the_header);
	tcase_add_test(tc, short_addresses_get_our_name);
	tcase_add_test(tc, what_no_line_may_hold_is_encoded_not_lost);
	tcase_add_loop_test(tc, words_become_addresses, 0, sizeof words / sizeof *words);
	tcase_add_loop_test(tc, dsn_words, 0, sizeof notifies / sizeof *notifies);
	suite_add_tcase(s, tc);
	return s;
}
