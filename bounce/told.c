/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/told.h"

#include <string.h>

#include "lib/qfile.h"

/* What is told: an outcome, or a disposition. */
static uint8_t
told_what(const struct rcpt_result *r)
{
	return (uint8_t)(r->outcome | (r->flags & RESULT_DISPOSED));
}

static size_t
told_place(const char *id, const struct rcpt_result *r)
{
	uint32_t h = crc32c(0, id, QID_LEN);
	uint8_t what = told_what(r);

	h = crc32c(h, &r->slot, sizeof r->slot);
	return crc32c(h, &what, sizeof what) % TOLD_MAX;
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
		t->at[i].what = told_what(&r);
	}
}

bool
told_before(const struct told *t, const char *id, const struct rcpt_result *r)
{
	size_t i = told_place(id, r);

	return t->at[i].slot == r->slot && t->at[i].what == told_what(r) && strcmp(t->at[i].id, id) == 0;
}
