/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/route.h - a recipient's next hop, from the settings locals and smtproutes. */
#ifndef QMGR_ROUTE_H
#define QMGR_ROUTE_H

#include "lib/confline.h"

/* The destination "" of recipients that can have none (a domain over the limit): they fail. */
#define ROUTE_NONE ""

enum { ROUTE_MAX = JOB_DEST + 256 };

/*
 * addr: as in the envelope.  out: "local", a route as smtproutes has it, or "DOMAIN:25" (lower case)
 * where names are to be looked up; ROUTE_NONE.  A domain that a line of `destinations` speaks of by a
 * pattern and that goes to a route has a destination of its own there: "ROUTE PATTERN".
 */
void route_of(const struct conf *conf, struct span addr, char out[ROUTE_MAX]);

/* The next hop alone. */
void route_hop(const char *route, char out[JOB_DEST]);

/* The options of `destinations` for such a destination. */
void route_options(const struct conf *conf, const char *route, struct destination *out);

#endif
