/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/envelope.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct rcpt two[2];

static struct envelope
full(void)
{
	two[0] = (struct rcpt){ span_str("\"a>b\"@Example.ORG"), span_str("rfc822;b+2Bc@x"),
	    NOTIFY_SUCCESS | NOTIFY_DELAY, DRUCOF_PREFER, span_str("\"a>b\"@spelled"), 1 };
	two[1] = (struct rcpt){ span_str("c@example.net"), span_str(""), 0, DRUCOF_NO, span_str(""), 0 };
	return (struct envelope){ .sender = span_str("a@example.com"), .sender_spelled = span_str("a@spelled"),
	    .release_us = UINT64_C(1795000999000000), .hold = span_str("for;5"), .envid = span_str("QQ+31"),
	    .client = span_str("mail.example [192.0.2.1]"), .arrival_us = UINT64_C(1795000123456789),
	    .priority = -9, .by_us = UINT64_C(1795000123000000), .by = BY_RETURN | BY_TRACE,
	    .ret = RET_HDRS, .body = BODY_BINARYMIME, .smtputf8 = 1, .conperm = 1, .rcpt = two,
	    .nrcpt = 2 };
}

START_TEST(what_goes_in_comes_out)
{
	struct envelope in = full(), out;
	struct buf b;
	struct err e = { 0 };

	buf_init(&b, ENV_MAX);
	ck_assert_int_eq(envelope_encode(&in, &b, &e), 0);
	ck_assert_msg(envelope_decode(buf_view(&b), &out, &e) == 0, "%s", e.what);
	ck_assert(out.release_us == in.release_us && span_eq(in.hold, out.hold));
	ck_assert(span_eq(in.sender_spelled, out.sender_spelled));
	ck_assert(span_is(envelope_sender(&out), "a@spelled") && span_is(rcpt_spelled(&out.rcpt[1]), "c@example.net"));
	ck_assert(span_eq(in.sender, out.sender) && span_eq(in.envid, out.envid) &&
	    span_eq(in.client, out.client));
	ck_assert_uint_eq(in.arrival_us, out.arrival_us);
	ck_assert(out.priority == -9 && out.by_us == in.by_us && out.by == in.by);
	ck_assert(out.ret == in.ret && out.body == in.body && out.smtputf8 == 1 && out.conperm == 1);
	ck_assert_uint_eq(out.nrcpt, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert(span_eq(two[i].addr, out.rcpt[i].addr));
		ck_assert(span_eq(two[i].orcpt, out.rcpt[i].orcpt));
		ck_assert(span_eq(two[i].spelled, out.rcpt[i].spelled));
		ck_assert_uint_eq(two[i].notify, out.rcpt[i].notify);
		ck_assert_uint_eq(two[i].drucof, out.rcpt[i].drucof);
		ck_assert_uint_eq(two[i].plain, out.rcpt[i].plain);
	}
	envelope_free(&out);
	envelope_free(&out);			/* twice is harmless */
	buf_free(&b);
}
END_TEST

START_TEST(the_null_sender_is_kept)
{
	struct envelope in = full(), out;
	struct buf b;
	struct err e;

	in.sender = span_str("");
	buf_init(&b, ENV_MAX);
	ck_assert_int_eq(envelope_encode(&in, &b, &e), 0);
	ck_assert_int_eq(envelope_decode(buf_view(&b), &out, &e), 0);
	ck_assert_uint_eq(out.sender.n, 0);
	envelope_free(&out);
	buf_free(&b);
}
END_TEST

/* A later version's records are skipped, wherever they stand, and are no error. */
START_TEST(unknown_records_are_skipped)
{
	struct envelope in = full(), out;
	struct buf b;
	struct err e;

	buf_init(&b, ENV_MAX);
	ck_assert_int_eq(envelope_encode(&in, &b, &e), 0);
	for (int twice = 0; twice < 2; twice++) {
		ck_assert_int_eq(buf_add_u16le(&b, 999, &e), 0);
		ck_assert_int_eq(buf_add_u32le(&b, 5, &e), 0);
		ck_assert_int_eq(buf_add_str(&b, "\1\2\3\4\5", &e), 0);
	}
	ck_assert_int_eq(envelope_decode(buf_view(&b), &out, &e), 0);
	ck_assert_uint_eq(out.nrcpt, 2);
	envelope_free(&out);
	buf_free(&b);
}
END_TEST

START_TEST(half_a_block_is_no_block)
{
	struct envelope in = full(), out;
	struct buf b;
	struct err e;

	buf_init(&b, ENV_MAX);
	ck_assert_int_eq(envelope_encode(&in, &b, &e), 0);
	for (size_t n = 0; n < b.n; n++) {
		unsigned char *exact = malloc(n + 1);	/* so that reading on is seen */

		memcpy(exact, b.p, n);
		if (envelope_decode(span_of(exact, n), &out, &e) == 0) {
			ck_assert_uint_gt(out.nrcpt, 0);	/* cut between two records */
			envelope_free(&out);
		} else {
			ck_assert_int_eq(e.kind, ERR_PERM);
			ck_assert_str_eq(e.dsn, "5.3.5");
		}
		free(exact);
	}
	buf_free(&b);
}
END_TEST

#define V "\1\0\1\0\0\0\1"		/* version */
#define S "\2\0\0\0\0\0"		/* null sender */
#define R "\100\0\1\0\0\0x"		/* recipient */
static const struct { const char *name; const char *p; size_t n; bool ok; } blocks[] = {
	{ "least", V S R, sizeof(V S R) - 1, true },
	{ "recipient first", V R S, sizeof(V R S) - 1, true },
	{ "no version", S R, sizeof(S R) - 1, false },
	{ "version late", S V R, sizeof(S V R) - 1, false },
	{ "version twice", V V S R, sizeof(V V S R) - 1, false },
	{ "another version", "\1\0\1\0\0\0\2" S R, sizeof(V S R) - 1, false },
	{ "no sender", V R, sizeof(V R) - 1, false },
	{ "two senders", V S S R, sizeof(V S S R) - 1, false },
	{ "no recipient", V S, sizeof(V S) - 1, false },
	{ "empty recipient", V S "\100\0\0\0\0\0", sizeof(V S) + 5, false },
	{ "line end in a recipient", V S "\100\0\1\0\0\0\n", sizeof(V S R) - 1, false },
	{ "DEL in a sender", V "\2\0\1\0\0\0\x7f" R, sizeof(V S R), false },
	{ "ORCPT of nobody", V S "\101\0\1\0\0\0x", sizeof(V S R) - 1, false },
	{ "ORCPT twice", V S R "\101\0\1\0\0\0x" "\101\0\1\0\0\0x", sizeof(V S R) + 13, false },
	{ "ORCPT of each", V S R "\101\0\1\0\0\0x" R "\101\0\1\0\0\0x", sizeof(V S R) + 20, true },
	{ "NEVER and FAILURE", V S R "\102\0\1\0\0\0\5", sizeof(V S R) + 6, false },
	{ "NOTIFY of no meaning", V S R "\102\0\1\0\0\0\20", sizeof(V S R) + 6, false },
	{ "RET of no meaning", V S R "\6\0\1\0\0\0\3", sizeof(V S R) + 6, false },
	{ "a number too long", V S R "\6\0\2\0\0\0\1\0", sizeof(V S R) + 7, false },
	{ "a length that wraps", V S R "\6\0\377\377\377\377\1", sizeof(V S R) + 6, false },
};

START_TEST(blocks_are_judged)
{
	struct envelope env;
	struct err e = { 0 };
	int r = envelope_decode(span_of(blocks[_i].p, blocks[_i].n), &env, &e);

	ck_assert_msg((r == 0) == blocks[_i].ok, "%s", blocks[_i].name);
	if (r == 0)
		envelope_free(&env);
	else
		ck_assert_ptr_null(env.rcpt);
}
END_TEST

static void too_long(struct envelope *env, struct span s) { env->sender = s; }
static void long_rcpt(struct envelope *env, struct span s) { env->rcpt[1].addr = s; }
static void long_envid(struct envelope *env, struct span s) { env->envid = s; }
static void long_orcpt(struct envelope *env, struct span s) { env->rcpt[0].orcpt = s; }
static const struct {
	void (*set)(struct envelope *, struct span);
	size_t max;
} limits[] = {
	{ too_long, ENV_MAX_PATH }, { long_rcpt, ENV_MAX_PATH },
	{ long_envid, ENV_MAX_TEXT }, { long_orcpt, ENV_MAX_TEXT },
};

START_TEST(limits_hold_to_the_octet)
{
	struct envelope in = full(), out;
	unsigned char s[ENV_MAX_TEXT + 1];
	struct buf b;
	struct err e;

	memset(s, 'a', sizeof s);
	buf_init(&b, ENV_MAX);
	limits[_i].set(&in, span_of(s, limits[_i].max));
	ck_assert_int_eq(envelope_encode(&in, &b, &e), 0);
	ck_assert_int_eq(envelope_decode(buf_view(&b), &out, &e), 0);
	envelope_free(&out);
	buf_clear(&b);
	limits[_i].set(&in, span_of(s, limits[_i].max + 1));
	ck_assert_int_eq(envelope_encode(&in, &b, &e), -1);
	ck_assert_str_eq(e.dsn, "5.5.4");
	ck_assert_uint_eq(b.n, 0);
	s[1] = '\n';
	limits[_i].set(&in, span_of(s, 3));
	ck_assert_int_eq(envelope_encode(&in, &b, &e), -1);
	ck_assert_uint_eq(b.n, 0);
	buf_free(&b);
}
END_TEST

START_TEST(so_many_recipients_and_no_more)
{
	struct rcpt *rcpt = calloc(ENV_MAX_RCPT + 1, sizeof *rcpt);
	struct envelope in = { .rcpt = rcpt, .nrcpt = ENV_MAX_RCPT }, out;
	struct buf b;
	struct err e;

	for (uint32_t i = 0; i <= ENV_MAX_RCPT; i++)
		rcpt[i].addr = span_str("a@b");
	buf_init(&b, ENV_MAX);
	ck_assert_int_eq(envelope_encode(&in, &b, &e), 0);
	ck_assert_int_eq(envelope_decode(buf_view(&b), &out, &e), 0);
	ck_assert_uint_eq(out.nrcpt, ENV_MAX_RCPT);
	envelope_free(&out);
	ck_assert_int_eq(buf_add(&b, span_of(R, sizeof R - 1), &e), 0);
	ck_assert_int_eq(envelope_decode(buf_view(&b), &out, &e), -1);
	buf_clear(&b);
	in.nrcpt++;
	ck_assert_int_eq(envelope_encode(&in, &b, &e), -1);
	buf_free(&b);
	free(rcpt);
}
END_TEST

/* --- each recipient once --- */

static const struct { const char *name; struct rcpt a, b; bool same; } pairs[] = {
#define T(text) { (const unsigned char *)(text), sizeof text - 1 }
	{ "the same", { T("a@b"), T(""), 0, 0, T(""), 0 }, { T("a@b"), T(""), 0, 0, T(""), 0 }, true },
	{ "a domain's case is none", { T("a@B.example"), T(""), 0, 0, T(""), 0 }, { T("a@b.EXAMPLE"), T(""), 0, 0, T(""), 0 }, true },
	{ "a local part's is one", { T("A@b"), T(""), 0, 0, T(""), 0 }, { T("a@b"), T(""), 0, 0, T(""), 0 }, false },
	{ "but postmaster's is none", { T("Postmaster@b"), T(""), 0, 0, T(""), 0 }, { T("POSTMASTER@b"), T(""), 0, 0, T(""), 0 }, true },
	{ "quotes are octets", { T("\"a\"@b"), T(""), 0, 0, T(""), 0 }, { T("a@b"), T(""), 0, 0, T(""), 0 }, false },
	{ "a longer name", { T("a@b"), T(""), 0, 0, T(""), 0 }, { T("aa@b"), T(""), 0, 0, T(""), 0 }, false },
	{ "an @ within", { T("\"a@b\"@c"), T(""), 0, 0, T(""), 0 }, { T("\"a@B\"@c"), T(""), 0, 0, T(""), 0 }, false },
	{ "another domain", { T("a@b"), T(""), 0, 0, T(""), 0 }, { T("a@c"), T(""), 0, 0, T(""), 0 }, false },
	{ "the same ORCPT", { T("a@b"), T("rfc822;x@y"), 0, 0, T(""), 0 }, { T("a@b"), T("rfc822;x@y"), 0, 0, T(""), 0 }, true },
	{ "another ORCPT", { T("a@b"), T("rfc822;x@y"), 0, 0, T(""), 0 }, { T("a@b"), T("rfc822;z@y"), 0, 0, T(""), 0 }, false },
	{ "no ORCPT", { T("a@b"), T("rfc822;x@y"), 0, 0, T(""), 0 }, { T("a@b"), T(""), 0, 0, T(""), 0 }, false },
	{ "another NOTIFY", { T("a@b"), T(""), NOTIFY_NEVER, 0, T(""), 0 }, { T("a@b"), T(""), 0, 0, T(""), 0 }, false },
	{ "another DRUCOF", { T("a@b"), T(""), 0, DRUCOF_PREFER, T(""), 0 }, { T("a@b"), T(""), 0, 0, T(""), 0 }, false },
	{ "another PLAIN", { T("a@b"), T(""), 0, 0, T(""), 1 }, { T("a@b"), T(""), 0, 0, T(""), 0 }, false },
#undef T
};

START_TEST(who_is_the_same)
{
	struct rcpt other = { .addr = span_str("m@n") }, r[] = { pairs[_i].a, other, pairs[_i].b, other };
	struct envelope env = { .rcpt = r, .nrcpt = 4 };
	struct err e = { 0 };

	ck_assert_int_eq(envelope_unique(&env, &e), 0);
	ck_assert_msg(env.nrcpt == (pairs[_i].same ? 2 : 3), "%s: %u", pairs[_i].name, env.nrcpt);
	ck_assert(r[0].addr.p == pairs[_i].a.addr.p);		/* the first, in its place */
	ck_assert(r[1].addr.p == other.addr.p);
	if (!pairs[_i].same)
		ck_assert(r[2].addr.p == pairs[_i].b.addr.p);
}
END_TEST

/* As many as an envelope may have, alike but for a few octets: the first of each, in the order in which they
 * came, in a time that does not grow with the square of them. */
START_TEST(of_very_many_each_once)
{
	enum { EACH = 5, NAME = 64 };
	struct rcpt *rcpt = calloc(ENV_MAX_RCPT, sizeof *rcpt);
	char *text = malloc((size_t)ENV_MAX_RCPT * NAME);
	struct envelope env = { .rcpt = rcpt, .nrcpt = ENV_MAX_RCPT };
	struct err e = { 0 };
	clock_t began;

	for (uint32_t i = 0; i < ENV_MAX_RCPT; i++) {
		snprintf(text + i * NAME, NAME, "somebody-with-a-long-name-%u@b.example",
		    i % (ENV_MAX_RCPT / EACH));
		rcpt[i].addr = span_str(text + i * NAME);
	}
	began = clock();
	ck_assert_int_eq(envelope_unique(&env, &e), 0);
	ck_assert_int_lt((clock() - began) * 1000 / CLOCKS_PER_SEC, 2000);	/* 0.1 s; the square: minutes */
	ck_assert_uint_eq(env.nrcpt, ENV_MAX_RCPT / EACH);
	for (uint32_t i = 0; i < env.nrcpt; i++)
		ck_assert((const char *)rcpt[i].addr.p == text + i * NAME);
	free(text);
	free(rcpt);
}
END_TEST

Suite *suite_envelope(void);
Suite *
suite_envelope(void)
{
	Suite *s = suite_create("envelope");
	TCase *tc = tcase_create("envelope");

	tcase_add_test(tc, what_goes_in_comes_out);
	tcase_add_test(tc, the_null_sender_is_kept);
	tcase_add_test(tc, unknown_records_are_skipped);
	tcase_add_test(tc, half_a_block_is_no_block);
	tcase_add_loop_test(tc, blocks_are_judged, 0, sizeof blocks / sizeof *blocks);
	tcase_add_loop_test(tc, limits_hold_to_the_octet, 0, sizeof limits / sizeof *limits);
	tcase_add_test(tc, so_many_recipients_and_no_more);
	tcase_add_loop_test(tc, who_is_the_same, 0, sizeof pairs / sizeof *pairs);
	tcase_add_test(tc, of_very_many_each_once);
	suite_add_tcase(s, tc);
	return s;
}
