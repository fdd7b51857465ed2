/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/image.h"

#include "convertd/tiff.h"
#include "tests/unit/convertd/judge.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FAX "tests/data/fax/"
#define RENDER "tests/data/render/"
#define MALFORMED "tests/data/malformed/"

#define MINIMAL STRUCTURE_MINIMAL
#define LIMITED STRUCTURE_LIMITED
#define TIFF STRUCTURE_TIFF

/* What each file is: profile and structure as it stands, first page; judged: libtiff reads it. */
static const struct {
	const char *name, *form;
	uint32_t pages, width, length;
	char profile;			/* 0: of none */
	enum structure structure;
	bool judged;
} images[] = {
	{ FAX "ccitt1-S.tif", "MH/204x196/A4", 1, 1728, 2376, 'S', MINIMAL, true },
	{ FAX "ccitt2-S-fill.tif", "MH/204x196/A4", 1, 1728, 2376, 'S', MINIMAL, true },
	{ FAX "ccitt4-F-mr.tif", "MR/204x196/A4", 1, 1728, 2376, 'F', LIMITED, true },
	{ FAX "ccitt2-F-mr-rfcalign.tif", "MR/204x196/A4", 1, 1728, 2376, 'F', LIMITED, true },
	{ FAX "ccitt1-F-mmr-msb.tif", "MMR/200x200/A4", 1, 1728, 2376, 'F', LIMITED, true },
	{ FAX "ccitt2-J.tif", "JBIG/204x196/A4", 1, 1728, 2376, 'J', LIMITED, true },
	{ FAX "ccitt6-J-lrltwo-msb.tif", "JBIG/204x196/A4", 1, 1728, 2376, 'J', TIFF, true },
	{ FAX "ccitt-multi-mixed.tif", "MH/204x196/A4", 3, 1728, 2376, 'F', LIMITED, true },
	{ FAX "ccitt4-comp34661.tif", "other", 1, 1728, 2376, 0, TIFF, false },
	{ FAX "ccitt4-comp34661-fo1.tif", "other", 1, 1728, 2376, 0, TIFF, false },
	{ RENDER "letter-S-204x98.tif", "MH/204x98/A4", 1, 1728, 1169, 'S', MINIMAL, true },
	{ RENDER "letter-F-204x391.tif", "MMR/204x391/A4", 1, 1728, 4676, 'F', LIMITED, true },
	{ RENDER "letter-F-300.tif", "MMR/300x300/A4", 1, 2592, 3507, 'F', LIMITED, true },
	{ RENDER "letter-F-408x391.tif", "MR/408x391/A4", 1, 3456, 4570, 'F', LIMITED, true },
	{ RENDER "letter-F-b4-200.tif", "MMR/200x200/B4", 1, 2048, 2338, 'F', LIMITED, true },
	{ RENDER "letter-F-cm.tif", "MMR/204x196/A4", 1, 1728, 2338, 'F', LIMITED, true },
	{ RENDER "letter-F-strips.tif", "MMR/400x400/A4", 1, 3456, 4676, 'F', LIMITED, true },
	{ RENDER "letter-F-orient3.tif", "MMR/200x200/A4", 1, 1728, 2338, 'F', LIMITED, false },
	{ RENDER "letter-F-photometric1.tif", "MMR/200x200/A4", 1, 1728, 2338, 'F', LIMITED, true },
	{ RENDER "letter-J-400.tif", "JBIG/400x400/A4", 1, 3456, 4676, 'J', LIMITED, true },
	{ RENDER "letter-J-a3-400.tif", "JBIG/400x400/A3", 1, 4864, 6582, 'J', LIMITED, true },
	{ RENDER "letter-J-multi.tif", "JBIG/400x400/A4", 2, 3456, 4676, 'J', LIMITED, true },
	{ RENDER "letter-J-newlen.tif", "JBIG/204x196/A4", 1, 1728, 2338, 'J', LIMITED, true },
	{ RENDER "letter-200-direct.tif", "MMR/200x200/A4", 1, 1728, 2338, 'F', LIMITED, true },
	{ RENDER "dense-J-400.tif", "JBIG/400x400/A4", 1, 3456, 4676, 'J', LIMITED, true },
	{ RENDER "photo-F-mmr-400.tif", "MMR/400x400/A4", 1, 3456, 4676, 'F', LIMITED, true },
	{ RENDER "photo-J-400.tif", "JBIG/400x400/A4", 1, 3456, 4676, 'J', LIMITED, true },
	{ RENDER "sizes-F-mmr-400.tif", "MMR/400x400/A4", 1, 3456, 4676, 'F', LIMITED, true },
};
enum { IMAGES = sizeof images / sizeof *images };

static struct span
image_read(const char *name, struct image *img)
{
	struct span file = file_read(name);
	struct err e = { 0 };

	ck_assert_msg(image_open(file, &fax_limits, img, &e) == 0, "%s: %s", name, e.what);
	return file;
}

static void
image_done(struct image *img, struct span file)
{
	image_free(img);
	free((void *)file.p);
}

static void
page_read(const struct image *img, uint32_t page, struct raster *r)
{
	struct err e = { 0 };

	const struct image_page *p = &img->page[page];

	ck_assert_int_eq(raster_init(r, p->width_px, p->length_px, &e), 0);
	ck_assert_uint_eq(image_page_octets(&img->page[page]), r->stride * r->rows);
	ck_assert_msg(image_decode(img, page, r->px, &e) == 0, "%s", e.what);
}

static void
first_page(const char *name, struct raster *r)
{
	struct image img;
	struct span file = image_read(name, &img);

	page_read(&img, 0, r);
	image_done(&img, file);
}

static bool
same(const struct raster *a, const struct raster *b)
{
	return a->width_px == b->width_px && a->rows == b->rows &&
	    memcmp(a->px, b->px, a->stride * a->rows) == 0;
}

START_TEST(files_are_known_and_decoded)
{
	struct raster mine, theirs;
	struct err e = { 0 };
	struct image img;
	struct buf b;
	char profile = 0;
	struct span file = image_read(images[_i].name, &img);

	buf_init(&b, 100);
	ck_assert_uint_eq(img.npage, images[_i].pages);
	ck_assert_uint_eq(img.page[0].width_px, images[_i].width);
	ck_assert_uint_eq(img.page[0].length_px, images[_i].length);
	ck_assert_int_eq(img.structure, images[_i].structure);
	ck_assert_int_eq(img.minimal, images[_i].profile == 'S');
	ck_assert_int_eq(form_print(&img.page[0].form, &b, &e), 0);
	ck_assert_msg(span_is(buf_view(&b), images[_i].form) || (images[_i].form[0] == 'o' &&
	    img.page[0].form.coding == CODING_OTHER), "%.*s", (int)b.n, (const char *)b.p);
	if (image_validate(file, &profile, &e) == -1)
		profile = 0;
	ck_assert_msg(profile == images[_i].profile, "%s", e.what);
	for (uint32_t i = 0; i < img.npage; i++) {
		page_read(&img, i, &mine);
		if (images[_i].judged) {
			judge_decode(file, i, &theirs);
			ck_assert_msg(same(&mine, &theirs), "%s page %u", images[_i].name, i);
			raster_free(&theirs);
		}
		raster_free(&mine);
	}
	buf_free(&b);
	image_done(&img, file);
}
END_TEST

/* The same page, differently wrapped, is the same page. */
static const char *const twins[][2] = {
	{ RENDER "letter-F-photometric1.tif", RENDER "letter-200-direct.tif" },
	{ RENDER "letter-F-cm.tif", RENDER "letter-200-direct.tif" },
	{ RENDER "letter-J-newlen.tif", RENDER "letter-200-direct.tif" },
	{ RENDER "letter-F-strips.tif", RENDER "letter-J-400.tif" },
	{ RENDER "letter-F-mmr-400.tif", RENDER "letter-J-400.tif" },
	{ RENDER "dense-F-mmr-400.tif", RENDER "dense-J-400.tif" },
	{ FAX "ccitt4-comp34661.tif", FAX "ccitt4-F-mr.tif" },
	{ FAX "ccitt4-comp34661-fo1.tif", FAX "ccitt4-F-mr.tif" },
	{ FAX "ccitt1-S.tif", FAX "ccitt1-F-mmr-msb.tif" },
	{ FAX "ccitt2-S-fill.tif", FAX "ccitt2-J.tif" },
	{ FAX "ccitt2-F-mr-rfcalign.tif", FAX "ccitt2-J.tif" },
};

START_TEST(wrapping_does_not_matter)
{
	struct raster a, b;

	first_page(twins[_i][0], &a);
	first_page(twins[_i][1], &b);
	ck_assert_msg(same(&a, &b), "%s", twins[_i][0]);
	raster_free(&a);
	raster_free(&b);
}
END_TEST

/* This one has an upright page and a tag that says it lies upside down: that is how it is seen. */
START_TEST(orientation_is_followed)
{
	struct raster a, b;
	struct err e;

	first_page(RENDER "letter-F-orient3.tif", &a);
	first_page(RENDER "letter-200-direct.tif", &b);
	ck_assert(!same(&a, &b));
	ck_assert_int_eq(raster_turn(&a, 3, &e), 0);
	ck_assert(same(&a, &b));
	raster_free(&a);
	raster_free(&b);
}
END_TEST

static void
result_check(struct span file, const struct image *src, const struct form *want)
{
	bool minimal = true;
	struct err e = { 0 };
	struct image img;
	char profile;

	for (uint32_t i = 0; i < src->npage; i++)
		minimal = minimal && form_minimal(&want[i]);
	ck_assert_msg(image_validate(file, &profile, &e) == 0, "%s", e.what);
	ck_assert_int_eq(profile, want[0].coding == CODING_JBIG ? 'J' : minimal ? 'S' : 'F');
	ck_assert_uint_eq(judge_pages(file), src->npage);
	ck_assert_msg(image_open(file, &fax_limits, &img, &e) == 0, "%s", e.what);
	ck_assert_int_eq(img.structure, minimal ? STRUCTURE_MINIMAL : STRUCTURE_LIMITED);
	for (uint32_t i = 0; i < src->npage; i++)
		ck_assert(memcmp(&img.page[i].form, &want[i], sizeof *want) == 0);
	image_free(&img);
}

/* The image in those forms, one for each page; what comes of it is what was asked for. */
static void
convert(const struct image *img, const struct form *want, struct buf *out)
{
	struct err e = { 0 };

	buf_init(out, 1 << 26);
	ck_assert_msg(image_convert(img, want, &fax_limits, out, &e) == 0, "%s", e.what);
	result_check(buf_view(out), img, want);
}

/* A page on its side is stood up and fitted to the width; its two resolutions change places. */
START_TEST(pages_on_their_side_are_fitted)
{
	static const unsigned char tag[] = { 0x12, 1, 3, 0, 1, 0, 0, 0, 1 };
	struct form want = { CODING_MMR, PAPER_A4, 200, 200 };
	struct span file = file_read(RENDER "letter-200-direct.tif");
	unsigned char *at = memmem(file.p, 300, tag, sizeof tag);
	struct raster upright, seen, after;
	struct err e = { 0 };
	struct image img;
	struct buf out;

	ck_assert(at != NULL);
	judge_decode(file, 0, &upright);
	at[8] = (unsigned char)_i;
	ck_assert_int_eq(image_open(file, &fax_limits, &img, &e), 0);
	ck_assert(img.page[0].width_px == 2338 && img.page[0].length_px == 1728);
	page_read(&img, 0, &seen);
	ck_assert_int_eq(raster_turn(&upright, (uint32_t)_i, &e), 0);
	ck_assert(same(&seen, &upright));
	convert(&img, &want, &out);
	judge_decode(buf_view(&out), 0, &after);
	ck_assert_uint_eq(after.rows, 1278);	/* 1728 * 1728 / 2338 */
	raster_free(&after);
	raster_free(&seen);
	raster_free(&upright);
	buf_free(&out);
	image_done(&img, file);
}
END_TEST

static const char *const sources[] = { FAX "ccitt1-S.tif", FAX "ccitt4-F-mr.tif",
	FAX "ccitt1-F-mmr-msb.tif", FAX "ccitt6-J-lrltwo-msb.tif", FAX "ccitt4-comp34661.tif",
	FAX "ccitt-multi-mixed.tif", RENDER "letter-F-strips.tif", RENDER "letter-J-a3-400.tif",
	RENDER "letter-F-photometric1.tif", RENDER "letter-F-orient3.tif",
	RENDER "letter-F-300.tif", RENDER "letter-F-204x391.tif",
	RENDER "letter-F-b4-200.tif", RENDER "letter-J-multi.tif" };
enum { SOURCES = sizeof sources / sizeof *sources };

/* The metric twin of an inch resolution and back: pixels are copied (RFC 3949 2.2.2). */
static void
form_twin(struct form *f)
{
	static const uint16_t twin[][4] = { { 200, 100, 204, 98 }, { 200, 200, 204, 196 },
	    { 400, 400, 408, 391 } };

	for (int i = 0; i < 3; i++)
		if (f->dpi_x == twin[i][0] && f->dpi_y == twin[i][1])
			f->dpi_x = twin[i][2], f->dpi_y = twin[i][3];
		else if (f->dpi_x == twin[i][2] && f->dpi_y == twin[i][3])
			f->dpi_x = twin[i][0], f->dpi_y = twin[i][1];
}

/* Recoding at the same resolution keeps every pixel: all sources to all codings. */
static bool
nothing_is_scaled(const struct form *a, const struct form *b)
{
	return a->paper == b->paper && form_nominal(a->dpi_x) == form_nominal(b->dpi_x) &&
	    form_nominal(a->dpi_y) == form_nominal(b->dpi_y);
}

START_TEST(recoding_keeps_every_pixel)
{
	enum coding coding = (enum coding)(_i % 4);
	struct raster before, after;
	struct form want[3];
	struct image img;
	struct span file = image_read(sources[_i / 8], &img);
	struct buf out;

	for (uint32_t i = 0; i < img.npage; i++) {
		want[i] = img.page[i].form;
		want[i].coding = coding;
		if (_i % 8 >= 4)
			form_twin(&want[i]);
		ck_assert(nothing_is_scaled(&want[i], &img.page[i].form));
	}
	convert(&img, want, &out);
	for (uint32_t i = 0; i < img.npage; i++) {
		page_read(&img, i, &before);
		judge_decode(buf_view(&out), i, &after);
		ck_assert_msg(same(&before, &after), "%s page %u", sources[_i / 8], i);
		raster_free(&before);
		raster_free(&after);
	}
	buf_free(&out);
	image_done(&img, file);
}
END_TEST

/* Another writer, to the letter of 3.5, wrote the same octets. */
static const char *const equal[] = { FAX "ccitt2-S-fill.tif", FAX "ccitt2-J.tif",
	RENDER "letter-J-400.tif", RENDER "letter-F-300.tif", RENDER "letter-J-a3-400.tif",
	RENDER "letter-J-multi.tif", RENDER "letter-F-408x391.tif" };

START_TEST(octets_as_the_reference_writer)
{
	struct form want[2];
	struct image img;
	struct span file = image_read(equal[_i], &img);
	struct buf out;

	for (uint32_t i = 0; i < img.npage; i++)
		want[i] = img.page[i].form;
	convert(&img, want, &out);
	ck_assert_msg(span_eq(buf_view(&out), file), "%s", equal[_i]);
	buf_free(&out);
	image_done(&img, file);
}
END_TEST

/* Sources, targets, and how many rows come of it. */
static const struct { const char *name, *to; uint32_t rows; } scaled[] = {
	{ RENDER "letter-J-400.tif", "MMR/200x200/A4", 2338 },
	{ RENDER "letter-J-400.tif", "MH/204x196/A4", 2338 },
	{ RENDER "letter-J-400.tif", "MH/204x98/A4", 1169 },
	{ RENDER "letter-F-408x391.tif", "MR/204x196/A4", 2285 },
	{ RENDER "letter-F-204x391.tif", "MH/204x196/A4", 2338 },
	{ RENDER "letter-F-300.tif", "MMR/200x200/A4", 2338 },
	{ RENDER "letter-F-b4-200.tif", "MMR/200x200/A4", 1973 },
	{ RENDER "letter-J-a3-400.tif", "JBIG/200x200/A3", 3291 },
	{ RENDER "letter-J-a3-400.tif", "MMR/200x200/A4", 2339 },
	{ RENDER "sizes-F-mmr-400.tif", "JBIG/300x300/A4", 3507 },
};

/* The share of the width at which the last black column lies, in 1/10000. */
static uint32_t
ink_right(const struct raster *r)
{
	uint32_t right = 0;

	for (uint32_t y = 0; y < r->rows; y++)
		for (uint32_t x = right; x < r->width_px; x++)
			if (raster_row(r, y)[x / 8] & 0x80 >> x % 8)
				right = x + 1;
	return (uint32_t)((uint64_t)right * 10000 / r->width_px);
}

static uint64_t
ink_share(const struct raster *r)
{
	uint64_t black = 0;

	for (size_t i = 0; i < r->stride * r->rows; i++)
		black += (uint64_t)__builtin_popcount(r->px[i]);
	return black * 1000000 / ((uint64_t)r->width_px * r->rows);
}

START_TEST(pages_are_scaled_to_the_width)
{
	struct raster before, after;
	struct err e = { 0 };
	struct image img;
	struct form want;
	struct span file = image_read(scaled[_i].name, &img);
	uint64_t ink, ink_after;
	struct buf out;

	ck_assert_int_eq(form_scan(span_str(scaled[_i].to), &want, &e), 0);
	convert(&img, &want, &out);
	page_read(&img, 0, &before);
	judge_decode(buf_view(&out), 0, &after);
	ck_assert_uint_eq(after.rows, scaled[_i].rows);
	ck_assert_uint_eq(after.width_px, form_width(&want));
	/* Nothing is cut off on the right, and the page stays about as black as it was. */
	ck_assert_int_le(abs((int)ink_right(&before) - (int)ink_right(&after)), 20);
	ink = ink_share(&before);
	ink_after = ink_share(&after);
	ck_assert_msg(ink_after > ink && ink_after * 10 < ink * 14, "%u, %u", (unsigned)ink,
	    (unsigned)ink_after);
	raster_free(&before);
	raster_free(&after);
	buf_free(&out);
	image_done(&img, file);
}
END_TEST

/* Grey, colour, other codings and layers: refused, and the text says what it is. */
static const struct { const char *name, *says; } refused[] = {
	{ FAX "profile-L-stub.tif", "Compression 10 (T.43, Profile L)" },
	{ FAX "profile-M-stub.tif", "Profile M" },
	{ RENDER "letter-grey8-deflate.tif", "Compression 8 (Deflate)" },
	{ "tests/data/README.md", "neither II nor MM" },
};

START_TEST(others_are_refused_by_name)
{
	struct span file = file_read(refused[_i].name);
	struct err e = { 0 };
	struct image img;

	ck_assert_int_eq(image_open(file, &fax_limits, &img, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.1");
	ck_assert_msg(strstr(e.what, refused[_i].says) != NULL, "%s", e.what);
	free((void *)file.p);
}
END_TEST

/* What libtiff writes under Compression 34661 is not T.85, and no T.85 by calling it Compression 9. */
START_TEST(private_jbig_is_not_t85)
{
	static const unsigned char tag[] = { 0x03, 1, 3, 0, 1, 0, 0, 0, 0x65, 0x87 };
	struct span file = file_read(FAX "ccitt4-comp34661.tif");
	unsigned char *at = memmem(file.p, file.n, tag, sizeof tag);
	struct err e = { 0 };
	struct image img;

	ck_assert(at != NULL);
	at[8] = 9, at[9] = 0;
	ck_assert_int_eq(image_open(file, &fax_limits, &img, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.1");
	ck_assert_msg(strstr(e.what, "not T.85") != NULL, "%s", e.what);
	free((void *)file.p);
}
END_TEST

/* Features of the file are what it is, and match what RFC 2879 Appendix B says of its profile. */
static const struct { const char *name, *claim; int fits; } claims[] = {
	{ FAX "ccitt1-S.tif", "(image-file-structure=TIFF-S)", 1 },
	{ FAX "ccitt1-S.tif", "(& (image-file-structure=TIFF-F)(image-coding=[MH,MR,MMR])(dpi=204)"
	    "(dpi-xyratio=[204/98,204/196,204/391])(size-x=1728/204)(paper-size=A4))", 1 },
	{ FAX "ccitt1-S.tif", "(image-coding=MMR)", 0 },
	{ FAX "ccitt1-F-mmr-msb.tif", "(image-file-structure=TIFF-minimal)", 0 },
	{ FAX "ccitt1-F-mmr-msb.tif", "(& (dpi=204)(dpi-xyratio=204/196))", 1 },
	{ FAX "ccitt2-J.tif", "(& (image-coding=JBIG)(image-coding-constraint=JBIG-T85)"
	    "(JBIG-stripe-size=128))", 1 },
	{ FAX "ccitt2-J.tif", "(type=\"image/tiff\")", 0 },
	{ FAX "ccitt2-J.tif", "(type=\"image/tiff-fx\")", 1 },
	{ FAX "ccitt6-J-lrltwo-msb.tif", "(image-file-structure=TIFF-limited)", 0 },
	{ FAX "ccitt6-J-lrltwo-msb.tif", "(image-file-structure=TIFF)", 1 },
	{ FAX "ccitt4-comp34661.tif", "(image-coding=[MH,MR,MMR,JBIG])", 0 },
	{ RENDER "letter-F-b4-200.tif", "(size-x<=2150/254)", 0 },
	{ RENDER "letter-F-b4-200.tif", "(size-x=2048/200)", 1 },
	{ RENDER "letter-J-multi.tif", "(dpi=200)", 1 },
	{ RENDER "letter-J-multi.tif", "(dpi=300)", 0 },
};

START_TEST(features_are_true)
{
	struct feat *doc = NULL, *claim = NULL;
	struct err e = { 0 };
	struct image img;
	struct span file = image_read(claims[_i].name, &img);
	struct buf b;

	buf_init(&b, FEAT_MAX_TEXT);
	ck_assert_int_eq(image_features(&img, &b, &e), 0);
	ck_assert_msg(feat_parse(buf_view(&b), FEAT_DOCUMENT | FEAT_STRICT, &doc, &e) == 0, "%s",
	    e.what);
	ck_assert_int_eq(feat_parse(span_str(claims[_i].claim), FEAT_CLAIM, &claim, &e), 0);
	ck_assert_msg(feat_match(doc, claim, &e) == claims[_i].fits, "%s: %s", claims[_i].name,
	    claims[_i].claim);
	feat_free(doc);
	feat_free(claim);
	buf_free(&b);
	image_done(&img, file);
}
END_TEST

/* What is said of a page that lies on its side is of the page as the file has it. */
START_TEST(features_of_a_turned_page)
{
	static const unsigned char three[] = { 0x12, 1, 3, 0, 1, 0, 0, 0, 3, 0 };
	struct span file = file_read(RENDER "letter-F-orient3.tif");
	unsigned char *at = memmem(file.p, file.n, three, sizeof three);
	struct err e = { 0 };
	struct image img;
	struct buf b;

	ck_assert_ptr_nonnull(at);
	at[8] = 6;
	buf_init(&b, 4096);
	ck_assert_msg(image_open(file, &fax_limits, &img, &e) == 0, "%s", e.what);
	ck_assert(img.page[0].turned && img.page[0].width_px == 2338 && img.page[0].length_px == 1728);
	ck_assert_int_eq(image_features(&img, &b, &e), 0);
	ck_assert_ptr_nonnull(memmem(b.p, b.n, "(size-x=2150/254)(size-y=2970/254)(paper-size=A4)", 49));
	image_free(&img);
	buf_free(&b);
	free((void *)(uintptr_t)file.p);
}
END_TEST

START_TEST(features_of_several_pages)
{
	struct image img;
	struct span file = image_read(FAX "ccitt-multi-mixed.tif", &img);
	struct buf all, one;
	struct err e = { 0 };

	buf_init(&all, 4096);
	buf_init(&one, 4096);
	ck_assert_int_eq(buf_add_str(&one, "(| ", &e), 0);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_int_eq(image_page_features(&img, i, &one, &e), 0);
	ck_assert_int_eq(buf_add_str(&one, ")", &e), 0);
	ck_assert_int_eq(image_features(&img, &all, &e), 0);
	ck_assert(span_eq(buf_view(&all), buf_view(&one)));
	buf_free(&all);
	buf_free(&one);
	image_done(&img, file);
}
END_TEST

START_TEST(media_type_follows_the_coding)
{
	struct form f[2] = { { CODING_MMR, PAPER_A4, 200, 200 }, { CODING_MH, PAPER_A4, 204, 98 } };

	ck_assert_str_eq(image_media_type(f, 2), "image/tiff");
	f[1].coding = CODING_JBIG;
	ck_assert_str_eq(image_media_type(f, 2), "image/tiff-fx");
}
END_TEST

/* JBIG among others is of no profile; a result over its limit is refused; nothing stays in out. */
START_TEST(bad_wishes_are_refused)
{
	struct limits small = fax_limits;
	struct err e = { 0 };
	struct form want[3];
	struct image img;
	struct span file = image_read(FAX "ccitt-multi-mixed.tif", &img);
	struct buf out;

	buf_init(&out, 1 << 20);
	for (int i = 0; i < 3; i++)
		want[i] = img.page[i].form;
	want[2].coding = CODING_JBIG;
	ck_assert_int_eq(image_convert(&img, want, &fax_limits, &out, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	want[2].coding = CODING_OTHER;
	ck_assert_int_eq(image_convert(&img, want, &fax_limits, &out, &e), -1);
	ck_assert_int_eq(e.kind, ERR_BUG);
	want[2].coding = CODING_MH;
	small.out_octets = 50000;
	ck_assert_int_eq(image_convert(&img, want, &small, &out, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	ck_assert_uint_eq(out.n, 0);
	buf_free(&out);
	buf_init(&out, 60000);
	ck_assert_int_eq(image_convert(&img, want, &fax_limits, &out, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	ck_assert_uint_eq(out.n, 0);
	buf_free(&out);
	image_done(&img, file);
}
END_TEST

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A verdict on one hostile file, all the way through: 0 refused, 1 converted. */
static int
verdict(struct span file, enum coding coding)
{
	struct form want[1000];
	struct err e = { 0 };
	struct image img;
	struct buf out;
	char profile;
	int got;

	if (image_open(file, &fax_limits, &img, &e) == -1) {
		ck_assert_int_eq(e.kind, ERR_PERM);
		ck_assert(e.what[0] != '\0');
		return 0;
	}
	buf_init(&out, 1 << 26);
	for (uint32_t i = 0; i < img.npage; i++)
		want[i] = (struct form){ coding, PAPER_A4, 204, 98 };
	got = image_convert(&img, want, &fax_limits, &out, &e);
	if (got == 0)
		ck_assert_msg(image_validate(buf_view(&out), &profile, &e) == 0, "%s", e.what);
	else
		ck_assert_msg(e.kind == ERR_PERM && strcmp(e.dsn, "5.6.5") == 0, "%s", e.what);
	buf_free(&out);
	image_free(&img);
	return got == 0;
}

START_TEST(hostile_files_end_with_a_verdict)
{
	DIR *dir = opendir(MALFORMED);
	struct dirent *d;
	int files = 0;

	ck_assert(dir != NULL);
	while ((d = readdir(dir)) != NULL) {
		char name[300];
		struct span file;
		double start;
		int got;

		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, MALFORMED "%s", d->d_name);
		file = file_read(name);
		start = cpu_s();
		got = verdict(file, (enum coding)(files % 4));
		ck_assert_msg(cpu_s() - start < 1.0, "%s took %f s", name, cpu_s() - start);
		if (strncmp(d->d_name, "flip-", 5) != 0)	/* those may have been lucky */
			ck_assert_msg(got == (strcmp(d->d_name, "mh-rtc.tif") == 0 ||
			    strcmp(d->d_name, "mh-zero-fill-1m.tif") == 0), "%s: %d", name, got);
		free((void *)file.p);
		files++;
	}
	closedir(dir);
	ck_assert_int_ge(files, 44);
}
END_TEST

/* A file of the big-endian order, made from a little-endian one field by field. */
static void
swap(unsigned char *p, int n)
{
	for (int i = 0; i < n / 2; i++) {
		unsigned char t = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = t;
	}
}

START_TEST(big_endian_is_the_same_file)
{
	struct image again;
	struct span file = file_read(FAX "ccitt1-S.tif");
	unsigned char *p = malloc(file.n);
	struct raster a, b;
	struct err e = { 0 };

	memcpy(p, file.p, file.n);
	p[0] = p[1] = 'M';
	swap(p + 2, 2);
	swap(p + 4, 4);
	for (int i = 0; i < file.p[8]; i++) {
		unsigned char *q = p + 10 + 12 * i;
		int type = q[2], count = q[4];

		swap(q, 2);
		swap(q + 2, 2);
		swap(q + 4, 4);
		swap(q + 8, type == TYPE_SHORT ? 2 : 4);
		if (type == TYPE_SHORT && count == 2)
			swap(q + 10, 2);
	}
	for (int i = 0; i < 5; i++)	/* the next IFD, the two resolutions */
		swap(p + 10 + 12 * file.p[8] + 4 * i, 4);
	swap(p + 8, 2);
	ck_assert_msg(image_open(span_of(p, file.n), &fax_limits, &again, &e) == 0, "%s", e.what);
	ck_assert_int_eq(again.structure, STRUCTURE_LIMITED);	/* S is II alone */
	first_page(FAX "ccitt1-S.tif", &a);
	page_read(&again, 0, &b);
	ck_assert(same(&a, &b));
	raster_free(&a);
	raster_free(&b);
	image_free(&again);
	free((void *)file.p);
	free(p);
}
END_TEST

Suite *suite_image(void);
Suite *
suite_image(void)
{
	Suite *s = suite_create("image");
	TCase *tc = tcase_create("image");

	tcase_add_loop_test(tc, files_are_known_and_decoded, 0, IMAGES);
	tcase_add_loop_test(tc, wrapping_does_not_matter, 0, sizeof twins / sizeof *twins);
	tcase_add_test(tc, orientation_is_followed);
	tcase_add_loop_test(tc, pages_on_their_side_are_fitted, 5, 9);
	tcase_add_loop_test(tc, recoding_keeps_every_pixel, 0, SOURCES * 8);
	tcase_add_loop_test(tc, octets_as_the_reference_writer, 0, sizeof equal / sizeof *equal);
	tcase_add_loop_test(tc, pages_are_scaled_to_the_width, 0, sizeof scaled / sizeof *scaled);
	tcase_add_test(tc, private_jbig_is_not_t85);
	tcase_add_loop_test(tc, others_are_refused_by_name, 0, sizeof refused / sizeof *refused);
	tcase_add_loop_test(tc, features_are_true, 0, sizeof claims / sizeof *claims);
	tcase_add_test(tc, features_of_a_turned_page);
	tcase_add_test(tc, features_of_several_pages);
	tcase_add_test(tc, media_type_follows_the_coding);
	tcase_add_test(tc, bad_wishes_are_refused);
	tcase_add_test(tc, hostile_files_end_with_a_verdict);
	tcase_add_test(tc, big_endian_is_the_same_file);
	suite_add_tcase(s, tc);
	return s;
}
