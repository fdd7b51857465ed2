/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "key/kept.h"

#include <stdlib.h>
#include <string.h>

static void
forget(struct kept *k, struct kept_session *s)
{
	if (s->p == NULL)
		return;
	explicit_bzero(s->p, s->n);
	free(s->p);
	*s = (struct kept_session){ 0 };
	k->n--;
}

void
kept_init(struct kept *k, uint64_t seed)
{
	memset(k, 0, sizeof *k);
	k->seed = seed;
}

void
kept_free(struct kept *k)
{
	for (size_t i = 0; i < (size_t)KEPT_SETS * KEPT_WAYS; i++)
		forget(k, &k->at[i / KEPT_WAYS][i % KEPT_WAYS]);
}

/* Names are of chance, unless a session process was taken over. */
static struct kept_session *
set_of(struct kept *k, const unsigned char id[MSG_SESSION_ID])
{
	uint64_t h = k->seed;

	for (size_t i = 0; i < MSG_SESSION_ID; i++)
		h = (h ^ id[i]) * 0x100000001b3u;
	return k->at[(h ^ h >> 32) % KEPT_SETS];
}

static struct kept_session *
find(struct kept *k, const unsigned char id[MSG_SESSION_ID], int64_t now_ms)
{
	struct kept_session *s = set_of(k, id);

	for (int i = 0; i < KEPT_WAYS; i++)
		if (s[i].p != NULL && s[i].until_ms <= now_ms)
			forget(k, &s[i]);
	for (int i = 0; i < KEPT_WAYS; i++)
		if (s[i].p != NULL && memcmp(s[i].id, id, MSG_SESSION_ID) == 0)
			return &s[i];
	return NULL;
}

void
kept_add(struct kept *k, const unsigned char id[MSG_SESSION_ID], struct span in, int64_t now_ms)
{
	struct kept_session *s = find(k, id, now_ms), *set = set_of(k, id);
	unsigned char *copy = malloc(in.n > 0 ? in.n : 1);

	if (copy == NULL)
		return;
	for (int i = 0; s == NULL && i < KEPT_WAYS; i++)
		if (set[i].p == NULL)
			s = &set[i];
	for (int i = 0; s == NULL && i < KEPT_WAYS; i++)
		if (set[i].until_ms <= set[(i + 1) % KEPT_WAYS].until_ms &&
		    set[i].until_ms <= set[(i + 2) % KEPT_WAYS].until_ms &&
		    set[i].until_ms <= set[(i + 3) % KEPT_WAYS].until_ms)
			s = &set[i];
	forget(k, s);
	memcpy(copy, in.p, in.n);
	*s = (struct kept_session){ .p = copy, .n = (uint32_t)in.n, .until_ms = now_ms + (int64_t)KEPT_S * 1000 };
	memcpy(s->id, id, MSG_SESSION_ID);
	k->n++;
}

struct span
kept_find(struct kept *k, const unsigned char id[MSG_SESSION_ID], int64_t now_ms)
{
	const struct kept_session *s = find(k, id, now_ms);

	return s == NULL ? (struct span){ NULL, 0 } : span_of(s->p, s->n);
}
