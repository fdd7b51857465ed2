/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/image_detail.h - what image.c and image_convert.c know of an image, and nobody else. */
#ifndef CONVERTD_IMAGE_DETAIL_H
#define CONVERTD_IMAGE_DETAIL_H

#include "convertd/codec.h"
#include "convertd/image.h"
#include "convertd/lab.h"
#include "convertd/text.h"
#include "convertd/tiff_read.h"

/* Samples of chroma for those of lightness. */
enum chroma { CHROMA_NONE, CHROMA_WHOLE, CHROMA_HALF, CHROMA_ODD };

/* What the file is; only that member is set. */
struct detail {
	enum image_kind { IMAGE_TIFF, IMAGE_PICTURE, IMAGE_TEXT } kind;
	struct tiff tiff;
	struct tiff_page *page;
	uint32_t *stripe;		/* L0 of a JBIG page; enum chroma of one of Profile C */
	struct picture picture;		/* JPEG or PNG: of one page */
	struct text text;
};

/* How a TIFF's page is coded. */
enum coding image_coding(const struct tiff_page *p);

/* Strip i of the page. */
int image_strip(const struct tiff *t, const struct tiff_page *p, uint32_t i, struct codec_strip *s,
    struct err *e);

/* The page as it is seen: black is 1, top row first.  raster_free.  -1: as image_decode. */
int image_raster(const struct image *img, uint32_t page, struct raster *r, struct err *e);

/*
 * A picture or a page of Profile C in that size, upright, in planes (lab_init).  lab_free.  -1: as image_decode;
 * nothing to free.
 */
int image_lab(const struct image *img, uint32_t page, unsigned planes, uint32_t width_px, uint32_t rows,
    struct lab *out, struct err *e);

/* The same in black and white. */
int image_lab_raster(const struct image *img, uint32_t page, uint32_t width_px, uint32_t rows, struct raster *r,
    struct err *e);

/* A picture drawn on a page of that size. */
int image_picture(const struct picture *p, uint32_t width_px, uint32_t rows, struct raster *r, struct err *e);

#endif
