/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/bih.h - the header of a JBIG image (T.82 6.2), checked before any decoder sees it:
 * jbigkit allocates by it, and aborts when that fails.
 */
#ifndef CONVERTD_BIH_H
#define CONVERTD_BIH_H

#include "lib/err.h"
#include "lib/span.h"

enum { BIH_OCTETS = 20 };

struct bih {
	uint32_t width_px, length_px, stripe;	/* length_px: as announced; stripe: L0, rows */
	bool reversed;		/* the octets in the file have their lowest bit first */
	bool t85;		/* nothing that T.85 leaves out */
};

/*
 * strip: the image as it is in the file.  lsb: FillOrder says that its bits are reversed; writers
 * disagree about it, so that the other order is tried too and the one taken that gives the width.
 * 0: one plane, one layer, the IFD's width, and its rows (or a length yet to come, VLENGTH).
 * -1: ERR_PERM 5.6.1.
 */
int bih_read(struct span strip, bool lsb, uint32_t width_px, uint32_t rows, struct bih *out,
    struct err *e);

#endif
