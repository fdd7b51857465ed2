/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/edit.h - edit lists: a message is never rewritten, only read through a list of "copy this
 * range of the original" and "insert these octets".  Who sends checks the list against the ranges
 * that another process found convertible, so a hostile image can spoil its own part and no other.
 */
#ifndef LIB_EDIT_H
#define LIB_EDIT_H

#include "lib/buf.h"

enum { EDIT_MAX_OPS = 65536 };	/* operations of a list */

enum edit_op {
	EDIT_COPY,	/* off, len: of the message */
	EDIT_HEADER,	/* off, len: of the list's text: whole "Content-…" fields, CRLF lines */
	EDIT_BODY,	/* off, len: of the list's text: lines of base64, CRLF, at most 76 */
	EDIT_NOTE,	/* off, len: of the list's text: a part that stands for one left out (lib/edit_note.h) */
	/* Where only the transfer encoding changes (lib/edit_recode.h): */
	EDIT_FIELD,	/* Content-Transfer-Encoding, and what a message without MIME needs with it */
	EDIT_QP,	/* the body that is left out there, in quoted-printable */
	EDIT_BASE64,	/* the same in base64 */
	EDIT_SOFT	/* "=", before the line end that the last line of a quoted-printable body lacks */
};
struct edit { uint8_t op; uint64_t off, len; };

struct edit_list {
	struct edit *edit;	/* owned */
	size_t n;
	struct span text;	/* what is inserted; borrowed from the memfd's mapping */
	uint64_t size;		/* octets of the message that results */
};

/* What a hop can take. */
enum edit_transfer {
	EDIT_AS_IS,
	EDIT_TO_7BIT,	/* RFC 6152, 3: no 8BITMIME */
	EDIT_TO_8BIT	/* RFC 3030, 3: no BINARYMIME */
};

enum edit_range_kind {
	RANGE_HEADER,	/* one whole field that may be cut, and fields may be inserted at its start; len 0: only
			 * that */
	RANGE_BODY,	/* an encoded body, replaced whole or not at all */
	/* About other ranges, which come behind them and count unless the whole is left out: */
	RANGE_PART,	/* a part, header and body: a note may stand for it */
	RANGE_CHOICE,	/* the branches of a multipart/alternative, which are all that lies directly in it; not all
			 * of them may be left out */
	RANGE_BRANCH,	/* one of them, with the delimiter line before it: may be left out */
	/* As RANGE_HEADER, of a multipart/alternative: the record of what was done to it. */
	RANGE_RECORD
};
struct edit_range { uint64_t off, len; uint8_t kind; };

/* Appends the list's form in a memfd: header, operations, then text. */
int edit_encode(const struct edit_list *l, struct buf *out, struct err *e);
/* in must outlive *out (edit_free).  -1 ERR_PROTO: not ascending, or out of bounds. */
int edit_decode(struct span in, uint64_t msg_len, struct edit_list *out, struct err *e);
void edit_free(struct edit_list *l);

/* Ascending, within msg_len, not overlapping, unless they lie in one that is about them.  -1: ERR_PROTO. */
int edit_ranges_ok(uint64_t msg_len, const struct edit_range *range, size_t n, struct err *e);

/*
 * 0: what is left out is whole ranges; what is inserted stands at the start of a range of its kind
 * and has that kind's shape: in a header only the fields that a conversion gives, of printable
 * ASCII lines and no blank one, in a body nothing but base64, for a part one note, for a branch nothing.
 * -1 ERR_PROTO.
 */
int edit_check(const struct edit_list *l, uint64_t msg_len, const struct edit_range *range,
    size_t n, struct err *e);

/*
 * The same for a list that may change transfer encodings besides: such a body is, decoded, octet for
 * octet what is left out there, under a field that says so; and the result has no octet that the
 * target forbids (lib/edit_recode.h).
 */
int edit_check_transfer(const struct edit_list *l, struct span message, enum edit_transfer to,
    const struct edit_range *range, size_t n, struct err *e);

/* Walks the result in order: calls put for each piece.  -1: what put returned. */
int edit_walk(const struct edit_list *l, struct span message,
    int (*put)(void *arg, struct span piece, struct err *e), void *arg, struct err *e);

#endif
