/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/buf.h - growable bytes with a ceiling given at birth.
 * Names tell ownership: _init/_free are a pair, _view borrows, _take moves.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include "lib/err.h"
#include "lib/span.h"

struct buf { unsigned char *p; size_t n, cap, max; };

/* Cannot fail and allocates nothing; max: octets it will never exceed. */
void buf_init(struct buf *b, size_t max);

/* Twice is harmless. */
void buf_free(struct buf *b);

/* Copies s to the end.  -1 (ERR_TEMP 4.3.0 no memory, ERR_PERM 5.3.4 ceiling): b is unchanged. */
int buf_add(struct buf *b, struct span s, struct err *e);
int buf_add_str(struct buf *b, const char *s, struct err *e);
int buf_add_byte(struct buf *b, int c, struct err *e);
int buf_add_u16le(struct buf *b, uint16_t v, struct err *e);
int buf_add_u32le(struct buf *b, uint32_t v, struct err *e);
int buf_add_u64le(struct buf *b, uint64_t v, struct err *e);
int buf_addf(struct buf *b, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes room for n more octets and returns where they go (the caller adds to b->n), or NULL. */
void *buf_room(struct buf *b, size_t n, struct err *e);

/* Dead after the next call that adds. */
static inline struct span
buf_view(const struct buf *b)
{
	return (struct span){ b->p, b->n };
}

static inline void
buf_clear(struct buf *b)
{
	b->n = 0;
}

/* Drops the first n octets. */
void buf_eat(struct buf *b, size_t n);

/* The caller frees the result; b is empty afterwards. */
void *buf_take(struct buf *b, size_t *n);

#endif
