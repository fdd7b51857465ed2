/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The header of a submission: what it becomes, or why it is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/submit.h"

#define OURS "Received: from c ([192.0.2.7])\r\n\tby mx.example with ESMTPSA id x;\r\n\tnow\r\n"
#define WHOLE "Date: x\r\nMessage-ID: <1@b.example>\r\n"

static struct session s;
static struct link l;
static struct conf conf;
static pid_t capd;

/* Says of "joe" that he is here, of "later" that it cannot tell, of others that they are not. */
static _Noreturn void
capd_run(int fd)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct err e;
	size_t len;
	int fds[MSG_FDS];

	while (ipc_recv(fd, packet, sizeof packet, &len, fds, &e) == 1) {
		struct msg_cap_ask ask;
		struct msg_cap a = { .features = CAP_NONE };
		struct span addr;

		memcpy(&ask, packet, sizeof ask);
		addr = span_of(packet + sizeof ask, ask.addr_len);
		a.known = span_is(addr, "joe@mx.example") ? 1 : span_is(addr, "later@mx.example") ? 2 : 0;
		(void)ipc_send(fd, &a.h, MSG_CAP, ask.h.id, sizeof a, NULL, 0, &e);
	}
	_exit(0);
}

static void
setup(void)
{
	struct err e;
	int fd[2];

	ck_assert_int_eq(conf_init_as(&conf, "mx.example", &e), 0);
	ck_assert_int_eq(conf_set(&conf, CONF_SENDERS, span_str("joe joe@mx.example @b.example\n"), &e), 0);
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	if ((capd = fork()) == 0) {
		close(fd[1]);
		capd_run(fd[0]);
	}
	close(fd[0]);
	link_init(&l, -1, -1, fd[1]);
	s = (struct session){ .conf = &conf, .link = &l, .user = "joe" };
	s.message.look_fd = -1;
}

static void
teardown(void)
{
	close(l.capd);
	waitpid(capd, NULL, 0);
	conf_free(&conf);
}

/* The message with its edits, but our Received field; or "554 5.6.0 …". */
static const char *
mended(const char *text)
{
	static char got[200000];
	struct refusal why = { .code = 0 };
	struct mending m = { .s = &s, .why = &why };
	struct buf in, list, out;
	struct err e = { 0 };

	buf_init(&in, 1 << 20);
	buf_init(&m.octets, HEADEDIT_OCTETS);
	buf_init(&list, HEADEDIT_OCTETS);
	buf_init(&out, 1 << 20);
	ck_assert_int_eq(buf_add_str(&in, OURS, &e) | buf_add_str(&in, text, &e), 0);
	m.message = buf_view(&in);
	if (!mend_header(&m)) {
		ck_assert_int_ne(why.code, 0);
		snprintf(got, sizeof got, "%d %s %s", why.code, why.dsn, why.text);
	} else {
		ck_assert_int_eq(mend_encode(&m, &list, &e), 0);
		ck_assert(headedit_ok(buf_view(&list)));
		ck_assert_int_eq(headedit_apply(buf_view(&list), m.message, false, &out, &e), 0);
		ck_assert_int_eq(memcmp(out.p, OURS, sizeof OURS - 1), 0);
		snprintf(got, sizeof got, "%.*s", (int)(out.n - sizeof OURS + 1), out.p + sizeof OURS - 1);
	}
	free(m.edit);
	buf_free(&m.octets);
	buf_free(&in);
	buf_free(&list);
	buf_free(&out);
	return got;
}

static const struct { const char *name, *in, *want; } cases[] = {
	{ "what is whole stays", "From: a@b.example\r\n" WHOLE "\r\nx\r\n", "From: a@b.example\r\n" WHOLE "\r\nx\r\n" },
	{ "H14 short addresses of ours", "From: joe\r\nTo: Joe <joe>,\r\n (x) joe (y)\r\n" WHOLE "\r\n",
	    "From: joe@mx.example\r\nTo: Joe <joe@mx.example>,\r\n (x) joe@mx.example (y)\r\n" WHOLE "\r\n" },
	{ "Return-Path goes, Bcc stays", "From: a@b.example\r\nReturn-Path:\r\n <x@y.example>\r\nBcc: c@d.example\r\n" WHOLE "\r\n",
	    "From: a@b.example\r\nBcc: c@d.example\r\n" WHOLE "\r\n" },
	{ "nobody is named", "From: a@b.example\r\nTo: undisclosed:;\r\nBcc:\r\n" WHOLE "\r\n",
	    "From: a@b.example\r\nTo: undisclosed:;\r\nBcc:\r\n" WHOLE "\r\n" },
	{ "an address literal", "From: a@b.example\r\nTo: x@[192.0.2.1]\r\n" WHOLE "\r\n",
	    "From: a@b.example\r\nTo: x@[192.0.2.1]\r\n" WHOLE "\r\n" },
	{ "no From", "To: a@b.example\r\n" WHOLE "\r\n", "554 5.6.0 the message has no From field" },
	{ "two From", "From: a@b.example\r\nfrom: a@b.example\r\n" WHOLE "\r\n", "554 5.6.0 two From fields" },
	{ "From of nobody", "From: x:;\r\n" WHOLE "\r\n", "554 5.6.0 From: an address is wanted" },
	{ "no address", "From: a@b.example\r\nTo: a b\r\n" WHOLE "\r\n", "554 5.6.0 To: address list" },
	{ "a domain of one label", "From: a@b.example\r\nCc: x@sales\r\n" WHOLE "\r\n",
	    "554 5.6.0 Cc: a domain that is not fully qualified" },
	{ "a name of nobody here", "From: a@b.example\r\nTo: ann\r\n" WHOLE "\r\n",
	    "554 5.6.0 To: an address without a domain, of nobody here" },
	{ "a name that cannot be looked up", "From: a@b.example\r\nTo: later\r\n" WHOLE "\r\n", "451 4.3.0 To: cannot" },
	{ "an author that is another", "From: a@b.example, c@d.example\r\n" WHOLE "\r\n",
	    "550 5.7.1 From: you may not send as that address" },
	{ "a sender that is another", "From: a@b.example\r\nSender: ann@mx.example\r\n" WHOLE "\r\n", "550 5.7.1 Sender: you" },
	{ "forwarded by hand, From is still the author", "From: c@d.example\r\nResent-From: a@b.example\r\n" WHOLE "\r\n",
	    "550 5.7.1 From: you" },
	{ "a line that is no field", "From: a@b.example\r\nhello\r\n" WHOLE "\r\n", "554 5.6.0 the header has a line" },
	{ "no header", "\r\nhello\r\n", "554 5.6.0 the message has no From field" },
};

START_TEST(H14_headers_are_mended_or_refused)
{
	const char *got = mended(cases[_i].in);
	size_t n = strlen(cases[_i].want);

	ck_assert_msg(strncmp(got, cases[_i].want, cases[_i].want[0] == '4' || cases[_i].want[0] == '5' ? n : n + 1) == 0,
	    "%s: %s", cases[_i].name, got);
}
END_TEST

/* RFC 6409, 8.2, 8.3: behind the last field. */
START_TEST(H14_what_is_missing_is_added)
{
	const char *got = mended("From: a@b.example\r\n\r\nx\r\n"), *id = strstr(got, "\r\nMessage-ID: <");

	ck_assert_msg(strncmp(got, "From: a@b.example\r\nDate: ", 25) == 0, "%s", got);
	ck_assert_ptr_nonnull(id);
	ck_assert_ptr_nonnull(strstr(id, "@mx.example>\r\n\r\nx\r\n"));
	got = mended("From: a@b.example\r\nMessage-ID: whatever\r\n");	/* it never changes; there is no body */
	ck_assert_ptr_nonnull(strstr(got, "Message-ID: whatever\r\nDate: "));
	ck_assert_ptr_null(strstr(got, "mx.example"));
}
END_TEST

START_TEST(nobody_has_logged_in)
{
	s.user[0] = '\0';
	ck_assert_int_eq(strncmp(mended("From: c@d.example\r\n" WHOLE "\r\n"), "From", 4), 0);
}
END_TEST

START_TEST(names_are_looked_up_in_bounds)
{
	char text[2000] = "From: a@b.example\r\n" WHOLE "To: joe";

	for (int i = 0; i < SUBMIT_SHORT; i++)
		strcat(text, ",joe");
	strcat(text, "\r\n\r\n");
	ck_assert_int_eq(strncmp(mended(text), "554 5.6.0 more than", 19), 0);
}
END_TEST

START_TEST(internationalized_addresses)
{
	static const char text[] = "From: \xc3\xa4@b.example\r\nTo: x@\xc3\xa4.example\r\n" WHOLE "\r\n";

	ck_assert_int_eq(strncmp(mended(text), "554 5.6.0 From:", 15), 0);
	s.mail.smtputf8 = true;
	ck_assert_str_eq(mended(text), text);
	ck_assert_int_eq(strncmp(mended("From: x@\xc3\xa4.example\r\n" WHOLE "\r\n"), "550 5.7.1", 9), 0);
}
END_TEST

Suite *suite_mend(void);
Suite *
suite_mend(void)
{
	Suite *suite = suite_create("mend");
	TCase *tc = tcase_create("mend");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, H14_headers_are_mended_or_refused, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, H14_what_is_missing_is_added);
	tcase_add_test(tc, nobody_has_logged_in);
	tcase_add_test(tc, names_are_looked_up_in_bounds);
	tcase_add_test(tc, internationalized_addresses);
	suite_add_tcase(suite, tc);
	return suite;
}
