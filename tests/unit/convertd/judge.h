/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* judge.h - files for the tests, and what libtiff and jbigkit alone, without us, make of one. */
#ifndef TESTS_UNIT_CONVERTD_JUDGE_H
#define TESTS_UNIT_CONVERTD_JUDGE_H

#include "convertd/image.h"
#include "convertd/raster.h"

/* The file of that name from the root of the source, freed by free((void *)s.p); fails the test. */
struct span file_read(const char *name);

/* Page of a TIFF file by libtiff's reader, T.85 strips by jbig85; upright files only. */
void judge_decode(struct span file, uint32_t page, struct raster *out);

/* The page by libtiff's encoder as one strip in FillOrder 2, MH with aligned EOLs, MR without. */
void judge_encode(enum coding coding, const struct raster *r, uint16_t dpi_y, struct buf *out);

/* How many directories libtiff finds. */
uint32_t judge_pages(struct span file);

/* A page of random runs, the same for the same seed; density: black of 256. */
void raster_random(struct raster *r, uint32_t width_px, uint32_t rows, unsigned density,
    unsigned seed);

#endif
