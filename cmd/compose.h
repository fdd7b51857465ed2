/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/compose.h - a new message from a text and files, with the permission the sender gives. */
#ifndef CMD_COMPOSE_H
#define CMD_COMPOSE_H

#include "cmd/client.h"

enum { COMPOSE_ATTACHMENTS = 32, COMPOSE_MAX = 64 * 1024 * 1024 };

struct compose {
	const char *from, *subject;	/* from: From's address, never empty */
	const char *convert;		/* Content-Convert's value, or NULL */
	const char *host;		/* of Message-ID */
	bool bare;			/* without Date and Message-ID, which come on top later */
	const char *tag;		/* of Message-ID, before the "@"; NULL or "": one by chance */
	char *const *to;
	int nto;
	const char *attach[COMPOSE_ATTACHMENTS];
	int nattach;
};

/*
 * Appends the message: text (may be empty), then each file as a part of its own; image parts with
 * Content-Features (converter describes them) and Content-Convert (RFC 4141 7: never one without the
 * other).  With no file: text as it is when it begins with header fields, else as text/plain.
 */
int compose_message(const struct compose *c, struct span text, struct own_converter *converter,
    struct buf *out, struct err *e);

/* One image file alone as a message: what `accord convert` gives to convertd. */
int compose_image(struct span file, const char *type, const char *convert, struct buf *out, struct err *e);

/*
 * Appends text in other letters than ASCII as encoded words (RFC 2047 2) of at most 75 octets, each on
 * a line of its own behind a space, none cut within a UTF-8 character; no line end behind the last.
 */
int compose_words(struct span text, struct buf *out, struct err *e);

/* Appends Date and the Message-ID of that part before the "@": what a bare message lacks. */
int compose_top(const char *left, const char *host, struct buf *out, struct err *e);

/* Appends s with every line ended by CRLF. */
int compose_lines(struct span s, struct buf *out, struct err *e);

#endif
