/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/param.h"

#include <check.h>

static const struct offer full = { true, true, true, true, 1000, 100, 1795309926000000, true, true, true };
static const struct offer without = { true, false, false, false, 0, 0, 0, false, false, false };
static const struct offer helo = { false, false, false, false, 1000, 100, 0, true, true, false };

#define T(text) { (const unsigned char *)text, sizeof text - 1 }
#define NONE { NULL, 0 }
#define W(n, b, c, r, id) { .size = n, .body = b, .conperm = c, .ret = r, .envid = id }
#define TEN "abcdefghij"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *in;
	const struct offer *offer;
	int code;
	const char *dsn;	/* of a refusal */
	struct mail_params want;
} mails[] = {
	{ "", &full, 0, "", W(0, BODY_7BIT, false, 0, NONE) },
	{ " ", &full, 0, "", W(0, BODY_7BIT, false, 0, NONE) },
	{ " SIZE=1000", &full, 0, "", W(1000, BODY_7BIT, false, 0, NONE) },
	{ " size=1 body=8bitmime conperm", &full, 0, "", W(1, BODY_8BITMIME, true, 0, NONE) },
	{ "  BODY=7BIT", &full, 0, "", W(0, BODY_7BIT, false, 0, NONE) },
	{ " SIZE=1001", &full, 552, "5.3.4", { 0 } },
	{ " SIZE=1001", &without, 0, "", W(1001, BODY_7BIT, false, 0, NONE) },
	{ " SIZE=18446744073709551615", &without, 0, "", W(UINT64_MAX, BODY_7BIT, false, 0, NONE) },
	{ " SIZE=18446744073709551616", &full, 552, "5.3.4", { 0 } },
	{ " SIZE=18446744073709551616", &without, 0, "", W(UINT64_MAX, BODY_7BIT, false, 0, NONE) },
	{ " SIZE=1234567890123456789x", &full, 501, "5.5.4", { 0 } },
	{ " SIZE=100000000000000000000", &full, 501, "5.5.4", { 0 } },	/* 21 digits */
	{ " SIZE=000000000000000000001", &full, 501, "5.5.4", { 0 } },	/* 21 digits */
	{ " SIZE=99999999999999999999", &full, 552, "5.3.4", { 0 } },
	{ " SIZE=-1", &full, 501, "5.5.4", { 0 } },
	{ " SIZE=", &full, 501, "5.5.4", { 0 } },
	{ " SIZE", &full, 501, "5.5.4", { 0 } },
	{ " SIZE=1 SIZE=1", &full, 501, "5.5.4", { 0 } },
	{ "SIZE=1", &full, 501, "5.5.4", { 0 } },
	{ "\tSIZE=1", &full, 501, "5.5.4", { 0 } },
	{ " SIZE=1\tBODY=7BIT", &full, 501, "5.5.4", { 0 } },
	{ " SIZE = 1", &full, 501, "5.5.4", { 0 } },
	{ " SIZE=1=2", &full, 501, "5.5.4", { 0 } },
	{ " =1", &full, 501, "5.5.4", { 0 } },
	{ " -SIZE=1", &full, 501, "5.5.4", { 0 } },
	{ " BODY=8BIT", &full, 501, "5.5.4", { 0 } },
	{ " BODY", &full, 501, "5.5.4", { 0 } },
	{ " BODY=BINARYMIME", &full, 0, "", W(0, BODY_BINARYMIME, false, 0, NONE) },
	{ " body=binarymime", &helo, 555, "5.5.4", { 0 } },
	{ " BODY=7BIT BODY=7BIT", &full, 501, "5.5.4", { 0 } },
	{ " CONPERM=x", &full, 501, "5.5.4", { 0 } },
	{ " CONPERM=", &full, 501, "5.5.4", { 0 } },
	{ " CONPERM CONPERM", &full, 501, "5.5.4", { 0 } },
	{ " CONPERM", &without, 504, "5.3.3", { 0 } },			/* R5 */
	{ " CONPERM", &helo, 504, "5.3.3", { 0 } },
	{ " SIZE=5", &helo, 555, "5.5.4", { 0 } },
	/* G17; RFC 3461 4.3, 4.4 */
	{ " RET=HDRS", &full, 0, "", W(0, BODY_7BIT, false, RET_HDRS, NONE) },
	{ " ret=full ENVID=QQ314159", &full, 0, "", W(0, BODY_7BIT, false, RET_FULL, T("QQ314159")) },
	{ " ENVID=a+2B+20b+3D", &full, 0, "", W(0, BODY_7BIT, false, 0, T("a+2B+20b+3D")) },
	{ " ENVID=" HUNDRED, &full, 0, "", W(0, BODY_7BIT, false, 0, T(HUNDRED)) },
	{ " ENVID=" HUNDRED "x", &full, 501, "5.5.4", { 0 } },
	{ " RET=BODY", &full, 501, "5.5.4", { 0 } },
	{ " RET", &full, 501, "5.5.4", { 0 } },
	{ " RET=FULL RET=FULL", &full, 501, "5.5.4", { 0 } },
	{ " RET=FULL", &helo, 555, "5.5.4", { 0 } },
	{ " ENVID", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a ENVID=b", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a", &helo, 555, "5.5.4", { 0 } },
	{ " AUTH=<>", &full, 0, "", W(0, BODY_7BIT, false, 0, NONE) },			/* RFC 4954, 5 */
	{ " auth=e+3Dmc2@example.com", &full, 0, "", W(0, BODY_7BIT, false, 0, NONE) },
	{ " AUTH=<a@b>+", &full, 501, "5.5.4", { 0 } },
	{ " AUTH=", &full, 501, "5.5.4", { 0 } },
	{ " AUTH", &full, 501, "5.5.4", { 0 } },
	{ " AUTH=<> AUTH=<>", &full, 501, "5.5.4", { 0 } },
	{ " AUTH=" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED, &full, 0, "", W(0, BODY_7BIT, false, 0, NONE) },
	{ " AUTH=" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "x", &full, 501, "5.5.4", { 0 } },
	{ " AUTH=<>", &without, 555, "5.5.4", { 0 } },
	{ " AUTH=<>", &helo, 555, "5.5.4", { 0 } },
	{ " ENVID=a=b", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a+", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a+4", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a+4g", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a+2b", &full, 501, "5.5.4", { 0 } },		/* lower case is no hexchar */
	{ " ENVID=a+0D+0ATo:x", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a+00", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a+7F", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a+80", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=a+1Fb", &full, 501, "5.5.4", { 0 } },
	{ " SMTPUTF8 BODY=8BITMIME", &full, 0, "", { .body = BODY_8BITMIME, .smtputf8 = true } },
	{ " HOLDFOR=100", &full, 0, "", { .release_us = 1795310026000000, .hold = "for;100" } },
	{ " HOLDUNTIL=2026-11-22T01:12:07.5Z", &full, 0, "", { .release_us = 1795309927500000,
	    .hold = "until;2026-11-22T01:12:07.5Z" } },
	{ " HOLDFOR=101", &full, 501, "5.5.4", { 0 } },
	{ " HOLDFOR=0", &full, 501, "5.5.4", { 0 } },
	{ " HOLDFOR=010", &full, 501, "5.5.4", { 0 } },
	{ " HOLDFOR=1000000000", &full, 501, "5.5.4", { 0 } },
	{ " HOLDFOR=18446744073709551617", &full, 501, "5.5.4", { 0 } },
	{ " HOLDFOR", &full, 501, "5.5.4", { 0 } },
	{ " HOLDUNTIL=2026-11-22T01:12:06Z", &full, 501, "5.5.4", { 0 } },		/* now is not to come */
	{ " HOLDUNTIL=2026-11-22T01:13:47Z", &full, 501, "5.5.4", { 0 } },
	{ " HOLDUNTIL=2026-11-22T01:12:07.000000000000000000000000000000Z", &full, 501, "5.5.4", { 0 } },
	{ " HOLDFOR=5 HOLDFOR=5", &full, 501, "5.5.4", { 0 } },
	{ " HOLDFOR=5 HOLDUNTIL=2026-11-22T01:12:07Z", &full, 501, "5.5.4", { 0 } },
	{ " HOLDFOR=5", &without, 555, "5.5.4", { 0 } },
	{ " HOLDFOR=5", &helo, 555, "5.5.4", { 0 } },
	/* RFC 6710, 7 */
	{ " MT-PRIORITY=9", &full, 0, "", { .priority = 9 } }, { " mt-priority=-4", &full, 0, "", { .priority = -4 } },
	{ " MT-PRIORITY=0", &full, 0, "", { 0 } },
	{ " MT-PRIORITY=10", &full, 501, "5.5.2", { 0 } }, { " MT-PRIORITY=-0", &full, 501, "5.5.2", { 0 } },
	{ " MT-PRIORITY=+1", &full, 501, "5.5.2", { 0 } }, { " MT-PRIORITY=-10", &full, 501, "5.5.2", { 0 } },
	{ " MT-PRIORITY", &full, 501, "5.5.2", { 0 } }, { " MT-PRIORITY=-", &full, 501, "5.5.2", { 0 } },
	{ " MT-PRIORITY=1 MT-PRIORITY=1", &full, 501, "5.5.4", { 0 } },
	{ " MT-PRIORITY=1", &without, 555, "5.5.4", { 0 } }, { " MT-PRIORITY=1", &helo, 555, "5.5.4", { 0 } },
	/* RFC 2852, 4 */
	{ " BY=120;R", &full, 0, "", { .by_us = 1795310046000000, .by = BY_RETURN } },
	{ " by=+120;nt", &full, 0, "", { .by_us = 1795310046000000, .by = BY_TRACE } },
	{ " BY=-60;N", &full, 0, "", { .by_us = 1795309866000000 } }, { " BY=0;N", &full, 0, "", { .by_us = 1795309926000000 } },
	{ " BY=000000001;RT", &full, 0, "", { .by_us = 1795309927000000, .by = BY_RETURN | BY_TRACE } },
	{ " BY=-999999999;N", &full, 0, "", { .by_us = 795309927000000 } },
	{ " BY=0;R", &full, 501, "5.5.4", { 0 } }, { " BY=-1;R", &full, 501, "5.5.4", { 0 } },
	{ " BY=-0;R", &full, 501, "5.5.4", { 0 } }, { " BY=0000000001;R", &full, 501, "5.5.4", { 0 } },
	{ " BY=120", &full, 501, "5.5.4", { 0 } }, { " BY=120;", &full, 501, "5.5.4", { 0 } }, { " BY", &full, 501, "5.5.4", { 0 } },
	{ " BY=;R", &full, 501, "5.5.4", { 0 } }, { " BY=-;N", &full, 501, "5.5.4", { 0 } }, { " BY=1;X", &full, 501, "5.5.4", { 0 } },
	{ " BY=1;RX", &full, 501, "5.5.4", { 0 } }, { " BY=1;RTT", &full, 501, "5.5.4", { 0 } },
	{ " BY=1;R BY=1;R", &full, 501, "5.5.4", { 0 } }, { " BY=1;R", &helo, 555, "5.5.4", { 0 } },
	{ " SMTPUTF8", &without, 555, "5.5.4", { 0 } },
	{ " SMTPUTF8", &helo, 555, "5.5.4", { 0 } },
	{ " SMTPUTF8=yes", &full, 501, "5.5.4", { 0 } },
	{ " smtputf8 SMTPUTF8", &full, 501, "5.5.4", { 0 } },
	{ " ENVID=\xc3\xa9", &full, 501, "5.5.4", { 0 } },
};

START_TEST(mail_parameters)
{
	struct mail_params got;
	struct err e = { 0 };
	int code = param_mail(span_str(mails[_i].in), mails[_i].offer, &got, &e);

	ck_assert_msg(code == mails[_i].code, "'%s': %d %s", mails[_i].in, code, e.what);
	if (code != 0) {
		ck_assert_str_eq(e.dsn, mails[_i].dsn);
		ck_assert(e.what[0] != '\0');
		return;
	}
	ck_assert_uint_eq(got.size, mails[_i].want.size);
	ck_assert_uint_eq(got.body, mails[_i].want.body);
	ck_assert_int_eq(got.conperm, mails[_i].want.conperm);
	ck_assert_uint_eq(got.ret, mails[_i].want.ret);
	ck_assert_int_eq(got.smtputf8, mails[_i].want.smtputf8);
	ck_assert_int_eq(got.release_us, mails[_i].want.release_us);
	ck_assert_str_eq(got.hold, mails[_i].want.hold);
	ck_assert(span_eq(got.envid, mails[_i].want.envid));
}
END_TEST

/* Every row of the dialect table (digest, a.3); what is answered is in test_session.c. */
static const struct {
	const char *in;
	const struct offer *offer;
	int code;
	const char *dsn;
	uint8_t want;
} rcpts[] = {
	{ "", &full, 0, "", CONNEG_NO },
	{ " CONNEG", &full, 0, "", CONNEG_BARE },
	{ " conneg", &full, 0, "", CONNEG_BARE },
	{ " CONNEG ", &full, 0, "", CONNEG_BARE },
	{ " CONNEG=REQUIRED", &full, 0, "", CONNEG_REQUIRED },
	{ " CONNEG = REQUIRED", &full, 0, "", CONNEG_REQUIRED },
	{ " CONNEG =required", &full, 0, "", CONNEG_REQUIRED },
	{ " CONNEG=   Required", &full, 0, "", CONNEG_REQUIRED },
	{ " CONNEG=OPTIONAL", &full, 0, "", CONNEG_OPTIONAL },
	{ " CONNEG = OPTIONAL", &full, 0, "", CONNEG_OPTIONAL },
	{ " CONNEG=OPTIOANL", &full, 0, "", CONNEG_OPTIONAL },
	{ " CONNEG = optioanl", &full, 0, "", CONNEG_OPTIONAL },
	{ " CONNEG=MAYBE", &full, 501, "5.5.4", 0 },
	{ " CONNEG=", &full, 501, "5.5.4", 0 },
	{ " CONNEG = ", &full, 501, "5.5.4", 0 },
	{ " CONNEG==REQUIRED", &full, 501, "5.5.4", 0 },
	{ " CONNEG=REQUIRED=OPTIONAL", &full, 501, "5.5.4", 0 },
	{ " CONNEG=REQUIRED,OPTIONAL", &full, 501, "5.5.4", 0 },
	{ " CONNEG=\"REQUIRED\"", &full, 501, "5.5.4", 0 },
	{ " CONNEG=\tREQUIRED", &full, 501, "5.5.4", 0 },
	{ " CONNEG =NOTIFY=NEVER", &full, 501, "5.5.4", 0 },
	{ " CONNEG NOTIFY = NEVER", &full, 501, "5.5.4", 0 },	/* the drafts' spaces are CONNEG's alone */
	{ "\tCONNEG", &full, 501, "5.5.4", 0 },
	{ " CONNEGS", &full, 555, "5.5.4", 0 },
	{ " CONPERM", &full, 555, "5.5.4", 0 },
	{ " CONNEG CONNEG", &full, 501, "5.5.4", 0 },
	{ " CONNEG=REQUIRED CONNEG=OPTIONAL", &full, 501, "5.5.4", 0 },
	{ " CONNEG = REQUIRED CONNEG", &full, 501, "5.5.4", 0 },
	{ " CONNEG REQUIRED", &full, 555, "5.5.4", 0 },
	{ "CONNEG", &full, 501, "5.5.4", 0 },
	{ " CONNEG", &without, 504, "5.3.3", 0 },			/* R28 */
	{ " CONNEG=REQUIRED", &without, 504, "5.3.3", 0 },
	{ " CONNEG = REQUIRED", &helo, 504, "5.3.3", 0 },
	{ " CONNEG=OPTIONAL", &without, 0, "", CONNEG_NO },
	{ " CONNEG = OPTIOANL", &helo, 0, "", CONNEG_NO },
	{ " CONNEG=MAYBE", &without, 501, "5.5.4", 0 },
	{ " CONNEG NOTIFY=NEVER", &full, 0, "", CONNEG_BARE },
	{ " NOTIFY=NEVER CONNEG = REQUIRED ORCPT=rfc822;a", &full, 0, "", CONNEG_REQUIRED },
	{ " FOO=BAR", &full, 555, "5.5.4", 0 },
};

START_TEST(rcpt_parameters)
{
	struct rcpt_params got;
	struct err e = { 0 };
	int code = param_rcpt(span_str(rcpts[_i].in), rcpts[_i].offer, false, &got, &e);

	ck_assert_msg(code == rcpts[_i].code, "'%s': %d %s", rcpts[_i].in, code, e.what);
	if (code != 0)
		ck_assert_str_eq(e.dsn, rcpts[_i].dsn);
	else
		ck_assert_uint_eq(got.conneg, rcpts[_i].want);
}
END_TEST

/* The digest, c.1. */
static const struct { const char *in; const struct offer *offer; int code; const char *dsn; uint8_t want; } drucofs[] = {
	{ "", &full, 0, "", DRUCOF_NO },
	{ " DRUCOF", &full, 0, "", DRUCOF_REQUIRE },
	{ " drucof=require", &full, 0, "", DRUCOF_REQUIRE },
	{ " DRUCOF=PREFER", &full, 0, "", DRUCOF_PREFER },
	{ " CONNEG = REQUIRED DRUCOF=Prefer NOTIFY=NEVER", &full, 0, "", DRUCOF_PREFER },
	{ " DRUCOF=", &full, 501, "5.5.4", 0 },
	{ " DRUCOF=REQUIRED", &full, 501, "5.5.4", 0 },
	{ " DRUCOF = PREFER", &full, 501, "5.5.4", 0 },		/* the drafts' spaces are CONNEG's alone */
	{ " DRUCOF DRUCOF", &full, 501, "5.5.4", 0 },
	{ " DRUCOF=PREFER DRUCOF=REQUIRE", &full, 501, "5.5.4", 0 },
	{ " DRUCOF", &without, 504, "5.3.3", 0 },
	{ " DRUCOF=PREFER", &without, 504, "5.3.3", 0 },
	{ " DRUCOF=ALWAYS", &without, 501, "5.5.4", 0 },
	{ " DRUCOF", &helo, 504, "5.3.3", 0 },
};

START_TEST(drucof_parameters)
{
	struct rcpt_params got;
	struct err e = { 0 };
	int code = param_rcpt(span_str(drucofs[_i].in), drucofs[_i].offer, false, &got, &e);

	ck_assert_msg(code == drucofs[_i].code, "'%s': %d %s", drucofs[_i].in, code, e.what);
	if (code != 0)
		ck_assert_str_eq(e.dsn, drucofs[_i].dsn);
	else
		ck_assert_uint_eq(got.drucof, drucofs[_i].want);
}
END_TEST

#define FIVE HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN "abc"

/* G17; RFC 3461 4.1, 4.2. */
static const struct { const char *in; const struct offer *offer; int code; uint8_t notify; struct span orcpt; } dsns[] = {
	{ "", &full, 0, 0, NONE },
	{ " NOTIFY=NEVER", &full, 0, NOTIFY_NEVER, NONE },
	{ " notify=never", &full, 0, NOTIFY_NEVER, NONE },
	{ " NOTIFY=SUCCESS", &full, 0, NOTIFY_SUCCESS, NONE },
	{ " NOTIFY=delay,Failure,SUCCESS", &full, 0, NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, NONE },
	{ " NOTIFY=SUCCESS,SUCCESS", &full, 0, NOTIFY_SUCCESS, NONE },
	{ " NOTIFY=NEVER,FAILURE", &full, 501, 0, NONE },
	{ " NOTIFY=FAILURE,NEVER", &full, 501, 0, NONE },
	{ " NOTIFY=NEVER,NEVER", &full, 501, 0, NONE },
	{ " NOTIFY", &full, 501, 0, NONE },
	{ " NOTIFY=", &full, 501, 0, NONE },
	{ " NOTIFY=,", &full, 501, 0, NONE },
	{ " NOTIFY=SUCCESS,", &full, 501, 0, NONE },
	{ " NOTIFY=,SUCCESS", &full, 501, 0, NONE },
	{ " NOTIFY=SUCCESS,,DELAY", &full, 501, 0, NONE },
	{ " NOTIFY=ALWAYS", &full, 501, 0, NONE },
	{ " NOTIFY=SUCCESS NOTIFY=SUCCESS", &full, 501, 0, NONE },
	{ " NOTIFY=NEVER", &helo, 555, 0, NONE },
	{ " ORCPT=rfc822;A+2Bb@X.example", &full, 0, 0, T("rfc822;A+2Bb@X.example") },
	{ " ORCPT=x-local;a;b", &full, 0, 0, T("x-local;a;b") },
	{ " orcpt=RFC822;", &full, 0, 0, T("RFC822;") },	/* xtext may be empty */
	{ " ORCPT=rfc822;" FIVE, &full, 0, 0, T("rfc822;" FIVE) },
	{ " ORCPT=rfc822;" FIVE "x", &full, 501, 0, NONE },
	{ " ORCPT=rfc822;a ORCPT=rfc822;a", &full, 501, 0, NONE },
	{ " ORCPT", &full, 501, 0, NONE },
	{ " ORCPT=", &full, 501, 0, NONE },
	{ " ORCPT=joe@example.com", &full, 501, 0, NONE },
	{ " ORCPT=;joe", &full, 501, 0, NONE },
	{ " ORCPT=rfc@822;joe", &full, 501, 0, NONE },
	{ " ORCPT=rfc822;a+0Ab", &full, 501, 0, NONE },
	{ " ORCPT=rfc822;a+0D+0A", &full, 501, 0, NONE },
	{ " ORCPT=rfc822;a+2", &full, 501, 0, NONE },
	{ " ORCPT=rfc822;a+a0", &full, 501, 0, NONE },
	{ " ORCPT=rfc822;a+FF", &full, 501, 0, NONE },
	{ " ORCPT=rfc822;a", &helo, 555, 0, NONE },
};

START_TEST(dsn_parameters)
{
	struct rcpt_params got;
	struct err e = { 0 };
	int code = param_rcpt(span_str(dsns[_i].in), dsns[_i].offer, false, &got, &e);

	ck_assert_msg(code == dsns[_i].code, "'%s': %d %s", dsns[_i].in, code, e.what);
	if (code != 0) {
		ck_assert_str_eq(e.dsn, "5.5.4");
		return;
	}
	ck_assert_uint_eq(got.notify, dsns[_i].notify);
	ck_assert(span_eq(got.orcpt, dsns[_i].orcpt));
}
END_TEST

/* RFC 6533, 3: an ORCPT beyond ASCII in a transaction with SMTPUTF8, and of its own type. */
START_TEST(orcpt_beyond_ascii)
{
	struct rcpt_params got;
	struct err e;

	ck_assert_int_eq(param_rcpt(span_str(" ORCPT=utf-8;\xc3\xa4@x"), &full, true, &got, &e), 0);
	ck_assert(span_is(got.orcpt, "utf-8;\xc3\xa4@x"));
	ck_assert_int_eq(param_rcpt(span_str(" ORCPT=utf-8;\xc3\xa4@x"), &full, false, &got, &e), 501);
	ck_assert_int_eq(param_rcpt(span_str(" ORCPT=rfc822;\xc3\xa4@x"), &full, true, &got, &e), 501);
	ck_assert_int_eq(param_rcpt(span_str(" ORCPT=utf-8;\xc3@x"), &full, true, &got, &e), 501);
}
END_TEST

Suite *suite_param(void);
Suite *
suite_param(void)
{
	Suite *s = suite_create("param");
	TCase *tc = tcase_create("param");

	tcase_add_loop_test(tc, mail_parameters, 0, sizeof mails / sizeof *mails);
	tcase_add_loop_test(tc, rcpt_parameters, 0, sizeof rcpts / sizeof *rcpts);
	tcase_add_loop_test(tc, drucof_parameters, 0, sizeof drucofs / sizeof *drucofs);
	tcase_add_loop_test(tc, dsn_parameters, 0, sizeof dsns / sizeof *dsns);
	tcase_add_test(tc, orcpt_beyond_ascii);
	suite_add_tcase(s, tc);
	return s;
}
