/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/runs.h - a row of a bi-level page as the columns at which its colour changes: what T.4 and T.6
 * code, so that a page that keeps its size is recoded without a pixel being painted.
 */
#ifndef CONVERTD_RUNS_H
#define CONVERTD_RUNS_H

#include "lib/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * x[0 .. n) ascend, all below width; a row starts white, so x[0] is where the first black pixel is.
 * RUNS_END of width follow, that a search for the next change needs no bound of its own.
 */
struct runs { int32_t *x; int32_t n, width; };

enum { RUNS_END = 4 };

/* A white row.  -1: ERR_TEMP.  runs_free twice is harmless. */
int runs_init(struct runs *r, uint32_t width_px, struct err *e);
void runs_free(struct runs *r);

/* Writes what must follow x[0 .. n). */
static inline void
runs_end(struct runs *r)
{
	for (int i = 0; i < RUNS_END; i++)
		r->x[r->n + i] = r->width;
}

/* From a row of (width + 7) / 8 octets, 1 black, the highest bit leftmost; bits past width do not count. */
void runs_read(struct runs *r, const unsigned char *row);

/* To such a row, which is white before. */
void runs_paint(const struct runs *r, unsigned char *row);

/* Black for white. */
void runs_invert(struct runs *r);

/* to has room for from's width. */
void runs_copy(struct runs *to, const struct runs *from);

/* The two rows change places. */
void runs_swap(struct runs *a, struct runs *b);

#endif
