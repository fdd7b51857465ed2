/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_reply.c - a reply reads the same whole and octet by octet, within its bounds, and
 * what is shown of it is printable.
 */
#include <assert.h>

#include "lib/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
feed_slowly(struct reply *r, struct span in, size_t *used)
{
	struct err e = { 0 };
	size_t one;
	int got = 0;

	for (*used = 0; *used < in.n && got == 0; ++*used)
		got = reply_feed(r, span_sub(in, *used, *used + 1), &one, &e);
	return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct reply a, b;
	struct err e = { 0 };
	size_t used, used_b;
	char text[300], dsn[12];
	int got;

	reply_init(&a);
	reply_init(&b);
	got = reply_feed(&a, span_of(p, n), &used, &e);
	assert(used <= n && (got == -1) == (e.kind != ERR_NONE));
	assert(feed_slowly(&b, span_of(p, n), &used_b) == got);
	if (got == 1) {
		assert(used == used_b && a.code == b.code && a.over == b.over);
		assert(a.code >= 200 && a.code <= 599 && a.nline > 0);
		assert(span_eq(buf_view(&a.text), buf_view(&b.text)));
		reply_print(&a, text, sizeof text);
		for (const char *s = text; *s != '\0'; s++)
			assert(*s >= 0x20 && *s < 0x7f);
		reply_dsn(&a, dsn);
		assert(dsn[0] == (a.code / 100 == 3 ? '2' : '0' + a.code / 100) && dsn[1] == '.');
	}
	reply_free(&a);
	reply_free(&b);
	return 0;
}
