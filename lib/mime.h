/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/mime.h - header fields and MIME structure (RFC 5322, 2045, 2046), read in place: every span
 * points into the message, so that what is changed can be named as a range of it.
 * Where two readers could see different parts, the part is marked broken, not guessed.
 */
#ifndef LIB_MIME_H
#define LIB_MIME_H

#include "lib/buf.h"
#include "lib/transfer.h"

enum {
	MIME_MAX_DEPTH = 16,		/* nested multiparts */
	MIME_MAX_MESSAGES = 3,		/* nested messages that are gone into */
	MIME_MAX_PARTS = 1024,		/* of a message */
	MIME_MAX_HEADER = 262144,	/* octets of one header */
	MIME_MAX_FIELDS = 1024,		/* of one header */
	MIME_MAX_BOUNDARY = 70,		/* RFC 2046, 5.1.1 */
	MIME_MAX_COMMENT = 32		/* nested comments */
};
#define MIME_NONE UINT32_MAX

/* A field as it stands.  An empty name: a line that is no field. */
struct mime_field {
	struct span name;	/* without white space before the colon */
	struct span value;	/* after the colon, folded as it came, without the last CRLF */
	struct span whole;	/* all its lines with their CRLFs */
};

/* Takes the next field off *header, a header without its blank line.  false: none is left. */
bool mime_field_next(struct span *header, struct mime_field *f);

/* How many fields of that name; the first one is *f (untouched for 0). */
uint32_t mime_field_find(struct span header, const char *name, struct mime_field *f);

/* Appends value with its folds undone (RFC 5322, 2.2.3) and no white space at its ends. */
int mime_unfold(struct span value, struct buf *out, struct err *e);

/* Passes over white space, folds and comments (RFC 5322, 3.2.2).  -1: ERR_PERM 5.6.0. */
int mime_cfws(struct span *s, struct err *e);

/* One parameter of Content-Type or Content-Disposition. */
struct mime_param {
	struct span name;	/* as spelled, with RFC 2231's "*" if it has one */
	struct span value;	/* between the quotes, if it has some; backslashes are still in it */
	bool quoted;
};

/*
 * Reads the word or type/subtype that a structured value starts with; *rest is what follows it,
 * for mime_param_next.  Comments are passed over.  -1: ERR_PERM 5.6.0.
 */
int mime_value(struct span value, struct span *word, struct span *rest, struct err *e);

/* The next parameter: 1; none left: 0; -1: ERR_PERM 5.6.0 not the grammar of RFC 2045, 5.1. */
int mime_param_next(struct span *rest, struct mime_param *p, struct err *e);

/* Appends a parameter's value without its backslashes. */
int mime_param_text(const struct mime_param *p, struct buf *out, struct err *e);

/* One entity.  The first is the message itself; parts follow in the order of the message. */
struct mime_part {
	uint32_t parent;	/* index of its multipart, or of the part that it is the message of; or MIME_NONE */
	uint32_t number;	/* its place in it, from 1 */
	uint32_t root;		/* index of the message that it is in, or is: 0, or an attached one's */
	struct span whole;	/* with the delimiter line before it, if it is in a multipart */
	struct span header;	/* without the blank line */
	struct span body;	/* as encoded; without the line end that belongs to a boundary */
	struct span type;	/* "image/tiff" as spelled; "" if there is none or it is broken */
	enum transfer transfer;
	bool multipart;		/* its parts were found */
	bool message;		/* message/rfc822 that was gone into: its message is the entity behind it */
	bool digest_part;	/* in a multipart/digest: without a type it is message/rfc822 */
	bool protected;		/* signed or encrypted, or inside what is */
	bool report;		/* a multipart/report, or inside one */
	bool broken;		/* readers could differ on it, or it is inside what they differ on */
};

struct mime {
	struct mime_part *part;	/* owned */
	uint32_t n, cap;
};

/*
 * Walks a message, and the messages attached to it (message/rfc822 in an identity encoding); one that is over
 * a limit is a part without parts.  What is signed, encrypted, in a report or broken is so to its depth.
 * 0: *out is set, freed by mime_free.  -1: ERR_PERM 5.6.5 over a limit; ERR_TEMP memory.
 */
int mime_parse(struct span message, struct mime *out, struct err *e);
void mime_free(struct mime *m);

/* Is it of this media type?  type in lower case; text/plain is also what has no type. */
bool mime_is(const struct mime_part *p, const char *type);

/* The message's own header, without the blank line; of one over MIME_MAX_HEADER its beginning.  Nothing
 * beyond it is read. */
struct span mime_message_header(struct span message);

/*
 * Is the message a DSN or MDN (RFC 6522, 3464, 8098), by its own header alone: a multipart/report, or one of
 * what such a report is about?  No allocation, nothing beyond the header is read.  false too where the type
 * is not to be had: two Content-Type fields, or one that cannot be read.
 */
bool mime_message_is_report(struct span message);

/*
 * Appends the part's path, "1.2", as IMAP's (RFC 3501, 6.4.5): a message without parts is "1", the parts of a
 * message attached as 2 are "2.1" and on.  A message that has parts is "0", or "2.0", which IMAP has no name
 * for.
 */
int mime_path(const struct mime *m, uint32_t part, struct buf *out, struct err *e);

/* The part of that path, or MIME_NONE; only paths that mime_path writes. */
uint32_t mime_by_path(const struct mime *m, struct span path);

#endif
