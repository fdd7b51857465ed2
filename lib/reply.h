/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/reply.h - replies of an SMTP server (RFC 5321, 4.2), read from a stream of octets that may be
 * hostile.  Pure.  Work and memory are bounded; a reply over the limits for text is still read to
 * its end (its code counts, its text does not), so one recipient's reply cannot end a session.
 */
#ifndef LIB_REPLY_H
#define LIB_REPLY_H

#include "lib/buf.h"

enum {
	REPLY_MAX_LINE = 70000,		/* octets kept of a line: a whole capability list in one */
	REPLY_MAX_LINES = 2048,		/* lines kept */
	REPLY_MAX_TEXT = 128 * 1024,	/* octets kept of all lines' text */
	REPLY_MAX_OCTETS = 4 << 20	/* octets of a reply before the server is given up */
};

struct reply {
	uint16_t code;		/* 200..599, of the last line read */
	bool over;		/* some text was not kept: what is there is not all */
	struct buf text;	/* each line without code and separator, and LF; octets as they came */
	uint32_t nline;
	/* the parser's own */
	struct buf line;	/* a line of which the end is not there yet */
	size_t octets;
	bool cr, cut;
};

/* Allocates nothing.  reply_clear makes it ready for the next reply and keeps its memory. */
void reply_init(struct reply *r);
void reply_clear(struct reply *r);
void reply_free(struct reply *r);

/*
 * Reads on: *used is how much of in belongs to this reply.  1: it is complete; 0: more is needed
 * (all of in was used).  -1: ERR_PROTO 4.5.0: no reply code, code outside 200..599, lines of several
 * classes, LF without CR before it, or endless; ERR_TEMP memory.  Missing text is fine; a CR or NUL
 * inside a line is an octet of its text.
 */
int reply_feed(struct reply *r, struct span in, size_t *used, struct err *e);

/* Takes the next line's text off *rest (which starts as buf_view(&r->text)). */
bool reply_line(struct span *rest, struct span *line);

/* An enhanced status code (RFC 2034: class 2, 4 or 5) and the spaces after it, at the start of text:
 * *rest is what follows.  false: none there, *rest is text. */
bool reply_enhanced(struct span text, struct span *status, struct span *rest);

/* The enhanced code of the first line that has one of the reply code's class; else X.0.0. */
void reply_dsn(const struct reply *r, char out[12]);

/* "550 5.1.1 no such user", or "550-mailbox unavailable 550 user has moved": the reply as RFC 3461, 9.2,
 * writes it, its lines joined by a space; printable ASCII.  cap: below REPLY_PRINT; cut as text_cut does. */
enum { REPLY_PRINT = 1024 };
void reply_print(const struct reply *r, char *out, size_t cap);

#endif
