/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/halftone.h - lightness to black and white.  Text and lines are cut at a threshold, which keeps
 * them sharp and small in MMR; what has shades is drawn in dots by diffusing the error (Floyd and Steinberg).
 * Which is which is told block by block.  Pure.
 */
#ifndef CONVERTD_HALFTONE_H
#define CONVERTD_HALFTONE_H

#include "convertd/picture.h"

/* g drawn on r, its first pixel at (x, y); it must lie on it.  g is changed.  -1: ERR_TEMP. */
int halftone(struct grey *g, struct raster *r, uint32_t x, uint32_t y, struct err *e);

/*
 * g in another size: boxes where it becomes smaller, straight lines between pixels where it grows; of the
 * same size a copy.  *out: grey_free.  -1: ERR_TEMP.
 */
int grey_resize(const struct grey *g, uint32_t width_px, uint32_t rows, struct grey *out, struct err *e);

/* Upright by TIFF's Orientation, 1 to 8.  -1: ERR_TEMP, g is unchanged. */
int grey_turn(struct grey *g, uint32_t orientation, struct err *e);

#endif
