/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/part.h - a part of a message as convertd sees it: is it a fax image, may it be changed,
 * and into what.  The plan and the conversion ask the same functions, so they agree.
 */
#ifndef CONVERTD_PART_H
#define CONVERTD_PART_H

#include "convertd/image.h"
#include "lib/contfield.h"

/* image/tiff, image/tiff-fx, or application/octet-stream with such a name (.tif, .tiff, .tfx). */
bool part_is_image(const struct mime_part *p);

/* Neither signed, encrypted, in a report, nor read in two ways; in an encoding that is known. */
bool part_may_change(const struct mime_part *p);

/* An open image of a message; image points into file. */
struct part_image { struct buf file; struct image image; };
/* Decodes and opens it.  -1: ERR_PERM the part is unreadable (why: e->what); ERR_TEMP memory. */
int part_image_open(const struct mime_part *p, const struct limits *max, struct part_image *out,
    struct err *e);
void part_image_free(struct part_image *i);

/* Appends the part's file name: the parameter filename or name, in that order; "" if none. */
int part_filename(const struct mime_part *p, struct buf *out, struct err *e);

/* The fields that a conversion may replace. */
enum part_field { FIELD_TYPE, FIELD_ENCODING, FIELD_FEATURES, FIELD_MD5, FIELD_DISPOSITION,
	FIELD_OTHER };
enum part_field part_field_of(struct span name);

/* Any "Content-…" field: new ones stand before the first of them. */
bool part_field_is_content(struct span name);

#endif
