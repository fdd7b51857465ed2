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

/* An image that we can read, if it is what it says: part_is_tiff, image/jpeg, image/png, or
 * application/octet-stream with such a name (.jpg, .jpeg, .png). */
bool part_is_image(const struct mime_part *p);

/* A body that is there to be read: every recipient takes it (RFC 3965 and its operation draft). */
bool part_is_body(const struct mime_part *p);

/* A text/plain that says so in its header and may become pages: attached, or with a Content-Convert of its own. */
bool part_is_text(const struct mime_part *p);

/* Either of them: what is opened and drawn, and may become fax pages. */
bool part_is_drawn(const struct mime_part *p);

/* image/tiff, image/tiff-fx, or application/octet-stream with such a name (.tif, .tiff, .tfx). */
bool part_is_tiff(const struct mime_part *p);

/* Neither signed, encrypted, in a report, nor read in two ways; in an encoding that is known. */
bool part_may_change(const struct mime_part *p);

/* May a note stand in its place?  One of a multipart's parts, with none of its own, of which the same is true
 * but for the encoding. */
bool part_may_go(const struct mime *m, uint32_t part);

/* A multipart/alternative whose branches can be told apart, of which there are several, and in which nothing
 * is signed, encrypted or in a report: the only kind of which branches are ever left out. */
bool part_is_choice(const struct mime *m, uint32_t part);

bool part_is_alternative(const struct mime_part *p);

/* Where what is in the part ends: the index of the next one that is not. */
uint32_t part_next(const struct mime *m, uint32_t part);

/* What the sender lets become of a part.  owned: part_permission_free. */
struct part_permission {
	struct contfield_convert convert;	/* its own Content-Convert */
	struct contfield_drucof drucof;		/* prohibited also by a Content-Convert that permits nothing, and by
						 * what says so of the attached message that it is in */
	struct feat *any;
};
int part_permission(const struct mime *m, uint32_t part, struct part_permission *out, struct err *e);
void part_permission_free(struct part_permission *p);

/*
 * The forms that the part may be given, NULL: none.  By Content-Convert; drucof: without one too, any
 * (negotiation by DRUCOF, where a request is a permission).  Borrowed.
 */
const struct feat *part_permits(const struct part_permission *p, bool drucof);

/* What is said of leaving out branches of a choice.  owned: part_choice_free. */
struct part_choice {
	struct part_permission permission;	/* of the multipart itself */
	uint32_t prohibited;			/* branches in which something must not be changed */
	uint32_t kept;				/* branches of which not all may be left out (omission-permitted) */
};
int part_choice(const struct mime *m, uint32_t part, struct part_choice *out, struct err *e);
void part_choice_free(struct part_choice *c);

/*
 * Why all other branches than that one may be left out, as bits.  LEAVE_DRUCOF: under DRUCOF, for all of them
 * may.  LEAVE_CONVERT: the choice's Content-Convert permits it, if the branch is in part_permits of it.
 * branch MIME_NONE: of whatever branch.
 */
enum part_leave { LEAVE_DRUCOF = 1, LEAVE_CONVERT = 2 };
int part_may_leave(const struct mime *m, const struct part_choice *c, uint32_t branch, unsigned *ways,
    struct err *e);

/* An open image of a message; image points into file. */
struct part_image { struct buf file; struct image image; };
/* Decodes and opens it, an image or text.  -1: ERR_PERM the part is unreadable (why: e->what); ERR_TEMP memory. */
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
