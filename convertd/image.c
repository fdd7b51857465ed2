/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/image.h"

#include "convertd/codec.h"
#include "convertd/picture.h"
#include "convertd/recode.h"
#include "convertd/scale.h"
#include "convertd/tiff_check.h"
#include "convertd/tiff_read.h"
#include "convertd/tiff_write.h"

#include <stdlib.h>

struct detail {
	struct tiff tiff;
	struct tiff_page *page;
	uint32_t *stripe;		/* L0 of a JBIG page, else 0 */
	bool is_picture;		/* JPEG or PNG: of one page, and nothing above is set */
	struct picture picture;
};

/* In thousandths of dots per inch. */
static uint64_t
mdpi(const uint32_t res[2], uint32_t unit)
{
	return (uint64_t)res[0] * (unit == UNIT_CM ? 2540 : 1000) / res[1];
}

static enum coding
page_coding(const struct tiff_page *p)
{
	switch (p->compression) {
	case COMPRESSION_T4:
		return p->t4_options & T4_2D ? CODING_MR : CODING_MH;
	case COMPRESSION_T6:
		return CODING_MMR;
	case COMPRESSION_FX_JBIG:
		return CODING_JBIG;
	}
	return CODING_OTHER;
}

/* All strips in the file, all rows of the page; of JBIG strips the headers. */
static int
page_strips(const struct tiff *t, const struct tiff_page *p, uint32_t *stripe, struct err *e)
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
page_describe(const struct tiff *t, const struct tiff_page *p, uint32_t no, uint32_t *stripe,
    struct image_page *out, struct err *e)
{
	bool turned = p->orientation >= 5;

	*out = (struct image_page){ .private_no = no, .turned = turned,
	    .width_px = turned ? p->length_px : p->width_px,
	    .length_px = turned ? p->width_px : p->length_px };
	out->form.coding = page_coding(p);
	if (form_of_size(mdpi(p->x_res, p->unit), mdpi(p->y_res, p->unit), p->width_px, &out->form,
	    e) == -1)
		return -1;
	return page_strips(t, p, stripe, e);
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
	    .length_px = page.length_px };
	out->npage = 1;
	out->structure = STRUCTURE_TIFF;
	return 0;
}

int
image_open(struct span file, const struct limits *max, struct image *out, struct err *e)
{
	struct detail *d = calloc(1, sizeof *d);

	*out = (struct image){ .file = file, .detail = d };
	if (d == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for an image");
	d->is_picture = picture_kind(file) != CODING_OTHER;
	if (d->is_picture) {
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
		if (page_describe(&d->tiff, &d->page[i], i, &d->stripe[i], &out->page[i],
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

void
image_free(struct image *img)
{
	struct detail *d = img->detail;

	if (d != NULL) {
		free(d->page);
		free(d->stripe);
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
	return !d->is_picture ? NULL : d->picture.coding == CODING_JPEG ? "JPEG" : "PNG";
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

	if (d->is_picture)
		return picture_features(&d->picture, out, e);
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

	for (uint32_t i = 0; i < page; i++)		/* never of a picture: it has one page */
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
	enum coding coding = page_coding(p);
	struct bih bih;

	if (coding != CODING_JBIG && coding != CODING_OTHER)
		return codec_t4t6_decode(coding, s, out, e);
	if (bih_read(s->data, s->lsb, s->width_px, s->rows, &bih, e) == -1)
		return -1;
	return coding == CODING_JBIG ? codec_t85_decode(s, &bih, out, e) :
	    codec_jbig_decode(s, &bih, out, e);
}

static int
page_strip(const struct tiff *t, const struct tiff_page *p, uint32_t i, struct codec_strip *s,
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

		if (page_strip(t, p, i, &s, e) == -1)
			return -1;
		if (s.rows > r->rows - row)
			return err_set(e, ERR_BUG, "5.0.0", "strip %u runs past the page", i);
		if (strip_decode(p, &s, raster_row(r, row), e) == -1)
			return err_in(e, "strip %u", i);
		row += s.rows;
	}
	return 0;
}

static int
picture_raster(const struct picture *p, uint32_t width_px, uint32_t rows, struct raster *r, struct err *e)
{
	if (raster_init(r, width_px, rows, e) == -1)
		return -1;
	if (picture_draw(p, r, e) == 0)
		return 0;
	raster_free(r);
	return -1;
}

/* The page as it is seen: black is 1, top row first. */
static int
page_raster(const struct image *img, uint32_t page, struct raster *r, struct err *e)
{
	const struct detail *d = img->detail;
	const struct tiff_page *p = &d->page[img->page[page].private_no];

	if (d->is_picture)
		return picture_raster(&d->picture, img->page[page].width_px, img->page[page].length_px, r, e);
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

	if (page_raster(img, page, &r, e) == -1)
		return -1;
	memcpy(out, r.px, r.stride * r.rows);
	raster_free(&r);
	return 0;
}

/* The scale for one page; a page lying on its side has its resolutions exchanged. */
static int
page_plan(const struct image *img, uint32_t page, const struct form *want,
    const struct limits *max, struct scale *out, struct err *e)
{
	const struct image_page *p = &img->page[page];

	return scale_plan(p->width_px, p->length_px, p->turned ? p->form.dpi_y : p->form.dpi_x,
	    p->turned ? p->form.dpi_x : p->form.dpi_y, want, max->length_px, out, e);
}

/* All that can be known before the work: legal forms, one profile, the size of the result. */
static int
convert_check(const struct image *img, const struct form *want, const struct limits *max,
    struct err *e)
{
	uint64_t px = 0;

	for (uint32_t i = 0; i < img->npage; i++) {
		struct scale s;

		if (!form_legal(&want[i]))
			return err_set(e, ERR_BUG, "5.0.0", "page %u: no form that we write", i);
		if ((want[i].coding == CODING_JBIG) != (want[0].coding == CODING_JBIG))
			return err_set(e, ERR_PERM, "5.6.5",
			    "page %u: JBIG and other codings in one file are of no profile", i);
		if (page_plan(img, i, &want[i], max, &s, e) == -1)
			return err_in(e, "page %u", i);
		px += (uint64_t)s.width_px * s.rows;
		if ((uint64_t)s.width_px * s.rows > max->page_px || px > max->job_px)
			return err_set(e, ERR_PERM, "5.6.5", "page %u: too many pixels", i);
	}
	return 0;
}

static int
raster_encode(const struct form *want, const struct raster *r, struct buf *out, struct err *e)
{
	return want->coding == CODING_JBIG ? codec_t85_encode(r, out, e) :
	    codec_t4t6_encode(want->coding, r, want->dpi_y, out, e);
}

/* The page in the size that is wanted.  A picture is drawn in it, from what it has of shades; pixels are scaled. */
static int
page_scaled(const struct image *img, uint32_t page, const struct scale *s, struct raster *r, struct err *e)
{
	const struct detail *d = img->detail;
	struct raster scaled;
	int got;

	if (d->is_picture)
		return picture_raster(&d->picture, s->width_px, s->rows, r, e);
	if (page_raster(img, page, r, e) == -1)
		return -1;
	if (scale_is_copy(s))
		return 0;
	got = scale_run(s, r, &scaled, e);
	raster_free(r);
	*r = scaled;
	return got;
}

/* Between the codings of T.4 and T.6 where every pixel stays. */
static bool
page_recodes(const struct detail *d, const struct tiff_page *p, const struct form *want, const struct scale *s)
{
	return !d->is_picture && scale_is_copy(s) && p->orientation == 1 && want->coding != CODING_JBIG &&
	    page_coding(p) != CODING_JBIG && page_coding(p) != CODING_OTHER;
}

static int
page_recode(const struct image *img, uint32_t page, const struct form *want, struct tiff_out *t,
    struct err *e)
{
	const struct detail *d = img->detail;
	const struct tiff_page *p = &d->page[img->page[page].private_no];
	struct recode r;
	int got = recode_start(&r, want->coding, p->width_px, want->dpi_y, p->photometric == 1, t->out,
	    e);

	for (uint32_t i = 0; got == 0 && i < p->nstrip; i++) {
		struct codec_strip s;

		got = page_strip(&d->tiff, p, i, &s, e);
		if (got == 0)
			got = recode_strip(&r, page_coding(p), &s, e);
	}
	if (got == 0)
		got = recode_end(&r, e);
	recode_free(&r);
	return got;
}

static int
page_paint(const struct image *img, uint32_t page, const struct form *want, const struct scale *s,
    struct tiff_out *t, struct err *e)
{
	struct raster r;
	int got;

	if (page_scaled(img, page, s, &r, e) == -1)
		return -1;
	got = raster_encode(want, &r, t->out, e);
	raster_free(&r);
	return got;
}

/* What does not recode as it is labelled is painted, which tries what can be mended and says what cannot. */
static int
page_convert(const struct image *img, uint32_t page, const struct form *want,
    const struct limits *max, struct tiff_out *t, struct err *e)
{
	const struct detail *d = img->detail;
	const struct tiff_page *p = d->is_picture ? NULL : &d->page[img->page[page].private_no];
	struct scale s;
	size_t strip;

	if (page_plan(img, page, want, max, &s, e) == -1 || tiff_out_page(t, want, s.rows, e) == -1)
		return -1;
	strip = t->out->n;
	if (!page_recodes(d, p, want, &s) || page_recode(img, page, want, t, e) == -1) {
		t->out->n = strip;
		if (page_paint(img, page, want, &s, t, e) == -1)
			return -1;
	}
	return tiff_out_strip(t, e);
}

int
image_convert(const struct image *img, const struct form *want, const struct limits *max,
    struct buf *out, struct err *e)
{
	size_t start = out->n;
	struct tiff_out t;

	if (convert_check(img, want, max, e) == -1 ||
	    tiff_out_start(&t, out, img->npage, e) == -1)
		goto fail;
	for (uint32_t i = 0; i < img->npage; i++) {
		if (page_convert(img, i, &want[i], max, &t, e) == -1)
			goto fail;
		if (out->n - start > max->out_octets) {
			err_set(e, ERR_PERM, "5.6.5", "page %u: result of more than %llu octets", i,
			    (unsigned long long)max->out_octets);
			goto fail;
		}
	}
	return 0;
fail:
	out->n = start;
	if (strcmp(e->dsn, "5.3.4") == 0)	/* the buffer's ceiling limits the result too */
		memcpy(e->dsn, "5.6.5", sizeof "5.6.5");
	return -1;
}

int
image_validate(struct span file, char *profile, struct err *e)
{
	struct tiff_verdict v;

	if (tiff_check(file, &fax_limits, &v, e) == -1)
		return -1;
	*profile = v.profile;
	return 0;
}

const char *
image_media_type(const struct form *form, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (form[i].coding == CODING_JBIG)
			return "image/tiff-fx";
	return "image/tiff";
}
