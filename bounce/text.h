/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* bounce/text.h - octets from outside, made fit to stand in a report. */
#ifndef BOUNCE_TEXT_H
#define BOUNCE_TEXT_H

#include "lib/buf.h"

enum { TEXT_LINE = 990, TEXT_FOLD = 76, TEXT_QP_LINE = 76 };

/* Paragraph text, wrapped: the first line behind lead, the others indented by indent spaces. */
int text_wrap(struct buf *out, const char *lead, unsigned indent, struct span s, struct err *e);

/* An SMTP reply as reply_print writes it: each of its lines begins one, and is folded where it is long;
 * without the folds it is the same octets.  One that was cut ends as a reply does (RFC 3461, 9.2). */
int text_reply(struct buf *out, const char *lead, unsigned indent, struct span s, struct err *e);

/* quoted-printable (RFC 2045, 6.7); CRLF, LF and CR end lines. */
int text_qp(struct buf *out, struct span s, struct err *e);

enum text_kind {
	TEXT_7BIT,	/* ASCII, CRLF lines of at most 998 octets, no NUL */
	TEXT_8BIT,	/* the same with 8-bit octets */
	TEXT_BINARY	/* neither */
};
enum text_kind text_kind(struct span s);

#endif
