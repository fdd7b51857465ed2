/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/itulab.c - the JPEG of Profile C (RFC 3949 6): its strips, and how it is written, by libjpeg. */
#include "convertd/lab.h"
#include "convertd/raster.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

enum {
	QUALITY = 80,			/* libjpeg's scale: letters stay clean, a page is some 200 kB at 200 dpi */
	SOI_OCTETS = 2
};

int
itulab_strip(struct span data, struct span tables, struct buf *out, struct err *e)
{
	size_t start = out->n, soi = SOI_OCTETS;
	bool reversed = data.n > 2 && data.p[0] == 0xff && data.p[1] == 0x1b;	/* FFD8, lowest bit first */

	/* tables: SOI, their segments, EOI */
	if (tables.n >= 2 * soi && (buf_add(out, span_sub(tables, 0, tables.n - soi), e) == -1))
		return -1;
	if (tables.n < 2 * soi)
		soi = 0;
	if (buf_add(out, span_sub(data, soi, data.n), e) == -1)
		return -1;
	if (reversed)
		raster_reverse(out->p + (out->n - (data.n - soi)), data.n - soi);
	return out->n - start > 2 ? 0 : err_set(e, ERR_PERM, "5.6.1", "JPEG: a strip of nothing");
}

int
itulab_check(struct span jpeg, uint32_t width_px, uint32_t rows, unsigned samples, const struct limits *max,
    unsigned *sampling, struct err *e)
{
	struct picture p = { .coding = CODING_JPEG, .file = jpeg };

	if (picture_kind(jpeg) != CODING_JPEG)
		return err_set(e, ERR_PERM, "5.6.1", "JPEG: a strip that is none");
	if (jpeg_check(jpeg, max, &p, e) == -1)
		return -1;
	*sampling = p.sampling;
	return p.width_px == width_px && p.rows == rows && p.components == samples ? 0 : err_set(e, ERR_PERM, "5.6.1",
	    "JPEG: %u by %u, %u components, in a strip of %u by %u, %u", p.width_px, p.rows, p.components, width_px, rows,
	    samples);
}

/* --- writing --- */

struct writer {
	struct jpeg_compress_struct j;
	struct jpeg_error_mgr errors;
	jmp_buf failed;
	unsigned char *octets;		/* libjpeg's, by malloc */
	unsigned long n;
	unsigned char *line;
};

static void
writer_exit(j_common_ptr j)
{
	longjmp(((struct writer *)j->client_data)->failed, 1);
}

static void
writer_silent(j_common_ptr j)
{
	(void)j;
}

static void
writer_message(j_common_ptr j, int level)
{
	(void)j;
	(void)level;
}

/* Chroma has tables of its own and half the samples each way, which is the default of fax (6.2.2). */
static void
writer_setup(struct writer *w, const struct lab *l)
{
	w->j.image_width = l->plane[LAB_L].width_px;
	w->j.image_height = l->plane[LAB_L].rows;
	w->j.input_components = (int)l->planes;
	w->j.in_color_space = JCS_UNKNOWN;
	jpeg_set_defaults(&w->j);
	jpeg_set_quality(&w->j, QUALITY, TRUE);
	for (int i = 0; i < w->j.num_components; i++) {
		jpeg_component_info *c = &w->j.comp_info[i];

		c->component_id = i + 1;
		c->h_samp_factor = c->v_samp_factor = i == LAB_L && l->planes > 1 ? 2 : 1;
		c->quant_tbl_no = c->dc_tbl_no = c->ac_tbl_no = i == LAB_L ? 0 : 1;
	}
}

/* All that may end in longjmp. */
static void
writer_run(struct writer *w, const struct lab *l)
{
	uint32_t width = l->plane[LAB_L].width_px;

	jpeg_create_compress(&w->j);
	w->j.client_data = w;
	jpeg_mem_dest(&w->j, &w->octets, &w->n);
	writer_setup(w, l);
	jpeg_start_compress(&w->j, TRUE);
	w->line = w->j.mem->alloc_small((j_common_ptr)&w->j, JPOOL_IMAGE, (size_t)width * l->planes);
	while (w->j.next_scanline < w->j.image_height) {
		size_t at = (size_t)w->j.next_scanline * width;

		for (uint32_t x = 0; x < width; x++)
			for (unsigned i = 0; i < l->planes; i++)
				w->line[x * l->planes + i] = l->plane[i].px[at + x];
		jpeg_write_scanlines(&w->j, &w->line, 1);
	}
	jpeg_finish_compress(&w->j);
}

int
itulab_encode(const struct lab *l, struct buf *out, struct err *e)
{
	struct writer *volatile w = calloc(1, sizeof *w);
	volatile int got = -1;

	if (w == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a JPEG");
	w->j.err = jpeg_std_error(&w->errors);
	w->j.client_data = w;
	w->errors.error_exit = writer_exit;
	w->errors.emit_message = writer_message;
	w->errors.output_message = writer_silent;
	if (setjmp(w->failed) == 0) {
		writer_run(w, l);
		got = buf_add(out, span_of(w->octets, w->n), e);
	} else {
		err_set(e, ERR_TEMP, "4.3.0", "no memory for a JPEG");
	}
	jpeg_destroy_compress(&w->j);
	free(w->octets);
	free(w);
	return got;
}
