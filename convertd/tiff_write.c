/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/tiff_write.h"

#include "convertd/tiff.h"

enum { HEADER = 8, ENTRY = 12, RATIONAL = 8, BITS_OF_THREE = 6 };

static void
put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

/* Offsets of TIFF count from the file's start, which need not be the buffer's. */
static int
offset_of(const struct tiff_out *t, size_t at, uint32_t *out, struct err *e)
{
	*out = (uint32_t)(at - t->start);
	return *out == at - t->start ? 0 :
	    err_set(e, ERR_PERM, "5.6.5", "TIFF: result of more than 4 GiB");
}

uint32_t
tiff_out_t4(enum coding coding)
{
	return coding == CODING_MH ? T4_ALIGNED : T4_2D;
}

int
tiff_out_start(struct tiff_out *t, struct buf *out, uint32_t pages, struct err *e)
{
	if (pages == 0 || pages > UINT16_MAX)
		return err_set(e, ERR_PERM, "5.6.5", "TIFF: %u pages", pages);
	*t = (struct tiff_out){ .out = out, .start = out->n, .pages = pages };
	t->link = out->n + 4;
	return buf_add(out, span_of("II*\0\0\0\0", HEADER), e);
}

struct field { uint16_t tag, type; uint32_t count, value; };

/* Of RFC 3949 6.4.  BitsPerSample of three does not fit in the IFD. */
static size_t
page_fields_jpeg(const struct form *f, uint32_t rows, uint32_t page, uint32_t pages,
    struct field out[20])
{
	bool colour = f->coding == CODING_COLOUR;
	uint32_t samples = colour ? 3 : 1;
	size_t n = 0;

	out[n++] = (struct field){ TAG_SUBFILE, TYPE_LONG, 1, SUBFILE_PAGE };
	out[n++] = (struct field){ TAG_WIDTH, TYPE_LONG, 1, form_width(f) };
	out[n++] = (struct field){ TAG_LENGTH, TYPE_LONG, 1, rows };
	out[n++] = (struct field){ TAG_BITS, TYPE_SHORT, samples, 8 };
	out[n++] = (struct field){ TAG_COMPRESSION, TYPE_SHORT, 1, COMPRESSION_JPEG };
	out[n++] = (struct field){ TAG_PHOTOMETRIC, TYPE_SHORT, 1, PHOTOMETRIC_ITULAB };
	out[n++] = (struct field){ TAG_FILL_ORDER, TYPE_SHORT, 1, FILL_MSB };
	out[n++] = (struct field){ TAG_STRIP_OFFSETS, TYPE_LONG, 1, 0 };
	out[n++] = (struct field){ TAG_SAMPLES, TYPE_SHORT, 1, samples };
	out[n++] = (struct field){ TAG_ROWS_PER_STRIP, TYPE_LONG, 1, rows };
	out[n++] = (struct field){ TAG_STRIP_COUNTS, TYPE_LONG, 1, 0 };
	out[n++] = (struct field){ TAG_X_RESOLUTION, TYPE_RATIONAL, 1, 0 };
	out[n++] = (struct field){ TAG_Y_RESOLUTION, TYPE_RATIONAL, 1, 0 };
	out[n++] = (struct field){ TAG_RESOLUTION_UNIT, TYPE_SHORT, 1, UNIT_INCH };
	out[n++] = (struct field){ TAG_PAGE_NUMBER, TYPE_SHORT, 2, page | pages << 16 };
	if (colour) {
		out[n++] = (struct field){ TAG_CHROMA_SUBSAMPLING, TYPE_SHORT, 2, 2 | 2 << 16 };
		out[n++] = (struct field){ TAG_CHROMA_POSITIONING, TYPE_SHORT, 1, 1 };
	}
	return n;
}

/* The fields of RFC 3949 3.6, 4.7 and 5.4, none more, ascending; the caller fills in offsets. */
static size_t
page_fields(const struct form *f, uint32_t rows, uint32_t page, uint32_t pages,
    struct field out[20])
{
	size_t n = 0;
	uint32_t compression = f->coding == CODING_JBIG ? COMPRESSION_FX_JBIG :
	    f->coding == CODING_MMR ? COMPRESSION_T6 : COMPRESSION_T4;

	out[n++] = (struct field){ TAG_SUBFILE, TYPE_LONG, 1, SUBFILE_PAGE };
	out[n++] = (struct field){ TAG_WIDTH, TYPE_LONG, 1, form_width(f) };
	out[n++] = (struct field){ TAG_LENGTH, TYPE_LONG, 1, rows };
	out[n++] = (struct field){ TAG_BITS, TYPE_SHORT, 1, 1 };
	out[n++] = (struct field){ TAG_COMPRESSION, TYPE_SHORT, 1, compression };
	out[n++] = (struct field){ TAG_PHOTOMETRIC, TYPE_SHORT, 1, 0 };
	out[n++] = (struct field){ TAG_FILL_ORDER, TYPE_SHORT, 1, FILL_LSB };
	out[n++] = (struct field){ TAG_STRIP_OFFSETS, TYPE_LONG, 1, 0 };
	out[n++] = (struct field){ TAG_SAMPLES, TYPE_SHORT, 1, 1 };
	out[n++] = (struct field){ TAG_ROWS_PER_STRIP, TYPE_LONG, 1, rows };
	out[n++] = (struct field){ TAG_STRIP_COUNTS, TYPE_LONG, 1, 0 };
	out[n++] = (struct field){ TAG_X_RESOLUTION, TYPE_RATIONAL, 1, 0 };
	out[n++] = (struct field){ TAG_Y_RESOLUTION, TYPE_RATIONAL, 1, 0 };
	if (compression == COMPRESSION_T4)
		out[n++] = (struct field){ TAG_T4_OPTIONS, TYPE_LONG, 1, tiff_out_t4(f->coding) };
	if (compression == COMPRESSION_T6)
		out[n++] = (struct field){ TAG_T6_OPTIONS, TYPE_LONG, 1, 0 };
	out[n++] = (struct field){ TAG_RESOLUTION_UNIT, TYPE_SHORT, 1, UNIT_INCH };
	out[n++] = (struct field){ TAG_PAGE_NUMBER, TYPE_SHORT, 2, page | pages << 16 };
	return n;
}

/* The IFD is laid out at its place at once: all that follows it has a place that is known. */
static int
page_emit(struct tiff_out *t, struct field *f, size_t n, const struct form *form, struct err *e)
{
	size_t ifd = t->out->n, values = ifd + 2 + n * ENTRY + 4;
	size_t bits = form->coding == CODING_COLOUR ? BITS_OF_THREE : 0;
	uint32_t at;

	if (offset_of(t, values + 2 * (size_t)RATIONAL + bits, &at, e) == -1 ||
	    buf_add_u16le(t->out, (uint16_t)n, e) == -1)
		return -1;
	t->strip = values + 2 * (size_t)RATIONAL + bits;
	for (size_t i = 0; i < n; i++) {
		if (f[i].tag == TAG_STRIP_OFFSETS)
			f[i].value = at;
		if (f[i].tag == TAG_BITS && f[i].count == 3)
			f[i].value = at - BITS_OF_THREE;
		if (f[i].tag == TAG_X_RESOLUTION)
			f[i].value = at - (uint32_t)bits - 2 * RATIONAL;
		if (f[i].tag == TAG_Y_RESOLUTION)
			f[i].value = at - (uint32_t)bits - RATIONAL;
		if (f[i].tag == TAG_STRIP_COUNTS)
			t->count_at = t->out->n + 8;
		if (buf_add_u16le(t->out, f[i].tag, e) == -1 ||
		    buf_add_u16le(t->out, f[i].type, e) == -1 ||
		    buf_add_u32le(t->out, f[i].count, e) == -1 ||
		    buf_add_u32le(t->out, f[i].value, e) == -1)
			return -1;
	}
	if (offset_of(t, ifd, &at, e) == -1)
		return -1;
	put32(t->out->p + t->link, at);
	t->link = t->out->n;
	if (buf_add_u32le(t->out, 0, e) == -1 || buf_add_u32le(t->out, form->dpi_x, e) == -1 ||
	    buf_add_u32le(t->out, 1, e) == -1 || buf_add_u32le(t->out, form->dpi_y, e) == -1)
		return -1;
	if (buf_add_u32le(t->out, 1, e) == -1)
		return -1;
	return buf_add(t->out, span_of("\10\0\10\0\10\0", bits), e);
}

int
tiff_out_page(struct tiff_out *t, const struct form *form, uint32_t rows, struct err *e)
{
	struct field f[20];
	size_t n;

	if (!form_legal(form) || t->page >= t->pages)
		return err_set(e, ERR_BUG, "5.0.0", "TIFF: page %u of no legal form", t->page);
	if ((t->out->n - t->start) % 2 != 0 && buf_add_byte(t->out, 0, e) == -1)
		return -1;	/* an IFD is at an even offset */
	n = (coding_shades(form->coding) == SHADES_BINARY ? page_fields : page_fields_jpeg)(form, rows, t->page,
	    t->pages, f);
	t->page++;
	return page_emit(t, f, n, form, e);
}

int
tiff_out_strip(struct tiff_out *t, struct err *e)
{
	uint32_t end;

	if (offset_of(t, t->out->n, &end, e) == -1)
		return -1;
	put32(t->out->p + t->count_at, end - (uint32_t)(t->strip - t->start));
	return 0;
}
