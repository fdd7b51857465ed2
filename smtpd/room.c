/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/room.h"

#include <stdlib.h>

static struct waiting *
take(struct room *r, struct clients *t, struct waiting **at)
{
	struct waiting *w = *at;

	*at = w->next;
	r->n--;
	clients_wait(t, &w->addr, false);
	return w;
}

/* The last of the network that is there most, if that is more often than a's; or NULL. */
static struct waiting **
crowd(struct room *r, struct clients *t, const struct netaddr *a)
{
	uint32_t most = clients_presence(t, a, true) + 1;
	struct waiting **worst = NULL;

	for (struct waiting **at = &r->first; *at != NULL; at = &(*at)->next) {
		uint32_t n = clients_presence(t, &(*at)->addr, true);

		if (n > most || (n == most && worst != NULL)) {
			most = n;
			worst = at;
		}
	}
	return worst;
}

int
room_enter(struct room *r, struct clients *t, int fd, uint32_t listener, const struct netaddr *a,
    int64_t now_ms, struct waiting **out)
{
	struct waiting *w, **at;

	*out = NULL;
	at = r->n < ROOM_MAX ? NULL : crowd(r, t, a);
	if (r->n >= ROOM_MAX && at == NULL)
		return -1;
	w = calloc(1, sizeof *w);
	if (w == NULL || !clients_wait(t, a, true)) {
		free(w);
		return -1;
	}
	if (at != NULL)
		*out = take(r, t, at);
	*w = (struct waiting){ NULL, fd, listener, *a, now_ms };
	for (at = &r->first; *at != NULL; at = &(*at)->next)
		;
	*at = w;
	r->n++;
	return 0;
}

struct waiting *
room_next(struct room *r, struct clients *t)
{
	struct waiting **best = NULL;
	uint32_t best_net = 0, best_own = 0;

	for (struct waiting **at = &r->first; *at != NULL; at = &(*at)->next) {
		uint32_t net = clients_sessions(t, &(*at)->addr, true);
		uint32_t own = clients_sessions(t, &(*at)->addr, false);

		if (best == NULL || net < best_net || (net == best_net && own < best_own)) {
			best = at;
			best_net = net;
			best_own = own;
		}
	}
	return best == NULL ? NULL : take(r, t, best);
}

struct waiting *
room_late(struct room *r, struct clients *t, int64_t now_ms)
{
	bool late = r->first != NULL && now_ms - r->first->since_ms >= ROOM_WAIT_MS;

	return late ? take(r, t, &r->first) : NULL;
}

struct waiting *
room_by_listener(struct room *r, struct clients *t, uint32_t listener)
{
	for (struct waiting **at = &r->first; *at != NULL; at = &(*at)->next)
		if ((*at)->listener == listener)
			return take(r, t, at);
	return NULL;
}
