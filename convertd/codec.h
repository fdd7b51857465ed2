/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/codec.h - one strip of coded rows to pixels and back, whatever library does it.
 * Decoders see a strip's octets and facts that were checked, never the file: its tags cannot
 * steer a library.
 */
#ifndef CONVERTD_CODEC_H
#define CONVERTD_CODEC_H

#include "convertd/bih.h"
#include "convertd/form.h"
#include "convertd/raster.h"

struct codec_strip {
	struct span data;		/* as in the file */
	bool lsb;			/* FillOrder 2 */
	uint32_t width_px, rows;
	bool bad_lines;			/* CleanFaxData says that there are: taken as they are */
};

/*
 * codec_NAME_decode: exactly rows rows of raster_stride(width_px) octets to out, which is zero,
 * 1 as coded (before Photometric).  -1: ERR_PERM 5.6.5, data that does not decode; ERR_TEMP.
 */
int codec_t4t6_decode(enum coding coding, const struct codec_strip *s, unsigned char *out,
    struct err *e);
int codec_t85_decode(const struct codec_strip *s, const struct bih *bih, unsigned char *out,
    struct err *e);
int codec_jbig_decode(const struct codec_strip *s, const struct bih *bih, unsigned char *out,
    struct err *e);

/*
 * codec_NAME_encode: appends the page as one strip, FillOrder 2.  dpi_y: MR's K depends on it.
 * MH and MR: EOL before each row, no RTC, T4Options as tiff_out_t4 (fax_encode.h); MMR: EOFB; JBIG: T.85 with
 * TPBON and 128 lines a stripe.  -1: ERR_PERM 5.3.4 when out is full; ERR_TEMP.
 */
int codec_t4t6_encode(enum coding coding, const struct raster *r, uint16_t dpi_y, struct buf *out,
    struct err *e);
int codec_t85_encode(const struct raster *r, struct buf *out, struct err *e);

#endif
