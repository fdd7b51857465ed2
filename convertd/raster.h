/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/raster.h - a bi-level page in memory: rows from the top, the highest bit leftmost,
 * 1 is black, bits past the width are 0.
 */
#ifndef CONVERTD_RASTER_H
#define CONVERTD_RASTER_H

#include "lib/err.h"
#include "lib/span.h"

/* stride: octets of a row, (width_px + 7) / 8. */
struct raster { uint32_t width_px, rows; size_t stride; unsigned char *px; };

/* All white.  -1: ERR_TEMP.  raster_free twice is harmless. */
int raster_init(struct raster *r, uint32_t width_px, uint32_t rows, struct err *e);
void raster_free(struct raster *r);

static inline size_t
raster_stride(uint32_t width_px)
{
	return ((size_t)width_px + 7) / 8;
}

/* Eight octets, the bits of each in the other order: neighbours, pairs, halves change places. */
static inline uint64_t
raster_reverse64(uint64_t v)
{
	v = (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
	v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
	return (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
}

static inline unsigned char *
raster_row(const struct raster *r, uint32_t y)
{
	return r->px + y * r->stride;
}

/* Bit order of n octets, lowest bit first to highest first or back. */
void raster_reverse(unsigned char *p, size_t n);

/* Black for white.  The bits past the width are 0 afterwards. */
void raster_invert(struct raster *r);

/* Clears the bits past the width, which decoders may leave in any state. */
void raster_trim(struct raster *r);

/*
 * Turns r as TIFF's Orientation says (1 to 8), so that the first row is the visual top; 5 to 8
 * exchange width and rows.  -1: ERR_TEMP, r is unchanged.
 */
int raster_turn(struct raster *r, uint32_t orientation, struct err *e);

#endif
