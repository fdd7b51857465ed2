/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/text.h - text/plain as pages: 80 columns, 60 lines, ten and six an inch, on paper that is A4 and
 * letter at once.  Lines are kept; those that are too long go on in the next row, at a space if there is one.
 * What is "flowed" (RFC 3676) is a paragraph again and goes to the margin.  Form feeds begin a page, tabs go to
 * the next eighth column.
 */
#ifndef CONVERTD_TEXT_H
#define CONVERTD_TEXT_H

#include "convertd/charset.h"
#include "convertd/form.h"
#include "convertd/raster.h"

enum {
	TEXT_COLUMNS = 80, TEXT_ROWS = 60, TEXT_MARKS = 2,	/* marks: over one character */
	TEXT_DPI = 400, TEXT_WIDTH_PX = 3456, TEXT_ROWS_PX = 11 * TEXT_DPI
};

struct text_how { enum charset charset; bool flowed, delsp; };

/* A place in the text.  line, depth: of the line it is in, where its content begins and how deep it is quoted;
 * set as soon as that has been looked at (begun). */
struct text_at { size_t at, line; uint32_t depth; bool begun; };

struct text {
	struct span file;		/* borrowed; without the white space at its end */
	struct text_how how;
	struct text_at *page;		/* owned: where each begins */
	uint32_t npage;
};

/* The characters of a page as they stand.  TEXT_NOTHING: the right half of a wide one. */
enum { TEXT_NOTHING = 0 };
struct text_row { uint32_t n, code[TEXT_COLUMNS], mark[TEXT_COLUMNS][TEXT_MARKS]; };
struct text_page { uint32_t n; struct text_row row[TEXT_ROWS]; };

/*
 * Finds the pages, at least one.  -1: ERR_PERM 5.6.1 it is no text, since it has octets of 0; 5.6.5 more pages
 * than the limits allow; ERR_TEMP.
 */
int text_open(struct span file, const struct text_how *how, const struct limits *max, struct text *out,
    struct err *e);
void text_free(struct text *t);

/* What stands on page i. */
void text_page(const struct text *t, uint32_t i, struct text_page *out);

/* The page as a new raster of TEXT_WIDTH_PX by TEXT_ROWS_PX: raster_free.  -1: ERR_TEMP. */
int text_draw(const struct text *t, uint32_t i, struct raster *r, struct err *e);

#endif
