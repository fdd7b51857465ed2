/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/data.h"

#include <check.h>
#include <stdlib.h>

#define S(text) text, sizeof text - 1

static const struct {
	const char *in;
	size_t n;
	const char *want;	/* the message, where there is no fault */
	size_t rest;		/* octets behind the end of data; NO_END: it does not end */
	unsigned fault;
} cases[] = {
#define NO_END ((size_t)-1)
	{ S(".\r\n"), "", 0, 0 },
	{ S("\r\n.\r\n"), "\r\n", 0, 0 },
	{ S("a\r\n.\r\nQUIT\r\n"), "a\r\n", 6, 0 },
	{ S("..\r\n.\r\n"), ".\r\n", 0, 0 },
	{ S("..a\r\n.b\r\n...\r\n.\r\n"), ".a\r\nb\r\n..\r\n", 0, 0 },
	{ S("a.\r\n.\r\n"), "a.\r\n", 0, 0 },
	{ S("a\r\n"), "a\r\n", NO_END, 0 },
	{ S("a\r\n."), "a\r\n", NO_END, 0 },
	{ S("a\r\n.\r"), "a\r\n", NO_END, 0 },
	/* what is no end of data, and spoils the message; the true end comes behind it */
	{ S("a\n.\n\r\n.\r\n"), "", 0, DATA_BARE_LF },
	{ S("a\n.\r\n\r\n.\r\n"), "", 0, DATA_BARE_LF },
	{ S("a\r\n.\n\r\n.\r\n"), "", 0, DATA_BARE_LF },
	{ S("a\r.\r\r\n.\r\n"), "", 0, DATA_BARE_CR },
	{ S("a\r.\r\n\r\n.\r\n"), "", 0, DATA_BARE_CR },
	{ S("a\r\n.\r\r\n.\r\n"), "", 0, DATA_BARE_CR },
	{ S("a\r\n.\rb\r\n.\r\n"), "", 0, DATA_BARE_CR },
	{ S("a\r\r\n.\r\r\n.\r\n"), "", 0, DATA_BARE_CR },
	{ S("a\r\n.\r\0\n\r\n.\r\n"), "", 0, DATA_BARE_CR | DATA_NUL | DATA_BARE_LF },
	{ S("a\r\n\0.\r\n\r\n.\r\n"), "", 0, DATA_NUL },
	{ S("a\r\n.\0\r\n\r\n.\r\n"), "", 0, DATA_NUL },
	{ S("a\r\0\n.\r\n\r\n.\r\n"), "", 0, DATA_BARE_CR | DATA_NUL | DATA_BARE_LF },
	{ S("a\n\n.\n\n\r\n.\r\n"), "", 0, DATA_BARE_LF },
	{ S("\n.\r\n\r\n.\r\n"), "", 0, DATA_BARE_LF },
	{ S(".\n.\r\n\r\n.\r\n"), "", 0, DATA_BARE_LF },
	{ S("\r.\r\n\r\n.\r\n"), "", 0, DATA_BARE_CR },
	{ S("a\n\r.\r\n\r\n.\r\n"), "", 0, DATA_BARE_LF | DATA_BARE_CR },
	{ S("a\r\n\r.\r\n\r\n.\r\n"), "", 0, DATA_BARE_CR },
	{ S("a\r\n.\r\nRSET\n"), "a\r\n", 5, 0 },
	/* it would be read as more of the field that we put on top */
	{ S(" a\r\n.\r\n"), "", 0, DATA_FOLDED },
	{ S("\ta: b\r\n.\r\n"), "", 0, DATA_FOLDED },
	{ S(". a\r\n.\r\n"), "", 0, DATA_FOLDED },
	{ S("a\r\n b\r\n.\r\n"), "a\r\n b\r\n", 0, 0 },
	{ S("\r\n b\r\n.\r\n"), "\r\n b\r\n", 0, 0 },
};

/* Feeds the pieces [0,cut) [cut,n) into rooms of `room` octets; returns octets used. */
static size_t
run(struct data *d, struct span in, size_t cut, size_t room, unsigned char *out, size_t *n)
{
	size_t used = 0;

	data_init(d);
	*n = 0;
	while (used < in.n && !d->end) {
		struct span piece = span_sub(in, used, used < cut ? cut : in.n);
		size_t made, u = data_feed(d, piece, out + *n, room, &made);

		ck_assert_uint_le(made, room);
		ck_assert_uint_gt(u, 0);
		*n += made;
		used += u;
	}
	return used;
}

/* Each variant, cut at every place and written in rooms of every size. */
START_TEST(the_end_is_crlf_dot_crlf)
{
	struct span in = { (const unsigned char *)cases[_i].in, cases[_i].n };
	unsigned char out[256];

	for (size_t cut = 0; cut <= in.n; cut++)
		for (size_t room = 1; room < 9; room++) {
			struct data d;
			size_t n, used = run(&d, in, cut, room, out, &n);

			ck_assert_int_eq(d.end, cases[_i].rest != NO_END);
			ck_assert_msg(d.fault == cases[_i].fault, "%d: cut %zu: fault %u", _i, cut, d.fault);
			ck_assert_uint_eq(in.n - used, d.end ? cases[_i].rest : 0);
			ck_assert_uint_eq(d.size, n);
			if (d.fault == 0)
				ck_assert_msg(span_is(span_of(out, n), cases[_i].want), "%d: cut %zu", _i, cut);
		}
}
END_TEST

/* A long line cut anywhere makes no "." line, loses no octet, and is bounded. */
START_TEST(long_lines)
{
	enum { N = DATA_LINE_MAX + 64 };
	static unsigned char in[N], out[N];

	for (size_t len = DATA_LINE_MAX - 2; len <= DATA_LINE_MAX + 2; len++)
		for (size_t cut = len - 4; cut < len + 5; cut++) {
			struct data d;
			size_t n, used;

			memset(in, '.', len + 1);	/* the first is stuffing */
			memcpy(in + len + 1, "\r\n.\r\n", 5);
			used = run(&d, span_of(in, len + 6), cut, N, out, &n);
			ck_assert(d.end);
			ck_assert_uint_eq(used, len + 6);
			ck_assert_uint_eq(n, len + 2);
			ck_assert_int_eq(d.fault == DATA_LONG_LINE, len > DATA_LINE_MAX);
			ck_assert_int_eq(d.fault == 0, len <= DATA_LINE_MAX);
		}
}
END_TEST

static const struct { const char *in; uint32_t want; } headers[] = {
	{ "Received: x\r\n.\r\n", 1 },
	{ "RECEIVED:x\r\nreceived :x\r\n received: y\r\nReceived-SPF: z\r\n.\r\n", 2 },
	{ "A: b\r\n\r\nReceived: x\r\n.\r\n", 0 },
	{ "\r\nReceived: x\r\n.\r\n", 0 },
	{ ".Received: x\r\n..Received: y\r\n.\r\n", 1 },
	{ "Received\r\n: x\r\n.\r\n", 0 },
};

START_TEST(received_fields_are_counted)
{
	struct span in = span_str(headers[_i].in);
	unsigned char out[256];

	for (size_t cut = 0; cut < in.n; cut++) {
		struct data d;
		size_t n;

		run(&d, in, cut, sizeof out, out, &n);
		ck_assert(d.end);
		ck_assert_uint_eq(d.received, headers[_i].want);
	}
}
END_TEST

START_TEST(eight_bit_is_seen)
{
	static const struct { const char *in; bool want; } t[] = {
		{ "a: b\r\n\r\nabc\r\n.\r\n", false }, { "\xe4\r\n.\r\n", true },
		{ "Subject: aaaaaaaaaaaaa\xe4\r\n.\r\n", true }, { ".\xe4\r\n.\r\n", true },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		unsigned char out[256];
		struct data d;
		size_t n;

		run(&d, span_str(t[i].in), 0, sizeof out, out, &n);
		ck_assert_int_eq(d.eight_bit, t[i].want);
	}
}
END_TEST

Suite *suite_data(void);
Suite *
suite_data(void)
{
	Suite *s = suite_create("data");
	TCase *tc = tcase_create("data");

	tcase_add_loop_test(tc, the_end_is_crlf_dot_crlf, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, long_lines);
	tcase_add_loop_test(tc, received_fields_are_counted, 0, sizeof headers / sizeof *headers);
	tcase_add_test(tc, eight_bit_is_seen);
	suite_add_tcase(s, tc);
	return s;
}
