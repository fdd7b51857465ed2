/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/picture.h - JPEG and PNG: pictures of any size, which become one bi-level page.
 * A picture is known by our own reading of its structure, before a library sees it; libjpeg and libpng
 * only ever decode it, in the job that makes the page.
 */
#ifndef CONVERTD_PICTURE_H
#define CONVERTD_PICTURE_H

#include "convertd/form.h"
#include "convertd/raster.h"

enum {
	PICTURE_SIDE_PX = 30000,	/* of either side */
	PICTURE_PX = 64 << 20,		/* of a picture: one octet each while it is converted */
	PICTURE_PX_WHOLE = 24 << 20,	/* of a progressive or interlaced one, which a library keeps whole */
	PICTURE_SCANS = 100,		/* of a JPEG: each goes over all of it */
};

enum picture_colour { PICTURE_BINARY, PICTURE_GREY, PICTURE_MAPPED, PICTURE_FULL };

struct picture {
	enum coding coding;		/* CODING_JPEG, CODING_PNG */
	enum picture_colour colour;
	uint32_t width_px, rows;	/* as coded */
	uint32_t components;		/* of a JPEG: 1, 3, 4 */
	unsigned sampling;		/* of its first component, as in its frame header: 0x22 if it has twice as many
					 * samples each way as the others have */
	uint32_t orientation;		/* 1 to 8, TIFF's: of a photograph, by Exif */
	uint32_t dpi;			/* of its longer side on paper; 0: it says none that can be true */
	struct span file;		/* borrowed */
};

/* Lightness, CIE L* times 2.55: 0 black, 255 white.  owned: grey_free. */
struct grey { uint32_t width_px, rows; unsigned char *px; };
int grey_init(struct grey *g, uint32_t width_px, uint32_t rows, struct err *e);	/* -1: ERR_TEMP */
void grey_free(struct grey *g);					/* twice is harmless */

/* CIE L* of sRGB (IEC 61966-2-1, ISO/CIE 11664-4), scaled to 0..255. */
unsigned char grey_of_rgb(unsigned r, unsigned g, unsigned b);

/* By its first octets: CODING_JPEG, CODING_PNG, or CODING_OTHER for anything else. */
enum coding picture_kind(struct span file);

/*
 * Reads the structure of a JPEG (ITU-T T.81, baseline, extended or progressive, 8 bits) or PNG (ISO/IEC
 * 15948).  -1: ERR_PERM 5.6.1 what is wrong with it, 5.6.5 over a limit.
 */
int picture_open(struct span file, const struct limits *max, struct picture *out, struct err *e);
int jpeg_check(struct span file, const struct limits *max, struct picture *out, struct err *e);
int png_check(struct span file, struct picture *out, struct err *e);

/* All of it, upright: its lightness; its colours too.  -1: ERR_PERM 5.6.5 it does not decode, ERR_TEMP. */
struct lab;
int picture_decode(const struct picture *p, struct grey *out, struct err *e);
int picture_decode_lab(const struct picture *p, unsigned planes, struct lab *out, struct err *e);
int jpeg_decode(const struct picture *p, struct lab *out, struct err *e);
int png_decode(const struct picture *p, struct lab *out, struct err *e);

/* What it has to show; in more pixels than PICTURE_PX_WHOLE no more than lightness. */
enum shades picture_shades(const struct picture *p);

/*
 * The page that the picture makes: A4 wide, as long as letter paper, or A4 if it is longer than that; at 400,
 * 300 or 200 dpi, what it has pixels for.
 */
struct form_page picture_page(const struct picture *p);

/* Appends its features: type, color (RFC 2913, 2879), pix-x, pix-y (RFC 2534). */
int picture_features(const struct picture *p, struct buf *out, struct err *e);

/* "image/jpeg" or "image/png". */
const char *picture_type(enum coding coding);

/*
 * Draws it on r, a white page that is a scale of picture_page: at the size that it says it has, else 96
 * pixels an inch, made smaller where that is more than the page; at the top, in the middle.  What is grey or
 * coloured becomes dots, what is text or lines stays sharp (halftone.h).  -1: as picture_decode.
 */
int picture_draw(const struct picture *p, struct raster *r, struct err *e);

/* The same on a page in grey or colours. */
int picture_draw_lab(const struct picture *p, struct lab *page, struct err *e);

#endif
