/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/convertd/judge.h"

#include <check.h>
#include <jbig85.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <tiffio.h>

struct span
file_read(const char *name)
{
	FILE *f = fopen(name, "rb");
	unsigned char *p;
	size_t n;

	ck_assert_msg(f != NULL, "%s", name);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	n = (size_t)ftell(f);
	rewind(f);
	p = malloc(n + 1);
	ck_assert_uint_eq(fread(p, 1, n, f), n);
	fclose(f);
	return span_of(p, n);
}

struct memory { struct span s; uint64_t at; };

static tmsize_t
memory_read(void *arg, void *to, tmsize_t n)
{
	struct memory *m = arg;
	struct span s = m->at >= m->s.n ? span_of("", 0) :
	    span_sub(m->s, m->at, m->at + (uint64_t)n);

	memcpy(to, s.p, s.n);
	m->at += s.n;
	return (tmsize_t)s.n;
}

static tmsize_t
memory_write(void *arg, void *from, tmsize_t n)
{
	(void)arg, (void)from, (void)n;
	return -1;
}

static uint64_t
memory_seek(void *arg, uint64_t off, int whence)
{
	struct memory *m = arg;

	return m->at = whence == SEEK_SET ? off : whence == SEEK_CUR ? m->at + off : m->s.n + off;
}

static int
memory_close(void *arg)
{
	(void)arg;
	return 0;
}

static uint64_t
memory_size(void *arg)
{
	return ((struct memory *)arg)->s.n;
}

static TIFF *
memory_open(struct memory *m)
{
	TIFF *t = TIFFClientOpen("judged", "rm", m, memory_read, memory_write, memory_seek,
	    memory_close, memory_size, NULL, NULL);

	ck_assert(t != NULL);
	return t;
}

uint32_t
judge_pages(struct span file)
{
	struct memory m = { .s = file };
	TIFF *t = memory_open(&m);
	uint32_t n = TIFFNumberOfDirectories(t);

	TIFFClose(t);
	return n;
}

static int
line_keep(const struct jbg85_dec_state *s, unsigned char *line, size_t n, unsigned long y,
    void *arg)
{
	struct raster *r = arg;

	(void)s;
	ck_assert(y < r->rows && n == r->stride);
	memcpy(raster_row(r, (uint32_t)y), line, n);
	return 0;
}

static void
t85_judge(TIFF *t, uint16_t fill, struct raster *out)
{
	tmsize_t n = (tmsize_t)TIFFRawStripSize64(t, 0);
	unsigned char *p = malloc((size_t)n), *three = malloc(3 * out->stride);
	struct jbg85_dec_state s;
	size_t used;
	int got;

	ck_assert_int_eq(TIFFReadRawStrip(t, 0, p, n), n);
	if (fill == FILLORDER_LSB2MSB)
		TIFFReverseBits(p, n);
	jbg85_dec_init(&s, three, 3 * out->stride, line_keep, out);
	got = jbg85_dec_in(&s, p, (size_t)n, &used);
	if (got == JBG_EAGAIN)
		got = jbg85_dec_end(&s);
	ck_assert_int_eq(got, JBG_EOK);
	free(three);
	free(p);
}

void
judge_decode(struct span file, uint32_t page, struct raster *out)
{
	struct memory m = { .s = file };
	TIFF *t = memory_open(&m);
	uint32_t width, length;
	uint16_t compression, photometric, fill;
	tmsize_t done = 0;
	struct err e;

	ck_assert_int_eq(TIFFSetDirectory(t, (tdir_t)page), 1);
	ck_assert_int_eq(TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &width), 1);
	ck_assert_int_eq(TIFFGetField(t, TIFFTAG_IMAGELENGTH, &length), 1);
	ck_assert_int_eq(TIFFGetField(t, TIFFTAG_COMPRESSION, &compression), 1);
	ck_assert_int_eq(TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric), 1);
	TIFFGetFieldDefaulted(t, TIFFTAG_FILLORDER, &fill);
	ck_assert_int_eq(raster_init(out, width, length, &e), 0);
	if (compression == 9)
		t85_judge(t, fill, out);
	else
		for (uint32_t i = 0; i < TIFFNumberOfStrips(t); i++) {
			tmsize_t n = TIFFReadEncodedStrip(t, i, out->px + done, -1);

			ck_assert_int_gt(n, 0);
			done += n;
		}
	for (size_t i = 0; photometric == 1 && i < out->stride * out->rows; i++)
		out->px[i] ^= 0xff;
	TIFFClose(t);
}

void
raster_random(struct raster *r, uint32_t width_px, uint32_t rows, unsigned density, unsigned seed)
{
	struct err e;
	uint64_t x = seed * 2654435761u + 1;

	ck_assert_int_eq(raster_init(r, width_px, rows, &e), 0);
	for (uint32_t y = 0; y < rows; y++)
		for (uint32_t c = 0; c < width_px; c++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			if ((x >> 56) < density)
				raster_row(r, y)[c / 8] |= (unsigned char)(0x80 >> c % 8);
		}
}

void
judge_encode(enum coding coding, const struct raster *r, uint16_t dpi_y, struct buf *out)
{
	TIFF *t = TIFFFdOpen(memfd_create("judge", MFD_CLOEXEC), "judge", "w+");
	tmsize_t octets = (tmsize_t)(r->stride * r->rows), n;
	struct err e;

	ck_assert(t != NULL);
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, r->width_px);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, r->rows);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, r->rows);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
	TIFFSetField(t, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
	TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
	TIFFSetField(t, TIFFTAG_YRESOLUTION, (double)dpi_y);
	TIFFSetField(t, TIFFTAG_COMPRESSION, coding == CODING_MMR ? COMPRESSION_CCITT_T6 :
	    COMPRESSION_CCITT_T4);
	if (coding != CODING_MMR)
		TIFFSetField(t, TIFFTAG_GROUP3OPTIONS, coding == CODING_MR ? 1 : 4);
	ck_assert_int_eq(TIFFWriteEncodedStrip(t, 0, r->px, octets), octets);
	ck_assert_int_eq(TIFFWriteDirectory(t), 1);
	ck_assert_int_eq(TIFFSetDirectory(t, 0), 1);
	n = (tmsize_t)TIFFRawStripSize64(t, 0);
	ck_assert_ptr_nonnull(buf_room(out, (size_t)n, &e));
	ck_assert_int_eq(TIFFReadRawStrip(t, 0, out->p + out->n, n), n);
	out->n += (size_t)n;
	TIFFClose(t);
}
