/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * A JPEG or PNG under small limits: what opens has features, and a page that a fax has; what is drawn is a
 * valid file of the form that was asked for.
 */
#include "convertd/image.h"
#include "convertd/picture.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { PX = 65536 };

static const struct limits small = { .width_px = 4864, .length_px = 20000, .page_px = PX,
	.job_px = 4000000, .pages = 4, .tags = 40, .out_octets = 4 << 20, .cpu_s = 1 };

static void
drawn(struct span file)
{
	const struct form want = { CODING_MMR, PAPER_A4, 204, 98 };
	struct limits l = small;
	struct image img, again;
	struct err e = { 0 };
	struct buf out;
	char profile;

	assert(image_open(file, &small, &img, &e) == 0 && img.npage == 1);
	assert(img.page[0].width_px <= 3456 && img.page[0].length_px <= 4677);
	buf_init(&out, 4 << 20);
	assert(image_features(&img, &out, &e) == 0 && out.n > 0);
	buf_clear(&out);
	l.page_px = 4000000;		/* of the page; the picture was opened under less */
	if (image_convert(&img, &want, &l, &out, &e) == -1) {
		assert(e.kind == ERR_PERM && out.n == 0);
	} else {
		assert(image_validate(buf_view(&out), &profile, &e) == 0 && profile == 'F');
		assert(image_open(buf_view(&out), &fax_limits, &again, &e) == 0);
		image_free(&again);
	}
	buf_free(&out);
	image_free(&img);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span file = span_of(p, n);
	struct picture pic;
	struct err e = { 0 };

	if (picture_open(file, &small, &pic, &e) == 0) {
		assert(pic.width_px > 0 && pic.rows > 0 && (uint64_t)pic.width_px * pic.rows <= PX);
		assert(pic.orientation >= 1 && pic.orientation <= 8);
		assert(pic.dpi == 0 || (pic.dpi >= 50 && pic.dpi <= 1200));
		drawn(file);
	} else {
		assert(e.kind == ERR_PERM && e.what[0] != '\0');
	}
	return 0;
}
