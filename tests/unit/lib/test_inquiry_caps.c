/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What an inquiry's answer says of a recipient's machine. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/inquiry.h"

static const char list[] = "( dpi = 200 )";

struct told { enum inquiry_what what; const char *value; };
static const struct { const char *name; struct told told[6]; enum cap_state want; const char *hop, *why; } found[] = {
	{ "a list", { { INQUIRY_TRIES, "a" }, { INQUIRY_FAILED, "refused" }, { INQUIRY_TRIES, "b" },
	    { INQUIRY_CAPABILITIES, "given" }, { INQUIRY_TAKES, list } }, CAP_KNOWN, "b", "" },
	{ "a list without a word", { { INQUIRY_CAPABILITIES, "given" }, { INQUIRY_OUTCOME, "relayed" } }, CAP_NONE, "",
	    "" },
	{ "a list of another time", { { INQUIRY_CAPABILITIES, "given" }, { INQUIRY_TAKES, list },
	    { INQUIRY_CAPABILITIES, "given" }, { INQUIRY_OUTCOME, "relayed" } }, CAP_NONE, "", "" },
	{ "the second list", { { INQUIRY_CAPABILITIES, "not-now" }, { INQUIRY_CAPABILITIES, "given" },
	    { INQUIRY_TAKES, list }, { INQUIRY_OUTCOME, "relayed" } }, CAP_KNOWN, "", "" },
	{ "no list", { { INQUIRY_CAPABILITIES, "none" }, { INQUIRY_OUTCOME, "relayed" } }, CAP_NONE, "", "" },
	{ "not now", { { INQUIRY_CAPABILITIES, "not-now" }, { INQUIRY_OUTCOME, "relayed" } }, CAP_TEMP, "", "" },
	{ "a host that cannot be reached", { { INQUIRY_OUTCOME, "deferred" }, { INQUIRY_WHY, "refused" } }, CAP_TEMP,
	    "", "refused" },
	{ "no SRV record", { { INQUIRY_OUTCOME, "failed" }, { INQUIRY_WHY, "no SRV" } }, CAP_NONE, "", "no SRV" },
	{ "nothing", { { 0, NULL } }, CAP_NONE, "", "" },
};

START_TEST(the_last_word_counts)
{
	struct inquiry q;
	struct inquiry_caps caps;
	struct err e = { 0 };

	inquiry_init(&q);
	for (const struct told *t = found[_i].told; t->value != NULL; t++)
		inquiry_tell(&q, t->what, span_str(t->value));
	ck_assert_msg(inquiry_caps(buf_view(&q.items), &caps, &e) == 0, "%s", e.what);
	ck_assert_msg(caps.state == found[_i].want, "%s: %d", found[_i].name, caps.state);
	ck_assert(span_is(caps.hop, found[_i].hop) && span_is(caps.why, found[_i].why));
	ck_assert(caps.state != CAP_KNOWN || span_is(caps.text, list));
	if (q.items.n > 0)
		ck_assert_int_eq(inquiry_caps(span_sub(buf_view(&q.items), 0, q.items.n - 1), &caps, &e), -1);
	inquiry_free(&q);
}
END_TEST

START_TEST(answers_as_packets)
{
	struct msg_inquired m = { .h = { .type = MSG_INQUIRED }, .kind = ERR_TEMP, .dsn = "4.3.2", .what = "too many" };
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct buf items;
	struct err e = { 0 };

	buf_init(&items, INQUIRY_MAX);
	ck_assert_int_eq(inquiry_of_packet(&m, sizeof m, -1, &items, &e), -1);
	ck_assert(e.kind == ERR_TEMP && strcmp(e.dsn, "4.3.2") == 0 && strstr(e.what, "too many") != NULL);
	ck_assert_int_eq(inquiry_of_packet(&m, sizeof m - 1, -1, &items, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	m.kind = ERR_NONE;
	m.len = 10;
	ck_assert_int_eq(write(fd, "0123456789", 10), 10);
	ck_assert_int_eq(inquiry_of_packet(&m, sizeof m, -1, &items, &e), -1);
	ck_assert_int_eq(inquiry_of_packet(&m, sizeof m, fd, &items, &e), -1);	/* it may change */
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	ck_assert_int_eq(inquiry_of_packet(&m, sizeof m, fd, &items, &e), 0);
	ck_assert(span_is(buf_view(&items), "0123456789"));
	m.len = 11;
	ck_assert_int_eq(inquiry_of_packet(&m, sizeof m, fd, &items, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	close(fd);
	buf_free(&items);
}
END_TEST

Suite *suite_inquiry_caps(void);
Suite *
suite_inquiry_caps(void)
{
	Suite *s = suite_create("inquiry_caps");
	TCase *tc = tcase_create("inquiry_caps");

	tcase_add_loop_test(tc, the_last_word_counts, 0, sizeof found / sizeof *found);
	tcase_add_test(tc, answers_as_packets);
	suite_add_tcase(s, tc);
	return s;
}
