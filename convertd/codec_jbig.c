/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The whole of T.82 by jbigkit, for the private Compression 34661 alone.  Its decoder allocates by
 * the header and aborts when it cannot: bih_read has been there before, and the limits on a page.
 */
#include "convertd/codec.h"

#include <jbig.h>
#include <stdlib.h>

static int
image_take(const struct jbg_dec_state *s, const struct codec_strip *strip, unsigned char *out,
    struct err *e)
{
	size_t octets = raster_stride(strip->width_px) * strip->rows;

	if (jbg_dec_getwidth(s) != strip->width_px || jbg_dec_getheight(s) != strip->rows ||
	    jbg_dec_getsize(s) != octets)
		return err_set(e, ERR_PERM, "5.6.5", "JBIG: %lu by %lu pixels, the IFD %u by %u",
		    jbg_dec_getwidth(s), jbg_dec_getheight(s), strip->width_px, strip->rows);
	memcpy(out, jbg_dec_getimage(s, 0), octets);
	return 0;
}

int
codec_jbig_decode(const struct codec_strip *s, const struct bih *bih, unsigned char *out,
    struct err *e)
{
	struct jbg_dec_state state;
	unsigned char *copy;
	size_t used = 0;
	int got;

	if (bih->t85)
		return codec_t85_decode(s, bih, out, e);
	if (bih->length_px != s->rows)
		return err_set(e, ERR_PERM, "5.6.5", "JBIG: length to come, outside of T.85");
	if ((copy = malloc(s->data.n)) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for %zu octets", s->data.n);
	memcpy(copy, s->data.p, s->data.n);
	if (bih->reversed)
		raster_reverse(copy, s->data.n);
	jbg_dec_init(&state);
	jbg_dec_maxsize(&state, s->width_px, s->rows);
	got = jbg_dec_in(&state, copy, s->data.n, &used);
	if (got == JBG_EOK)
		got = image_take(&state, s, out, e);
	else
		got = err_set(e, ERR_PERM, "5.6.5", "JBIG: %s", jbg_strerror(got));
	jbg_dec_free(&state);
	free(copy);
	return got;
}
