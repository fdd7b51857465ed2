/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/describe.h - a message that permits conversions says what its contents are: where a part has a
 * Content-Convert, it has a Content-Features (RFC 4141, 7: MUST).  Who originates a message sees to that
 * here.
 */
#ifndef CMD_DESCRIBE_H
#define CMD_DESCRIBE_H

#include "lib/describe.h"

/*
 * message: lines of CRLF; gets the fields that it lacks, each before its part's Content-Convert: of an image
 * what image says of it, of other content its type, of a multipart all that is in it.  As it was stays what
 * lacks none, and what was on its way already, having a Received field, and so originates elsewhere, as do
 * messages attached to it.
 * -1: ERR_PERM 5.6.0, a text that names the part: an image that cannot be read, or a part that is signed,
 * encrypted, or not well formed, so that nothing can be added to it; ERR_TEMP.  message is as it was.
 */
int describe_message(struct buf *message, describe_image *image, void *arg, struct err *e);

#endif
