/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/resolver/wire.h"

#include <check.h>

static void
put(struct buf *b, struct span s)
{
	struct err e;

	ck_assert_int_eq(buf_add(b, s, &e), 0);
}

static void
put16(struct buf *b, unsigned v)
{
	unsigned char o[2] = { (unsigned char)(v >> 8), (unsigned char)v };

	put(b, span_of(o, 2));
}

void
wire_name(struct buf *b, const char *name)
{
	struct span rest = span_str(name), label;
	unsigned char n;

	while (rest.n > 0) {
		label = span_sub(rest, 0, span_find(rest, '.'));
		rest = span_sub(rest, label.n + 1, rest.n);
		n = (unsigned char)label.n;
		put(b, span_of(&n, 1));
		put(b, label);
	}
	put(b, span_of("", 1));
}

void
wire_start(struct buf *b, const char *qname, unsigned type, unsigned rcode)
{
	buf_clear(b);
	put16(b, 7);
	put16(b, 0x8180 | rcode);
	put16(b, 1);
	put16(b, 0);
	put16(b, 0);
	put16(b, 0);
	wire_name(b, qname);
	put16(b, type);
	put16(b, 1);
}

void
wire_data(struct buf *b, const char *owner, unsigned type, uint32_t ttl, struct span data)
{
	unsigned n = (unsigned)b->p[6] << 8 | b->p[7];

	n++;
	b->p[6] = (unsigned char)(n >> 8);
	b->p[7] = (unsigned char)n;
	wire_name(b, owner);
	put16(b, type);
	put16(b, 1);
	put16(b, ttl >> 16);
	put16(b, ttl & 0xffff);
	put16(b, (unsigned)data.n);
	put(b, data);
}

/* A name behind n numbers. */
static void
wire_named(struct buf *b, const char *owner, unsigned type, const unsigned *number, size_t n, const char *name)
{
	struct buf data;

	buf_init(&data, 1000);
	for (size_t i = 0; i < n; i++)
		put16(&data, number[i]);
	wire_name(&data, name);
	wire_data(b, owner, type, 300, buf_view(&data));
	buf_free(&data);
}

void
wire_mx(struct buf *b, const char *owner, unsigned preference, const char *host)
{
	wire_named(b, owner, DNS_MX, &preference, 1, host);
}

void
wire_srv(struct buf *b, const char *owner, unsigned priority, unsigned weight, unsigned port, const char *host)
{
	const unsigned number[] = { priority, weight, port };

	wire_named(b, owner, DNS_SRV, number, 3, host);
}

void
wire_cname(struct buf *b, const char *owner, const char *to)
{
	wire_named(b, owner, DNS_CNAME, NULL, 0, to);
}
