/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "expand/letter.h"

#include <check.h>
#include <stdlib.h>

#include "expand/done.h"
#include "lib/headedit.h"
#include "lib/result.h"

static struct rcpt rcpt;
static struct envelope old, new;
static struct targets t;
static struct buf block;
static struct err e;
static uint32_t flags, n;

static void
setup(void)
{
	e = (struct err){ 0 };
	rcpt = (struct rcpt){ .addr = span_str("al@x.example"), .orcpt = span_str("rfc822;o@x"), .drucof = DRUCOF_REQUIRE,
	    .notify = NOTIFY_SUCCESS | NOTIFY_DELAY };
	old = (struct envelope){ .sender = span_str("s@far.example"), .envid = span_str("e"), .client = span_str("h [1.2.3.4]"),
	    .arrival_us = 1, .release_us = 2, .hold = span_str("for;5"), .ret = RET_FULL, .body = BODY_8BITMIME, .conperm = 1,
	    .rcpt = &rcpt, .nrcpt = 1 };
	buf_init(&block, ENV_MAX);
	t = (struct targets){ .v = NULL };
	buf_init(&t.text, 4096);
	buf_init(&t.owner, 4096);
	buf_init(&t.seen, 4096);
}

static void
teardown(void)
{
	envelope_free(&new);
	targets_free(&t);
	buf_free(&block);
}

static void
to(const char *const *addr)
{
	t.v = calloc(8, sizeof *t.v);
	t.cap = 8;
	for (; *addr != NULL; addr++) {
		bool plain = **addr == '\\';

		t.v[t.n] = (struct target){ .at = t.text.n, .n = (uint32_t)strlen(*addr + plain), .plain = plain };
		ck_assert_int_eq(buf_add_str(&t.text, *addr + plain, &e), 0);
		t.n++;
	}
}

static void
make(void)
{
	const struct letter l = { .env = &old, .me = "me.example", .id = "0000000000000000", .now_us = 77,
	    .before = 100 };

	ck_assert_msg(letter_envelope(&l, &t, &block, &flags, &n, &e) == 0, "%s", e.what);
	ck_assert_int_eq(envelope_decode(buf_view(&block), &new, &e), 0);
	ck_assert_uint_eq(new.nrcpt, n);
	ck_assert_uint_eq(new.arrival_us, 77);
	ck_assert_uint_eq(new.body, BODY_8BITMIME);
}

START_TEST(one_has_all)
{
	to((const char *const[]){ "\\a@x.example", "a@X.example", "a@x.example", "\\a@x.example", NULL });
	t.n = 1;
	make();
	ck_assert_uint_eq(flags, RESULT_FORWARDED);
	ck_assert(span_eq(new.sender, old.sender) && span_eq(new.envid, old.envid) && span_eq(new.hold, old.hold));
	ck_assert(new.ret == RET_FULL && new.conperm == 1 && new.release_us == 2);
	ck_assert(span_eq(new.rcpt[0].orcpt, rcpt.orcpt) && new.rcpt[0].notify == rcpt.notify &&
	    new.rcpt[0].drucof == DRUCOF_REQUIRE && new.rcpt[0].plain == 1);
}
END_TEST

START_TEST(several_have_no_success)
{
	to((const char *const[]){ "a@x.example", "b@x.example", "a@X.example", "\\a@x.example", NULL });
	make();
	ck_assert_uint_eq(n, 3);		/* in his own mailbox, and for whom he stands, are two */
	ck_assert_uint_eq(flags, RESULT_EXPANDED);
	ck_assert_uint_eq(new.rcpt[1].notify, NOTIFY_DELAY);
	ck_assert(span_eq(new.rcpt[1].orcpt, rcpt.orcpt) && new.rcpt[1].drucof == DRUCOF_REQUIRE);
	ck_assert(span_eq(new.envid, old.envid) && new.conperm == 1);
}
END_TEST

START_TEST(success_alone_becomes_never)
{
	rcpt.notify = NOTIFY_SUCCESS;
	to((const char *const[]){ "a@x.example", "b@x.example", NULL });
	make();
	ck_assert_uint_eq(new.rcpt[0].notify, NOTIFY_NEVER);
}
END_TEST

START_TEST(nothing_asked_stays_so)
{
	rcpt.notify = 0;
	to((const char *const[]){ "a@x.example", "b@x.example", NULL });
	make();
	ck_assert_uint_eq(new.rcpt[0].notify, 0);
}
END_TEST

/* A list's members; from: who wrote to it. */
static void
list(const char *from, const char *sender)
{
	old.sender = span_str(from);
	t.list = true;
	ck_assert_int_eq(buf_add_str(&t.owner, "owner-al@x.example", &e), 0);
	to((const char *const[]){ "a@x.example", NULL });
	make();
	ck_assert_uint_eq(flags, 0);
	ck_assert(span_is(new.sender, sender));
	ck_assert(new.envid.n == 0 && new.ret == RET_UNSET && new.conperm == 0 && new.release_us == 0);
	ck_assert(new.rcpt[0].orcpt.n == 0 && new.rcpt[0].notify == 0 && new.rcpt[0].drucof == DRUCOF_NO);
}

START_TEST(a_list_ends_all)
{
	list("s@far.example", "owner-al@x.example");
}
END_TEST

START_TEST(a_report_to_a_list)
{
	list("", "");
}
END_TEST

static void
top(const char *header, bool is_list, const char *want)
{
	const struct letter l = { .env = &old, .me = "me.example", .id = "0123456789abcdef", .header = span_str(header) };

	buf_clear(&block);
	ck_assert_int_eq(letter_top(&l, is_list, &block, &e), 0);
	ck_assert_int_eq(buf_add_byte(&block, '\0', &e), 0);
	ck_assert_str_eq((const char *)block.p, want);
}

#define TOP(addr) "Received: by me.example (accord)\r\n\tid 0123456789abcdef\r\n\tfor <" addr ">; Thu, 1 Jan 1970 00:00:00 +0000\r\n" \
	"Delivered-To: " addr "\r\n"

/* They are of places in the message, which has moved. */
START_TEST(edits_of_its_header_move)
{
	struct headedit edit;
	struct buf edits;
	struct span rest;

	buf_init(&edits, 1024);
	ck_assert_int_eq(headedit_add(&edits, 7, 2, span_str("Date: x\r\n"), &e), 0);
	old.edits = buf_view(&edits);
	to((const char *const[]){ "a@x.example", NULL });
	make();
	rest = new.edits;
	ck_assert(headedit_next(&rest, &edit) && edit.at == 107 && edit.cut == 2 && span_is(edit.text, "Date: x\r\n"));
	ck_assert(!headedit_next(&rest, &edit));
	buf_free(&edits);
}
END_TEST

START_TEST(what_is_put_in_front)
{
	top("", false, TOP("al@x.example"));
	top("", true, TOP("al@x.example") "List-Id: <al.x.example>\r\n");
	top("Subject: x\r\nlist-ID: <o.x>\r\n", true, TOP("al@x.example"));
	rcpt.addr = span_str("\"a b\"@x.example");
	top("", true, TOP("\"a b\"@x.example"));
}
END_TEST

START_TEST(what_is_remembered)
{
	static struct done d;

	ck_assert_ptr_null(done_find(&d, "0123456789abcdef", 0));
	done_keep(&d, "0123456789abcdef", 3, RESULT_EXPANDED, 7);
	ck_assert_ptr_nonnull(done_find(&d, "0123456789abcdef", 3));
	ck_assert_uint_eq(done_find(&d, "0123456789abcdef", 3)->n, 7);
	ck_assert_ptr_null(done_find(&d, "0123456789abcdef", 4));
	ck_assert_ptr_null(done_find(&d, "0123456789abcdeg", 3));
}
END_TEST

Suite *suite_letter(void);

Suite *
suite_letter(void)
{
	Suite *s = suite_create("letter");
	TCase *tc = tcase_create("letter");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_has_all);
	tcase_add_test(tc, several_have_no_success);
	tcase_add_test(tc, success_alone_becomes_never);
	tcase_add_test(tc, nothing_asked_stays_so);
	tcase_add_test(tc, a_list_ends_all);
	tcase_add_test(tc, a_report_to_a_list);
	tcase_add_test(tc, edits_of_its_header_move);
	tcase_add_test(tc, what_is_put_in_front);
	tcase_add_test(tc, what_is_remembered);
	suite_add_tcase(s, tc);
	return s;
}
