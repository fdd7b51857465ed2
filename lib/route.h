/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/route.h - a recipient's next hop, from the settings locals and smtproutes. */
#ifndef LIB_ROUTE_H
#define LIB_ROUTE_H

#include "lib/confline.h"

/* The destination "" of recipients that can have none (a domain over the limit): they fail. */
#define ROUTE_NONE ""

/*
 * Delivery here, and what is no delivery at all: a message that is not read yet, and one whose failures are
 * to be reported.  No recipient has a domain or a route of such a name: neither has an "@", a route has a
 * port, and the domain "local" gets a dot behind it.
 */
#define ROUTE_LOCAL "local"
#define ROUTE_READ "@read"
#define ROUTE_REPORT "@report"

enum { ROUTE_MAX = JOB_DEST + 256 };

/*
 * addr: as in the envelope.  out: ROUTE_LOCAL, a route of smtproutes as hop_name() writes it
 * ("mx.example:25": the addresses of that host), or "DOMAIN" (so too, no port) whose MX is wanted;
 * ROUTE_NONE.  A domain that a line of `destinations` speaks of by a pattern and that goes to a route has a
 * destination of its own there: "ROUTE PATTERN".
 */
void route_of(const struct conf *conf, struct span addr, char out[ROUTE_MAX]);

/* Is that where addr goes?  Most of those that go elsewhere cost no look at the settings. */
bool route_is(const struct conf *conf, struct span addr, const char *route);

/* The next hop alone. */
void route_hop(const char *route, char out[JOB_DEST]);

/* The options of `destinations` for such a destination. */
void route_options(const struct conf *conf, const char *route, struct destination *out);

#endif
