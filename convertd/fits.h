/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/fits.h - is content in a feature set?  Pure. */
#ifndef CONVERTD_FITS_H
#define CONVERTD_FITS_H

#include "convertd/part.h"

/* Every page must fit on its own (RFC 2879, 4.7).  1, 0, -1: ERR_TEMP, or over a limit of feature sets. */
int fits_image(const struct image *img, const struct feat *set, struct err *e);

/*
 * A part that we cannot look into is known by its type, by which it is processed (RFC 2912, 3.2.1), and by
 * its Content-Features, without which a TIFF (tiff) is not known at all.  1, 0, -1: ERR_TEMP.
 */
int fits_said(const struct mime_part *p, bool tiff, const struct feat *set, struct err *e);

#endif
