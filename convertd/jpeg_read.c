/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/jpeg_read.c - the pixels of a JPEG, of a picture or of a strip of Profile C, by libjpeg, which has checked facts before it: jpeg_check.
 * A warning that tells of damage ends it: half a picture is not what was sent.
 */
#include "convertd/lab.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

enum { LIBJPEG_MEMORY = 256 << 20 };	/* octets that it may hold */

struct reader {
	struct jpeg_decompress_struct j;
	struct jpeg_error_mgr errors;
	jmp_buf failed;
	char why[JMSG_LENGTH_MAX];
	bool memory;
	unsigned char *line;		/* one row as libjpeg gives it */
	struct span file;
	uint32_t width_px, rows;	/* as they were checked */
	struct lab *out;		/* borrowed; from row `row` on */
	uint32_t row;
	const unsigned char (*map)[256];	/* of the samples of a strip; NULL: a picture */
};

static void
reader_exit(j_common_ptr j)
{
	struct reader *r = (struct reader *)j->client_data;

	j->err->format_message(j, r->why);
	r->memory = j->err->msg_code == JERR_OUT_OF_MEMORY;
	longjmp(r->failed, 1);
}

/* Below 0 is a warning; these tell of no damage to the pixels. */
static void
reader_message(j_common_ptr j, int level)
{
	int code = j->err->msg_code;

	if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR && code != JWRN_ADOBE_XFORM)
		reader_exit(j);
}

static void
reader_silent(j_common_ptr j)
{
	(void)j;
}

/* Adobe writes its four inks the other way round, with a marker that says that it was Adobe. */
static void
put_inks(struct lab *to, size_t at, const unsigned char *c, bool inverted)
{
	unsigned flip = inverted ? 0 : 255, k = c[3] ^ flip;

	lab_put_rgb(to, at, (c[0] ^ flip) * k / 255, (c[1] ^ flip) * k / 255, (c[2] ^ flip) * k / 255);
}

static void
reader_line(const struct reader *r, size_t at)
{
	const unsigned char *c = r->line;
	int n = r->j.output_components;

	for (JDIMENSION x = 0; x < r->j.output_width; x++, at++, c += n) {
		if (r->map != NULL)
			for (unsigned i = 0; i < r->out->planes; i++)
				r->out->plane[i].px[at] = r->map[i][c[i]];
		else if (n == 4)
			put_inks(r->out, at, c, r->j.saw_Adobe_marker);
		else
			lab_put_rgb(r->out, at, c[0], c[n / 2], c[n - 1]);
	}
}

static J_COLOR_SPACE
picture_space(int components)
{
	return components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
}

/* All that may end in longjmp. */
static void
reader_run(struct reader *r)
{
	jpeg_create_decompress(&r->j);
	r->j.client_data = r;
	r->j.mem->max_memory_to_use = LIBJPEG_MEMORY;
	jpeg_mem_src(&r->j, r->file.p, r->file.n);
	jpeg_read_header(&r->j, TRUE);
	if (r->map != NULL)		/* CIELAB is unknown to it: components as they are */
		r->j.jpeg_color_space = r->j.out_color_space = JCS_UNKNOWN;
	else
		r->j.out_color_space = picture_space(r->j.num_components);
	jpeg_start_decompress(&r->j);
	if (r->j.output_width != r->width_px || r->j.output_height != r->rows ||
	    (r->map != NULL && r->j.output_components < (int)r->out->planes))
		ERREXIT(&r->j, JERR_BAD_LENGTH);	/* not what was checked */
	r->line = r->j.mem->alloc_small((j_common_ptr)&r->j, JPOOL_IMAGE,
	    (size_t)r->j.output_width * (size_t)r->j.output_components);
	while (r->j.output_scanline < r->j.output_height) {
		size_t at = ((size_t)r->row + r->j.output_scanline) * r->width_px;

		jpeg_read_scanlines(&r->j, &r->line, 1);
		reader_line(r, at);
	}
	jpeg_finish_decompress(&r->j);
}

/* what has file, size, out, row and map. */
static int
reader_read(const struct reader *what, struct err *e)
{
	struct reader *volatile r = malloc(sizeof *r);
	volatile int got = -1;

	if (r == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a JPEG");
	*r = *what;
	r->j.err = jpeg_std_error(&r->errors);
	r->j.client_data = r;
	r->errors.error_exit = reader_exit;
	r->errors.emit_message = reader_message;
	r->errors.output_message = reader_silent;
	if (setjmp(r->failed) == 0) {
		reader_run(r);
		got = 0;
	} else if (r->memory) {
		err_set(e, ERR_TEMP, "4.3.0", "no memory for a JPEG");
	} else {
		err_set(e, ERR_PERM, "5.6.5", "JPEG: %.150s", r->why);
	}
	jpeg_destroy_decompress(&r->j);
	free(r);
	return got;
}

int
jpeg_decode(const struct picture *p, struct lab *out, struct err *e)
{
	const struct reader what = { .file = p->file, .width_px = p->width_px, .rows = p->rows, .out = out };

	return reader_read(&what, e);
}

/* An octet of a strip as T.42's default has it. */
static unsigned char
map_octet(int octet, const int32_t is[2], const int32_t base[2])
{
	int64_t milli = is[0] + (int64_t)octet * (is[1] - is[0]) / 255, range = base[1] - base[0];
	int64_t v = ((milli - base[0]) * 255 + range / 2) / range;

	return v < 0 ? 0 : v > 255 ? 255 : (unsigned char)v;
}

int
itulab_decode(struct span jpeg, const int32_t milli[6], struct lab *out, uint32_t row, uint32_t rows,
    struct err *e)
{
	static const int32_t base[6] = { 0, 100000, -85333, 84667, -75294, 124706 };
	unsigned char map[LAB_PLANES][256];
	const struct reader what = { .file = jpeg, .width_px = out->plane[LAB_L].width_px, .rows = rows, .out = out,
	    .row = row, .map = map };

	for (int i = 0; i < LAB_PLANES; i++)
		for (int v = 0; v < 256; v++)
			map[i][v] = memcmp(&milli[2 * i], &base[2 * i], 2 * sizeof *base) == 0 ? (unsigned char)v :
			    map_octet(v, &milli[2 * i], &base[2 * i]);
	return reader_read(&what, e);
}
