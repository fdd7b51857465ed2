/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/failures.h"

static struct failure *
set_of(struct failures *t, const struct netaddr *key)
{
	uint32_t h = 2166136261u ^ key->port;

	for (size_t i = 0; i < sizeof key->a; i++)
		h = (h ^ key->a[i]) * 16777619u;
	return t->at[(h ^ h >> 16) % FAILURES_SETS];
}

/* Its own place; else one that is free, or that of who failed last longest ago. */
static struct failure *
place_of(struct failures *t, const struct netaddr *key)
{
	struct failure *set = set_of(t, key), *best = &set[0];

	for (int i = 0; i < FAILURES_WAYS; i++)
		if (set[i].n > 0 && set[i].key.port == key->port && memcmp(set[i].key.a, key->a, sizeof key->a) == 0)
			return &set[i];
	for (int i = 1; i < FAILURES_WAYS; i++)
		if (best->n > 0 && (set[i].n == 0 || set[i].last_ms < best->last_ms))
			best = &set[i];
	*best = (struct failure){ .key = *key };
	return best;
}

uint32_t
failures_add(struct failures *t, const struct netaddr *a, int64_t now_ms)
{
	struct netaddr key = clients_key(a, true);
	struct failure *f = place_of(t, &key);
	int64_t forgotten = f->n > 0 && now_ms > f->last_ms ? (now_ms - f->last_ms) / FAILURES_FORGET_MS : 0;

	f->n -= forgotten < f->n ? (uint32_t)forgotten : f->n;
	f->last_ms = now_ms;
	if (f->n < UINT32_MAX)
		f->n++;
	return f->n;
}

uint32_t
failures_pause_ms(uint32_t n)
{
	uint32_t ms = FAILURES_FIRST_MS;

	while (--n > 0 && ms < FAILURES_MOST_MS)
		ms *= 2;
	return ms;
}
