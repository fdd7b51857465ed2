/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/tiff_check.h"

#include "convertd/bih.h"
#include "convertd/lab.h"
#include "convertd/raster.h"
#include "convertd/tiff_read.h"

#include <stdlib.h>

enum { S = 1, F = 2, J = 4, C = 8 };		/* profiles */
enum { SHORTS = 1, LONGS = 2, RATIONALS = 4 };
enum { VALUES = 12 };

/* One row a field and set of profiles: who must have it, and its values (n of them; 0: any). */
static const struct rule {
	uint16_t tag;
	const char *name;
	unsigned profiles, required, types;
	uint32_t count;			/* 0: any */
	int n;
	uint32_t values[VALUES];
} rules[] = {
	{ TAG_SUBFILE, "NewSubfileType", S | F | J | C, S | F | J | C, LONGS, 1, 1, { 2 } },
	{ TAG_WIDTH, "ImageWidth", S, S, SHORTS | LONGS, 1, 1, { 1728 } },
	{ TAG_WIDTH, "ImageWidth", F | J, F | J, SHORTS | LONGS, 1, 9,
	    { 1728, 2048, 2432, 2592, 3072, 3648, 3456, 4096, 4864 } },
	{ TAG_WIDTH, "ImageWidth", C, C, SHORTS | LONGS, 1, 12,
	    { 864, 1024, 1216, 1728, 2048, 2432, 2592, 3072, 3648, 3456, 4096, 4864 } },
	{ TAG_LENGTH, "ImageLength", S | F | J | C, S | F | J | C, SHORTS | LONGS, 1, 0, { 0 } },
	{ TAG_BITS, "BitsPerSample", S | F | J, 0, SHORTS, 1, 1, { 1 } },
	{ TAG_BITS, "BitsPerSample", C, C, SHORTS, 0, 1, { 8 } },
	{ TAG_COMPRESSION, "Compression", C, C, SHORTS, 1, 1, { 7 } },
	{ TAG_COMPRESSION, "Compression", S, S, SHORTS, 1, 1, { 3 } },
	{ TAG_COMPRESSION, "Compression", F, F, SHORTS, 1, 2, { 3, 4 } },
	{ TAG_COMPRESSION, "Compression", J, J, SHORTS, 1, 1, { 9 } },
	{ TAG_PHOTOMETRIC, "PhotometricInterpretation", S, S, SHORTS, 1, 1, { 0 } },
	{ TAG_PHOTOMETRIC, "PhotometricInterpretation", F | J, F | J, SHORTS, 1, 2, { 0, 1 } },
	{ TAG_PHOTOMETRIC, "PhotometricInterpretation", C, C, SHORTS, 1, 1, { 10 } },
	{ TAG_FILL_ORDER, "FillOrder", S, S, SHORTS, 1, 1, { 2 } },
	{ TAG_FILL_ORDER, "FillOrder", F | J | C, 0, SHORTS, 1, 2, { 1, 2 } },
	{ TAG_STRIP_OFFSETS, "StripOffsets", S, S, SHORTS | LONGS, 1, 0, { 0 } },
	{ TAG_STRIP_OFFSETS, "StripOffsets", F | J | C, F | J | C, SHORTS | LONGS, 0, 0, { 0 } },
	{ TAG_ORIENTATION, "Orientation", F | J | C, 0, SHORTS, 1, 8, { 1, 2, 3, 4, 5, 6, 7, 8 } },
	{ TAG_SAMPLES, "SamplesPerPixel", S | F | J, 0, SHORTS, 1, 1, { 1 } },
	{ TAG_SAMPLES, "SamplesPerPixel", C, 0, SHORTS, 1, 2, { 1, 3 } },
	{ TAG_ROWS_PER_STRIP, "RowsPerStrip", S, S, SHORTS | LONGS, 1, 0, { 0 } },
	{ TAG_ROWS_PER_STRIP, "RowsPerStrip", F | J | C, 0, SHORTS | LONGS, 1, 0, { 0 } },
	{ TAG_STRIP_COUNTS, "StripByteCounts", S | F | J | C, S | F | J | C, SHORTS | LONGS, 0, 0, { 0 } },
	{ TAG_X_RESOLUTION, "XResolution", S | F | J | C, S | F | J | C, RATIONALS, 1, 0, { 0 } },
	{ TAG_Y_RESOLUTION, "YResolution", S | F | J | C, S | F | J | C, RATIONALS, 1, 0, { 0 } },
	{ TAG_T4_OPTIONS, "T4Options", S, S, LONGS, 1, 2, { 0, 4 } },
	{ TAG_T4_OPTIONS, "T4Options", F, 0, LONGS, 1, 4, { 0, 1, 4, 5 } },
	{ TAG_T6_OPTIONS, "T6Options", F, 0, LONGS, 1, 1, { 0 } },
	{ TAG_RESOLUTION_UNIT, "ResolutionUnit", S | C, 0, SHORTS, 1, 1, { 2 } },
	{ TAG_RESOLUTION_UNIT, "ResolutionUnit", F | J, 0, SHORTS, 1, 2, { 2, 3 } },
	{ TAG_PAGE_NUMBER, "PageNumber", S | F | J | C, S | F | J | C, SHORTS, 2, 0, { 0 } },
	{ TAG_T82_OPTIONS, "T82Options", J, 0, LONGS, 1, 1, { 0 } },
	{ TAG_CHROMA_SUBSAMPLING, "ChromaSubSampling", C, 0, SHORTS, 2, 2, { 1, 2 } },
	{ TAG_CHROMA_POSITIONING, "ChromaPositioning", C, 0, SHORTS, 1, 1, { 1 } },
	{ TAG_STRIP_ROW_COUNTS, "StripRowCounts", F | J | C, 0, LONGS, 0, 0, { 0 } },
};
enum { RULES = sizeof rules / sizeof *rules };

static int
broken(struct err *e, const char *name, const char *why)
{
	return err_set(e, ERR_PERM, "5.6.5", "TIFF-FX: %s %s", name, why);
}

static bool
rule_allows(const struct rule *r, uint32_t value)
{
	for (int i = 0; i < r->n; i++)
		if (r->values[i] == value)
			return true;
	return r->n == 0;
}

static bool
type_fits(uint16_t type, unsigned types)
{
	return (type == TYPE_SHORT && (types & SHORTS)) || (type == TYPE_LONG && (types & LONGS)) ||
	    (type == TYPE_RATIONAL && (types & RATIONALS));
}

/* An entry under the rules of one profile.  Fields without a rule may be in F, J and C, not in S. */
static int
entry_check(const struct tiff *t, const struct tiff_entry *en, unsigned profile, struct err *e)
{
	static const uint16_t ruled[] = { TAG_T4_OPTIONS, TAG_T6_OPTIONS, TAG_T82_OPTIONS };

	for (int i = 0; i < RULES; i++) {
		const struct rule *r = &rules[i];

		if (r->tag != en->tag || (r->profiles & profile) == 0)
			continue;
		if (!type_fits(en->type, r->types))
			return broken(e, r->name, "is of the wrong type");
		if (en->count == 0 || (r->count != 0 && en->count != r->count))
			return broken(e, r->name, "has the wrong number of values");
		if (en->value == 0)
			return broken(e, r->name, "is outside the file");
		if (!rule_allows(r, tiff_number(t, en, 0)))
			return err_set(e, ERR_PERM, "5.6.5", "TIFF-FX: %s is %u", r->name,
			    tiff_number(t, en, 0));
		return 0;
	}
	for (size_t i = 0; i < sizeof ruled / sizeof *ruled; i++)
		if (en->tag == ruled[i])
			profile = S;
	if (profile == S)
		return err_set(e, ERR_PERM, "5.6.5", "TIFF-FX: tag %u has no place here", en->tag);
	return en->value == 0 && en->count != 0 && en->type >= 1 && en->type <= 13 ?
	    err_set(e, ERR_PERM, "5.6.5", "TIFF-FX: tag %u is outside the file", en->tag) : 0;
}

static struct tiff_entry
entry_find(const struct tiff *t, const struct tiff_ifd *ifd, uint16_t tag)
{
	for (uint16_t i = 0; i < ifd->n; i++) {
		struct tiff_entry en = tiff_entry(t, ifd, i);

		if (en.tag == tag)
			return en;
	}
	return (struct tiff_entry){ 0 };
}

static int
ifd_check(const struct tiff *t, const struct tiff_ifd *ifd, unsigned profile, struct err *e)
{
	int before = -1;

	if (ifd->at % 2 != 0)
		return broken(e, "IFD", "is at an odd offset");
	for (uint16_t i = 0; i < ifd->n; i++) {
		struct tiff_entry en = tiff_entry(t, ifd, i);

		if (en.tag <= before)
			return err_set(e, ERR_PERM, "5.6.5",
			    "TIFF-FX: tag %u is out of order or twice", en.tag);
		before = en.tag;
		if (entry_check(t, &en, profile, e) == -1)
			return -1;
	}
	for (int i = 0; i < RULES; i++)
		if ((rules[i].required & profile) && entry_find(t, ifd, rules[i].tag).tag == 0)
			return broken(e, rules[i].name, "is missing");
	return 0;
}

/* The options of each coding, one way to say the rows of a strip, the page's number. */
static int
page_fields(const struct tiff *t, const struct tiff_page *p, uint32_t no, uint32_t pages,
    struct err *e)
{
	bool t4 = entry_find(t, &p->ifd, TAG_T4_OPTIONS).tag != 0;
	bool t6 = entry_find(t, &p->ifd, TAG_T6_OPTIONS).tag != 0;
	struct tiff_entry en = entry_find(t, &p->ifd, TAG_PAGE_NUMBER);

	if (t4 != (p->compression == COMPRESSION_T4))
		return broken(e, "T4Options", t4 ? "belongs to Compression 3" : "is missing");
	if (t6 != (p->compression == COMPRESSION_T6))
		return broken(e, "T6Options", t6 ? "belongs to Compression 4" : "is missing");
	if ((entry_find(t, &p->ifd, TAG_ROWS_PER_STRIP).tag != 0) == (p->row_counts.count != 0))
		return broken(e, "RowsPerStrip", "or StripRowCounts must be there, not both");
	if (tiff_number(t, &en, 0) != no ||
	    (tiff_number(t, &en, 1) != 0 && tiff_number(t, &en, 1) != pages))
		return broken(e, "PageNumber", "does not count the pages");
	return 0;
}

/* Is num / den, per unit, the value that RFC 3949 2.2.2 lists for dpi?  Inches: exactly. */
static bool
resolution_is(const uint32_t res[2], uint32_t unit, uint32_t dpi)
{
	static const uint32_t cm[][2] = { { 204, 800 }, { 408, 1600 }, { 98, 385 }, { 196, 770 },
	    { 391, 1540 } };	/* tenths */

	if (unit == UNIT_INCH)
		return res[0] == (uint64_t)dpi * res[1];
	for (size_t i = 0; i < sizeof cm / sizeof *cm; i++) {
		uint64_t want = (uint64_t)cm[i][1] * res[1], is = 10ULL * res[0];

		if (cm[i][0] == dpi)
			return (is > want ? is - want : want - is) * 200 <= want;
	}
	return false;
}

/* The legal resolutions, those of Profile S first. */
static int
page_triple(const struct tiff_page *p, unsigned profile, struct err *e)
{
	static const uint16_t pairs[][2] = { { 200, 100 }, { 204, 98 }, { 200, 200 }, { 204, 196 },
	    { 204, 391 }, { 300, 300 }, { 400, 400 }, { 408, 391 } };

	static const uint16_t square[][2] = { { 100, 100 }, { 200, 200 }, { 300, 300 }, { 400, 400 } };
	const uint16_t (*pair)[2] = profile == C ? square : pairs;

	for (size_t i = 0; i < (profile == S || profile == C ? 4 : sizeof pairs / sizeof *pairs); i++)
		for (int paper = PAPER_A4; paper <= PAPER_A3; paper++) {
			struct form f = { .paper = (enum paper)paper, .dpi_x = pair[i][0],
			    .dpi_y = pair[i][1] };

			if (resolution_is(p->x_res, p->unit, f.dpi_x) &&
			    resolution_is(p->y_res, p->unit, f.dpi_y) &&
			    form_width(&f) == p->width_px)
				return 0;
		}
	return broken(e, "ImageWidth, XResolution, YResolution", "are no legal set (4.2.1)");
}

static uint32_t
octets32(struct span s, size_t at, bool lsb)
{
	unsigned char o[4] = { 0 };

	for (size_t i = 0; i < 4 && at + i < s.n; i++)
		o[i] = s.p[at + i];
	if (lsb)
		raster_reverse(o, sizeof o);
	return (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
}

/* A JPEG of its own (6.2.1), in the order of bits that is stated, subsampled as is stated (6.2.2). */
static int
strip_jpeg(const struct tiff *t, const struct tiff_page *p, struct span data, uint32_t rows, struct err *e)
{
	struct tiff_entry en = entry_find(t, &p->ifd, TAG_CHROMA_SUBSAMPLING);
	uint32_t across = en.tag == 0 ? 2 : tiff_number(t, &en, 0), down = en.tag == 0 ? 2 : tiff_number(t, &en, 1);
	unsigned sampling;

	if (p->fill_order != FILL_MSB)
		return broken(e, "strip", "is not checked in FillOrder 2");
	if (itulab_check(data, p->width_px, rows, p->samples, &fax_limits, &sampling, e) == -1)
		return -1;
	return p->samples == 1 || sampling == (across << 4 | down) ? 0 : broken(e, "ChromaSubSampling", "is not that of the strip (6.2.2)");
}

/* How a strip's data must begin or end (3.4, 4.5.4, 4.5.6; the BIH for JBIG). */
static int
strip_data(const struct tiff_page *p, struct span data, uint32_t rows, struct err *e)
{
	bool lsb = p->fill_order == FILL_LSB;
	struct bih bih;
	uint32_t v;

	if (p->compression == COMPRESSION_FX_JBIG) {
		if (bih_read(data, lsb, p->width_px, rows, &bih, e) == -1)
			return -1;
		return bih.reversed == lsb && bih.t85 ? 0 :
		    broken(e, "strip", "is not T.85 in FillOrder");
	}
	if (p->compression == COMPRESSION_T6) {
		v = data.n < 4 ? octets32(data, 0, lsb) >> 8 * (4 - data.n) :
		    octets32(data, data.n - 4, lsb);
		for (int pad = 0; pad < 8; pad++)
			if ((v >> pad & 0xffffff) == 0x001001)
				return 0;
		return broken(e, "strip", "does not end in EOFB (4.5.6)");
	}
	v = octets32(data, 0, lsb);	/* eleven zeros or more, then a one */
	return v != 0 && v >> 21 == 0 ? 0 : broken(e, "strip", "does not begin with EOL (4.5.4)");
}

static int
strips_check(const struct tiff *t, const struct tiff_page *p, struct err *e)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < p->nstrip; i++) {
		struct span data;
		uint32_t rows;

		if (tiff_strip(t, p, i, &data, &rows, e) == -1 ||
		    (p->compression == COMPRESSION_JPEG ? strip_jpeg(t, p, data, rows, e) :
		    strip_data(p, data, rows, e)) == -1)
			return -1;
		sum += rows;
	}
	return sum == p->length_px ? 0 : broken(e, "StripRowCounts", "is not ImageLength in all");
}

/* Profile S, 3.5: II, IFD at 8, then its two long values, its one strip, the next IFD. */
static int
order_minimal(const struct tiff *t, const struct tiff_page *page, uint32_t n, struct err *e)
{
	uint32_t free_at = 8;

	if (t->big_endian)
		return broken(e, "byte order", "is not II");
	for (uint32_t i = 0; i < n; i++) {
		const struct tiff_page *p = &page[i];
		uint32_t x = entry_find(t, &p->ifd, TAG_X_RESOLUTION).value;
		uint32_t y = entry_find(t, &p->ifd, TAG_Y_RESOLUTION).value;
		uint32_t end = p->ifd.at + 2u + p->ifd.n * 12u + 4u;
		uint32_t strip = tiff_number(t, &p->offsets, 0);

		if (i == 0 ? p->ifd.at != 8 : p->ifd.at < free_at)
			return broken(e, "IFD", "is not where it belongs (3.5)");
		if ((x != end || y != end + 8) && (y != end || x != end + 8))
			return broken(e, "XResolution, YResolution", "do not follow the IFD (3.5)");
		if (p->nstrip != 1 || strip < end + 16)
			return broken(e, "strip", "is not one, after the IFD (3.5)");
		free_at = strip + tiff_number(t, &p->counts, 0);
	}
	return 0;
}

/* 4.4.6: IFDs, and the data, in the order of the pages; each IFD before its data. */
static bool
order_limited(const struct tiff *t, const struct tiff_page *page, uint32_t n)
{
	uint32_t ifd = 0, data = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (page[i].ifd.at <= ifd)
			return false;
		ifd = page[i].ifd.at;
		for (uint32_t s = 0; s < page[i].nstrip; s++) {
			uint32_t at = tiff_number(t, &page[i].offsets, s);

			if (at <= data || at <= ifd)
				return false;
			data = at;
		}
	}
	return true;
}

static int
profile_check(const struct tiff *t, const struct tiff_page *page, uint32_t n, unsigned profile,
    struct err *e)
{
	for (uint32_t i = 0; i < n; i++)
		if (ifd_check(t, &page[i].ifd, profile, e) == -1 ||
		    page_fields(t, &page[i], i, n, e) == -1 ||
		    page_triple(&page[i], profile, e) == -1 ||
		    (profile != S && strips_check(t, &page[i], e) == -1))
			return err_in(e, "page %u", i);
	return profile == S ? order_minimal(t, page, n, e) : 0;
}

int
tiff_check(struct span file, const struct limits *max, struct tiff_verdict *out, struct err *e)
{
	struct tiff_page *page = NULL;
	struct err no_s;
	struct tiff t;
	uint32_t n;
	int got = -1;

	if (tiff_open(file, &t, e) == 0 && tiff_pages(&t, max, &page, &n, e) == 0) {
		unsigned profile = page[0].compression == COMPRESSION_FX_JBIG ? J :
		    page[0].compression == COMPRESSION_JPEG ? C : F;

		got = profile_check(&t, page, n, profile, e);
		*out = (struct tiff_verdict){ .profile = profile == J ? 'J' : profile == C ? 'C' : 'F' };
		if (got == 0 && profile == F && profile_check(&t, page, n, S, &no_s) == 0)
			out->profile = 'S';
		out->limited = order_limited(&t, page, n);
	}
	free(page);
	return got;
}
