/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/png_chunk.h - the chunks of a PNG, one after the other (ISO/IEC 15948, 5.3). */
#ifndef CONVERTD_PNG_CHUNK_H
#define CONVERTD_PNG_CHUNK_H

#include "lib/cur.h"
#include "lib/err.h"

enum { PNG_SIGNATURE = 8 };		/* octets */

/* whole: with length and CRC. */
struct png_chunk { struct span type, data, whole; };

/* Takes one off *c.  -1: ERR_PERM 5.6.1, it runs past the end. */
int png_chunk_next(struct cur *c, struct png_chunk *out, struct err *e);

#endif
