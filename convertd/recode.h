/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/recode.h - MH, MR and MMR from one to another where no pixel moves: row by row on runs, with
 * a few rows of state and no raster.
 */
#ifndef CONVERTD_RECODE_H
#define CONVERTD_RECODE_H

#include "convertd/codec.h"
#include "convertd/fax_encode.h"

/* A page under way; row: what goes to the encoder, which keeps its memory and gives other back. */
struct recode { struct fax_encoder to; struct runs row; bool black_0; };

/*
 * The page is appended to out as codec_t4t6_encode would; black_0: Photometric 1, the colours change.
 * -1: ERR_TEMP.  recode_free: after that too.
 */
int recode_start(struct recode *r, enum coding to, uint32_t width_px, uint16_t dpi_y, bool black_0,
    struct buf *out, struct err *e);
void recode_free(struct recode *r);

/* The next strip of the page, in the order of bits that it names.  -1: as codec_t4t6_decode, buf_add. */
int recode_strip(struct recode *r, enum coding from, const struct codec_strip *s, struct err *e);

int recode_end(struct recode *r, struct err *e);

#endif
