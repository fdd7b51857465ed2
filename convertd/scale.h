/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/scale.h - bi-level pages in another size, by the black area under each new pixel.
 * Fits the width and keeps the proportions of both resolutions; nothing is cropped.
 */
#ifndef CONVERTD_SCALE_H
#define CONVERTD_SCALE_H

#include "convertd/form.h"
#include "convertd/raster.h"

/*
 * How one page becomes another: a new pixel covers x_num / x_den by y_num / y_den old ones
 * (reduced fractions), and is black if at least black / whole of that area is.
 */
struct scale {
	uint32_t width_px, rows;	/* of the result */
	uint32_t x_num, x_den, y_num, y_den;
	uint32_t black, whole;
};

/*
 * The scale from a page of width_px by rows pixels at dpi_x by dpi_y (nominal, RFC 3949 2.2.2) to
 * form to.  1/2 for whole boxes, so that a tie is black and hairlines stay; 3/8 for 98 lines, 7/16
 * for fractional boxes: measured by what stays legible.  -1: ERR_PERM 5.6.5, longer than max_rows.
 */
int scale_plan(uint32_t width_px, uint32_t rows, uint16_t dpi_x, uint16_t dpi_y,
    const struct form *to, uint32_t max_rows, struct scale *out, struct err *e);

/* Is it a copy of the pixels? */
bool scale_is_copy(const struct scale *s);

/* A new raster, freed by raster_free.  from: the size that s was planned for.  -1: ERR_TEMP. */
int scale_run(const struct scale *s, const struct raster *from, struct raster *out,
    struct err *e);

#endif
