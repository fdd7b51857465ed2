/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/origin.h - a message as a local program gives it becomes one that may travel (RFC 6409 8, H14):
 * the fields that it lacks, whole addresses, no Bcc, CRLF lines; its recipients, if asked.
 */
#ifndef CMD_ORIGIN_H
#define CMD_ORIGIN_H

#include "lib/buf.h"
#include "lib/msg.h"

enum { ORIGIN_RCPT = 50000, ORIGIN_LINE = 998 };	/* RFC 5322 2.1.1 */

struct origin {
	const char *host;		/* what short addresses get, and Message-ID has */
	/* Asked for a tag once all recipients are known (as submit_tag); NULL: nobody is. */
	void (*make_tag)(void *arg, struct span rcpts, char tag[TAG_TEXT]);
	void *tag_arg;
	char tag[TAG_TEXT];		/* set by origin_message: in Message-ID, unless there was one, or it is "" */
	const char *from;		/* From's address, if the message has no such field */
	const char *name;		/* and its name, or "" */
	bool from_header;		/* To, Cc and Bcc say who gets it */
	struct buf rcpt;		/* NUL-terminated addresses; those that were there stay */
	uint32_t nrcpt;
};

/* "local" or "local@domain" becomes an address with a domain, NUL and all, in out.  -1: ERR_PERM. */
int origin_address(const struct origin *o, const char *word, struct buf *out, struct err *e);

/* Adds the mailboxes of a word of the command line, a list as a header field has it: "a@b, Joe <c@d>".
 * -1: ERR_PERM, it is none, or has none. */
int origin_rcpts(struct origin *o, const char *word, struct err *e);

/*
 * text: lines that end in LF or CRLF.  Appends the message to out.  -1: ERR_PERM, a header or a MIME
 * body that cannot be sent as it is; ERR_TEMP.
 */
int origin_message(struct origin *o, struct span text, struct buf *out, struct err *e);

#endif
