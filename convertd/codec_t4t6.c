/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * MH, MR and MMR by libtiff.  Its own reader of directories never meets a stranger's: a strip is
 * shown to it behind a header and an IFD that are written here, and of what it writes only the
 * strip is kept.
 */
#include "convertd/codec.h"

#include "convertd/tiff.h"
#include "convertd/tiff_write.h"

#include <stdio.h>
#include <tiffio.h>

enum { FRONT_ENTRIES = 11, FRONT_OCTETS = 8 + 2 + FRONT_ENTRIES * 12 + 4,
	ALLOC_MAX = 256 << 20 };	/* the most that libtiff may take at once */

/* A file in memory: front, then the strip (reading), or all from octet 8 to out (writing). */
struct mem {
	unsigned char front[FRONT_OCTETS];
	struct span strip;
	struct buf *out;
	size_t start;			/* of the strip in out */
	uint64_t pos;
	bool failed;			/* out was full or short of memory: *e says which */
	struct err *e;
	unsigned faults;		/* errors and warnings so far */
	char first[200];		/* the first one */
};

static uint64_t
mem_size(void *arg)
{
	struct mem *m = arg;

	return m->out != NULL ? 8 + (m->out->n - m->start) : FRONT_OCTETS + m->strip.n;
}

static tmsize_t
mem_read(void *arg, void *to, tmsize_t n)
{
	struct mem *m = arg;
	unsigned char *p = to;
	size_t want = n < 0 ? 0 : (size_t)n, done = 0;

	if (m->out != NULL)
		return 0;
	while (done < want && m->pos < FRONT_OCTETS + m->strip.n) {
		struct span s = m->pos < FRONT_OCTETS ?
		    span_sub(span_of(m->front, FRONT_OCTETS), m->pos, FRONT_OCTETS) :
		    span_sub(m->strip, m->pos - FRONT_OCTETS, m->strip.n);
		size_t k = s.n < want - done ? s.n : want - done;

		memcpy(p + done, s.p, k);
		done += k;
		m->pos += k;
	}
	return (tmsize_t)done;
}

/* libtiff writes its header, then the strip in pieces; the header is not wanted. */
static tmsize_t
mem_write(void *arg, void *from, tmsize_t n)
{
	struct mem *m = arg;

	if (m->out == NULL || n < 0)
		return -1;
	if (m->pos >= 8) {
		if (m->pos != mem_size(m))
			return -1;
		if (buf_add(m->out, span_of(from, (size_t)n), m->e) == -1) {
			m->failed = true;
			return -1;
		}
	}
	m->pos += (uint64_t)n;
	return n;
}

static uint64_t
mem_seek(void *arg, uint64_t off, int whence)
{
	struct mem *m = arg;

	m->pos = off + (whence == SEEK_CUR ? m->pos : whence == SEEK_END ? mem_size(m) : 0);
	return m->pos;
}

static int
mem_close(void *arg)
{
	(void)arg;
	return 0;
}

static int
on_fault(TIFF *tif, void *arg, const char *module, const char *fmt, va_list ap)
{
	struct mem *m = arg;

	(void)tif;
	(void)module;
	if (m->faults++ == 0)
		vsnprintf(m->first, sizeof m->first, fmt, ap);
	return 1;		/* nothing goes to standard error */
}

static TIFF *
mem_open(struct mem *m, const char *mode)
{
	TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
	TIFF *tif;

	if (o == NULL)
		return NULL;
	TIFFOpenOptionsSetMaxSingleMemAlloc(o, ALLOC_MAX);
	TIFFOpenOptionsSetErrorHandlerExtR(o, on_fault, m);
	TIFFOpenOptionsSetWarningHandlerExtR(o, on_fault, m);
	tif = TIFFClientOpenExt("strip", mode, m, mem_read, mem_write, mem_seek, mem_close,
	    mem_size, NULL, NULL, o);
	TIFFOpenOptionsFree(o);
	return tif;
}

/* Header and IFD for one strip of checked size: all that libtiff learns about the page. */
static void
front_make(struct mem *m, enum coding coding, const struct codec_strip *s)
{
	const uint32_t fields[FRONT_ENTRIES][2] = {
		{ TAG_WIDTH, s->width_px }, { TAG_LENGTH, s->rows }, { TAG_BITS, 1 },
		{ TAG_COMPRESSION, coding == CODING_MMR ? COMPRESSION_T6 : COMPRESSION_T4 },
		{ TAG_PHOTOMETRIC, 0 }, { TAG_FILL_ORDER, s->lsb ? FILL_LSB : FILL_MSB },
		{ TAG_STRIP_OFFSETS, FRONT_OCTETS }, { TAG_SAMPLES, 1 },
		{ TAG_ROWS_PER_STRIP, s->rows }, { TAG_STRIP_COUNTS, (uint32_t)s->data.n },
		{ coding == CODING_MMR ? TAG_T6_OPTIONS : TAG_T4_OPTIONS,
		    coding == CODING_MMR ? 0 : (s->t4_options & T4_ALIGNED) |
		    (coding == CODING_MR ? T4_2D : 0) } };
	unsigned char *p = m->front;

	memcpy(p, "II*\0\10\0\0\0", 8);
	p[8] = FRONT_ENTRIES;
	for (int i = 0; i < FRONT_ENTRIES; i++) {
		unsigned char *q = p + 10 + 12 * i;
		bool is_short = fields[i][0] == TAG_BITS || fields[i][0] == TAG_COMPRESSION ||
		    fields[i][0] == TAG_PHOTOMETRIC || fields[i][0] == TAG_FILL_ORDER ||
		    fields[i][0] == TAG_SAMPLES;

		q[0] = (unsigned char)fields[i][0];
		q[1] = (unsigned char)(fields[i][0] >> 8);
		q[2] = is_short ? TYPE_SHORT : TYPE_LONG;
		q[4] = 1;
		for (int k = 0; k < 4; k++)
			q[8 + k] = (unsigned char)(fields[i][1] >> 8 * k);
	}
}

/*
 * Row by row: libtiff calls a strip good that ends in an EOFB before its rows do, but a row after
 * that is at fault.
 */
static int
rows_decode(TIFF *tif, struct mem *m, const struct codec_strip *s, unsigned char *out,
    struct err *e)
{
	size_t stride = raster_stride(s->width_px);

	if ((size_t)TIFFScanlineSize(tif) != stride)
		return err_set(e, ERR_BUG, "5.0.0", "libtiff: row of another size");
	for (uint32_t y = 0; y < s->rows; y++) {
		if (TIFFReadScanline(tif, out + y * stride, y, 0) == 1 &&
		    (m->faults == 0 || s->bad_lines))
			continue;
		return err_set(e, ERR_PERM, "5.6.5", "fax data at row %u: %s", y,
		    m->faults > 0 ? m->first : "does not decode");
	}
	return 0;
}

int
codec_t4t6_decode(enum coding coding, const struct codec_strip *s, unsigned char *out,
    struct err *e)
{
	struct mem m = { .strip = s->data, .e = e };
	TIFF *tif;
	int got;

	front_make(&m, coding, s);
	if ((tif = mem_open(&m, "rm")) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "libtiff: %s", m.first);
	got = rows_decode(tif, &m, s, out, e);
	TIFFCleanup(tif);
	return got;
}

static bool
fields_set(TIFF *tif, enum coding coding, const struct raster *r, uint16_t dpi_y)
{
	if (TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, r->width_px) != 1 ||
	    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, r->rows) != 1 ||
	    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, 1) != 1 ||
	    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, 1) != 1 ||
	    TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, r->rows) != 1 ||
	    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE) != 1 ||
	    TIFFSetField(tif, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB) != 1 ||
	    TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH) != 1 ||
	    TIFFSetField(tif, TIFFTAG_YRESOLUTION, (double)dpi_y) != 1)
		return false;
	if (coding == CODING_MMR)
		return TIFFSetField(tif, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T6) == 1;
	return TIFFSetField(tif, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T4) == 1 &&
	    TIFFSetField(tif, TIFFTAG_GROUP3OPTIONS, tiff_out_t4(coding)) == 1;
}

int
codec_t4t6_encode(enum coding coding, const struct raster *r, uint16_t dpi_y, struct buf *out,
    struct err *e)
{
	struct mem m = { .out = out, .start = out->n, .e = e };
	TIFF *tif = mem_open(&m, "wlm");
	tmsize_t octets = (tmsize_t)(r->stride * r->rows);
	bool ok = false;

	if (tif == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "libtiff: %s", m.first);
	if (fields_set(tif, coding, r, dpi_y))
		ok = TIFFWriteEncodedStrip(tif, 0, r->px, octets) == octets &&
		    TIFFFlushData(tif) == 1;
	ok = ok && !m.failed && m.faults == 0;
	m.out = NULL;		/* closing, it wants to write its directory: nowhere to */
	TIFFCleanup(tif);
	if (ok)
		return 0;
	out->n = m.start;
	return m.failed ? -1 : err_set(e, ERR_TEMP, "4.3.0", "libtiff: %s", m.first);
}
