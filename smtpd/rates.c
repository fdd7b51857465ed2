/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/rates.h"

#include <stdlib.h>

static struct rate_user **
find(struct rates *t, const char *user)
{
	uint32_t h = 2166136261u;
	struct rate_user **at;

	for (const char *p = user; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	for (at = &t->bucket[(h ^ h >> 16) % RATES_BUCKETS]; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->name, user) == 0)
			break;
	return at;
}

static int64_t
latest(const struct rate_user *u)
{
	return u->messages_us > u->recipients_us ? u->messages_us : u->recipients_us;
}

/* Whoever's sending is over soonest is forgotten. */
static void
drop_one(struct rates *t)
{
	struct rate_user **least = NULL, *u;

	for (size_t i = 0; i < RATES_BUCKETS; i++)
		for (struct rate_user **at = &t->bucket[i]; *at != NULL; at = &(*at)->next)
			if (least == NULL || latest(*at) < latest(*least))
				least = at;
	if (least == NULL)
		return;
	u = *least;
	*least = u->next;
	free(u);
	t->n--;
}

static struct rate_user *
get(struct rates *t, const char *user)
{
	struct rate_user **at = find(t, user);

	if (*at != NULL)
		return *at;
	if (t->n >= RATES_USERS) {
		drop_one(t);
		at = find(t, user);
	}
	if ((*at = calloc(1, sizeof **at)) != NULL) {
		memcpy((*at)->name, user, strlen(user) + 1);
		t->n++;
	}
	return *at;
}

/* When `at` would be with n more; -1: that is too much. */
static int64_t
later(int64_t at, int64_t now_us, uint32_t n, uint32_t max_n, uint32_t max_s)
{
	int64_t all = (int64_t)max_s * 1000000;

	if (n == 0 || max_n == 0)
		return at;
	if (n > max_n)
		return -1;
	if (at < now_us)
		at = now_us;
	at += all * n / max_n;
	return at - now_us > all ? -1 : at;
}

bool
rates_take(struct rates *t, const struct userrate *max, const char *user, uint32_t messages,
    uint32_t recipients, int64_t now_ms)
{
	struct rate_user *u;
	int64_t m, r;

	if (max->messages == 0 && max->recipients == 0)
		return true;
	if ((u = get(t, user)) == NULL)
		return false;
	m = later(u->messages_us, now_ms * 1000, messages, max->messages, max->messages_s);
	r = later(u->recipients_us, now_ms * 1000, recipients, max->recipients, max->recipients_s);
	if (m == -1 || r == -1)
		return false;
	u->messages_us = m;
	u->recipients_us = r;
	return true;
}

void
rates_free(struct rates *t)
{
	for (size_t i = 0; i < RATES_BUCKETS; i++)
		while (t->bucket[i] != NULL) {
			struct rate_user *u = t->bucket[i];

			t->bucket[i] = u->next;
			free(u);
		}
	t->n = 0;
}
