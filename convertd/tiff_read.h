/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/tiff_read.h - IFDs of a TIFF file, read within the file's bounds and the limits.
 * II and MM, SHORT for LONG, odd offsets and unsorted tags are read; a tag twice, a loop, strips
 * outside the file or over each other are refused (RFC 3249 5.2.3).
 */
#ifndef CONVERTD_TIFF_READ_H
#define CONVERTD_TIFF_READ_H

#include "convertd/form.h"
#include "convertd/tiff.h"

enum { TIFF_MAX_STRIPS = 100000 };	/* of all pages of one file */

struct tiff {
	struct span file;		/* borrowed */
	bool big_endian;
	uint32_t first;			/* offset of the first IFD */
};

struct tiff_ifd { uint32_t at, next; uint16_t n; };	/* at: of its count; n: entries */

/* value: the offset in the file of the first value, wherever it is; 0 if it lies outside. */
struct tiff_entry { uint16_t tag, type; uint32_t count, value; };

/* One page's fields; those that were not there have TIFF's default, or 0 where it has none. */
struct tiff_page {
	struct tiff_ifd ifd;
	uint32_t subfile, width_px, length_px, bits, compression, photometric, fill_order;
	uint32_t orientation, samples, rows_per_strip, unit, t4_options, t6_options;
	uint32_t clean_fax_data;
	struct tiff_entry decode, jpeg_tables;		/* of Profile C; .count 0: not there */
	uint32_t x_res[2], y_res[2];			/* numerator, denominator */
	struct tiff_entry offsets, counts, row_counts;	/* row_counts.count 0: not there */
	uint32_t nstrip;
};

/* The header.  -1: ERR_PERM 5.6.1, as for all below. */
int tiff_open(struct span file, struct tiff *out, struct err *e);

/* The IFD at an offset: its extent and where the next is (0: none). */
int tiff_ifd(const struct tiff *t, uint32_t at, const struct limits *max, struct tiff_ifd *out,
    struct err *e);

/* Entry i of n.  Never fails; a value outside the file has .value 0. */
struct tiff_entry tiff_entry(const struct tiff *t, const struct tiff_ifd *ifd, uint16_t i);

/* Number i of an entry of BYTE, SHORT or LONG; two of a RATIONAL are at 2i and 2i + 1, also of an SRATIONAL,
 * whose are two's complement.  0: none. */
uint32_t tiff_number(const struct tiff *t, const struct tiff_entry *en, uint32_t i);

/* All fields of a page; refuses what is neither a bi-level page nor one of Profile C, in strips.  5.6.5: over a
 * limit. */
int tiff_page(const struct tiff *t, const struct tiff_ifd *ifd, const struct limits *max,
    struct tiff_page *out, struct err *e);

/* Strip i < nstrip: its octets and its rows. */
int tiff_strip(const struct tiff *t, const struct tiff_page *p, uint32_t i, struct span *data,
    uint32_t *rows, struct err *e);

/* What JPEGTables has, empty if it is not there. */
struct span tiff_jpeg_tables(const struct tiff *t, const struct tiff_page *p);

/*
 * The values that a page of Profile C gives its samples 0 and 255: L* at 0 and 1, a*, b*; in thousandths.  As Decode
 * says, or else T.42's (RFC 3949 6.2.3).  -1: a Decode that says nothing.
 */
int tiff_decode(const struct tiff *t, const struct tiff_page *p, int32_t out[6], struct err *e);

/* Do header, IFDs and strips of all pages keep clear of each other?  0, or -1. */
int tiff_no_overlap(const struct tiff *t, const struct tiff_page *page, uint32_t n,
    struct err *e);

/* All pages of a file: *out is the caller's to free, *n of them, checked against each other. */
int tiff_pages(const struct tiff *t, const struct limits *max, struct tiff_page **out, uint32_t *n,
    struct err *e);

#endif
