/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/fax_code.h - the code words of T.4 and T.6: of runs (T.4 tables 2 and 3; RFC 804) and of the
 * modes of two-dimensional rows, as tables to decode and to encode by.
 */
#ifndef CONVERTD_FAX_CODE_H
#define CONVERTD_FAX_CODE_H

#include <stdint.h>

enum { WHITE, BLACK, COLOURS };

/* bits of a word that is sent from its lowest bit on: FillOrder 2 */
struct fax_word { uint16_t code; uint8_t bits; };

enum fax_mode { MODE_NONE, MODE_PASS, MODE_HORIZONTAL, MODE_VERTICAL };

/* delta: of MODE_VERTICAL, how far the change is to the right of b1. */
struct fax_mode_code { uint8_t mode, bits; int8_t delta; };

enum { FAX_RUN_BITS = 13, FAX_MODE_BITS = 7, FAX_DELTA_MAX = 3, FAX_MAKE_UP_MAX = 2560 };

/* A decoded word: run << 4 | bits of the word; 0: no word of a run begins so. */
typedef uint16_t fax_run;

struct fax_code {
	fax_run run[COLOURS][1 << FAX_RUN_BITS];		/* by the next bits, the first highest */
	struct fax_mode_code mode[1 << FAX_MODE_BITS];		/* likewise */
	struct fax_word ends[COLOURS][64];			/* runs of 0 to 63 */
	struct fax_word make_up[COLOURS][FAX_MAKE_UP_MAX / 64 + 1];	/* by run / 64, from 1 on */
	struct fax_word pass, horizontal, vertical[2 * FAX_DELTA_MAX + 1];	/* by delta + 3 */
};

/* The tables, made when they are first wanted. */
const struct fax_code *fax_code(void);

#endif
