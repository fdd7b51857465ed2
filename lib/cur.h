/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/cur.h - read bytes we do not own, in order and within their bounds.
 * Failure sticks: chain the reads and test c->bad once.  After it, numbers read as 0 and
 * spans as empty.
 */
#ifndef LIB_CUR_H
#define LIB_CUR_H

#include "lib/span.h"

struct cur { const unsigned char *p, *end; bool bad; };

static inline struct cur
cur_of(struct span s)
{
	return (struct cur){ s.p, s.n == 0 ? s.p : s.p + s.n, false };
}

static inline size_t
cur_left(const struct cur *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->p);
}

/* The next n bytes as a view; they are consumed. */
static inline struct span
cur_take(struct cur *c, size_t n)
{
	struct span s = { c->p, n };

	if (c->bad || n > (size_t)(c->end - c->p)) {
		c->bad = true;
		return (struct span){ NULL, 0 };
	}
	if (n > 0)
		c->p += n;
	return s;
}

/* What is left, consumed. */
static inline struct span
cur_rest(struct cur *c)
{
	return cur_take(c, cur_left(c));
}

static inline void
cur_skip(struct cur *c, size_t n)
{
	(void)cur_take(c, n);
}

/* 0..255, or -1 and bad. */
static inline int
cur_byte(struct cur *c)
{
	if (c->bad || c->p == c->end) {
		c->bad = true;
		return -1;
	}
	return *c->p++;
}

/* The next byte without consuming it, or -1 at the end (not bad). */
static inline int
cur_peek(const struct cur *c)
{
	return c->bad || c->p == c->end ? -1 : *c->p;
}

static inline uint16_t
cur_u16le(struct cur *c)
{
	struct span s = cur_take(c, 2);

	return s.n == 2 ? (uint16_t)(s.p[0] | s.p[1] << 8) : 0;
}

static inline uint16_t
cur_u16be(struct cur *c)
{
	struct span s = cur_take(c, 2);

	return s.n == 2 ? (uint16_t)(s.p[0] << 8 | s.p[1]) : 0;
}

static inline uint32_t
cur_u32le(struct cur *c)
{
	struct span s = cur_take(c, 4);

	return s.n == 4 ? (uint32_t)s.p[0] | (uint32_t)s.p[1] << 8 | (uint32_t)s.p[2] << 16 |
	    (uint32_t)s.p[3] << 24 : 0;
}

static inline uint32_t
cur_u32be(struct cur *c)
{
	struct span s = cur_take(c, 4);

	return s.n == 4 ? (uint32_t)s.p[0] << 24 | (uint32_t)s.p[1] << 16 |
	    (uint32_t)s.p[2] << 8 | (uint32_t)s.p[3] : 0;
}

static inline uint64_t
cur_u64le(struct cur *c)
{
	uint64_t lo = cur_u32le(c);

	return lo | (uint64_t)cur_u32le(c) << 32;
}

#endif
