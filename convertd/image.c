/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/image_detail.h"

#include "convertd/tiff_check.h"

#include <stdlib.h>

/* In thousandths of dots per inch. */
static uint64_t
mdpi(const uint32_t res[2], uint32_t unit)
{
	return (uint64_t)res[0] * (unit == UNIT_CM ? 2540 : 1000) / res[1];
}

enum coding
image_coding(const struct tiff_page *p)
{
	switch (p->compression) {
	case COMPRESSION_T4:
		return p->t4_options & T4_2D ? CODING_MR : CODING_MH;
	case COMPRESSION_T6:
		return CODING_MMR;
	case COMPRESSION_FX_JBIG:
		return CODING_JBIG;
	case COMPRESSION_JPEG:
		return p->samples == 1 ? CODING_GREY : CODING_COLOUR;
	}
	return CODING_OTHER;
}

/* A strip of Profile C: is it a JPEG of its size? */
static int
strip_jpeg(const struct tiff *t, const struct tiff_page *p, struct span data, uint32_t rows,
    const struct limits *max, uint32_t *stripe, struct err *e)
{
	struct buf jpeg;
	unsigned sampling;
	int got = -1;

	buf_init(&jpeg, t->file.n * 2);
	if (itulab_strip(data, tiff_jpeg_tables(t, p), &jpeg, e) == 0 &&
	    itulab_check(buf_view(&jpeg), p->width_px, rows, p->samples, max, &sampling, e) == 0) {
		got = 0;
		*stripe = p->samples == 1 ? CHROMA_NONE : sampling == 0x22 ? CHROMA_HALF : sampling == 0x11 ? CHROMA_WHOLE :
		    CHROMA_ODD;
	}
	buf_free(&jpeg);
	return got;
}

/* All strips in the file, all rows of the page; of JBIG and JPEG strips the headers. */
static int
page_strips(const struct tiff *t, const struct tiff_page *p, const struct limits *max, uint32_t *stripe,
    struct err *e)
{
	bool jbig = p->compression == COMPRESSION_FX_JBIG ||
	    p->compression == COMPRESSION_PRIVATE_JBIG;
	uint64_t sum = 0;
	struct bih bih;

	for (uint32_t i = 0; i < p->nstrip; i++) {
		struct span data;
		uint32_t rows;

		if (tiff_strip(t, p, i, &data, &rows, e) == -1)
			return -1;
		sum += rows;
		if (p->compression == COMPRESSION_JPEG && strip_jpeg(t, p, data, rows, max, stripe, e) == -1)
			return -1;
		if (!jbig)
			continue;
		if (bih_read(data, p->fill_order == FILL_LSB, p->width_px, rows, &bih, e) == -1)
			return -1;
		if (!bih.t85 && p->compression == COMPRESSION_FX_JBIG)
			return err_set(e, ERR_PERM, "5.6.1", "JBIG: Compression 9, but not T.85");
		if (*stripe == 0 || bih.stripe != 128)	/* what a claim may not take */
			*stripe = bih.stripe;
	}
	return sum == p->length_px ? 0 : err_set(e, ERR_PERM, "5.6.1",
	    "TIFF: strips of %llu rows, ImageLength is %u", (unsigned long long)sum, p->length_px);
}

static int
page_describe(const struct tiff *t, const struct tiff_page *p, uint32_t no, const struct limits *max,
    uint32_t *stripe, struct image_page *out, struct err *e)
{
	bool turned = p->orientation >= 5;

	*out = (struct image_page){ .private_no = no, .turned = turned,
	    .width_px = turned ? p->length_px : p->width_px,
	    .length_px = turned ? p->width_px : p->length_px };
	out->form.coding = image_coding(p);
	out->shades = coding_shades(out->form.coding);
	if (form_of_size(mdpi(p->x_res, p->unit), mdpi(p->y_res, p->unit), p->width_px, &out->form,
	    e) == -1)
		return -1;
	return page_strips(t, p, max, stripe, e);
}

/* What the whole file is worth as a file: Profile S, or F or J in order, or just a TIFF. */
static int
file_structure(struct span file, const struct limits *max, struct image *img, struct err *e)
{
	struct tiff_verdict v;
	struct err no;

	img->structure = STRUCTURE_TIFF;
	if (tiff_check(file, max, &v, &no) == 0)
		img->structure = v.profile == 'S' ? STRUCTURE_MINIMAL :
		    v.limited ? STRUCTURE_LIMITED : STRUCTURE_TIFF;
	else if (no.kind == ERR_TEMP) {
		*e = no;
		return -1;
	}
	img->minimal = img->structure == STRUCTURE_MINIMAL;
	return 0;
}

/* A picture makes one page, and its file has no structure of a fax. */
static int
picture_describe(struct span file, const struct limits *max, struct image *out, struct err *e)
{
	struct detail *d = out->detail;
	struct form_page page;

	if (picture_open(file, max, &d->picture, e) == -1)
		return -1;
	if ((out->page = calloc(1, sizeof *out->page)) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a page");
	page = picture_page(&d->picture);
	out->page[0] = (struct image_page){ .form = page.form, .width_px = page.width_px,
	    .length_px = page.length_px, .shades = picture_shades(&d->picture) };
	out->npage = 1;
	out->structure = STRUCTURE_TIFF;
	return 0;
}

static struct detail *
detail_new(struct span file, struct image *out, struct err *e)
{
	struct detail *d = calloc(1, sizeof *d);

	*out = (struct image){ .file = file, .detail = d };
	if (d == NULL)
		err_set(e, ERR_TEMP, "4.3.0", "no memory for an image");
	return d;
}

int
image_open(struct span file, const struct limits *max, struct image *out, struct err *e)
{
	struct detail *d = detail_new(file, out, e);

	if (d == NULL)
		return -1;
	if (picture_kind(file) != CODING_OTHER) {
		d->kind = IMAGE_PICTURE;
		if (picture_describe(file, max, out, e) == 0)
			return 0;
		goto fail;
	}
	if (tiff_open(file, &d->tiff, e) == -1 ||
	    tiff_pages(&d->tiff, max, &d->page, &out->npage, e) == -1)
		goto fail;
	out->page = calloc(out->npage, sizeof *out->page);
	d->stripe = calloc(out->npage, sizeof *d->stripe);
	if (out->page == NULL || d->stripe == NULL) {
		err_set(e, ERR_TEMP, "4.3.0", "no memory for %u pages", out->npage);
		goto fail;
	}
	for (uint32_t i = 0; i < out->npage; i++)
		if (page_describe(&d->tiff, &d->page[i], i, max, &d->stripe[i], &out->page[i],
		    e) == -1) {
			err_in(e, "page %u", i);
			goto fail;
		}
	if (file_structure(file, max, out, e) == 0)
		return 0;
fail:
	image_free(out);
	return -1;
}

int
image_open_text(struct span file, const struct text_how *how, const struct limits *max, struct image *out,
    struct err *e)
{
	struct detail *d = detail_new(file, out, e);

	if (d == NULL)
		return -1;
	d->kind = IMAGE_TEXT;
	if (text_open(file, how, max, &d->text, e) == -1)
		goto fail;
	out->npage = d->text.npage;
	out->structure = STRUCTURE_TIFF;
	if ((out->page = calloc(out->npage, sizeof *out->page)) == NULL) {
		err_set(e, ERR_TEMP, "4.3.0", "no memory for %u pages", out->npage);
		goto fail;
	}
	for (uint32_t i = 0; i < out->npage; i++)
		out->page[i] = (struct image_page){ .form = { CODING_TEXT, PAPER_A4, TEXT_DPI, TEXT_DPI },
		    .width_px = TEXT_WIDTH_PX, .length_px = TEXT_ROWS_PX };
	return 0;
fail:
	image_free(out);
	return -1;
}

void
image_free(struct image *img)
{
	struct detail *d = img->detail;

	if (d != NULL) {
		free(d->page);
		free(d->stripe);
		text_free(&d->text);
	}
	free(d);
	free(img->page);
	*img = (struct image){ .file = { NULL, 0 } };
}

const char *
image_is_picture(const struct image *img, uint32_t *width_px, uint32_t *rows)
{
	const struct detail *d = img->detail;
	bool swap = d->picture.orientation >= 5;

	*width_px = swap ? d->picture.rows : d->picture.width_px;
	*rows = swap ? d->picture.width_px : d->picture.rows;
	return d->kind != IMAGE_PICTURE ? NULL : d->picture.coding == CODING_JPEG ? "JPEG" : "PNG";
}

uint32_t
image_page_rows(const struct image_page *p)
{
	return p->turned ? p->width_px : p->length_px;
}

int
image_page_features(const struct image *img, uint32_t page, struct buf *out, struct err *e)
{
	const struct detail *d = img->detail;
	const struct image_page *p = &img->page[page];

	if (d->kind == IMAGE_PICTURE)
		return picture_features(&d->picture, out, e);
	if (d->kind == IMAGE_TEXT)
		return buf_add_str(out, "(type=\"text/plain\")", e);
	return form_features(&p->form, p->form.coding == CODING_OTHER ? STRUCTURE_TIFF :
	    img->structure, d->stripe[p->private_no], image_page_rows(p), out, e);
}

/* Was there a page with the same features before this one? */
static bool
page_repeats(const struct image *img, uint32_t page)
{
	const struct detail *d = img->detail;
	const struct image_page *p = &img->page[page];
	uint32_t length = form_length(&p->form, image_page_rows(p));

	if (d->kind != IMAGE_TIFF)	/* all of one piece */
		return page > 0;
	for (uint32_t i = 0; i < page; i++)
		if (memcmp(&img->page[i].form, &p->form, sizeof p->form) == 0 &&
		    d->stripe[i] == d->stripe[page] &&
		    form_length(&p->form, image_page_rows(&img->page[i])) == length)
			return true;
	return false;
}

int
image_features(const struct image *img, struct buf *out, struct err *e)
{
	size_t start = out->n;
	uint32_t distinct = 0;

	for (uint32_t i = 0; i < img->npage; i++)
		distinct += !page_repeats(img, i);
	if (distinct > 1 && buf_add_str(out, "(| ", e) == -1)
		return -1;
	for (uint32_t i = 0; i < img->npage; i++)
		if (!page_repeats(img, i) && image_page_features(img, i, out, e) == -1)
			goto fail;
	if (distinct <= 1 || buf_add_str(out, ")", e) == 0)
		return 0;
fail:
	out->n = start;
	return -1;
}

size_t
image_page_octets(const struct image_page *p)
{
	return raster_stride(p->width_px) * p->length_px;
}

static int
strip_decode(const struct tiff_page *p, const struct codec_strip *s, unsigned char *out,
    struct err *e)
{
	enum coding coding = image_coding(p);
	struct bih bih;

	if (coding != CODING_JBIG && coding != CODING_OTHER)
		return codec_t4t6_decode(coding, s, out, e);
	if (bih_read(s->data, s->lsb, s->width_px, s->rows, &bih, e) == -1)
		return -1;
	return coding == CODING_JBIG ? codec_t85_decode(s, &bih, out, e) :
	    codec_jbig_decode(s, &bih, out, e);
}

int
image_strip(const struct tiff *t, const struct tiff_page *p, uint32_t i, struct codec_strip *s,
    struct err *e)
{
	*s = (struct codec_strip){ .lsb = p->fill_order == FILL_LSB, .width_px = p->width_px,
	    .bad_lines = p->clean_fax_data == 2 };
	return tiff_strip(t, p, i, &s->data, &s->rows, e);
}

static int
strips_decode(const struct tiff *t, const struct tiff_page *p, struct raster *r, struct err *e)
{
	uint32_t row = 0;

	for (uint32_t i = 0; i < p->nstrip; i++) {
		struct codec_strip s;

		if (image_strip(t, p, i, &s, e) == -1)
			return -1;
		if (s.rows > r->rows - row)
			return err_set(e, ERR_BUG, "5.0.0", "strip %u runs past the page", i);
		if (strip_decode(p, &s, raster_row(r, row), e) == -1)
			return err_in(e, "strip %u", i);
		row += s.rows;
	}
	return 0;
}

int
image_picture(const struct picture *p, uint32_t width_px, uint32_t rows, struct raster *r, struct err *e)
{
	if (raster_init(r, width_px, rows, e) == -1)
		return -1;
	if (picture_draw(p, r, e) == 0)
		return 0;
	raster_free(r);
	return -1;
}

/* The page as it is seen: black is 1, top row first. */
int
image_raster(const struct image *img, uint32_t page, struct raster *r, struct err *e)
{
	const struct detail *d = img->detail;
	const struct tiff_page *p;

	if (d->kind == IMAGE_PICTURE)
		return image_picture(&d->picture, img->page[page].width_px, img->page[page].length_px, r, e);
	if (d->kind == IMAGE_TEXT)
		return text_draw(&d->text, page, r, e);
	if (img->page[page].shades != SHADES_BINARY)
		return image_lab_raster(img, page, img->page[page].width_px, img->page[page].length_px, r, e);
	p = &d->page[img->page[page].private_no];
	if (raster_init(r, p->width_px, p->length_px, e) == -1)
		return -1;
	if (strips_decode(&d->tiff, p, r, e) == -1)
		goto fail;
	if (p->photometric == 1)
		raster_invert(r);
	else
		raster_trim(r);
	if (raster_turn(r, p->orientation, e) == 0)
		return 0;
fail:
	raster_free(r);
	return err_in(e, "page %u", page);
}

int
image_decode(const struct image *img, uint32_t page, unsigned char *out, struct err *e)
{
	struct raster r;

	if (image_raster(img, page, &r, e) == -1)
		return -1;
	memcpy(out, r.px, r.stride * r.rows);
	raster_free(&r);
	return 0;
}
