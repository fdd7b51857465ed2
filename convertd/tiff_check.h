/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/tiff_check.h - is a file what RFC 3949 says of Profile S, F, J or C, to the letter?
 * The reader takes more than this; the writer must never write less.
 */
#ifndef CONVERTD_TIFF_CHECK_H
#define CONVERTD_TIFF_CHECK_H

#include "convertd/form.h"

struct tiff_verdict {
	char profile;		/* 'S', 'F', 'J' or 'C' */
	bool limited;		/* each IFD before its data, all in the order of pages (4.4.6) */
};

/* -1: ERR_PERM 5.6.5 naming tag and rule (5.6.1 from the reader), ERR_TEMP. */
int tiff_check(struct span file, const struct limits *max, struct tiff_verdict *out,
    struct err *e);

#endif
