/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/image.h - an image file, TIFF, JPEG or PNG, or text: what it is, and the same in another form.
 * The file is read as RFC 3949 says and as real writers write; everything in it is hostile and
 * checked against struct limits before a decoder sees it.
 */
#ifndef CONVERTD_IMAGE_H
#define CONVERTD_IMAGE_H

#include "convertd/form.h"
#include "convertd/text.h"

/* One page as its IFD and its codec's header tell, never as a label says. */
struct image_page {
	struct form form;	/* coding OTHER: readable, but not a form that we write */
	uint32_t width_px, length_px;	/* as it is seen: turned as Orientation says */
	enum shades shades;		/* what it has to show */
	bool turned;			/* rows of the file are columns then */
	uint32_t private_no;	/* owner's index of the page's details, for image_* only */
};

struct image {
	struct span file;		/* borrowed: must outlive the image */
	struct image_page *page;	/* owned */
	uint32_t npage;
	bool minimal;			/* the file is a valid Profile S: TIFF-minimal */
	enum structure structure;	/* the same, finer */
	void *detail;			/* owned: IFD fields of the pages */
};

/*
 * Reads headers of every page of file: TIFF or TIFF-FX; a JPEG or PNG, by its first octets, is one page.  0: *out is set, freed by image_free.
 * -1: ERR_PERM 5.6.1 not an image accord can read (the text names the tag or clause), 5.6.5 over a
 * limit; ERR_TEMP memory.
 */
int image_open(struct span file, const struct limits *max, struct image *out, struct err *e);
void image_free(struct image *img);

/*
 * Text as the pages it makes (text.h); nothing in it says that it is some, so the caller must.  -1: as text_open.
 */
int image_open_text(struct span file, const struct text_how *how, const struct limits *max, struct image *out,
    struct err *e);

/* "JPEG" or "PNG", and its size, upright; NULL: neither. */
const char *image_is_picture(const struct image *img, uint32_t *width_px, uint32_t *rows);

/* The rows of a page as the file has them. */
uint32_t image_page_rows(const struct image_page *p);

/*
 * Appends the features of the file as one expression: the OR of its pages' distinct ones.
 * image_page_features: of one page, with the structure the whole file has (TIFF-minimal, -limited).
 */
int image_features(const struct image *img, struct buf *out, struct err *e);
int image_page_features(const struct image *img, uint32_t page, struct buf *out, struct err *e);

/*
 * Writes all pages, page i in form want[i], as one TIFF-FX file to out: Profile S's layout for a
 * file all of MH at 200/204 A4, the same order for F and J (RFC 3949 3.5).
 * Pages whose pixels keep their size are recoded without loss of a pixel; others are scaled by
 * area.  JBIG does not mix with other codings in one file (form_choose_file).
 * -1: ERR_PERM 5.6.5 the data cannot be decoded, or a limit; ERR_TEMP; out is as it was.
 */
int image_convert(const struct image *img, const struct form *want, const struct limits *max,
    struct buf *out, struct err *e);

/* Decodes one page to rows of (width_px + 7) / 8 octets, black = 1, MSB first, all length_px rows.
 * out: at least image_page_octets.  For tests, previews and comparison. */
size_t image_page_octets(const struct image_page *p);
int image_decode(const struct image *img, uint32_t page, unsigned char *out, struct err *e);

/*
 * Checks that file is valid to the letter of RFC 3949 3.6, 4.7 or 5.4 (Profile S, F or
 * J), or 6.4 (C): the validator that tests and convertd's parent use on what was written.
 * profile: 'S', 'F', 'J' or 'C' as found.  -1: ERR_PERM 5.6.5 naming the tag and the rule.
 */
int image_validate(struct span file, char *profile, struct err *e);

/* image/tiff for S and F, image/tiff-fx for J and C (RFC 3949 10, RFC 3950). */
const char *image_media_type(const struct form *form, uint32_t n);

#endif
