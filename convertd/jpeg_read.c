/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/jpeg_read.c - the pixels of a JPEG, by libjpeg, which has checked facts before it: jpeg_check.
 * A warning that tells of damage ends it: half a picture is not what was sent.
 */
#include "convertd/picture.h"

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
static unsigned char
grey_of_inks(const unsigned char *c, bool inverted)
{
	unsigned flip = inverted ? 0 : 255, k = c[3] ^ flip;

	return grey_of_rgb((c[0] ^ flip) * k / 255, (c[1] ^ flip) * k / 255, (c[2] ^ flip) * k / 255);
}

static void
reader_line(const struct reader *r, unsigned char *to)
{
	const unsigned char *c = r->line;

	for (JDIMENSION x = 0; x < r->j.output_width; x++, c += r->j.output_components)
		to[x] = r->j.output_components == 1 ? grey_of_rgb(c[0], c[0], c[0]) :
		    r->j.output_components == 3 ? grey_of_rgb(c[0], c[1], c[2]) :
		    grey_of_inks(c, r->j.saw_Adobe_marker);
}

/* All that may end in longjmp. */
static void
reader_run(struct reader *r, const struct picture *p, struct grey *out)
{
	jpeg_create_decompress(&r->j);
	r->j.client_data = r;
	r->j.mem->max_memory_to_use = LIBJPEG_MEMORY;
	jpeg_mem_src(&r->j, p->file.p, p->file.n);
	jpeg_read_header(&r->j, TRUE);
	r->j.out_color_space = p->components == 1 ? JCS_GRAYSCALE : p->components == 3 ? JCS_RGB : JCS_CMYK;
	jpeg_start_decompress(&r->j);
	if (r->j.output_width != out->width_px || r->j.output_height != out->rows)
		ERREXIT(&r->j, JERR_BAD_LENGTH);	/* not what was checked */
	r->line = r->j.mem->alloc_small((j_common_ptr)&r->j, JPOOL_IMAGE,
	    (size_t)r->j.output_width * (size_t)r->j.output_components);
	while (r->j.output_scanline < r->j.output_height) {
		unsigned char *to = out->px + (size_t)r->j.output_scanline * out->width_px;

		jpeg_read_scanlines(&r->j, &r->line, 1);
		reader_line(r, to);
	}
	jpeg_finish_decompress(&r->j);
}

int
jpeg_decode(const struct picture *p, struct grey *out, struct err *e)
{
	struct reader *volatile r = calloc(1, sizeof *r);
	volatile int got = -1;

	if (r == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a JPEG");
	r->j.err = jpeg_std_error(&r->errors);
	r->j.client_data = r;
	r->errors.error_exit = reader_exit;
	r->errors.emit_message = reader_message;
	r->errors.output_message = reader_silent;
	if (setjmp(r->failed) == 0) {
		reader_run(r, p, out);
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
