/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/tiff_read.h"

#include "lib/cur.h"

#include <stdlib.h>

enum { HEADER = 8, ENTRY = 12 };

static uint16_t
get16(const struct tiff *t, struct cur *c)
{
	return t->big_endian ? cur_u16be(c) : cur_u16le(c);
}

static uint32_t
get32(const struct tiff *t, struct cur *c)
{
	return t->big_endian ? cur_u32be(c) : cur_u32le(c);
}

/* A cursor over what is at [at, at + n) of the file; bad if that is not all there. */
static struct cur
cur_at(const struct tiff *t, uint64_t at, uint64_t n)
{
	struct cur c = cur_of(t->file);

	cur_skip(&c, at > SIZE_MAX ? SIZE_MAX : (size_t)at);
	c = cur_of(cur_take(&c, n > SIZE_MAX ? SIZE_MAX : (size_t)n));
	c.bad = n != 0 && c.p == c.end;
	return c;
}

int
tiff_open(struct span file, struct tiff *out, struct err *e)
{
	struct cur c = cur_of(span_sub(file, 0, HEADER));
	struct span order = cur_take(&c, 2);

	*out = (struct tiff){ .file = file, .big_endian = span_is(order, "MM") };
	if (!out->big_endian && !span_is(order, "II"))
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: starts with neither II nor MM");
	if (get16(out, &c) != 42 || c.bad)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: the number after II or MM is not 42");
	out->first = get32(out, &c);
	if (c.bad || out->first < HEADER)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: no first IFD");
	if (file.n > UINT32_MAX)
		return err_set(e, ERR_PERM, "5.6.5", "TIFF: file of more than 4 GiB");
	return 0;
}

int
tiff_ifd(const struct tiff *t, uint32_t at, const struct limits *max, struct tiff_ifd *out,
    struct err *e)
{
	struct cur c = cur_at(t, at, 2);
	uint16_t n = get16(t, &c);

	if (c.bad || n == 0)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: no IFD at %u", at);
	if (n > max->tags)
		return err_set(e, ERR_PERM, "5.6.5", "TIFF: IFD of %u fields, more than %u", n,
		    max->tags);
	c = cur_at(t, (uint64_t)at + 2, (uint64_t)n * ENTRY + 4);
	cur_skip(&c, (size_t)n * ENTRY);
	*out = (struct tiff_ifd){ .at = at, .n = n, .next = get32(t, &c) };
	if (c.bad)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: IFD at %u runs past the end", at);
	return 0;
}

static uint32_t
type_size(uint16_t type)
{
	static const unsigned char sizes[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4 };

	return type < sizeof sizes ? sizes[type] : 0;
}

struct tiff_entry
tiff_entry(const struct tiff *t, const struct tiff_ifd *ifd, uint16_t i)
{
	uint64_t at = (uint64_t)ifd->at + 2 + (uint64_t)i * ENTRY, octets;
	struct cur c = cur_at(t, at, ENTRY);
	struct tiff_entry en = { 0 };

	en.tag = get16(t, &c);
	en.type = get16(t, &c);
	en.count = get32(t, &c);
	octets = (uint64_t)en.count * type_size(en.type);
	if (octets > 0)
		en.value = octets <= 4 ? (uint32_t)at + 8 : get32(t, &c);
	c = cur_at(t, en.value, octets);
	if (c.bad)
		en.value = 0;
	return en;
}

uint32_t
tiff_number(const struct tiff *t, const struct tiff_entry *en, uint32_t i)
{
	bool rational = en->type == TYPE_RATIONAL || en->type == TYPE_SRATIONAL;
	uint32_t size = rational ? 4 : type_size(en->type);
	uint64_t n = (uint64_t)en->count * (rational ? 2 : 1);
	struct cur c;
	int byte;

	if (en->value == 0 || i >= n || (en->type != 1 && en->type != TYPE_SHORT && en->type != TYPE_LONG &&
	    !rational && en->type != 13))
		return 0;
	c = cur_at(t, en->value + (uint64_t)i * size, size);
	if (size == 4)
		return get32(t, &c);
	if (size == 2)
		return get16(t, &c);
	byte = cur_byte(&c);
	return byte == -1 ? 0 : (uint32_t)byte;
}

#define AT(field) offsetof(struct tiff_page, field)
/* Fields of one number each, where they go, and the defaults of TIFF 6.0. */
static const struct field {
	uint16_t tag;
	const char *name;
	size_t at;
	uint32_t unset;
} fields[] = {
	{ TAG_SUBFILE, "NewSubfileType", AT(subfile), 0 },
	{ TAG_WIDTH, "ImageWidth", AT(width_px), 0 },
	{ TAG_LENGTH, "ImageLength", AT(length_px), 0 },
	{ TAG_BITS, "BitsPerSample", AT(bits), 1 },
	{ TAG_COMPRESSION, "Compression", AT(compression), 1 },
	{ TAG_PHOTOMETRIC, "PhotometricInterpretation", AT(photometric), 0 },
	{ TAG_FILL_ORDER, "FillOrder", AT(fill_order), FILL_MSB },
	{ TAG_ORIENTATION, "Orientation", AT(orientation), 1 },
	{ TAG_SAMPLES, "SamplesPerPixel", AT(samples), 1 },
	{ TAG_ROWS_PER_STRIP, "RowsPerStrip", AT(rows_per_strip), UINT32_MAX },
	{ TAG_RESOLUTION_UNIT, "ResolutionUnit", AT(unit), UNIT_INCH },
	{ TAG_T4_OPTIONS, "T4Options", AT(t4_options), 0 },
	{ TAG_T6_OPTIONS, "T6Options", AT(t6_options), 0 },
	{ TAG_CLEAN_FAX_DATA, "CleanFaxData", AT(clean_fax_data), 0 },
};
enum { FIELDS = sizeof fields / sizeof *fields };

static int
page_rational(const struct tiff *t, const struct tiff_entry *en, uint32_t out[2], struct err *e)
{
	const char *name = en->tag == TAG_X_RESOLUTION ? "XResolution" : "YResolution";

	if (en->type != TYPE_RATIONAL || en->count != 1 || en->value == 0)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: %s is not one RATIONAL", name);
	out[0] = tiff_number(t, en, 0);
	out[1] = tiff_number(t, en, 1);
	if (out[0] == 0 || out[1] == 0)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: %s is %u/%u", name, out[0], out[1]);
	return 0;
}

static int
page_array(const struct tiff_entry *en, const char *name, struct tiff_entry *out, struct err *e)
{
	if ((en->type != TYPE_SHORT && en->type != TYPE_LONG) || en->count == 0 || en->value == 0)
		return err_set(e, ERR_PERM, "5.6.1",
		    "TIFF: %s: %u values of type %u: not in the file", name, en->count, en->type);
	*out = *en;
	return 0;
}

static int
page_field(const struct tiff *t, const struct tiff_entry *en, struct tiff_page *p, struct err *e)
{
	switch (en->tag) {
	case TAG_X_RESOLUTION:
		return page_rational(t, en, p->x_res, e);
	case TAG_Y_RESOLUTION:
		return page_rational(t, en, p->y_res, e);
	case TAG_STRIP_OFFSETS:
		return page_array(en, "StripOffsets", &p->offsets, e);
	case TAG_STRIP_COUNTS:
		return page_array(en, "StripByteCounts", &p->counts, e);
	case TAG_STRIP_ROW_COUNTS:
		return page_array(en, "StripRowCounts", &p->row_counts, e);
	case TAG_DECODE:
		p->decode = *en;
		return 0;
	case TAG_JPEG_TABLES:
		p->jpeg_tables = *en;
		return 0;
	case TAG_TILE_WIDTH:
	case TAG_TILE_OFFSETS:
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: an image in tiles, not strips");
	case TAG_IMAGE_LAYER:
	case TAG_SUB_IFDS:
		return err_set(e, ERR_PERM, "5.6.1",
		    "TIFF-FX: tag %u, layers of Profile M, are not converted", en->tag);
	}
	for (int i = 0; i < FIELDS; i++) {
		if (fields[i].tag != en->tag)
			continue;
		if ((en->type != TYPE_SHORT && en->type != TYPE_LONG) || en->count == 0 ||
		    en->value == 0)
			return err_set(e, ERR_PERM, "5.6.1", "TIFF: %s is not SHORT or LONG",
			    fields[i].name);
		memcpy((char *)p + fields[i].at, &(uint32_t){ tiff_number(t, en, 0) },
		    sizeof(uint32_t));
	}
	return 0;
}

/* What a coding is called, for those who wonder why their image was refused. */
static const char *
compression_name(uint32_t c)
{
	static const struct { uint32_t c; const char *name; } names[] = {
		{ 1, "none" }, { 2, "Huffman without EOLs" }, { 5, "LZW" }, { 6, "old JPEG" },
		{ 7, "JPEG" }, { 8, "Deflate" }, { 10, "T.43, Profile L" },
		{ 32773, "PackBits" }, { 32946, "Deflate" } };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].c == c)
			return names[i].name;
	return "unknown";
}

/* Profile C, and not what else has JPEG in it. */
static int
page_kind_jpeg(const struct tiff_page *p, struct err *e)
{
	if (p->photometric != PHOTOMETRIC_ITULAB)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: JPEG of PhotometricInterpretation %u: not Profile C's 10",
		    p->photometric);
	return p->bits == 8 && (p->samples == 1 || p->samples == 3) ? 0 : err_set(e, ERR_PERM, "5.6.1",
	    "TIFF: BitsPerSample %u, SamplesPerPixel %u: not Profile C", p->bits, p->samples);
}

static int
page_kind_binary(const struct tiff_page *p, struct err *e)
{
	if (p->compression != COMPRESSION_T4 && p->compression != COMPRESSION_T6 &&
	    p->compression != COMPRESSION_FX_JBIG && p->compression != COMPRESSION_PRIVATE_JBIG)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: Compression %u (%s) is not converted",
		    p->compression, compression_name(p->compression));
	if (p->bits != 1 || p->samples != 1)
		return err_set(e, ERR_PERM, "5.6.1",
		    "TIFF: BitsPerSample %u, SamplesPerPixel %u: not bi-level", p->bits,
		    p->samples);
	return p->photometric <= 1 ? 0 : err_set(e, ERR_PERM, "5.6.1",
	    "TIFF: PhotometricInterpretation %u is not bi-level", p->photometric);
}

/* Only fax pages go on.  The compression comes first: it names what the file really is. */
static int
page_kind(const struct tiff_page *p, struct err *e)
{
	if ((p->compression == COMPRESSION_JPEG ? page_kind_jpeg(p, e) : page_kind_binary(p, e)) == -1)
		return -1;
	if (p->subfile & (SUBFILE_REDUCED | SUBFILE_MASK | SUBFILE_MRC))
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: NewSubfileType %u is not a page",
		    p->subfile);
	if (p->fill_order != FILL_MSB && p->fill_order != FILL_LSB)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: FillOrder %u", p->fill_order);
	if (p->orientation < 1 || p->orientation > 8)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: Orientation %u", p->orientation);
	if (p->unit != UNIT_INCH && p->unit != UNIT_CM)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: ResolutionUnit %u", p->unit);
	if (p->x_res[1] == 0 || p->y_res[1] == 0)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: %s is missing",
		    p->x_res[1] == 0 ? "XResolution" : "YResolution");
	return 0;
}

static int
page_size(const struct tiff_page *p, const struct limits *max, struct err *e)
{
	if (p->width_px == 0 || p->length_px == 0)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: %s is missing or 0",
		    p->width_px == 0 ? "ImageWidth" : "ImageLength");
	if (p->width_px > max->width_px || p->length_px > max->length_px ||
	    (uint64_t)p->width_px * p->length_px > max->page_px)
		return err_set(e, ERR_PERM, "5.6.5", "TIFF: page of %u by %u pixels is too large",
		    p->width_px, p->length_px);
	return 0;
}

static int
page_strips(struct tiff_page *p, struct err *e)
{
	uint32_t want;

	if (p->offsets.count == 0 || p->counts.count == 0)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: %s is missing",
		    p->offsets.count == 0 ? "StripOffsets" : "StripByteCounts");
	if (p->rows_per_strip == 0)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: RowsPerStrip is 0");
	if (p->rows_per_strip > p->length_px)
		p->rows_per_strip = p->length_px;
	want = (p->length_px - 1) / p->rows_per_strip + 1;
	if (p->row_counts.count != 0)
		want = p->row_counts.count;
	if (p->offsets.count != want || p->counts.count != want || want > p->length_px)
		return err_set(e, ERR_PERM, "5.6.1",
		    "TIFF: %u StripOffsets, %u StripByteCounts, but %u strips", p->offsets.count,
		    p->counts.count, want);
	p->nstrip = want;
	return 0;
}

int
tiff_page(const struct tiff *t, const struct tiff_ifd *ifd, const struct limits *max,
    struct tiff_page *out, struct err *e)
{
	unsigned char seen[65536 / 8] = { 0 };

	*out = (struct tiff_page){ .ifd = *ifd };
	for (int i = 0; i < FIELDS; i++)
		memcpy((char *)out + fields[i].at, &fields[i].unset, sizeof fields[i].unset);
	for (uint16_t i = 0; i < ifd->n; i++) {
		struct tiff_entry en = tiff_entry(t, ifd, i);

		if (seen[en.tag / 8] & 1 << en.tag % 8)
			return err_set(e, ERR_PERM, "5.6.1", "TIFF: tag %u is there twice", en.tag);
		seen[en.tag / 8] = (unsigned char)(seen[en.tag / 8] | 1 << en.tag % 8);
		if (page_field(t, &en, out, e) == -1)
			return -1;
	}
	if (page_kind(out, e) == -1 || page_size(out, max, e) == -1)
		return -1;
	return page_strips(out, e);
}

int
tiff_strip(const struct tiff *t, const struct tiff_page *p, uint32_t i, struct span *data,
    uint32_t *rows, struct err *e)
{
	uint32_t at = tiff_number(t, &p->offsets, i), n = tiff_number(t, &p->counts, i);
	struct cur c = cur_at(t, at, n);

	if (p->row_counts.count != 0)
		*rows = tiff_number(t, &p->row_counts, i);
	else if (i + 1 < p->nstrip)
		*rows = p->rows_per_strip;
	else
		*rows = p->length_px - i * p->rows_per_strip;
	if (n == 0 || at < HEADER || c.bad)
		return err_set(e, ERR_PERM, "5.6.1",
		    "TIFF: strip %u, %u octets at %u, is not inside the file", i, n, at);
	if (*rows == 0 || *rows > p->length_px)
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: strip %u has %u rows", i, *rows);
	*data = cur_rest(&c);
	return 0;
}

struct span
tiff_jpeg_tables(const struct tiff *t, const struct tiff_page *p)
{
	struct cur c = cur_at(t, p->jpeg_tables.value, p->jpeg_tables.count);

	if (p->jpeg_tables.count == 0 || p->jpeg_tables.type != TYPE_UNDEFINED || p->jpeg_tables.value == 0)
		return span_of(NULL, 0);
	return cur_rest(&c);
}

int
tiff_decode(const struct tiff *t, const struct tiff_page *p, int32_t out[6], struct err *e)
{
	static const int32_t base[6] = { 0, 100000, -85333, 84667, -75294, 124706 };

	memcpy(out, base, sizeof base);
	if (p->decode.count == 0)
		return 0;
	for (uint32_t i = 0; i < 2 * p->samples; i++) {
		int32_t num = (int32_t)tiff_number(t, &p->decode, 2 * i), den = (int32_t)tiff_number(t, &p->decode, 2 * i + 1);

		if (p->decode.type != TYPE_SRATIONAL || den == 0 || (int64_t)num * 1000 / den > INT16_MAX * 1000 ||
		    (int64_t)num * 1000 / den < -INT16_MAX * 1000)
			return err_set(e, ERR_PERM, "5.6.1", "TIFF: Decode is no range of values");
		out[i] = (int32_t)((int64_t)num * 1000 / den);
	}
	return 0;
}

struct extent { uint32_t at, n; };

static int
extent_order(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int
extents_check(struct extent *x, size_t n, struct err *e)
{
	qsort(x, n, sizeof *x, extent_order);
	for (size_t i = 1; i < n; i++)
		if ((uint64_t)x[i - 1].at + x[i - 1].n > x[i].at)
			return err_set(e, ERR_PERM, "5.6.1",
			    "TIFF: what is at %u and at %u overlaps, or IFDs make a loop",
			    x[i - 1].at, x[i].at);
	return 0;
}

int
tiff_no_overlap(const struct tiff *t, const struct tiff_page *page, uint32_t n, struct err *e)
{
	uint64_t strips = 0;
	struct extent *x;
	size_t k = 0;
	int got;

	for (uint32_t i = 0; i < n; i++)
		strips += page[i].nstrip;
	if (strips > TIFF_MAX_STRIPS)
		return err_set(e, ERR_PERM, "5.6.5", "TIFF: more than %d strips", TIFF_MAX_STRIPS);
	if ((x = calloc(1 + n + (size_t)strips, sizeof *x)) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for %llu strips",
		    (unsigned long long)strips);
	x[k++] = (struct extent){ 0, HEADER };
	for (uint32_t i = 0; i < n; i++) {
		const struct tiff_page *p = &page[i];

		x[k++] = (struct extent){ p->ifd.at, 2u + p->ifd.n * (uint32_t)ENTRY + 4u };
		for (uint32_t s = 0; s < p->nstrip; s++)
			x[k++] = (struct extent){ tiff_number(t, &p->offsets, s),
			    tiff_number(t, &p->counts, s) };
	}
	got = extents_check(x, k, e);
	free(x);
	return got;
}

static bool
ifd_seen(const struct tiff_page *page, uint32_t n, uint32_t at)
{
	for (uint32_t i = 0; i < n; i++)
		if (page[i].ifd.at == at)
			return true;
	return false;
}

/* One more page at the end of *list, which is freed by the caller whatever comes. */
static int
pages_add(const struct tiff *t, uint32_t at, const struct limits *max, struct tiff_page **list,
    uint32_t n, uint64_t *px, struct err *e)
{
	struct tiff_page *more;
	struct tiff_ifd ifd;

	if (n >= max->pages)
		return err_set(e, ERR_PERM, "5.6.5", "TIFF: more than %u pages", max->pages);
	if (ifd_seen(*list, n, at))
		return err_set(e, ERR_PERM, "5.6.1", "TIFF: IFDs make a loop");
	if (n % 16 == 0) {
		if ((more = realloc(*list, (n + 16) * sizeof *more)) == NULL)
			return err_set(e, ERR_TEMP, "4.3.0", "no memory for page %u", n);
		*list = more;
	}
	if (tiff_ifd(t, at, max, &ifd, e) == -1 || tiff_page(t, &ifd, max, &(*list)[n], e) == -1)
		return -1;
	*px += (uint64_t)(*list)[n].width_px * (*list)[n].length_px;
	return *px <= max->job_px ? 0 :
	    err_set(e, ERR_PERM, "5.6.5", "TIFF: more than %llu pixels in all pages",
	    (unsigned long long)max->job_px);
}

int
tiff_pages(const struct tiff *t, const struct limits *max, struct tiff_page **out, uint32_t *n,
    struct err *e)
{
	uint64_t px = 0;

	*out = NULL;
	*n = 0;
	for (uint32_t at = t->first; at != 0; at = (*out)[(*n)++].ifd.next)
		if (pages_add(t, at, max, out, *n, &px, e) == -1) {
			err_in(e, "page %u", *n);
			goto fail;
		}
	if (tiff_no_overlap(t, *out, *n, e) == 0)
		return 0;
fail:
	free(*out);
	*out = NULL;
	return -1;
}
