/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/route.h - a recipient's next hop, from the settings locals and smtproutes. */
#ifndef QMGR_ROUTE_H
#define QMGR_ROUTE_H

#include "lib/conf.h"

/* The destination "" of recipients that can have none (a domain over the limit): they fail. */
#define ROUTE_NONE ""

/*
 * addr: as in the envelope.  out: "local", a route as smtproutes has it ("mx.example:25": the addresses
 * of that host), or "DOMAIN" (lower case, no port) whose MX is wanted; ROUTE_NONE.  The domain "local"
 * gets a dot behind it, so that it is not mistaken for the first.
 */
void route_of(const struct conf *conf, struct span addr, char out[JOB_DEST]);

#endif
