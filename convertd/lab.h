/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/lab.h - a page or picture in colour as fax has it: CIELAB of D50, in octets as T.42 encodes it by default
 * (RFC 3949 6.2.3).  L* is lightness as in struct grey: 2.55 an unit; a* is 128 + 1.5 a unit, b* 96 + 1.275.
 */
#ifndef CONVERTD_LAB_H
#define CONVERTD_LAB_H

#include "convertd/halftone.h"

enum { LAB_L, LAB_A, LAB_B, LAB_PLANES };

/* planes: 3, or 1 where lightness is all that is wanted.  All of one size. */
struct lab { unsigned planes; struct grey plane[LAB_PLANES]; };

/* -1: ERR_TEMP, nothing to free.  lab_free twice is harmless. */
int lab_init(struct lab *l, unsigned planes, uint32_t width_px, uint32_t rows, struct err *e);
void lab_free(struct lab *l);

/* The colour of sRGB, adapted from D65 to D50 (Bradford); what is outside T.42's gamut is drawn in to its edge,
 * of the same lightness and hue. */
void lab_of_rgb(unsigned r, unsigned g, unsigned b, unsigned char out[LAB_PLANES]);

/* Writes the pixel at `at` of all planes. */
static inline void
lab_put_rgb(struct lab *l, size_t at, unsigned r, unsigned g, unsigned b)
{
	unsigned char c[LAB_PLANES];

	if (l->planes == 1) {
		l->plane[LAB_L].px[at] = grey_of_rgb(r, g, b);
		return;
	}
	lab_of_rgb(r, g, b, c);
	for (int i = 0; i < LAB_PLANES; i++)
		l->plane[i].px[at] = c[i];
}

/* As grey_turn, grey_resize.  -1: ERR_TEMP; l, which may be half turned, is still the caller's to free. */
int lab_turn(struct lab *l, uint32_t orientation, struct err *e);
int lab_resize(const struct lab *l, uint32_t width_px, uint32_t rows, struct lab *out, struct err *e);

/* Fills l with white, or draws `on` at (x, y) of it, where there must be room. */
void lab_white(struct lab *l);
void lab_place(struct lab *l, const struct lab *on, uint32_t x, uint32_t y);

/*
 * A strip of Profile C: one JPEG whose components are the planes.  decode: its rows go to out from `row` on; milli: what
 * its samples stand for (tiff_decode).  out may have fewer planes than the strip.  checked before by itulab_check: -1
 * ERR_PERM 5.6.1 it is none of that size; *sampling: 0x22 where chroma has half the samples each way, 0x11 as many.  -1: ERR_PERM 5.6.5, ERR_TEMP.
 */
int itulab_check(struct span jpeg, uint32_t width_px, uint32_t rows, unsigned samples, const struct limits *max,
    unsigned *sampling, struct err *e);
int itulab_decode(struct span jpeg, const int32_t milli[6], struct lab *out, uint32_t row, uint32_t rows,
    struct err *e);

/* Appends l as such a JPEG, baseline, chroma 2 by 2.  -1: as buf_add. */
int itulab_encode(const struct lab *l, struct buf *out, struct err *e);

/*
 * The octets of a strip as a JPEG reads them: in the order of bits that SOI shows, whatever FillOrder says, with
 * JPEGTables' contents behind SOI.  Appended to out.
 */
int itulab_strip(struct span data, struct span tables, struct buf *out, struct err *e);

#endif
