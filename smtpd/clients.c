/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/clients.h"

#include <stdlib.h>

static bool
is_ipv4(const struct netaddr *a)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->a, mapped, sizeof mapped) == 0;
}

struct netaddr
clients_key(const struct netaddr *a, bool network)
{
	unsigned octets = is_ipv4(a) ? (network ? 15 : 16) : (network ? 6 : 8);
	struct netaddr k = { .port = (uint16_t)octets };

	memcpy(k.a, a->a, octets);
	return k;
}

static bool
key_eq(const struct netaddr *a, const struct netaddr *b)
{
	return a->port == b->port && memcmp(a->a, b->a, sizeof a->a) == 0;
}

static struct client **
find(struct clients *t, const struct netaddr *key)
{
	uint32_t h = 2166136261u ^ key->port;
	struct client **at;

	for (size_t i = 0; i < sizeof key->a; i++)
		h = (h ^ key->a[i]) * 16777619u;
	for (at = &t->bucket[(h ^ h >> 16) % CLIENTS_BUCKETS]; *at != NULL; at = &(*at)->next)
		if (key_eq(&(*at)->key, key))
			break;
	return at;
}

/* Forgets an entry of which nothing is to be known. */
static void
tidy(struct clients *t, struct client **at, int64_t now_ms)
{
	struct client *c = *at;

	if (c->slow_until != 0 && now_ms >= c->slow_until) {
		c->slow_until = 0;
		t->nslow--;
	}
	if (c->sessions > 0 || c->waiting > 0 || c->slow_until != 0)
		return;
	*at = c->next;
	free(c);
}

static struct client *
get(struct clients *t, const struct netaddr *key)
{
	struct client **at = find(t, key);

	if (*at == NULL && (*at = calloc(1, sizeof **at)) != NULL)
		(*at)->key = *key;
	return *at;
}

const char clients_full[] = "too many sessions";

const char *
clients_enter(struct clients *t, const struct netaddr *a, uint32_t sessions,
    const struct clients_limits *max, int64_t now_ms)
{
	struct netaddr ck = clients_key(a, false), nk = clients_key(a, true);
	struct client *c = get(t, &ck), *n = get(t, &nk);
	const char *why = NULL;

	if (c == NULL || n == NULL)
		why = "out of memory";
	else if (c->sessions + c->waiting >= max->client ||
	    (c->slow_until > now_ms && c->sessions + c->waiting > 0))
		why = "too many sessions from your address";
	else if (n->sessions + n->waiting >= max->network)
		why = "too many sessions from your network";
	else if (sessions >= max->all)
		why = clients_full;
	else
		c->sessions++, n->sessions++;
	if (c != NULL)
		tidy(t, find(t, &ck), now_ms);
	if (n != NULL)
		tidy(t, find(t, &nk), now_ms);
	return why;
}

void
clients_leave(struct clients *t, const struct netaddr *a)
{
	for (int network = 0; network < 2; network++) {
		struct netaddr k = clients_key(a, network);
		struct client **at = find(t, &k);

		if (*at == NULL)
			continue;
		if ((*at)->sessions > 0)
			(*at)->sessions--;
		tidy(t, at, 0);
	}
}

bool
clients_wait(struct clients *t, const struct netaddr *a, bool begins)
{
	struct netaddr ck = clients_key(a, false), nk = clients_key(a, true);
	struct client *c = get(t, &ck), *n = get(t, &nk);
	bool known = c != NULL && n != NULL;

	if (known && begins)
		c->waiting++, n->waiting++;
	else if (known && c->waiting > 0 && n->waiting > 0)
		c->waiting--, n->waiting--;
	if (c != NULL)
		tidy(t, find(t, &ck), 0);
	if (n != NULL)
		tidy(t, find(t, &nk), 0);
	return known;
}

uint32_t
clients_sessions(struct clients *t, const struct netaddr *a, bool network)
{
	struct netaddr k = clients_key(a, network);
	const struct client *c = *find(t, &k);

	return c != NULL ? c->sessions : 0;
}

uint32_t
clients_presence(struct clients *t, const struct netaddr *a, bool network)
{
	struct netaddr k = clients_key(a, network);
	const struct client *c = *find(t, &k);

	return c != NULL ? c->sessions + c->waiting : 0;
}

/* Old ones that never came back make room. */
static void
sweep(struct clients *t, int64_t now_ms)
{
	for (size_t i = 0; i < CLIENTS_BUCKETS; i++)
		for (struct client **at = &t->bucket[i]; *at != NULL;) {
			struct client *c = *at;

			tidy(t, at, now_ms);
			if (*at == c)
				at = &c->next;
		}
}

void
clients_punish(struct clients *t, const struct netaddr *a, int64_t now_ms)
{
	struct netaddr k = clients_key(a, false);
	struct client *c;

	if (t->nslow >= CLIENTS_SLOW_MAX)
		sweep(t, now_ms);
	if (t->nslow >= CLIENTS_SLOW_MAX || (c = get(t, &k)) == NULL)
		return;
	t->nslow += c->slow_until == 0;
	c->slow_until = now_ms + CLIENTS_SLOW_MS;
}

bool
clients_slow(struct clients *t, const struct netaddr *a, int64_t now_ms)
{
	struct netaddr k = clients_key(a, false);
	struct client *c = *find(t, &k);

	return c != NULL && c->slow_until > now_ms;
}

void
clients_free(struct clients *t)
{
	for (size_t i = 0; i < CLIENTS_BUCKETS; i++)
		while (t->bucket[i] != NULL) {
			struct client *c = t->bucket[i];

			t->bucket[i] = c->next;
			free(c);
		}
	t->nslow = 0;
}
