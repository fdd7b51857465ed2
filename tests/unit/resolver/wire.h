/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/unit/resolver/wire.h - writes DNS answers for the tests. */
#ifndef TESTS_UNIT_RESOLVER_WIRE_H
#define TESTS_UNIT_RESOLVER_WIRE_H

#include "lib/buf.h"
#include "remote/resolver/answer.h"

/* Header and question, no answer yet. */
void wire_start(struct buf *b, const char *qname, unsigned type, unsigned rcode);
/* One more answer record; its count is in the header. */
void wire_mx(struct buf *b, const char *owner, unsigned preference, const char *host);
void wire_srv(struct buf *b, const char *owner, unsigned priority, unsigned weight, unsigned port, const char *host);
void wire_cname(struct buf *b, const char *owner, const char *to);
void wire_data(struct buf *b, const char *owner, unsigned type, uint32_t ttl, struct span data);
/* A name without compression. */
void wire_name(struct buf *b, const char *name);

#endif
