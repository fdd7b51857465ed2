/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Whatever a message says of its content and of other forms of it: bounded work; who would be asked though
 * what is here fits would be if it did not, and nobody is without a Content-Alternative then.
 * Input: what the machine takes, an octet 0xff, the message.
 */
#include "local/alternative.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n), takes = span_sub(in, 0, span_find(in, 0xff));
	struct span message = span_sub(in, takes.n + 1, in.n);
	struct err e = { 0 };
	bool fit, unfit;
	int r;

	if (n == 0)
		return 0;
	r = alternative_better(message, takes, true, &fit, &e);
	assert(r == 0 || (!fit && e.kind != ERR_NONE));
	if (r == -1 || alternative_better(message, takes, false, &unfit, &e) == -1)
		return 0;
	assert(!fit || unfit);
	assert(!fit || memmem(message.p, message.n, ":", 1) != NULL);
	return 0;
}
