/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/text.h"

#include <stdlib.h>

#include "convertd/font.h"

enum {
	LEFT_PX = (TEXT_WIDTH_PX - TEXT_COLUMNS * FONT_WIDTH) / 2,
	TOP_PX = (TEXT_ROWS_PX - TEXT_ROWS * FONT_HEIGHT) / 2
};
_Static_assert(LEFT_PX % 8 == 0 && FONT_WIDTH % 8 == 0, "cells begin with an octet");

static void
cell_draw(struct raster *r, uint32_t row, uint32_t column, const unsigned char *cell)
{
	size_t at = LEFT_PX / 8 + column * (size_t)FONT_STRIDE;

	for (uint32_t y = 0; y < FONT_HEIGHT; y++) {
		unsigned char *to = raster_row(r, TOP_PX + row * FONT_HEIGHT + y) + at;

		for (int i = 0; i < FONT_STRIDE; i++)
			to[i] |= cell[y * FONT_STRIDE + i];
	}
}

/* A control code and what has no shape get a frame with their number, that nothing is left out unseen. */
static void
code_draw(struct raster *r, uint32_t row, uint32_t column, uint32_t code)
{
	unsigned char cell[FONT_CELL];

	if (code == TEXT_NOTHING || code == ' ')
		return;
	if (!font_cell(code, cell))
		font_unknown(code, cell);
	cell_draw(r, row, column, cell);
}

static void
row_draw(struct raster *r, uint32_t y, const struct text_row *row)
{
	for (uint32_t x = 0; x < row->n; x++) {
		code_draw(r, y, x, row->code[x]);
		for (int i = 0; i < TEXT_MARKS; i++)
			code_draw(r, y, x, row->mark[x][i]);
	}
}

int
text_draw(const struct text *t, uint32_t i, struct raster *r, struct err *e)
{
	struct text_page *page = malloc(sizeof *page);

	if (page == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a page of text");
	if (raster_init(r, TEXT_WIDTH_PX, TEXT_ROWS_PX, e) == -1) {
		free(page);
		return -1;
	}
	text_page(t, i, page);
	for (uint32_t y = 0; y < page->n; y++)
		row_draw(r, y, &page->row[y]);
	free(page);
	return 0;
}
