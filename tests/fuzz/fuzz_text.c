/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The first octet says how the text is to be read.  Pages come in order and cover all of it; each has at most 60
 * rows of 80 columns, of characters that there are; read a second time they are the same; what is drawn stays in
 * its margins.
 */
#include "convertd/image.h"
#include "convertd/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct limits small = { .width_px = 4864, .length_px = 20000, .page_px = 16000000,
	.job_px = 100000000, .pages = 6, .tags = 40, .out_octets = 4 << 20, .cpu_s = 1 };

static void
page_is_sound(const struct text_page *page)
{
	assert(page->n <= TEXT_ROWS);
	for (uint32_t y = 0; y < page->n; y++) {
		const struct text_row *row = &page->row[y];

		assert(row->n <= TEXT_COLUMNS);
		for (uint32_t x = 0; x < row->n; x++) {
			assert(row->code[x] <= 0x10ffff && row->code[x] != '\n' && row->code[x] != '\t');
			assert(row->code[x] != TEXT_NOTHING || x > 0);
			for (int i = 0; i < TEXT_MARKS; i++)
				assert(row->mark[x][i] == 0 || charset_is_mark(row->mark[x][i]));
		}
	}
}

static void
page_is_drawn(const struct text *t, uint32_t i)
{
	struct raster r;
	struct err e = { 0 };

	assert(text_draw(t, i, &r, &e) == 0);
	for (uint32_t y = 0; y < r.rows; y++) {
		const unsigned char *row = raster_row(&r, y);
		bool margin = y < 220 || y >= r.rows - 220;

		for (size_t x = 0; x < r.stride; x++)
			assert(row[x] == 0 || (!margin && x >= 16 && x < r.stride - 16));
	}
	raster_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct text_page page, again;
	struct text_how how;
	struct err e = { 0 };
	struct text t;

	if (n == 0)
		return 0;
	how = (struct text_how){ (enum charset)(p[0] % CHARSETS), (p[0] & 64) != 0, (p[0] & 192) == 192 };
	if (text_open(span_of(p + 1, n - 1), &how, &small, &t, &e) == -1) {
		assert(e.kind == ERR_PERM && e.what[0] != '\0');
		return 0;
	}
	assert(t.npage >= 1 && t.npage <= small.pages);
	for (uint32_t i = 0; i < t.npage; i++) {
		assert(i == 0 || t.page[i].at > t.page[i - 1].at);
		memset(&page, 0, sizeof page), memset(&again, 0, sizeof again);
		text_page(&t, i, &page), text_page(&t, i, &again);
		page_is_sound(&page);
		assert(memcmp(&page, &again, sizeof page) == 0);
	}
	if (p[0] & 32)		/* which takes a hundred times as long as the rest */
		page_is_drawn(&t, t.npage - 1);
	text_free(&t);
	return 0;
}
