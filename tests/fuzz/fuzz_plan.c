/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* A plan that is read is written again to the same octets. */
#include "lib/plan.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct plan plan;
	struct buf out;
	struct err e;

	if (plan_decode(span_of(p, n), &plan, &e) == -1) {
		assert(e.kind == ERR_PROTO);
		return 0;
	}
	buf_init(&out, 1 << 24);
	assert(plan_encode(&plan, &out, &e) == 0);
	assert(span_eq(buf_view(&out), span_of(p, n)));
	assert(edit_ranges_ok(PLAN_MAX_MESSAGE, plan.range, plan.nrange, &e) == 0);
	buf_free(&out);
	plan_free(&plan);
	return 0;
}
