/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/fits.h"

enum { FITS_FEATURES_MAX = 4096 };	/* octets of the expression of one part or page */

/* Is the document that text describes in caps?  1, 0, -1. */
static int
document_fits(struct span text, const struct feat *caps, struct err *e)
{
	struct feat *doc;
	int r;

	if (feat_parse(text, FEAT_DOCUMENT, &doc, e) == -1)
		return -1;
	r = feat_match(doc, caps, e);
	feat_free(doc);
	return r;
}

int
fits_image(const struct image *img, const struct feat *caps, struct err *e)
{
	struct buf now, before;
	int r = 1;

	buf_init(&now, FITS_FEATURES_MAX);
	buf_init(&before, FITS_FEATURES_MAX);
	for (uint32_t i = 0; i < img->npage && r == 1; i++) {
		buf_clear(&now);
		if (image_page_features(img, i, &now, e) == -1)
			r = -1;
		else if (before.n == 0 || !span_eq(buf_view(&now), buf_view(&before)))
			r = document_fits(buf_view(&now), caps, e);
		buf_clear(&before);
		if (r == 1 && buf_add(&before, buf_view(&now), e) == -1)
			r = -1;
	}
	buf_free(&now);
	buf_free(&before);
	return r;
}

/* The type of a part as a document; an image that is no TIFF is told by not being one, too. */
static int
type_parse(const struct mime_part *p, bool tiff, struct feat **out, struct err *e)
{
	struct span type = p->type.n > 0 ? p->type : span_str("text/plain");
	bool image = span_isi(span_sub(type, 0, 6), "image/");
	struct buf text;
	int r = -1;

	buf_init(&text, FITS_FEATURES_MAX);
	if (buf_add_str(&text, "(& (type=\"", e) == 0 && buf_add(&text, type, e) == 0 &&
	    buf_add_str(&text, image && !tiff ? "\") (image-file-structure=none))" : "\"))", e) == 0)
		r = feat_parse(buf_view(&text), FEAT_DOCUMENT, out, e);
	buf_free(&text);
	return r;
}

/* *doc and what Content-Features says besides.  1: it says something that is no contradiction; 0; -1. */
static int
features_add(const struct mime_part *p, struct feat **doc, struct err *e)
{
	struct feat *said = NULL, *both = NULL;
	struct buf text;
	int r;

	buf_init(&text, MIME_MAX_HEADER);
	r = p->broken ? 0 : contfield_features(p->header, &text, e);
	if (r == 1 && (feat_parse(buf_view(&text), FEAT_DOCUMENT, &said, e) == -1 ||
	    feat_and(*doc, said, &both, e) == -1))
		r = -1;
	if (r == 1 && feat_empty(both))
		r = 0;
	if (r == 1) {
		feat_free(*doc);
		*doc = both;
		both = NULL;
	}
	feat_free(said);
	feat_free(both);
	buf_free(&text);
	return r == -1 && e->kind != ERR_TEMP ? 0 : r;
}

int
fits_said(const struct mime_part *p, bool tiff, const struct feat *caps, struct err *e)
{
	struct feat *doc = NULL;
	int r = type_parse(p, tiff, &doc, e), said;

	if (r == 0 && (said = features_add(p, &doc, e)) != 0)
		r = said == -1 ? -1 : feat_match(doc, caps, e);
	else if (r == 0)
		r = tiff ? 0 : feat_match(doc, caps, e);
	feat_free(doc);
	return r == -1 && e->kind != ERR_TEMP ? 0 : r;
}
