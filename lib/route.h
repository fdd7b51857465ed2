/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/route.h - a recipient's next hop, from the settings locals and smtproutes. */
#ifndef LIB_ROUTE_H
#define LIB_ROUTE_H

#include "lib/conf.h"

/* The destination "" of recipients that can have none (a domain over the limit): they fail. */
#define ROUTE_NONE ""

/*
 * addr: as in the envelope.  out: "local", a route as smtproutes has it, or "DOMAIN:25" (lower case)
 * where names are to be looked up; ROUTE_NONE.
 */
void route_of(const struct conf *conf, struct span addr, char out[JOB_DEST]);

#endif
