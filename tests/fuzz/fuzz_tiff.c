/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * An image file under small limits: what opens has features and pages within the limits; what
 * converts is valid, and is read back as what was asked for.
 */
#include "convertd/image.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct limits small = { .width_px = 4864, .length_px = 600, .page_px = 2000000,
	.job_px = 4000000, .pages = 4, .tags = 40, .out_octets = 4 << 20, .cpu_s = 1 };

static void
opened(const struct image *img, enum coding coding, bool scale)
{
	struct form want[4];
	struct image again;
	struct err e = { 0 };
	struct buf out;
	char profile;
	uint64_t px = 0;

	buf_init(&out, 8 << 20);
	assert(image_features(img, &out, &e) == 0 && out.n > 0);
	buf_clear(&out);
	for (uint32_t i = 0; i < img->npage; i++) {
		assert(image_page_octets(&img->page[i]) <= small.page_px);
		assert(img->page[i].width_px <= small.width_px);
		px += (uint64_t)img->page[i].width_px * img->page[i].length_px;
		want[i] = img->page[i].form;
		want[i].coding = coding;
		if (scale)
			want[i].paper = PAPER_A4, want[i].dpi_x = 204, want[i].dpi_y = 98;
		if (!form_legal(&want[i]))	/* square dots in Profile C, and none of 100 by 100 elsewhere */
			want[i].dpi_x = want[i].dpi_y = coding >= CODING_GREY ? 100 : 200;
	}
	assert(px <= small.job_px);
	if (image_convert(img, want, &small, &out, &e) == -1) {
		assert(e.kind == ERR_PERM && out.n == 0);
	} else {
		assert(image_validate(buf_view(&out), &profile, &e) == 0);
		assert(image_open(buf_view(&out), &fax_limits, &again, &e) == 0);
		assert(again.npage == img->npage);
		for (uint32_t i = 0; i < again.npage; i++)
			assert(memcmp(&again.page[i].form, &want[i], sizeof want[i]) == 0);
		image_free(&again);
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = { 0 };
	struct image img;
	char profile;

	if (n < 1)
		return 0;
	/* The first octet says into what. */
	if (image_open(span_of(p + 1, n - 1), &small, &img, &e) == 0) {
		assert(img.npage >= 1 && img.npage <= small.pages);
		opened(&img, (enum coding)(p[0] & 8 ? CODING_GREY + (p[0] & 1) : p[0] & 3), p[0] & 4);
		image_free(&img);
	} else {
		assert(e.kind == ERR_PERM && e.what[0] != '\0');
	}
	(void)image_validate(span_of(p + 1, n - 1), &profile, &e);
	return 0;
}
