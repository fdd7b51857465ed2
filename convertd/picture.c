/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/picture.h"

#include "convertd/lab.h"

enum {
	SCREEN_DPI = 96,		/* of a picture that says no size: a CSS pixel */
	LETTER = 11,			/* inches of letter paper */
	A4_254 = 2970			/* of A4, in 254ths of an inch (RFC 2880, 5.4) */
};

enum coding
picture_kind(struct span file)
{
	if (file.n > 3 && memcmp(file.p, "\xff\xd8\xff", 3) == 0)
		return CODING_JPEG;
	if (file.n > 8 && memcmp(file.p, "\x89PNG\r\n\x1a\n", 8) == 0)
		return CODING_PNG;
	return CODING_OTHER;
}

int
picture_open(struct span file, const struct limits *max, struct picture *out, struct err *e)
{
	int r;

	*out = (struct picture){ .coding = picture_kind(file), .orientation = 1, .file = file };
	if (out->coding == CODING_OTHER)
		return err_set(e, ERR_PERM, "5.6.1", "neither JPEG nor PNG");
	r = out->coding == CODING_JPEG ? jpeg_check(file, max, out, e) : png_check(file, out, e);
	if (r == -1)
		return -1;
	if (out->width_px > PICTURE_SIDE_PX || out->rows > PICTURE_SIDE_PX ||
	    (uint64_t)out->width_px * out->rows > (max->page_px < PICTURE_PX ? max->page_px : PICTURE_PX))
		return err_set(e, ERR_PERM, "5.6.5", "%u by %u pixels are too many", out->width_px, out->rows);
	return 0;
}

const char *
picture_type(enum coding coding)
{
	return coding == CODING_JPEG ? "image/jpeg" : "image/png";
}

int
picture_features(const struct picture *p, struct buf *out, struct err *e)
{
	static const char *const colours[] = { "Binary", "grey", "mapped", "full" };
	bool swap = p->orientation >= 5;

	/* PNG has no registered token: its own keeps it from matching any. */
	return buf_addf(out, e, "(& (color=%s)(image-coding=%s)(image-file-structure=none)(pix-x=%u)(pix-y=%u)"
	    "(type=\"%s\"))", colours[p->colour], p->coding == CODING_JPEG ? "JPEG" : "x-png",
	    swap ? p->rows : p->width_px, swap ? p->width_px : p->rows, picture_type(p->coding));
}

enum shades
picture_shades(const struct picture *p)
{
	return p->colour == PICTURE_BINARY ? SHADES_BINARY : p->colour == PICTURE_GREY ||
	    (uint64_t)p->width_px * p->rows > PICTURE_PX_WHOLE ? SHADES_GREY : SHADES_COLOUR;
}

int
picture_decode_lab(const struct picture *p, unsigned planes, struct lab *out, struct err *e)
{
	if (lab_init(out, planes, p->width_px, p->rows, e) == -1)
		return -1;
	if ((p->coding == CODING_JPEG ? jpeg_decode(p, out, e) : png_decode(p, out, e)) == 0 &&
	    lab_turn(out, p->orientation, e) == 0)
		return 0;
	lab_free(out);
	return -1;
}

int
picture_decode(const struct picture *p, struct grey *out, struct err *e)
{
	struct lab l;
	int got = picture_decode_lab(p, 1, &l, e);

	*out = l.plane[LAB_L];
	return got;
}

/* --- where it is on the page --- */

struct box { uint64_t w, h; };

/* Its size in pixels of a page of dpi, at most the page's width and A4's length. */
static struct box
picture_box(const struct picture *p, uint32_t dpi)
{
	const struct form f = { .paper = PAPER_A4, .dpi_x = (uint16_t)dpi, .dpi_y = (uint16_t)dpi };
	uint64_t w = p->orientation >= 5 ? p->rows : p->width_px, h = p->orientation >= 5 ? p->width_px : p->rows;
	uint64_t own = p->dpi == 0 ? SCREEN_DPI : p->dpi, width = form_width(&f), length = A4_254 * dpi / 254;
	struct box b = { (w * dpi + own / 2) / own, (h * dpi + own / 2) / own };

	if (b.w > width)
		b = (struct box){ width, (h * width + w / 2) / w };
	if (b.h > length)
		b = (struct box){ (w * length + h / 2) / h, length };
	b.w += b.w == 0;
	b.h += b.h == 0;
	return b;
}

struct form_page
picture_page(const struct picture *p)
{
	static const uint16_t dpis[] = { 400, 300, 200 };
	uint64_t w = p->orientation >= 5 ? p->rows : p->width_px;
	int i = 0;
	struct box b = picture_box(p, dpis[0]);
	struct form_page page;

	while (i < 2 && w < b.w) {	/* fewer than the page would have */
		i++;
		b = picture_box(p, dpis[i]);
	}
	page = (struct form_page){ .form = { p->coding, PAPER_A4, dpis[i], dpis[i] } };
	page.width_px = form_width(&page.form);
	page.length_px = b.h <= LETTER * (uint64_t)dpis[i] ? LETTER * dpis[i] : A4_254 * dpis[i] / 254;
	return page;
}

/* Its size on a page of so many pixels, which is a scale of picture_page. */
static struct box
picture_box_on(const struct picture *p, uint32_t width_px, uint32_t rows)
{
	struct form_page page = picture_page(p);
	struct box b = picture_box(p, page.form.dpi_x);

	b.w = b.w * width_px / page.width_px;
	b.h = b.h * rows / page.length_px;
	b.w += b.w == 0;
	b.h += b.h == 0;
	return b;
}

int
picture_draw(const struct picture *p, struct raster *r, struct err *e)
{
	struct box b = picture_box_on(p, r->width_px, r->rows);
	struct grey all, g;
	int got;

	if (picture_decode(p, &all, e) == -1)
		return -1;
	got = grey_resize(&all, (uint32_t)b.w, (uint32_t)b.h, &g, e);
	grey_free(&all);
	if (got == 0)
		got = halftone(&g, r, (r->width_px - (uint32_t)b.w) / 2, 0, e);
	grey_free(&g);
	return got;
}

int
picture_draw_lab(const struct picture *p, struct lab *page, struct err *e)
{
	uint32_t width = page->plane[LAB_L].width_px;
	struct box b = picture_box_on(p, width, page->plane[LAB_L].rows);
	struct lab all, l;
	int got;

	if (picture_decode_lab(p, page->planes, &all, e) == -1)
		return -1;
	got = lab_resize(&all, (uint32_t)b.w, (uint32_t)b.h, &l, e);
	lab_free(&all);
	if (got == -1)
		return -1;
	lab_white(page);
	lab_place(page, &l, (width - (uint32_t)b.w) / 2, 0);
	lab_free(&l);
	return 0;
}
