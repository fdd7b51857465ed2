/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What an inquiry found: items that are read are told again to the same octets, each of a kind that has a name. */
#include "lib/inquiry.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span rest = span_of(p, n), value;
	enum inquiry_what what;
	struct inquiry q;
	struct err e = { 0 };
	int r;

	inquiry_init(&q);
	while ((r = inquiry_next(&rest, &what, &value, &e)) == 1) {
		assert(inquiry_name(what) != NULL && value.n <= INQUIRY_VALUE);
		assert(value.n == 0 || (value.p > p && value.p + value.n <= p + n));
		inquiry_tell(&q, what, value);
	}
	assert(r == 0 || e.kind == ERR_PROTO);
	assert(q.cut || span_eq(buf_view(&q.items), span_of(p, n - rest.n)));
	assert(q.items.n <= INQUIRY_MAX);
	inquiry_free(&q);
	return 0;
}
