/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/font.h"

#include <string.h>

enum { REPEAT_SHIFT = 5, NONE = -1 };

/* The glyph of a code point, or NONE. */
static int64_t
glyph_of(uint32_t code)
{
	uint32_t low = 0, high = font_nruns;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct font_run *r = &font_runs[mid];

		if (code < r->first)
			high = mid;
		else if (code - r->first >= r->count)
			low = mid + 1;
		else
			return r->glyph + (code - r->first);
	}
	return NONE;
}

bool
font_cell(uint32_t code, unsigned char cell[FONT_CELL])
{
	int64_t glyph = glyph_of(code);
	unsigned char row[FONT_STRIDE] = { 0 };
	const unsigned char *p;

	if (glyph == NONE)
		return false;
	p = &font_data[font_offsets[glyph]];
	for (int y = 0; y < FONT_HEIGHT;) {
		int head = *p++;

		for (int i = 0; i < FONT_STRIDE; i++)
			if (head & 1 << i)
				row[i] ^= *p++;
		for (int more = head >> REPEAT_SHIFT; more >= 0 && y < FONT_HEIGHT; more--, y++)
			memcpy(cell + y * FONT_STRIDE, row, FONT_STRIDE);
	}
	return true;
}

/* --- what has no shape --- */

enum { FRAME_TOP = 8, FRAME_LEFT = 2, FRAME_RIGHT = 37, FRAME_PX = 2 };

static void
cell_set(unsigned char *cell, int x, int y)
{
	cell[y * FONT_STRIDE + x / 8] |= (unsigned char)(0x80 >> x % 8);
}

/* A digit at a third of its size, black where any of its nine pixels is: strokes stay whole. */
static void
cell_digit(unsigned char *cell, unsigned digit, int at_x, int at_y)
{
	unsigned char big[FONT_CELL];

	if (!font_cell((unsigned char)"0123456789ABCDEF"[digit], big))
		return;
	for (int y = 0; y < FONT_HEIGHT; y++)
		for (int x = 0; x < FONT_WIDTH; x++)
			if (big[y * FONT_STRIDE + x / 8] & 0x80 >> x % 8)
				cell_set(cell, at_x + x / 3, at_y + y / 3);
}

void
font_unknown(uint32_t code, unsigned char cell[FONT_CELL])
{
	int rows = code > 0xffff ? 3 : 2, top = rows == 3 ? FRAME_TOP - 5 : FRAME_TOP, bottom = FONT_HEIGHT - 1 - top;

	memset(cell, 0, FONT_CELL);
	for (int y = top; y <= bottom; y++)
		for (int x = FRAME_LEFT; x <= FRAME_RIGHT; x++)
			if (y < top + FRAME_PX || y > bottom - FRAME_PX || x < FRAME_LEFT + FRAME_PX ||
			    x > FRAME_RIGHT - FRAME_PX)
				cell_set(cell, x, y);
	for (int i = 0; i < rows * 2; i++)
		cell_digit(cell, code >> 4 * (rows * 2 - 1 - i) & 15, i % 2 == 0 ? 6 : 20,
		    top + 3 + i / 2 * (rows == 3 ? 19 : 22));
}
