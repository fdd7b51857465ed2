/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* paint.h - JPEG and PNG files for the tests, written by libjpeg and libpng; buf_free them. */
#ifndef TESTS_UNIT_CONVERTD_PAINT_H
#define TESTS_UNIT_CONVERTD_PAINT_H

#include "lib/buf.h"

/* px: rows of width pixels of channels octets.  PNG: 1 grey, 3 colours, 4 with alpha. */
void paint_png(const unsigned char *px, uint32_t width, uint32_t rows, int channels, struct buf *out);

/* JPEG: 1 grey, 3 RGB, 4 inks as Adobe has them; dpi 0: none stated; orientation 0: no Exif. */
struct paint { uint32_t width, rows, dpi, orientation; int channels, quality; bool progressive; };
void paint_jpeg(const unsigned char *px, const struct paint *p, struct buf *out);

/* A chunk behind a PNG's header, with its CRC. */
void paint_chunk(struct buf *png, const char *type, const void *data, uint32_t n);

#endif
