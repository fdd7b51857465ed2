/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/image_detail.h"

#include "convertd/recode.h"
#include "convertd/scale.h"
#include "convertd/tiff_check.h"
#include "convertd/tiff_write.h"

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
		if ((want[i].coding == CODING_JBIG) != (want[0].coding == CODING_JBIG) ||
		    coding_shades(want[i].coding) != coding_shades(want[0].coding))
			return err_set(e, ERR_PERM, "5.6.5",
			    "page %u: JBIG, JPEG and other codings in one file are of no profile", i);
		if (coding_shades(want[i].coding) > img->page[i].shades)
			return err_set(e, ERR_PERM, "5.6.5", "page %u: nothing is made greyer or more coloured", i);
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

	if (d->kind == IMAGE_PICTURE)
		return image_picture(&d->picture, s->width_px, s->rows, r, e);
	if (img->page[page].shades != SHADES_BINARY)
		return image_lab_raster(img, page, s->width_px, s->rows, r, e);
	if (image_raster(img, page, r, e) == -1)
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
	return d->kind == IMAGE_TIFF && scale_is_copy(s) && p->orientation == 1 && want->coding < CODING_JBIG &&
	    image_coding(p) < CODING_JBIG;
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

		got = image_strip(&d->tiff, p, i, &s, e);
		if (got == 0)
			got = recode_strip(&r, image_coding(p), &s, e);
	}
	if (got == 0)
		got = recode_end(&r, e);
	recode_free(&r);
	return got;
}

/* A page of one strip that is as it is wanted, and need not be decoded to be written. */
static bool
page_jpeg_stays(const struct image *img, uint32_t page, const struct form *want, const struct scale *s)
{
	const struct detail *d = img->detail;
	const struct tiff_page *p = d->kind == IMAGE_TIFF ? &d->page[page] : NULL;

	return p != NULL && image_coding(p) == want->coding && scale_is_copy(s) && p->orientation == 1 && p->nstrip == 1 &&
	    p->decode.count == 0 && (d->stripe[page] == CHROMA_NONE || d->stripe[page] == CHROMA_HALF);
}

static int
page_jpeg_copy(const struct image *img, uint32_t page, struct tiff_out *t, struct err *e)
{
	const struct detail *d = img->detail;
	struct span data;
	uint32_t rows;

	return tiff_strip(&d->tiff, &d->page[page], 0, &data, &rows, e) == -1 ? -1 :
	    itulab_strip(data, tiff_jpeg_tables(&d->tiff, &d->page[page]), t->out, e);
}

/* In grey or colour. */
static int
page_jpeg(const struct image *img, uint32_t page, const struct form *want, const struct scale *s,
    struct tiff_out *t, struct err *e)
{
	struct lab l;
	int got;

	if (page_jpeg_stays(img, page, want, s))
		return page_jpeg_copy(img, page, t, e);
	if (image_lab(img, page, want->coding == CODING_COLOUR ? LAB_PLANES : 1, s->width_px, s->rows, &l, e) == -1)
		return -1;
	got = itulab_encode(&l, t->out, e);
	lab_free(&l);
	return got;
}

static int
page_paint(const struct image *img, uint32_t page, const struct form *want, const struct scale *s,
    struct tiff_out *t, struct err *e)
{
	struct raster r;
	int got;

	if (coding_shades(want->coding) != SHADES_BINARY)
		return page_jpeg(img, page, want, s, t, e);
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
	const struct tiff_page *p = d->kind != IMAGE_TIFF ? NULL : &d->page[img->page[page].private_no];
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
		if (form_is_fx(&form[i]))
			return "image/tiff-fx";
	return "image/tiff";
}
