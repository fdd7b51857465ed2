/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/convertd/paint.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <png.h>

enum { PAINT_MAX = 8 << 20 };

void
paint_png(const unsigned char *px, uint32_t width, uint32_t rows, int channels, struct buf *out)
{
	png_image png = { .version = PNG_IMAGE_VERSION, .width = width, .height = rows };
	png_alloc_size_t n = PAINT_MAX;
	struct err e;

	png.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
	buf_init(out, PAINT_MAX);
	ck_assert_int_ne(png_image_write_get_memory_size(png, n, 0, px, 0, NULL), 0);
	ck_assert_ptr_nonnull(buf_room(out, n, &e));
	ck_assert_int_ne(png_image_write_to_memory(&png, out->p, &n, 0, px, 0, NULL), 0);
	out->n = n;
}

static void
put_exif(struct jpeg_compress_struct *j, uint32_t orientation)
{
	unsigned char exif[] = "Exif\0\0" "MM\0*\0\0\0\010" "\0\1" "\1\022\0\3\0\0\0\1\0\1\0\0" "\0\0\0\0";

	exif[6 + 8 + 2 + 9] = (unsigned char)orientation;
	jpeg_write_marker(j, JPEG_APP0 + 1, exif, sizeof exif - 1);
}

void
paint_jpeg(const unsigned char *px, const struct paint *p, struct buf *out)
{
	struct jpeg_compress_struct j;
	struct jpeg_error_mgr errors;
	unsigned char *mem = NULL;
	unsigned long n = 0;
	struct err e;

	j.err = jpeg_std_error(&errors);
	jpeg_create_compress(&j);
	jpeg_mem_dest(&j, &mem, &n);
	j.image_width = p->width;
	j.image_height = p->rows;
	j.input_components = p->channels;
	j.in_color_space = p->channels == 1 ? JCS_GRAYSCALE : p->channels == 3 ? JCS_RGB : JCS_CMYK;
	jpeg_set_defaults(&j);
	jpeg_set_quality(&j, p->quality == 0 ? 95 : p->quality, TRUE);
	if (p->dpi != 0) {
		j.density_unit = 1;
		j.X_density = j.Y_density = (UINT16)p->dpi;
	}
	if (p->progressive)
		jpeg_simple_progression(&j);
	jpeg_start_compress(&j, TRUE);
	if (p->orientation != 0)
		put_exif(&j, p->orientation);
	while (j.next_scanline < j.image_height) {
		JSAMPROW row = (JSAMPROW)(uintptr_t)(px + (size_t)j.next_scanline * p->width * (size_t)p->channels);

		jpeg_write_scanlines(&j, &row, 1);
	}
	jpeg_finish_compress(&j);
	jpeg_destroy_compress(&j);
	buf_init(out, PAINT_MAX);
	ck_assert_int_eq(buf_add(out, span_of(mem, n), &e), 0);
	free(mem);
}

static void
put_u32(unsigned char *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(v >> (24 - 8 * i));
}

void
paint_chunk(struct buf *png, const char *type, const void *data, uint32_t n)
{
	enum { AT = 33 };		/* signature, header */
	uint32_t crc = 0xffffffff, whole = n + 12;
	unsigned char *c;
	struct err e;

	ck_assert_ptr_nonnull(buf_room(png, whole, &e));
	memmove(png->p + AT + whole, png->p + AT, png->n - AT);
	png->n += whole;
	c = png->p + AT;
	put_u32(c, n);
	memcpy(c + 4, type, 4);
	if (n > 0)
		memcpy(c + 8, data, n);
	for (uint32_t i = 4; i < 8 + n; i++) {
		crc ^= c[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	put_u32(c + 8 + n, ~crc);
}
