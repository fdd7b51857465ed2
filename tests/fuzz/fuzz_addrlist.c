/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_addrlist.c - each mailbox of a list is an address; and a list to whose short ones a
 * domain is added where the parser says is a list of the same mailboxes, all whole.
 */
#include "lib/addrlist.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char host[] = "@host.example";

struct seen { struct buf addrs, longer; struct span in; size_t copied; uint32_t n, whole; };

static int
note(void *arg, const struct addrlist_box *b, struct err *e)
{
	struct seen *s = arg;

	assert(b->n == strlen(b->addr) && b->n > 0 && b->n <= ADDRESS_MAX);
	assert(b->end <= s->in.n && b->end >= s->copied);
	assert(buf_add(&s->addrs, span_of(b->addr, b->n), e) == 0);
	if (!b->qualified) {
		assert(b->end > 0);
		assert(buf_add(&s->addrs, span_str(host), e) == 0);
		assert(buf_add(&s->longer, span_sub(s->in, s->copied, b->end), e) == 0);
		assert(buf_add(&s->longer, span_str(host), e) == 0);
		s->copied = b->end;
	} else {
		assert(address_check(span_of(b->addr, b->n), e) == 0);
	}
	assert(buf_add_byte(&s->addrs, '\n', e) == 0);
	s->n++;
	s->whole += b->qualified;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen a = { .in = span_of(p, n) }, b = { .copied = 0 };
	struct err e = { 0 };

	buf_init(&a.addrs, SIZE_MAX / 2);
	buf_init(&a.longer, SIZE_MAX / 2);
	buf_init(&b.addrs, SIZE_MAX / 2);
	buf_init(&b.longer, SIZE_MAX / 2);
	if (addrlist_parse(a.in, note, &a, &e) == 0) {
		assert(buf_add(&a.longer, span_sub(a.in, a.copied, n), &e) == 0);
		b.in = buf_view(&a.longer);
		assert(addrlist_parse(b.in, note, &b, &e) == 0);
		assert(b.n == a.n && b.whole == b.n);
		assert(span_eq(buf_view(&a.addrs), buf_view(&b.addrs)));
	}
	buf_free(&a.addrs);
	buf_free(&a.longer);
	buf_free(&b.addrs);
	buf_free(&b.longer);
	return 0;
}
