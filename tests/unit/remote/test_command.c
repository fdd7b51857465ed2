/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/command.h"

#include "lib/address.h"
#include "tests/unit/suites.h"

static const struct { const char *in; unsigned ext; uint64_t size_max; uint32_t rcpt_max, mail_max; }
    ehlos[] = {
	{ "250 hop.example\r\n", 0, 0, 0, 0 },
	{ "250-hop\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n"
	    "250-CONPERM\r\n250 CONNEG\r\n", HOP_PIPELINING | HOP_SIZE | HOP_8BITMIME | HOP_DSN |
	    HOP_SMTPUTF8 | HOP_CONPERM | HOP_CONNEG, 1000, 0, 0 },
	{ "250-hop\r\n250-conperm\r\n250 ConNeg\r\n", HOP_CONPERM | HOP_CONNEG, 0, 0, 0 },
	{ "250-CONNEG\r\n250 fine\r\n", 0, 0, 0, 0 },			/* a greeting is no keyword */
	{ "250-hop\r\n250-CONNEGATIVE\r\n250 X-CONPERM CONNEG\r\n", 0, 0, 0, 0 },
	{ "250-hop\r\n250 DRUCOF\r\n", HOP_DRUCOF, 0, 0, 0 },
	{ "250-hop\r\n250 drucof  Prefer\r\n", HOP_DRUCOF | HOP_DRUCOF_PREFER, 0, 0, 0 },
	{ "250-hop\r\n250 DRUCOF LATER PREFER\r\n", HOP_DRUCOF | HOP_DRUCOF_PREFER, 0, 0, 0 },
	{ "250-hop\r\n250-DRUCOF PREFERENCE\r\n250 PREFER\r\n", HOP_DRUCOF, 0, 0, 0 },
	{ "250-hop\r\n250-SIZE\r\n250-\r\n250 SIZE 18446744073709551616\r\n", HOP_SIZE, 0, 0, 0 },
	{ "250-hop\r\n250 SIZE -1\r\n", HOP_SIZE, 0, 0, 0 },
	{ "250-hop\r\n250-CHUNKING\r\n250-binarymime\r\n250 LIMITS MAILMAX=5 rcptmax=20 X=y\r\n",
	    HOP_CHUNKING | HOP_BINARYMIME, 0, 20, 5 },
	/* RFC 9422, 3.7: a value that is none says nothing; nor does a parameter that is none */
	{ "250-hop\r\n250 LIMITS RCPTMAX=0 MAILMAX=1000000\r\n", 0, 0, 0, 0 },
	{ "250-hop\r\n250 LIMITS RCPTMAX=020 MAILMAX\r\n", 0, 0, 0, 0 },
	{ "250-hop\r\n250 LIMITS RCPTMAX=999999 MAILMAX=x\r\n", 0, 0, 999999, 0 },
	{ "250-hop\r\n250 LIMITS RCPTMAX=20;MAILMAX=5 MAILMAX=6\r\n", 0, 0, 0, 0 },
	{ "250-hop\r\n250-AUTH CRAM-MD5 plain LOGIN\r\n250 AUTH XOAUTH2X\r\n", HOP_AUTH_PLAIN | HOP_AUTH_LOGIN, 0, 0, 0 },
	{ "250-hop\r\n250-AUTH\r\n250 AUTH XOAUTH2\r\n", HOP_AUTH_XOAUTH2, 0, 0, 0 },
	{ "250-hop\r\n250-LIMITS RCPTMAX=20\r\n250 LIMITS\r\n", 0, 0, 0, 0 },
};

START_TEST(ehlo_is_read)
{
	struct reply r;
	struct hop hop;
	struct err e = { 0 };
	size_t used;

	reply_init(&r);
	ck_assert_int_eq(reply_feed(&r, span_str(ehlos[_i].in), &used, &e), 1);
	command_ehlo(&r, &hop);
	ck_assert_uint_eq(hop.ext, ehlos[_i].ext);
	ck_assert_uint_eq(hop.size_max, ehlos[_i].size_max);
	ck_assert_uint_eq(hop.rcpt_max, ehlos[_i].rcpt_max);
	ck_assert_uint_eq(hop.mail_max, ehlos[_i].mail_max);
	reply_free(&r);
}
END_TEST

static const struct { const char *addr; bool ok, utf8; } paths[] = {
	{ "", true, false }, { "a@x", true, false }, { "\"a>b\"@x", true, false },
	{ "\"a b\"@x", true, false }, { "\"a\\\"> b\"@x", true, false }, { "FAX=+1-2/T33S=3@x", true, false },
	{ "j\xc3\xb6@x", true, true },
	{ "a>@x", false, false }, { "a> CONPERM", false, false }, { "a b@x", false, false },
	{ "<a@x", false, false }, { "\"a@x", false, false }, { "\"a\\", false, false },
	{ "a\r\nDATA", false, false }, { "\"a\r\n\"@x", false, false }, { "\"a\\\n\"@x", false, false },
	{ "a\x7f@x", false, false }, { "a\t@x", false, false },
};

START_TEST(path_is_safe)
{
	bool utf8;

	ck_assert_msg(address_path_ok(span_str(paths[_i].addr), &utf8) == paths[_i].ok, "%s",
	    paths[_i].addr);
	if (paths[_i].ok)
		ck_assert_int_eq(utf8, paths[_i].utf8);
}
END_TEST

/* R1, R35: a parameter goes only to who offers its extension. */
static const struct {
	unsigned ext;
	bool conperm;
	uint8_t sent;		/* enum body_type of what is sent */
	uint64_t size;
	uint8_t body, ret, smtputf8;
	const char *envid, *want;
} mails[] = {
	{ 0, false, BODY_8BITMIME, 10, BODY_8BITMIME, RET_FULL, 1, "e", "MAIL FROM:<s@x>\r\n" },
	{ HOP_SIZE, false, 0, 10, 0, 0, 0, "", "MAIL FROM:<s@x> SIZE=10\r\n" },
	{ HOP_SIZE, false, 0, 0, 0, 0, 0, "", "MAIL FROM:<s@x>\r\n" },
	{ HOP_8BITMIME, false, BODY_8BITMIME, 0, 0, 0, 0, "", "MAIL FROM:<s@x> BODY=8BITMIME\r\n" },
	{ HOP_8BITMIME, false, 0, 0, BODY_8BITMIME, 0, 0, "", "MAIL FROM:<s@x> BODY=8BITMIME\r\n" },
	{ HOP_CONPERM | HOP_SIZE, true, 0, 9, 0, 0, 0, "", "MAIL FROM:<s@x> CONPERM SIZE=9\r\n" },
	{ HOP_DSN | HOP_SMTPUTF8, false, 0, 0, 0, RET_HDRS, 1, "QQ+2B1",
	    "MAIL FROM:<s@x> SMTPUTF8 RET=HDRS ENVID=QQ+2B1\r\n" },
	{ HOP_DSN, false, 0, 0, 0, RET_FULL, 0, "a b\r\nRSET", "MAIL FROM:<s@x> RET=FULL\r\n" },
	{ HOP_CHUNKING | HOP_BINARYMIME | HOP_8BITMIME, false, BODY_BINARYMIME, 0, BODY_BINARYMIME, 0, 0, "",
	    "MAIL FROM:<s@x> BODY=BINARYMIME\r\n" },
	{ HOP_BINARYMIME | HOP_8BITMIME, false, BODY_8BITMIME, 0, BODY_BINARYMIME, 0, 0, "",
	    "MAIL FROM:<s@x> BODY=8BITMIME\r\n" },
	{ HOP_CHUNKING, false, 0, 0, BODY_BINARYMIME, 0, 0, "", "MAIL FROM:<s@x>\r\n" },
};

START_TEST(mail_is_written)
{
	struct envelope env = { .sender = span_str("s@x"), .body = mails[_i].body, .ret = mails[_i].ret,
	    .smtputf8 = mails[_i].smtputf8, .envid = span_str(mails[_i].envid) };
	struct hop hop = { .ext = mails[_i].ext };
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 1000);
	ck_assert_int_eq(command_mail(&out, &env, &hop, mails[_i].conperm, mails[_i].size,
	    mails[_i].sent, &e), 0);
	ck_assert_msg(span_is(buf_view(&out), mails[_i].want), "%.*s", (int)out.n, (char *)out.p);
	buf_free(&out);
}
END_TEST

static const struct {
	unsigned ext;
	uint8_t notify;
	const char *addr, *orcpt, *conneg;
	enum drucof drucof;
	const char *want;
} rcpts[] = {
	{ 0, NOTIFY_NEVER, "a@x", "rfc822;a@x", NULL, DRUCOF_NO, "RCPT TO:<a@x>\r\n" },
	{ HOP_DSN, NOTIFY_NEVER, "a@x", "", NULL, DRUCOF_NO, "RCPT TO:<a@x> NOTIFY=NEVER\r\n" },
	{ HOP_DSN, NOTIFY_NEVER, "a@x", "", NULL, DRUCOF_REQUIRE, "RCPT TO:<a@x> DRUCOF NOTIFY=NEVER\r\n" },
	{ 0, 0, "a@x", "", "CONNEG", DRUCOF_PREFER, "RCPT TO:<a@x> CONNEG DRUCOF=PREFER\r\n" },
	{ HOP_DSN, NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "A@X", "rfc822;a+2B@x", "CONNEG", DRUCOF_NO,
	    "RCPT TO:<A@X> CONNEG NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2B@x\r\n" },
	{ HOP_DSN, NOTIFY_DELAY, "\"a>b\"@x", "", "CONNEG=REQUIRED", DRUCOF_NO,
	    "RCPT TO:<\"a>b\"@x> CONNEG=REQUIRED NOTIFY=DELAY\r\n" },
	/* RFC 6531, 3.2; RFC 6533, 3 */
	{ HOP_DSN | HOP_SMTPUTF8, 0, "\xc3\xa4@xn--b.example", "utf-8;\xc3\xa4\\x{2B}@x", NULL, DRUCOF_NO,
	    "RCPT TO:<as it came> ORCPT=utf-8;\xc3\xa4\\x{2B}@x\r\n" },
	{ HOP_DSN, 0, "a@xn--b.example", "utf-8;\xc3\xa4\\x{2B}@x", NULL, DRUCOF_NO,
	    "RCPT TO:<a@xn--b.example> ORCPT=utf-8;\\x{E4}\\x{2B}@x\r\n" },
	{ HOP_DSN, 0, "/FAX=+1.2/@x", "", NULL, DRUCOF_NO, "RCPT TO:</FAX=+1.2/@x>\r\n" },
};

START_TEST(rcpt_is_written)
{
	struct rcpt r = { .addr = span_str(rcpts[_i].addr), .orcpt = span_str(rcpts[_i].orcpt),
	    .notify = rcpts[_i].notify, .spelled = span_str(strstr(rcpts[_i].addr, "xn--") ? "as it came" : "") };
	struct hop hop = { .ext = rcpts[_i].ext };
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 1000);
	ck_assert_int_eq(command_rcpt(&out, &r, &hop, rcpts[_i].conneg, rcpts[_i].drucof, &e), 0);
	ck_assert_msg(span_is(buf_view(&out), rcpts[_i].want), "%.*s", (int)out.n, (char *)out.p);
	buf_free(&out);
}
END_TEST

Suite *suite_command(void);

Suite *
suite_command(void)
{
	Suite *s = suite_create("command");
	TCase *tc = tcase_create("command");

	tcase_add_loop_test(tc, ehlo_is_read, 0, (int)(sizeof ehlos / sizeof *ehlos));
	tcase_add_loop_test(tc, path_is_safe, 0, (int)(sizeof paths / sizeof *paths));
	tcase_add_loop_test(tc, mail_is_written, 0, (int)(sizeof mails / sizeof *mails));
	tcase_add_loop_test(tc, rcpt_is_written, 0, (int)(sizeof rcpts / sizeof *rcpts));
	suite_add_tcase(s, tc);
	return s;
}
