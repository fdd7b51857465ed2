/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/describe.h - a message that permits conversions says what its contents are: where a part has a
 * Content-Convert, it has a Content-Features (RFC 4141, 7: MUST).  Who originates a message, or takes a
 * submission, sees to that here.  The message is only looked at; what it lacks is told.
 */
#ifndef LIB_DESCRIBE_H
#define LIB_DESCRIBE_H

#include "lib/buf.h"

enum { DESCRIBE_MAX = 64 * 1024 * 1024 };	/* octets of a filter, of a field */

/* Appends the features of a fax image.  -1: ERR_PERM it cannot be read; ERR_TEMP. */
typedef int describe_image(void *arg, struct span image, struct buf *out, struct err *e);

struct describe {
	describe_image *image;
	void *image_arg;
	/* A whole field that is to stand at that octet of the message; they come in their order. */
	int (*put)(void *arg, size_t at, struct span field, struct err *e);
	void *put_arg;
	/* Who cannot say it permits this: where no part has a Content-Convert, each that is content, well formed and
	 * not protected gets this one ("ANY", "NONE", a filter).  NULL: none does. */
	const char *convert;
};

/*
 * Tells the fields that message, lines of CRLF, lacks, each before its part's Content-Convert: of an image what
 * image says of it, of other content its type, of a multipart all that is in it.  Messages attached originate
 * elsewhere, and stay.
 * 1: there were some; 0; -1: ERR_PERM 5.6.0, a text that names the part: an image that cannot be read, or a part
 * that is signed, encrypted, or not well formed, so that nothing can be added to it; ERR_TEMP; or put said so.
 */
int describe_parts(struct span message, const struct describe *how, struct err *e);

/* Appends "NAME: FILTER" and CRLF, folded only where RFC 4141 allows; what is no filter but a word is not
 * folded. */
int describe_field(const char *name, struct span filter, struct buf *out, struct err *e);

#endif
