/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/png_read.c - the pixels of a PNG, by libpng's simplified interface: sRGB, on white.  It is given a
 * file of the few chunks that pixels need: what else there may be (profiles, texts, all of them compressed) is
 * not its business.
 */
#include "convertd/lab.h"
#include "convertd/png_chunk.h"

#include <stdlib.h>

#include <png.h>

static bool
chunk_needed(struct span type)
{
	static const char *const names[] = { "IHDR", "PLTE", "tRNS", "gAMA", "sRGB", "IDAT", "IEND" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_is(type, names[i]))
			return true;
	return false;
}

static int
png_reduce(struct span file, struct buf *out, struct err *e)
{
	struct cur c = cur_of(file);
	struct png_chunk k;

	if (buf_add(out, cur_take(&c, PNG_SIGNATURE), e) == -1)
		return -1;
	do {
		if (png_chunk_next(&c, &k, e) == -1 ||
		    (chunk_needed(k.type) && buf_add(out, k.whole, e) == -1))
			return -1;
	} while (!span_is(k.type, "IEND"));
	return 0;
}

static int
png_pixels(png_image *png, struct lab *out, struct err *e)
{
	static const png_color white = { 255, 255, 255 };
	size_t n = (size_t)png->width * png->height;
	unsigned colours = (png->format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
	unsigned char *px = malloc(n * colours);
	int got = -1;

	png->format = colours == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
	if (px == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a PNG");
	if (png_image_finish_read(png, &white, px, 0, NULL) == 0)
		err_set(e, ERR_PERM, "5.6.5", "PNG: %.60s", png->message);
	else
		got = 0;
	for (size_t i = 0; got == 0 && i < n; i++) {
		const unsigned char *c = &px[i * colours];

		lab_put_rgb(out, i, c[0], c[colours / 2], c[colours - 1]);
	}
	free(px);
	return got;
}

int
png_decode(const struct picture *p, struct lab *out, struct err *e)
{
	png_image png = { .version = PNG_IMAGE_VERSION };
	struct buf few;
	int got = -1;

	buf_init(&few, p->file.n);
	if (png_reduce(p->file, &few, e) == 0) {
		if (png_image_begin_read_from_memory(&png, few.p, few.n) == 0)
			err_set(e, ERR_PERM, "5.6.5", "PNG: %.60s", png.message);
		else if (png.width != p->width_px || png.height != p->rows)
			err_set(e, ERR_PERM, "5.6.5", "PNG: not of the size that its header says");
		else
			got = png_pixels(&png, out, e);
	}
	png_image_free(&png);
	buf_free(&few);
	return got;
}
