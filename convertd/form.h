/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/form.h - the forms of a bi-level fax page that accord can make, and their choice.
 * A form is one member of a feature set, down to what the writer needs to know.
 */
#ifndef CONVERTD_FORM_H
#define CONVERTD_FORM_H

#include "lib/features.h"

/*
 * Those that we write, GREY and COLOUR being the JPEG of Profile C; those that we only read: OTHER is private JBIG,
 * the others are pictures and text.
 */
enum coding { CODING_MH, CODING_MR, CODING_MMR, CODING_JBIG, CODING_GREY, CODING_COLOUR, CODING_OTHER, CODING_JPEG,
	CODING_PNG, CODING_TEXT };
/* What a page has to show. */
enum shades { SHADES_BINARY, SHADES_GREY, SHADES_COLOUR };
/* What a coding can show: of those that we write. */
static inline enum shades
coding_shades(enum coding c)
{
	return c == CODING_COLOUR ? SHADES_COLOUR : c == CODING_GREY ? SHADES_GREY : SHADES_BINARY;
}
/* How a file is laid out: RFC 2879 3.7.  TIFF: readable, but not as RFC 3949 3.5 or 4.4.6 says. */
enum structure { STRUCTURE_MINIMAL, STRUCTURE_LIMITED, STRUCTURE_TIFF };
enum paper { PAPER_A4, PAPER_B4, PAPER_A3 };	/* width class: 1728, 2048, 2432 at 200 dpi */

/* One page's form.  dpi: nominal, one of RFC 3949 2.2.2's pairs. */
struct form {
	enum coding coding;
	enum paper paper;
	uint16_t dpi_x, dpi_y;
};

/* A page as it is seen; turned: its rows are columns of the file, so its resolutions are exchanged. */
struct form_page {
	struct form form;
	uint32_t width_px, length_px;
	bool turned;
	enum shades shades;
};

struct limits {
	uint32_t width_px, length_px;	/* of a page */
	uint64_t page_px, job_px;	/* pixels of a page, of all pages */
	uint32_t pages, tags;		/* of a file, of one IFD */
	uint64_t out_octets;		/* of a result */
	uint32_t cpu_s;			/* of a job */
	bool look_only;			/* nothing is made of what is read: no converter runs here */
};
extern const struct limits fax_limits;	/* 4864, 20000, 100 M, 2 G, 1000, 200 … */

/* Legal width in pixels for a form (RFC 3949 2.2.2): 1728 for A4 at 200/204, 3456 at 400/408 … */
uint32_t form_width(const struct form *f);

/* Is it one of the legal combinations, and a coding that we write?  Of Profile C the dots are square. */
bool form_legal(const struct form *f);

/* Is a file of such pages image/tiff-fx, and not image/tiff (RFC 3949 10)? */
bool form_is_fx(const struct form *f);

/* The inch value that RFC 3949 2.2.2 makes equal to dpi: 204 is 200, 391 is 400; 0: no fax dpi. */
uint16_t form_nominal(uint16_t dpi);

/*
 * The legal form for what a file says of itself, whose coding is in *f: dpi in thousandths (a writer's 203.2 is 204, its
 * 204x200 is 204x196), width in pixels.  *f: paper and dpi are set.  -1: ERR_PERM 5.6.1.
 */
int form_of_size(uint64_t x_mdpi, uint64_t y_mdpi, uint32_t width_px, struct form *f,
    struct err *e);

/* May a file of such pages be Profile S: MH, 1728 pixels, 200 or 204, not more than 200 lines? */
bool form_minimal(const struct form *f);

/*
 * The length that is stated of a page of so many rows, in 254ths of an inch as RFC 2880 has them: that of the
 * shortest paper, letter, A4, legal, B4 or A3, that is at most 4 % shorter (scans are a little longer than
 * their paper, and 204x196 makes 2 % of 200x200); of a longer page whole inches, rounded up.
 */
uint32_t form_length(const struct form *f, uint32_t rows);

/*
 * Appends "(& (color=Binary)(image-coding=MMR)…": the document's features, nominal width and length, for a
 * page of so many rows in a file of the structure given; stripe: L0 of JBIG; of COLOUR, 1 if chroma is not
 * subsampled.  paper-size is stated where
 * width and length agree on it; a letter's is A4 too, which it is shorter than.
 */
int form_features(const struct form *f, enum structure structure, uint32_t stripe, uint32_t rows,
    struct buf *out, struct err *e);

/* Appends "MMR/200x200/A4", which form_scan reads back.  Used as the key of a batch. */
int form_print(const struct form *f, struct buf *out, struct err *e);
int form_scan(struct span text, struct form *out, struct err *e);

/*
 * The best forms for the n pages of one file, out[n]: in caps and in permitted, made by us; of all shades that the
 * pages have and the device takes, colour before grey before black and white; by dpi closest
 * to but not above the source's (both axes; never 98 lines where 196 is taken; the paper width is
 * kept if taken, else the next smaller that is), then fewest octets: JBIG, MMR, MR, MH.
 * One file is of one profile, so JBIG does not mix with the others, and MH counts as TIFF-minimal only
 * if every page is.  The profile that keeps most pixels is taken; then J before F before S.
 * 1: out is set; 0: there is none; -1: error of the feature sets.
 */
int form_choose_file(const struct form_page *src, uint32_t n, const struct feat *caps,
    const struct feat *permitted, struct form *out, struct err *e);

/*
 * How a page of f, of so many rows, in a file of that structure, stands to both sets; permitted NULL: nothing is.
 * -1: error of the feature sets.
 */
enum form_verdict { FORM_FITS, FORM_NOT_PERMITTED, FORM_NOT_TAKEN, FORM_VERDICTS };
int form_judge(const struct form *f, enum structure structure, uint32_t rows, const struct feat *caps,
    const struct feat *permitted, enum form_verdict *out, struct err *e);

/* The resolutions of RFC 3949 in the order of what they keep, one by one from 0.  false: there are no more. */
bool form_resolution(unsigned i, struct form *f);

/*
 * Appends a line for each coding that we write: which resolutions of the page are chosen, would do, are not permitted,
 * are not taken; those above the source's are not there.  chosen NULL: none is.  -1: as form_judge, buf_add.
 */
int form_explain(const struct form_page *src, const struct form *chosen, const struct feat *caps,
    const struct feat *permitted, struct buf *out, struct err *e);

/*
 * Chosen forms are in caps by the rule that 204x196 is 200x200 (RFC 3949 2.2.2).  Where the machine
 * itself names only one of such a pair, that one is stated: own is what it says, parsed with
 * FEAT_OWN_DPI; src: the pages that f was chosen for.  Changes no pixel.  -1: error of the feature sets.
 */
int form_own_dpi(struct form *f, const struct form_page *src, uint32_t n, const struct feat *own,
    const struct feat *permitted, struct err *e);

#endif
