/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Any message: what is read of a notification stands in the store, is printable, and its mailboxes are such; a
 * request for an alternative is told whatever else is there.
 */
#include "lib/address.h"
#include "lib/notification.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
text(const struct notification *n, struct span s)
{
	assert(s.n == 0 || (s.p >= n->store.p && s.p + s.n <= n->store.p + n->store.n));
	for (size_t i = 0; i < s.n; i++)
		assert(s.p[i] == '\t' || (s.p[i] >= ' ' && s.p[i] != 0x7f));
}

static void
mailbox(const struct notification *n, struct span s)
{
	struct err e;

	text(n, s);
	assert(s.n == 0 || address_check(s, &e) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t size)
{
	struct span message = span_of(size == 0 ? (const uint8_t *)"" : p, size);
	struct notification n;
	struct err e = { 0 };

	if (notification_parse(message, &n, &e) == -1) {
		assert(e.kind == ERR_PERM);
		return 0;
	}
	assert(n.nrcpt >= 1 && n.nrcpt <= (n.kind == NOTIFICATION_MDN ? 1 : NOTIFICATION_RCPTS));
	assert((n.kind == NOTIFICATION_MDN) == (n.disposition != DISPOSITION_NONE));
	assert(n.envelope_id.n <= NOTIFICATION_ID && n.message_id.n <= NOTIFICATION_ID);
	text(&n, n.envelope_id);
	text(&n, n.reporting_mta);
	text(&n, n.message_id);
	for (uint32_t i = 0; i < n.nrcpt; i++) {
		const struct notification_rcpt *r = &n.rcpt[i];

		mailbox(&n, r->original);
		mailbox(&n, r->final);
		text(&n, r->features);
		text(&n, r->status);
		assert(span_eq(notification_about(r), r->has_original ? r->original : r->final));
	}
	notification_free(&n);
	return 0;
}
