/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/image_lab.c - pages that have shades, in the size that is wanted. */
#include "convertd/image_detail.h"

/* All strips of a page of Profile C, as the file has them. */
static int
page_read(const struct tiff *t, const struct tiff_page *p, struct lab *out, struct err *e)
{
	uint32_t row = 0;
	int32_t milli[6];
	struct buf jpeg;
	int got = tiff_decode(t, p, milli, e);

	buf_init(&jpeg, t->file.n * 2);
	for (uint32_t i = 0; got == 0 && i < p->nstrip; i++) {
		struct span data;
		uint32_t rows;

		buf_clear(&jpeg);
		if (tiff_strip(t, p, i, &data, &rows, e) == -1 ||
		    itulab_strip(data, tiff_jpeg_tables(t, p), &jpeg, e) == -1)
			got = -1;
		else if (rows > p->length_px - row)
			got = err_set(e, ERR_BUG, "5.0.0", "strip %u runs past the page", i);
		else if (itulab_decode(buf_view(&jpeg), milli, out, row, rows, e) == -1)
			got = err_in(e, "strip %u", i);
		else
			row += rows;
	}
	buf_free(&jpeg);
	return got;
}

static int
page_lab(const struct image *img, uint32_t page, unsigned planes, struct lab *out, struct err *e)
{
	const struct detail *d = img->detail;
	const struct tiff_page *p = &d->page[img->page[page].private_no];

	if (lab_init(out, planes, p->width_px, p->length_px, e) == -1)
		return -1;
	if (page_read(&d->tiff, p, out, e) == 0 && lab_turn(out, p->orientation, e) == 0)
		return 0;
	lab_free(out);
	return err_in(e, "page %u", page);
}

int
image_lab(const struct image *img, uint32_t page, unsigned planes, uint32_t width_px, uint32_t rows,
    struct lab *out, struct err *e)
{
	const struct detail *d = img->detail;
	struct lab own;
	int got;

	if (d->kind == IMAGE_TIFF) {
		if (page_lab(img, page, planes, &own, e) == -1)
			return -1;
		got = lab_resize(&own, width_px, rows, out, e);
		lab_free(&own);
		return got;
	}
	if (lab_init(out, planes, width_px, rows, e) == -1)
		return -1;
	got = picture_draw_lab(&d->picture, out, e);
	if (got == -1)
		lab_free(out);
	return got;
}

int
image_lab_raster(const struct image *img, uint32_t page, uint32_t width_px, uint32_t rows, struct raster *r,
    struct err *e)
{
	struct lab l;
	int got;

	if (image_lab(img, page, 1, width_px, rows, &l, e) == -1)
		return -1;
	got = raster_init(r, width_px, rows, e);
	if (got == 0 && (got = halftone(&l.plane[LAB_L], r, 0, 0, e)) == -1)
		raster_free(r);
	lab_free(&l);
	return got;
}
