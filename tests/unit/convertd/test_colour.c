/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Profile C: made from pictures, read, and made black and white.  Its JPEG is judged by libjpeg alone. */
#include "convertd/lab.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "convertd/image.h"
#include "convertd/raster.h"
#include "convertd/tiff.h"
#include "tests/unit/convertd/judge.h"
#include "tests/unit/convertd/letter.h"
#include "tests/unit/convertd/paint.h"

/* RFC 2879, Appendix B, its structure as section 3.7 names it. */
#define C_GREY "(& (color=grey)(color-levels<=4096)(CIELAB-L-depth<=4096))"
#define C_FULL "(& (color=full)(color-levels<=68719476736)(color-subsampling=[\"4:1:1\",\"1:1:1\"])" \
	"(CIELAB-L-depth<=4096)(CIELAB-a-depth<=4096)(CIELAB-b-depth<=4096))"
#define C_OF(shades) "(& (image-file-structure=TIFF-limited)(image-coding=JPEG)(image-coding-constraint=JPEG-T4E)" \
	"(color-space=CIELAB)" shades "(MRC-mode=0)(dpi=[100,200,300,400])(dpi-xyratio=1)" \
	"(size-x<=2150/254)(paper-size=[A4,B4,A3,letter,legal]))"
#define C_BASE "(& (image-file-structure=TIFF-limited)(color=grey)(color-levels<=256)(MRC-mode=0)(image-coding=JPEG)" \
	"(image-coding-constraint=JPEG-T4E)(color-space=CIELAB)(CIELAB-L-depth<=101)(CIELAB-L-min>=0)" \
	"(CIELAB-L-max<=100)(color-illuminant=D50)(dpi=200)(dpi-xyratio=1)(size-x<=2150/254)(paper-size=A4))"
#define TIFF_S_98 "(& (color=Binary)(image-file-structure=TIFF-minimal)(image-coding=MH)(dpi=204)(dpi-xyratio=204/98))"
#define MMR_400 "(& (color=Binary)(image-coding=MMR)(dpi=[200,400])(dpi-xyratio=1))"

/* Of sRGB in CIELAB of D50, to three digits as colour tables have them. */
static const struct { unsigned rgb[3]; double lab[3]; } colours[] = {
	{ { 0, 0, 0 }, { 0, 0, 0 } }, { { 255, 255, 255 }, { 100, 0, 0 } }, { { 128, 128, 128 }, { 53.6, 0, 0 } },
	{ { 255, 0, 0 }, { 54.3, 80.8, 69.9 } }, { { 0, 255, 0 }, { 87.8, -79.3, 81.0 } },
	{ { 255, 255, 0 }, { 97.6, -15.8, 93.4 } },
	{ { 0, 0, 255 }, { 29.6, 68.3 * 75.3 / 112, -75.3 } },	/* outside T.42's gamut: b* is -112 */
};

START_TEST(colours_are_those_of_the_eye)
{
	const double *lab = colours[_i].lab;
	const double want[3] = { lab[0] * 2.55, 128 + lab[1] * 1.5, 96 + lab[2] * 1.275 };
	unsigned char got[3];

	lab_of_rgb(colours[_i].rgb[0], colours[_i].rgb[1], colours[_i].rgb[2], got);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(got[i] > want[i] - 1.1 && got[i] < want[i] + 1.1, "%d: %u, not %f", i, got[i], want[i]);
}
END_TEST

/* --- pages --- */

enum { W = 864, H = 1100, HALF = W / 2 };

/* A picture of two colours side by side; as many pixels as a page of 100 dpi. */
static struct buf
picture_make(const unsigned left[3], const unsigned right[3], int channels)
{
	unsigned char *px = malloc(W * H * 3);
	struct buf out;

	ck_assert_ptr_nonnull(px);
	for (size_t i = 0; i < W * H; i++)
		for (int c = 0; c < channels; c++)
			px[i * (size_t)channels + (size_t)c] = (unsigned char)(i % W < HALF ? left : right)[c];
	paint_png(px, W, H, channels, &out);
	free(px);
	return out;
}

static struct buf
convert(struct span file, const struct form *want, char profile)
{
	struct image img;
	struct err e = { 0 };
	struct buf out;
	char is;

	buf_init(&out, 8 << 20);
	ck_assert_msg(image_open(file, &fax_limits, &img, &e) == 0, "%s", e.what);
	ck_assert_msg(image_convert(&img, want, &fax_limits, &out, &e) == 0, "%s", e.what);
	image_free(&img);
	ck_assert_msg(image_validate(buf_view(&out), &is, &e) == 0, "%s", e.what);
	ck_assert_int_eq(is, profile);
	return out;
}

/* The first JPEG in a file, its components as they are, by libjpeg alone. */
static void
judge_jpeg(struct span file, unsigned planes, struct lab *out)
{
	const unsigned char *at = memmem(file.p, file.n, "\xff\xd8\xff", 3);
	struct jpeg_decompress_struct j;
	struct jpeg_error_mgr errors;
	struct err e = { 0 };
	unsigned char *line;

	ck_assert_ptr_nonnull(at);
	j.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&j);
	jpeg_mem_src(&j, at, file.n - (size_t)(at - file.p));
	jpeg_read_header(&j, TRUE);
	ck_assert_int_eq(j.num_components, (int)planes);
	ck_assert_int_eq(j.comp_info[0].h_samp_factor * j.comp_info[0].v_samp_factor, planes == 1 ? 1 : 4);
	ck_assert(!j.progressive_mode);
	j.jpeg_color_space = j.out_color_space = JCS_UNKNOWN;
	jpeg_start_decompress(&j);
	ck_assert_int_eq(lab_init(out, planes, j.output_width, j.output_height, &e), 0);
	line = malloc(j.output_width * planes);
	for (JDIMENSION y = 0; y < out->plane[0].rows; y++) {
		jpeg_read_scanlines(&j, &line, 1);
		for (unsigned x = 0; x < out->plane[0].width_px * planes; x++)
			out->plane[x % planes].px[y * out->plane[0].width_px + x / planes] = line[x];
	}
	free(line);
	jpeg_finish_decompress(&j);
	jpeg_destroy_decompress(&j);
}

static void
pixel_is(const struct lab *l, uint32_t x, uint32_t y, const unsigned rgb[3])
{
	unsigned char want[3];

	lab_of_rgb(rgb[0], rgb[1], rgb[2], want);
	for (unsigned i = 0; i < l->planes; i++) {
		int got = l->plane[i].px[y * l->plane[i].width_px + x];

		ck_assert_msg(abs(got - want[i]) <= 4, "(%u, %u) %u: %d, not %d", x, y, i, got, want[i]);
	}
}

static const unsigned red[] = { 255, 0, 0 }, cyan[] = { 40, 200, 220 };
static const unsigned dark_rgb[] = { 60, 60, 60 }, light_rgb[] = { 180, 180, 180 };
static const struct form colour_100 = { CODING_COLOUR, PAPER_A4, 100, 100 };
static const struct form colour_200 = { CODING_COLOUR, PAPER_A4, 200, 200 };
static const struct form grey_100 = { CODING_GREY, PAPER_A4, 100, 100 };
static const struct form mmr_200 = { CODING_MMR, PAPER_A4, 200, 200 };

static void
fits(struct span file, const char *claim, bool yes)
{
	struct feat *doc, *caps;
	struct image img;
	struct err e = { 0 };
	struct buf text;

	buf_init(&text, 10000);
	ck_assert_msg(image_open(file, &fax_limits, &img, &e) == 0, "%s", e.what);
	ck_assert_int_eq(image_features(&img, &text, &e), 0);
	ck_assert_msg(feat_parse(buf_view(&text), FEAT_DOCUMENT, &doc, &e) == 0, "%s", e.what);
	ck_assert_msg(feat_parse(span_str(claim), FEAT_CLAIM, &caps, &e) == 0, "%s", e.what);
	ck_assert_msg(feat_match(doc, caps, &e) == yes, "%.*s", (int)text.n, (const char *)text.p);
	feat_free(doc), feat_free(caps);
	image_free(&img);
	buf_free(&text);
}

START_TEST(a_picture_becomes_a_page_in_colour)
{
	struct buf png = picture_make(red, cyan, 3), file = convert(buf_view(&png), &colour_200, 'C');
	struct lab l;

	judge_jpeg(buf_view(&file), 3, &l);
	ck_assert_uint_eq(l.plane[0].width_px, 1728);
	ck_assert_uint_eq(l.plane[0].rows, 2200);
	/* 864 pixels of 96 an inch are 9 inches, and so as wide as the page */
	pixel_is(&l, 400, 1000, red);
	pixel_is(&l, 1300, 1000, cyan);
	fits(buf_view(&file), C_OF(C_FULL), true);
	fits(buf_view(&file), C_OF(C_GREY), false);
	fits(buf_view(&file), MMR_400, false);
	lab_free(&l);
	buf_free(&png), buf_free(&file);
}
END_TEST

START_TEST(a_grey_picture_becomes_a_page_in_grey)
{
	const struct form grey_200 = { CODING_GREY, PAPER_A4, 200, 200 };
	struct buf png = picture_make(dark_rgb, light_rgb, 1), file = convert(buf_view(&png), &grey_200, 'C');
	struct lab l;

	judge_jpeg(buf_view(&file), 1, &l);
	pixel_is(&l, 400, 1000, dark_rgb);
	pixel_is(&l, 1300, 1000, light_rgb);
	fits(buf_view(&file), C_BASE, true);
	lab_free(&l);
	buf_free(&png), buf_free(&file);
}
END_TEST

/* Per cent of black in the left and right half of the middle of a page. */
static void
black_halves(const struct raster *r, unsigned black[2])
{
	uint32_t sum[2] = { 0 }, from = r->rows / 4, to = r->rows / 2;

	for (uint32_t y = from; y < to; y++)
		for (uint32_t x = 0; x < r->width_px; x++)
			sum[x >= r->width_px / 2] += raster_row(r, y)[x / 8] >> (7 - x % 8) & 1;
	for (int i = 0; i < 2; i++)
		black[i] = sum[i] * 100 / ((to - from) * (r->width_px / 2));
}

static void
halves_are(struct span file, const struct form *want, unsigned left, unsigned right)
{
	struct buf out = convert(file, want, want->coding == CODING_JBIG ? 'J' : want->coding == CODING_MH ? 'S' : 'F');
	struct raster r;
	unsigned black[2];

	judge_decode(buf_view(&out), 0, &r);
	black_halves(&r, black);
	ck_assert_msg(abs((int)black[0] - (int)left) <= 4 && abs((int)black[1] - (int)right) <= 4, "%u, %u", black[0],
	    black[1]);
	raster_free(&r);
	buf_free(&out);
}

/* Red is of L* 54, cyan of 74: as much paper is left white. */
START_TEST(colour_becomes_black_and_white_by_its_lightness)
{
	static const struct form want[] = { { CODING_MMR, PAPER_A4, 200, 200 }, { CODING_JBIG, PAPER_A4, 200, 200 },
	    { CODING_MH, PAPER_A4, 204, 196 }, { CODING_MH, PAPER_A4, 204, 98 } };
	struct buf png = picture_make(red, cyan, 3), file = convert(buf_view(&png), &colour_200, 'C');

	halves_are(buf_view(&file), &want[_i], 46, 26);
	buf_free(&png), buf_free(&file);
}
END_TEST

/* What is in the form that is wanted is not decoded; other sizes, and grey, are. */
START_TEST(what_stays_is_not_coded_again)
{
	struct buf png = picture_make(red, cyan, 3), first = convert(buf_view(&png), &colour_200, 'C');
	struct buf same = convert(buf_view(&first), &colour_200, 'C'), less = convert(buf_view(&first), &colour_100, 'C');
	struct buf grey = convert(buf_view(&first), &grey_100, 'C');
	struct lab l;

	ck_assert(span_eq(buf_view(&first), buf_view(&same)));
	judge_jpeg(buf_view(&less), 3, &l);
	ck_assert_uint_eq(l.plane[0].width_px, 864);
	pixel_is(&l, 200, 500, red);
	pixel_is(&l, 650, 500, cyan);
	lab_free(&l);
	judge_jpeg(buf_view(&grey), 1, &l);
	pixel_is(&l, 200, 500, red);
	lab_free(&l);
	buf_free(&png), buf_free(&first), buf_free(&same), buf_free(&less), buf_free(&grey);
}
END_TEST

/* --- files as others write them --- */

struct c_file {
	uint32_t strips, fill, orientation, samples, bits, photometric, tables, decode;
	uint32_t width;			/* that is stated */
};

static void
put_entry(struct buf *b, uint16_t tag, uint16_t type, uint32_t count, uint32_t value)
{
	struct err e = { 0 };

	ck_assert_int_eq(buf_add_u16le(b, tag, &e), 0);
	ck_assert_int_eq(buf_add_u16le(b, type, &e), 0);
	ck_assert_int_eq(buf_add_u32le(b, count, &e), 0);
	ck_assert_int_eq(buf_add_u32le(b, value, &e), 0);
}

enum { STRIP_ROWS = 64 };

/* A strip of the two colours, STRIP_ROWS long, by our encoder: its JPEG alone. */
static struct buf
strip_make(unsigned planes)
{
	struct err e = { 0 };
	struct buf b;
	struct lab l;

	buf_init(&b, 1 << 20);
	ck_assert_int_eq(lab_init(&l, planes, W, STRIP_ROWS, &e), 0);
	for (size_t i = 0; i < (size_t)W * STRIP_ROWS; i++) {
		const unsigned *c = i % W < HALF ? red : cyan;

		lab_put_rgb(&l, i, c[0], c[1], c[2]);
	}
	ck_assert_int_eq(itulab_encode(&l, &b, &e), 0);
	lab_free(&l);
	return b;
}

/* Where SOF0 begins: before it there are the tables of quantization alone. */
static size_t
frame_at(const struct buf *jpeg)
{
	const unsigned char *at = memmem(jpeg->p, jpeg->n, "\xff\xc0", 2);

	ck_assert_ptr_nonnull(at);
	return (size_t)(at - jpeg->p);
}

/* Values, strips, then the one IFD. */
static struct buf
c_make(const struct c_file *c)
{
	struct buf jpeg = strip_make(c->samples == 1 ? 1 : 3), b;
	uint32_t at[4] = { 0 }, n = (uint32_t)jpeg.n, tables_at = 8, decode_at, offsets_at, counts_at;
	size_t frame = frame_at(&jpeg);
	struct err e = { 0 };

	buf_init(&b, 4 << 20);
	ck_assert_int_eq(buf_add(&b, span_of("II*\0\0\0\0", 8), &e), 0);
	if (c->tables) {
		ck_assert_int_eq(buf_add(&b, span_of(jpeg.p, frame), &e), 0);
		ck_assert_int_eq(buf_add(&b, span_of("\xff\xd9", 2), &e), 0);
		n = (uint32_t)(jpeg.n - frame + 2);
	}
	decode_at = (uint32_t)b.n;
	for (uint32_t i = 0; i < 12; i++)	/* L* the other way round, no colour */
		ck_assert_int_eq(buf_add_u32le(&b, i == 0 ? 100 : i % 2, &e), 0);
	for (uint32_t i = 0; i < c->strips; i++) {
		at[i] = (uint32_t)b.n;
		if (c->tables)
			ck_assert_int_eq(buf_add(&b, span_of("\xff\xd8", 2), &e), 0);
		ck_assert_int_eq(buf_add(&b, span_sub(buf_view(&jpeg), c->tables ? frame : 0, jpeg.n), &e), 0);
		if (c->fill == 2)
			raster_reverse(b.p + at[i], n);
	}
	if (b.n % 2 != 0)
		ck_assert_int_eq(buf_add_byte(&b, 0, &e), 0);
	offsets_at = (uint32_t)b.n;
	for (uint32_t i = 0; i < c->strips; i++)
		ck_assert_int_eq(buf_add_u32le(&b, at[i], &e), 0);
	counts_at = (uint32_t)b.n;
	for (uint32_t i = 0; i < c->strips; i++)
		ck_assert_int_eq(buf_add_u32le(&b, n, &e), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(buf_add_u32le(&b, i == 0 ? 100 : 1, &e), 0);
	memcpy(b.p + 4, &(uint32_t){ (uint32_t)b.n }, 4);
	ck_assert_int_eq(buf_add_u16le(&b, (uint16_t)(15 + c->tables + c->decode), &e), 0);
	put_entry(&b, TAG_SUBFILE, TYPE_LONG, 1, 2);
	put_entry(&b, TAG_WIDTH, TYPE_LONG, 1, c->width);
	put_entry(&b, TAG_LENGTH, TYPE_LONG, 1, c->strips * STRIP_ROWS);
	put_entry(&b, TAG_BITS, TYPE_SHORT, 1, c->bits);
	put_entry(&b, TAG_COMPRESSION, TYPE_SHORT, 1, 7);
	put_entry(&b, TAG_PHOTOMETRIC, TYPE_SHORT, 1, c->photometric);
	put_entry(&b, TAG_FILL_ORDER, TYPE_SHORT, 1, c->fill);
	put_entry(&b, TAG_STRIP_OFFSETS, TYPE_LONG, c->strips, c->strips == 1 ? at[0] : offsets_at);
	put_entry(&b, TAG_ORIENTATION, TYPE_SHORT, 1, c->orientation);
	put_entry(&b, TAG_SAMPLES, TYPE_SHORT, 1, c->samples);
	put_entry(&b, TAG_ROWS_PER_STRIP, TYPE_LONG, 1, STRIP_ROWS);
	put_entry(&b, TAG_STRIP_COUNTS, TYPE_LONG, c->strips, c->strips == 1 ? n : counts_at);
	put_entry(&b, TAG_X_RESOLUTION, TYPE_RATIONAL, 1, counts_at + 4 * c->strips);
	put_entry(&b, TAG_Y_RESOLUTION, TYPE_RATIONAL, 1, counts_at + 4 * c->strips);
	put_entry(&b, TAG_PAGE_NUMBER, TYPE_SHORT, 2, 1 << 16);
	if (c->tables)
		put_entry(&b, TAG_JPEG_TABLES, TYPE_UNDEFINED, (uint32_t)frame + 2, tables_at);
	if (c->decode)
		put_entry(&b, TAG_DECODE, TYPE_SRATIONAL, 6, decode_at);
	ck_assert_int_eq(buf_add_u32le(&b, 0, &e), 0);
	buf_free(&jpeg);
	return b;
}

/* left, right: per cent of black.  why: what it is refused for. */
static const struct { const char *name; struct c_file file; unsigned left, right; const char *why; } others[] = {
	{ "one strip", { 1, 1, 1, 3, 8, 10, 0, 0, W }, 46, 26, NULL },
	{ "several", { 4, 1, 1, 3, 8, 10, 0, 0, W }, 46, 26, NULL },
	{ "of lightness alone", { 1, 1, 1, 1, 8, 10, 0, 0, W }, 46, 26, NULL },
	{ "lowest bit first", { 2, 2, 1, 3, 8, 10, 0, 0, W }, 46, 26, NULL },
	{ "JPEGTables", { 3, 1, 1, 3, 8, 10, 1, 0, W }, 46, 26, NULL },
	{ "from right to left", { 1, 1, 2, 3, 8, 10, 0, 0, W }, 26, 46, NULL },
	{ "Decode", { 1, 1, 1, 1, 8, 10, 0, 1, W }, 54, 74, NULL },
	{ "YCbCr", { 1, 1, 1, 3, 8, 6, 0, 0, W }, 0, 0, "TIFF: JPEG of PhotometricInterpretation 6: not Profile C's 10" },
	{ "12 bits", { 1, 1, 1, 3, 12, 10, 0, 0, W }, 0, 0, "TIFF: BitsPerSample 12, SamplesPerPixel 3: not Profile C" },
	{ "two samples", { 1, 1, 1, 2, 8, 10, 0, 0, W }, 0, 0, "TIFF: BitsPerSample 8, SamplesPerPixel 2: not Profile C" },
	{ "another size", { 1, 1, 1, 3, 8, 10, 0, 0, 1024 }, 0, 0,
	    "page 0: JPEG: 864 by 64, 3 components, in a strip of 1024 by 64, 3" },
};

START_TEST(files_of_others)
{
	struct buf file = c_make(&others[_i].file), out;
	struct image img;
	struct err e = { 0 };
	struct raster r;
	unsigned black[2];

	if (image_open(buf_view(&file), &fax_limits, &img, &e) == -1) {
		ck_assert_msg(others[_i].why != NULL && strstr(e.what, others[_i].why) != NULL, "%s: %s", others[_i].name,
		    e.what);
		ck_assert_str_eq(e.dsn, "5.6.1");
		buf_free(&file);
		return;
	}
	ck_assert_ptr_null(others[_i].why);
	buf_init(&out, 1 << 20);
	ck_assert_int_eq(raster_init(&r, img.page[0].width_px, img.page[0].length_px, &e), 0);
	ck_assert_msg(image_decode(&img, 0, r.px, &e) == 0, "%s", e.what);
	black_halves(&r, black);
	ck_assert_msg(abs((int)black[0] - (int)others[_i].left) <= 6 && abs((int)black[1] - (int)others[_i].right) <= 6,
	    "%s: %u, %u", others[_i].name, black[0], black[1]);
	raster_free(&r);
	image_free(&img);
	buf_free(&out), buf_free(&file);
}
END_TEST

/* What is damaged inside is no page; what is cut short no strip. */
START_TEST(damage_is_a_failure)
{
	struct buf file = c_make(&others[0].file), out;
	unsigned char *scan = memmem(file.p, file.n, "\xff\xda", 2);
	struct image img;
	struct err e = { 0 };

	ck_assert_ptr_nonnull(scan);
	buf_init(&out, 1 << 20);
	memset(scan + 20, 0, 40);
	ck_assert_int_eq(image_open(buf_view(&file), &fax_limits, &img, &e), 0);
	ck_assert_int_eq(image_convert(&img, &(struct form){ CODING_GREY, PAPER_A4, 100, 100 }, &fax_limits, &out, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_str_eq(e.dsn, "5.6.5");
	image_free(&img);
	memset(scan, 0, 2);
	ck_assert_int_eq(image_open(buf_view(&file), &fax_limits, &img, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.1");
	buf_free(&out), buf_free(&file);
}
END_TEST

/* --- which form --- */

static const struct { const char *caps, *permitted; enum shades shades; uint16_t dpi; const char *want; } choices[] = {
	{ C_OF(C_FULL), "", SHADES_COLOUR, 400, "JPEG/400x400/A4" },
	{ C_OF(C_FULL), "", SHADES_COLOUR, 200, "JPEG/200x200/A4" },
	{ C_OF("(| " C_FULL C_GREY ")"), "", SHADES_GREY, 200, "JPEG-grey/200x200/A4" },
	{ C_OF("(| " C_FULL C_GREY ")"), "(color=grey)", SHADES_COLOUR, 200, "JPEG-grey/200x200/A4" },
	{ C_BASE, "", SHADES_COLOUR, 400, "JPEG-grey/200x200/A4" },
	{ C_OF(C_FULL), "", SHADES_GREY, 200, NULL },
	{ C_OF(C_FULL), "", SHADES_BINARY, 200, NULL },
	{ "(| " C_OF(C_FULL) MMR_400 ")", "", SHADES_BINARY, 400, "MMR/400x400/A4" },
	{ "(| (& (dpi=200) " C_OF(C_FULL) ")" MMR_400 ")", "", SHADES_COLOUR, 400, "JPEG/200x200/A4" },
	{ "(| " C_OF(C_FULL) MMR_400 ")", "(color=Binary)", SHADES_COLOUR, 400, "MMR/400x400/A4" },
	{ "(& (dpi=100) " C_OF(C_FULL) ")", "", SHADES_COLOUR, 400, "JPEG/100x100/A4" },
	{ "(& (dpi=[408,204]) " C_OF(C_FULL) ")", "", SHADES_COLOUR, 400, NULL },
};

START_TEST(colour_is_kept_where_it_can_be)
{
	struct form_page src = { .form = { CODING_JPEG, PAPER_A4, choices[_i].dpi, choices[_i].dpi },
		.shades = choices[_i].shades };
	struct feat *caps, *permitted = feat_any();
	struct form out;
	struct err e = { 0 };
	struct buf b;
	int got;

	src.width_px = form_width(&src.form);
	src.length_px = 11u * choices[_i].dpi;
	ck_assert_msg(feat_parse(span_str(choices[_i].caps), FEAT_CLAIM, &caps, &e) == 0, "%s", e.what);
	if (choices[_i].permitted[0] != '\0') {
		feat_free(permitted);
		ck_assert_int_eq(feat_parse(span_str(choices[_i].permitted), FEAT_CLAIM, &permitted, &e), 0);
	}
	buf_init(&b, 100);
	got = form_choose_file(&src, 1, caps, permitted, &out, &e);
	ck_assert_msg(got == (choices[_i].want != NULL), "%d: %s", got, e.what);
	if (got == 1) {
		struct form back;

		ck_assert_int_eq(form_print(&out, &b, &e), 0);
		ck_assert_msg(span_is(buf_view(&b), choices[_i].want), "%.*s", (int)b.n, (const char *)b.p);
		ck_assert_int_eq(form_scan(buf_view(&b), &back, &e), 0);
		ck_assert_mem_eq(&back, &out, sizeof out);
	}
	buf_free(&b);
	feat_free(caps), feat_free(permitted);
}
END_TEST

/* Each coding, what would do of it and why not. */
START_TEST(alternatives_are_told_of)
{
	static const struct { enum shades shades; enum paper paper; const char *caps, *permitted, *chosen, *want; } rows[] = {
		{ SHADES_COLOUR, PAPER_A4, "(| " C_OF("(dpi=[100,200])" C_FULL) MMR_400 TIFF_S_98 ")", "(dpi=[200,204,400])",
		    "JPEG/200x200/A4",
		    "alternative: JPEG in colour: 200x200 chosen; not permitted 100x100; not taken 400x400, 300x300\n"
		    "alternative: JPEG in grey: not taken 400x400, 300x300, 200x200, 100x100\n"
		    "alternative: JBIG: not taken 400x400, 408x391, 300x300, 204x391, 200x200, 204x196, 200x100, 204x98\n"
		    "alternative: MMR: would do 400x400, 408x391, 200x200, 204x196; not taken 300x300, 204x391, 200x100, 204x98\n"
		    "alternative: MR: not taken 400x400, 408x391, 300x300, 204x391, 200x200, 204x196, 200x100, 204x98\n"
		    "alternative: MH: would do 200x100, 204x98; not taken 400x400, 408x391, 300x300, 204x391, "
		    "200x200, 204x196\n" },
		{ SHADES_BINARY, PAPER_B4, "(& (image-coding=MMR)(dpi=200)(dpi-xyratio=1)(size-x<=2150/254))", "", NULL,
		    "alternative: JPEG in colour: the page has no colours\n"
		    "alternative: JPEG in grey: the page has no shades\n"
		    "alternative: JBIG: not taken 200x200/B4, 204x196/B4, 200x100/B4, 204x98/B4, 200x200/A4, 204x196/A4, "
		    "200x100/A4, 204x98/A4\n"
		    "alternative: MMR: would do 200x200/A4, 204x196/A4; not taken 200x200/B4, 204x196/B4, 200x100/B4, "
		    "204x98/B4, 200x100/A4, 204x98/A4\n"
		    "alternative: MR: not taken 200x200/B4, 204x196/B4, 200x100/B4, 204x98/B4, 200x200/A4, 204x196/A4, "
		    "200x100/A4, 204x98/A4\n"
		    "alternative: MH: not taken 200x200/B4, 204x196/B4, 200x100/B4, 204x98/B4, 200x200/A4, 204x196/A4, "
		    "200x100/A4, 204x98/A4\n" },
	};
	struct form_page src = { .form = { CODING_JPEG, rows[_i].paper, 400, 400 }, .shades = rows[_i].shades };
	struct feat *caps, *permitted = feat_any();
	struct form chosen;
	struct err e = { 0 };
	struct buf b;

	if (rows[_i].shades == SHADES_BINARY)
		src.form.dpi_x = src.form.dpi_y = 200;
	src.width_px = form_width(&src.form);
	src.length_px = 11u * src.form.dpi_y;
	ck_assert_int_eq(feat_parse(span_str(rows[_i].caps), FEAT_CLAIM, &caps, &e), 0);
	if (rows[_i].permitted[0] != '\0') {
		feat_free(permitted);
		ck_assert_int_eq(feat_parse(span_str(rows[_i].permitted), FEAT_CLAIM, &permitted, &e), 0);
	}
	if (rows[_i].chosen != NULL)
		ck_assert_int_eq(form_scan(span_str(rows[_i].chosen), &chosen, &e), 0);
	buf_init(&b, 10000);
	ck_assert_int_eq(form_explain(&src, rows[_i].chosen == NULL ? NULL : &chosen, caps, permitted, &b, &e), 0);
	ck_assert_msg(span_is(buf_view(&b), rows[_i].want), "%.*s", (int)b.n, (const char *)b.p);
	buf_free(&b);
	feat_free(caps), feat_free(permitted);
}
END_TEST

START_TEST(forms_of_no_profile)
{
	static const struct form bad[] = { { CODING_COLOUR, PAPER_A4, 204, 196 }, { CODING_GREY, PAPER_A4, 200, 100 },
	    { CODING_COLOUR, PAPER_A4, 408, 391 }, { CODING_MMR, PAPER_A4, 100, 100 } };
	struct buf png = picture_make(dark_rgb, light_rgb, 1), out;
	struct image img;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert(!form_legal(&bad[i]));
	buf_init(&out, 8 << 20);
	ck_assert_int_eq(image_open(buf_view(&png), &fax_limits, &img, &e), 0);
	ck_assert_int_eq(image_convert(&img, &colour_100, &fax_limits, &out, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	ck_assert_int_eq(image_convert(&img, &mmr_200, &fax_limits, &out, &e), 0);
	image_free(&img);
	buf_free(&png), buf_free(&out);
}
END_TEST

Suite *suite_colour(void);
Suite *
suite_colour(void)
{
	Suite *s = suite_create("colour");
	TCase *t = tcase_create("colour");

	tcase_add_loop_test(t, colours_are_those_of_the_eye, 0, sizeof colours / sizeof *colours);
	tcase_add_test(t, a_picture_becomes_a_page_in_colour);
	tcase_add_test(t, a_grey_picture_becomes_a_page_in_grey);
	tcase_add_loop_test(t, colour_becomes_black_and_white_by_its_lightness, 0, 4);
	tcase_add_test(t, what_stays_is_not_coded_again);
	tcase_add_loop_test(t, files_of_others, 0, sizeof others / sizeof *others);
	tcase_add_test(t, damage_is_a_failure);
	tcase_add_loop_test(t, colour_is_kept_where_it_can_be, 0, sizeof choices / sizeof *choices);
	tcase_add_loop_test(t, alternatives_are_told_of, 0, 2);
	tcase_add_test(t, forms_of_no_profile);
	suite_add_tcase(s, t);
	return s;
}
