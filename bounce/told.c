/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/told.h"

#include <string.h>

#include "lib/qfile.h"

static size_t
told_place(const char *id, const struct rcpt_result *r)
{
	uint32_t h = crc32c(0, id, QID_LEN);

	h = crc32c(h, &r->slot, sizeof r->slot);
	return crc32c(h, &r->outcome, sizeof r->outcome) % TOLD_MAX;
}

void
told_keep(struct told *t, const char *id, struct span records)
{
	struct rcpt_result r;
	struct span detail;
	struct err e;

	while (result_next(&records, &r, &detail, &e) == 1) {
		size_t i = told_place(id, &r);

		memcpy(t->at[i].id, id, QID_SIZE);
		t->at[i].slot = r.slot;
		t->at[i].outcome = r.outcome;
	}
}

bool
told_before(const struct told *t, const char *id, const struct rcpt_result *r)
{
	size_t i = told_place(id, r);

	return t->at[i].slot == r->slot && t->at[i].outcome == r->outcome && strcmp(t->at[i].id, id) == 0;
}
