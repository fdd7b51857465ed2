/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/tiff_write.h - emits TIFF-FX in the order that RFC 3949 3.5 demands of Profile S, for F,
 * J and C too: header, then for each page IFD, the two resolutions (of colour, its bits too), its one strip.
 */
#ifndef CONVERTD_TIFF_WRITE_H
#define CONVERTD_TIFF_WRITE_H

#include "convertd/form.h"

/* Where a file under way keeps what it must fill in later; all in out. */
struct tiff_out {
	struct buf *out;		/* borrowed; the file starts at .start in it */
	size_t start;
	size_t link;			/* of the offset that leads to the next IFD */
	size_t strip, count_at;		/* of the page begun: its data, its StripByteCounts */
	uint32_t page, pages;
};

/* Appends the header of a file of so many pages (1 to 65535). */
int tiff_out_start(struct tiff_out *t, struct buf *out, uint32_t pages, struct err *e);

/* Appends IFD and resolutions of the next page; the caller then appends its strip, FillOrder 2; a JPEG as it
 * is. */
int tiff_out_page(struct tiff_out *t, const struct form *form, uint32_t rows, struct err *e);

/* The strip is there: its length is filled in.  After the last page the file is complete. */
int tiff_out_strip(struct tiff_out *t, struct err *e);

/* The T4Options that we write for a coding: MH with EOLs on octet boundaries, MR without. */
uint32_t tiff_out_t4(enum coding coding);

#endif
