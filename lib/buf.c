/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void *
buf_room(struct buf *b, size_t n, struct err *e)
{
	size_t want, cap;
	unsigned char *p;

	if (n > b->max - b->n) {
		err_set(e, ERR_PERM, "5.3.4", "more than %zu octets", b->max);
		return NULL;
	}
	want = b->n + n;
	if (want > b->cap || b->p == NULL) {
		cap = b->cap < 64 ? 64 : b->cap;
		while (cap < want)
			cap = cap > b->max / 2 ? b->max : cap * 2;
		if ((p = realloc(b->p, cap)) == NULL) {
			err_set(e, ERR_TEMP, "4.3.0", "no memory for %zu octets", cap);
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->n;
}

int
buf_add(struct buf *b, struct span s, struct err *e)
{
	void *to = buf_room(b, s.n, e);

	if (to == NULL)
		return -1;
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	b->n += s.n;
	return 0;
}

int
buf_add_str(struct buf *b, const char *s, struct err *e)
{
	return buf_add(b, span_str(s), e);
}

int
buf_add_byte(struct buf *b, int c, struct err *e)
{
	unsigned char byte = (unsigned char)c;

	return buf_add(b, span_of(&byte, 1), e);
}

/* n octets of v, the lowest first. */
static int
buf_add_le(struct buf *b, uint64_t v, size_t n, struct err *e)
{
	unsigned char o[8];

	for (size_t i = 0; i < n; i++)
		o[i] = (unsigned char)(v >> 8 * i);
	return buf_add(b, span_of(o, n), e);
}

int
buf_add_u16le(struct buf *b, uint16_t v, struct err *e)
{
	return buf_add_le(b, v, 2, e);
}

int
buf_add_u32le(struct buf *b, uint32_t v, struct err *e)
{
	return buf_add_le(b, v, 4, e);
}

int
buf_add_u64le(struct buf *b, uint64_t v, struct err *e)
{
	return buf_add_le(b, v, 8, e);
}

int
buf_addf(struct buf *b, struct err *e, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	to = n < 0 ? NULL : buf_room(b, (size_t)n + 1, e);	/* vsnprintf writes a NUL */
	if (to != NULL) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
	return to == NULL ? -1 : 0;
}

void
buf_eat(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

void *
buf_take(struct buf *b, size_t *n)
{
	void *p = b->p;

	*n = b->n;
	*b = (struct buf){ .max = b->max };
	return p;
}
