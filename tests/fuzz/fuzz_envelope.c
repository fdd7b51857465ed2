/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * What envelope_decode takes is within its limits: lengths, numbers, NOTIFY, which has NEVER alone or
 * not at all; and encoding it gives the same envelope again.
 */
#include "lib/envelope.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_text(struct span s, size_t max)
{
	assert(s.n <= max);
	for (size_t i = 0; i < s.n; i++)
		assert(s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

static void
check_numbers(const struct envelope *a)
{
	assert(a->ret <= RET_HDRS && a->body <= BODY_BINARYMIME && a->smtputf8 <= 1 && a->conperm <= 1);
	assert(a->priority >= PRIORITY_MIN && a->priority <= PRIORITY_MAX && a->by <= (BY_RETURN | BY_TRACE));
	assert(a->by_us != 0 || a->by == 0);
	for (uint32_t i = 0; i < a->nrcpt; i++) {
		unsigned notify = a->rcpt[i].notify;

		assert(a->rcpt[i].drucof <= DRUCOF_PREFER && a->rcpt[i].plain <= 1 && notify < 2 * NOTIFY_DELAY);
		assert(!(notify & NOTIFY_NEVER) || notify == NOTIFY_NEVER);
		assert(a->rcpt[i].addr.n > 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct envelope a, b;
	struct buf block;
	struct err e = { 0 };

	if (envelope_decode(span_of(p, n), &a, &e) == -1) {
		assert(e.kind == ERR_PERM && a.rcpt == NULL);
		return 0;
	}
	check_text(a.sender, ENV_MAX_PATH);
	check_text(a.envid, ENV_MAX_TEXT);
	check_text(a.client, ENV_MAX_TEXT);
	assert(a.nrcpt > 0 && a.nrcpt <= ENV_MAX_RCPT);
	check_numbers(&a);
	buf_init(&block, ENV_MAX);
	assert(envelope_encode(&a, &block, &e) == 0);
	assert(envelope_decode(buf_view(&block), &b, &e) == 0);
	assert(a.nrcpt == b.nrcpt && span_eq(a.sender, b.sender) && span_eq(a.envid, b.envid) &&
	    span_eq(a.client, b.client) && a.arrival_us == b.arrival_us && a.ret == b.ret &&
	    a.body == b.body && a.smtputf8 == b.smtputf8 && a.conperm == b.conperm &&
	    a.priority == b.priority && a.by_us == b.by_us && a.by == b.by);
	for (uint32_t i = 0; i < a.nrcpt; i++) {
		check_text(a.rcpt[i].addr, ENV_MAX_PATH);
		check_text(a.rcpt[i].orcpt, ENV_MAX_TEXT);
		assert(span_eq(a.rcpt[i].addr, b.rcpt[i].addr) && span_eq(a.rcpt[i].orcpt, b.rcpt[i].orcpt));
		assert(a.rcpt[i].notify == b.rcpt[i].notify && a.rcpt[i].drucof == b.rcpt[i].drucof &&
		    a.rcpt[i].plain == b.rcpt[i].plain);
	}
	envelope_free(&b);
	envelope_free(&a);
	buf_free(&block);
	return 0;
}
