/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/transfer.h - MIME's content transfer encodings (RFC 2045, 6): base64 and quoted-printable.
 * What these write is safe on any hop: lines of at most 76 octets, CRLF, printable ASCII.
 */
#ifndef LIB_TRANSFER_H
#define LIB_TRANSFER_H

#include "lib/buf.h"

enum transfer {
	TRANSFER_7BIT, TRANSFER_8BIT, TRANSFER_BINARY, TRANSFER_BASE64, TRANSFER_QP,
	TRANSFER_UNKNOWN
};

/* The mechanism by its name, in any case; "" is 7bit, the default (RFC 2045, 6.1). */
enum transfer transfer_of(struct span name);

/*
 * Appends the decoded octets.  Octets that are not of base64's alphabet are passed over (6.8); more
 * data after the padding, an odd octet at the end, "=" and no two hex digits in quoted-printable
 * are ERR_PERM 5.6.0, since readers differ on them.  out's ceiling is an ERR_PERM 5.3.4.
 * TRANSFER_UNKNOWN: ERR_PERM 5.6.1.
 */
int transfer_decode(enum transfer how, struct span in, struct buf *out, struct err *e);

/* Appends in as lines of 76 octets of base64, each with CRLF; nothing for nothing. */
int transfer_base64(struct span in, struct buf *out, struct err *e);

/*
 * Appends in as quoted-printable.  text: CRLF stays a line end; else CR and LF are encoded as any
 * octet.  "From " and "." at the start of a line are encoded (RFC 2049, 3), and "-" where a soft line
 * break puts it there, so that no line becomes a boundary.  The last line has a CRLF only if in has.
 */
int transfer_qp(struct span in, bool text, struct buf *out, struct err *e);

/* Is coded, in lines as the two above write them and nothing else, exactly plain?  No memory of note. */
bool transfer_same(enum transfer how, struct span coded, struct span plain);

#endif
