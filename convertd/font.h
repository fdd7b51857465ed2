/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/font.h - the shapes of characters for pages of text, in cells of 40 by 66 pixels: ten characters and
 * six lines an inch at 400 dpi.  Other resolutions come from these as any page's do (scale.h).  Pure.
 */
#ifndef CONVERTD_FONT_H
#define CONVERTD_FONT_H

#include <stdbool.h>
#include <stdint.h>

enum { FONT_WIDTH = 40, FONT_HEIGHT = 66, FONT_STRIDE = FONT_WIDTH / 8, FONT_CELL = FONT_STRIDE * FONT_HEIGHT };

/* The shape of a code point, black 1, the highest bit leftmost.  false: there is none, cell is unchanged. */
bool font_cell(uint32_t code, unsigned char cell[FONT_CELL]);

/* A frame with the code point's hexadecimal digits, for what has no shape. */
void font_unknown(uint32_t code, unsigned char cell[FONT_CELL]);

/*
 * The table (font_table.c, made by dist/font/rasterise.c).  font_runs: count code points from first on have the
 * glyphs from glyph on; ascending.  Glyph g is font_data[font_offsets[g]] up to the next one's: for its rows
 * from the top, an octet and up to five more.  The octet's lowest five bits say which octets of the row differ
 * from the row above (white above the first), and what follows is exclusive-ored to them in their order; its
 * upper three how many rows more are the same.
 */
struct font_run { uint32_t first, count, glyph; };
extern const struct font_run font_runs[];
extern const uint32_t font_nruns;
extern const uint32_t font_offsets[];
extern const unsigned char font_data[];

#endif
