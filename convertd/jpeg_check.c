/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/jpeg_check.c - the markers of a JPEG (ITU-T T.81, Annex B), before libjpeg sees it. */
#include "convertd/picture.h"
#include "convertd/tiff.h"
#include "convertd/tiff_read.h"
#include "lib/cur.h"

enum {
	M_SOF0 = 0xc0, M_SOF1 = 0xc1, M_SOF2 = 0xc2, M_DHT = 0xc4, M_JPG = 0xc8, M_DAC = 0xcc, M_SOF15 = 0xcf,
	M_RST0 = 0xd0, M_RST7 = 0xd7, M_SOI = 0xd8, M_EOI = 0xd9, M_SOS = 0xda, M_APP0 = 0xe0, M_APP1 = 0xe1,
	DPI_MIN = 50, DPI_MAX = 1200	/* what is outside is no size on paper, but a writer's habit */
};

struct walk { struct cur c; struct picture *p; const struct limits *max; unsigned scans; };

static int
jpeg_bad(struct err *e, const char *what)
{
	return err_set(e, ERR_PERM, "5.6.1", "JPEG: %s", what);
}

/* Frame header, B.2.2. */
static int
walk_frame(struct walk *w, unsigned marker, struct span s, struct err *e)
{
	struct cur c = cur_of(s);
	unsigned bits, blocks = 0;

	if (w->p->width_px != 0)
		return jpeg_bad(e, "two frames");
	if (marker > M_SOF2)
		return jpeg_bad(e, "lossless, hierarchical or arithmetic coding");
	bits = (unsigned)cur_byte(&c);
	w->p->rows = cur_u16be(&c);
	w->p->width_px = cur_u16be(&c);
	w->p->components = (unsigned)cur_byte(&c);
	if (c.bad || bits != 8)
		return jpeg_bad(e, "no frame of 8 bits");
	if (w->p->width_px == 0 || w->p->rows == 0)
		return jpeg_bad(e, "no width or length");
	if (w->p->components != 1 && w->p->components != 3 && w->p->components != 4)
		return jpeg_bad(e, "neither 1, 3 nor 4 components");
	for (unsigned i = 0; i < w->p->components; i++) {
		unsigned sampling;

		cur_skip(&c, 1);
		sampling = (unsigned)cur_byte(&c);
		cur_skip(&c, 1);
		if (c.bad || sampling >> 4 < 1 || sampling >> 4 > 4 || (sampling & 15) < 1 || (sampling & 15) > 4)
			return jpeg_bad(e, "sampling factors outside 1 to 4");
		if (i == 0)
			w->p->sampling = sampling;
		blocks += (sampling >> 4) * (sampling & 15);
	}
	if (cur_left(&c) != 0 || (w->p->components > 1 && blocks > 10))	/* B.2.3 */
		return jpeg_bad(e, "a frame header that is no frame's");
	if (marker == M_SOF2 && (uint64_t)w->p->width_px * w->p->rows > PICTURE_PX_WHOLE)
		return err_set(e, ERR_PERM, "5.6.5", "JPEG: progressive, with too many pixels");
	w->p->colour = w->p->components == 1 ? PICTURE_GREY : PICTURE_FULL;
	return 0;
}

/* JFIF's density: units 1 an inch, 2 a centimetre. */
static void
walk_jfif(struct picture *p, struct span s)
{
	struct cur c = cur_of(s);
	unsigned unit, x;

	cur_skip(&c, 7);
	unit = (unsigned)cur_byte(&c);
	x = cur_u16be(&c);
	if (unit == 2)
		x = (x * 254 + 50) / 100;
	if (!c.bad && unit >= 1 && unit <= 2 && x >= DPI_MIN && x <= DPI_MAX)
		p->dpi = x;
}

/* Exif is a TIFF in a segment; which way up is in its first directory.  What cannot be read says nothing. */
static void
walk_exif(struct walk *w, struct span s)
{
	struct tiff t;
	struct tiff_ifd ifd;
	struct err e;

	if (tiff_open(s, &t, &e) == -1 || tiff_ifd(&t, t.first, w->max, &ifd, &e) == -1)
		return;
	for (uint16_t i = 0; i < ifd.n; i++) {
		struct tiff_entry en = tiff_entry(&t, &ifd, i);
		uint32_t n;

		if (en.tag != TAG_ORIENTATION || en.count != 1)
			continue;
		n = tiff_number(&t, &en, 0);
		if (n >= 1 && n <= 8)
			w->p->orientation = n;
	}
}

static void
walk_app(struct walk *w, unsigned marker, struct span s)
{
	if (marker == M_APP0 && s.n >= 12 && memcmp(s.p, "JFIF", 5) == 0)
		walk_jfif(w->p, s);
	else if (marker == M_APP1 && s.n > 6 && memcmp(s.p, "Exif\0", 6) == 0)
		walk_exif(w, span_sub(s, 6, s.n));
}

/* To the next marker that is neither a stuffed zero, a restart nor fill. */
static int
walk_scan(struct walk *w, struct err *e)
{
	if (w->p->width_px == 0)
		return jpeg_bad(e, "a scan before the frame");
	if (++w->scans > PICTURE_SCANS)
		return err_set(e, ERR_PERM, "5.6.5", "JPEG: more than %d scans", PICTURE_SCANS);
	for (;;) {
		struct span left = cur_rest(&w->c);
		size_t at = span_find(left, 0xff);
		unsigned next;

		if (at + 1 >= left.n)
			return jpeg_bad(e, "cut short");
		next = left.p[at + 1];
		w->c = cur_of(span_sub(left, at, left.n));
		if (next != 0 && next != 0xff && (next < M_RST0 || next > M_RST7))
			return 0;
		cur_skip(&w->c, next == 0xff ? 1 : 2);
	}
}

/* The marker's number; -1. */
static int
walk_marker(struct walk *w, struct err *e)
{
	int m = cur_byte(&w->c);

	if (m != 0xff)
		return jpeg_bad(e, w->c.bad ? "cut short" : "no marker where one must be");
	while (m == 0xff)
		m = cur_byte(&w->c);
	return w->c.bad ? jpeg_bad(e, "cut short") : m;
}

/* One segment.  1: more; 0: the end; -1. */
static int
walk_segment(struct walk *w, struct err *e)
{
	int m = walk_marker(w, e);
	unsigned n;
	struct span s;

	if (m == -1 || m == M_EOI)
		return m == -1 ? -1 : 0;
	if (m < M_SOF0 || (m >= M_RST0 && m <= M_SOI))
		return jpeg_bad(e, "a marker out of place");
	n = cur_u16be(&w->c);
	s = cur_take(&w->c, n < 2 ? 0 : n - 2);
	if (w->c.bad || n < 2)
		return jpeg_bad(e, "a segment runs past the end");
	if (m == M_DAC)
		return jpeg_bad(e, "arithmetic coding");
	if (m <= M_SOF15 && m != M_DHT && m != M_JPG)
		return walk_frame(w, (unsigned)m, s, e) == -1 ? -1 : 1;
	walk_app(w, (unsigned)m, s);
	return m != M_SOS ? 1 : walk_scan(w, e) == -1 ? -1 : 1;
}

int
jpeg_check(struct span file, const struct limits *max, struct picture *out, struct err *e)
{
	struct walk w = { .c = cur_of(file), .p = out, .max = max };
	int r;

	cur_skip(&w.c, 2);		/* SOI: by it the kind is known */
	while ((r = walk_segment(&w, e)) == 1)
		;
	if (r == 0 && w.scans == 0)
		return jpeg_bad(e, "no scan");
	return r;
}
