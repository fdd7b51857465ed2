/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/mailbox.h - lines of the setting mailboxes, "ADDRESS DELIVERY": whose mail goes where.  Pure.
 */
#ifndef LIB_MAILBOX_H
#define LIB_MAILBOX_H

#include "lib/confline.h"

enum { MAILBOX_EXT = 256 };	/* octets of an extension with its NUL: no local part is longer */
struct mailbox_match {
	enum mailbox_how {
		MAILBOX_NONE,
		MAILBOX_EXACT,		/* a line has the address */
		MAILBOX_EXTENDED,	/* a line has it without its extension */
		MAILBOX_REST,		/* "@domain", for all that have no line of their own */
		MAILBOX_ROLE		/* none has it, and yet it has to work: see mailbox_is_role */
	} how;
	struct span delivery;		/* into the lines, or static */
	char ext[MAILBOX_EXT];		/* of MAILBOX_EXTENDED: what is behind the delimiter, unquoted; else "" */
};
/*
 * Whose mail is it?  The local part counts in any case and unquoted.  A line with the address comes first,
 * then one with what is before a delimiter (of these the longest), then "@domain", then the roles.
 * delimiters: the setting recipientdelimiter, "" for none.  true: there is one.
 */
bool mailbox_find(const struct span *lines, uint32_t n, const char *delimiters, struct span addr,
    struct mailbox_match *out);

/*
 * Addresses that work in each domain here, in any case: postmaster (RFC 5321, 4.5.1), and abuse, noc and security
 * (RFC 2142, 2 and 4), whose mail postmaster of that domain gets.
 */
bool mailbox_is_role(struct span addr);
bool mailbox_is_postmaster(struct span addr);

/*
 * The next shorter spelling of addr without an extension: local part up to its last delimiter before *at (start with
 * addr.n), and the domain.  Appends to out, unquoted and quoted anew if it was.  1; 0: there is none; -1: memory.
 */
int mailbox_base(struct span addr, const char *delimiters, size_t *at, struct buf *out, struct err *e);

int delimiter_check(struct span line, struct err *e);	/* recipientdelimiter */
/* Of that setting: "" for its "none". */
const char *delimiters_of(const char *setting);
int mailbox_check(struct span line, struct err *e);
/* Its address, without quoting and case. */
int mailbox_keys(struct span line, struct buf *out, struct err *e);

enum mailbox_kind { MAILBOX_MAILDIR, MAILBOX_MBOX, MAILBOX_LMTP, MAILBOX_PIPE, MAILBOX_ALIAS };
/* "maildir:PATH" -> kind, and what is behind the colon, which points into text.  -1: ERR_PERM, no delivery,
 * or a kind that this version does not serve; *e says what was expected. */
int mailbox_delivery(struct span text, enum mailbox_kind *kind, struct span *arg, struct err *e);

/* A socket's path with its NUL (unix(7)). */
enum { MAILBOX_SOCKET = 108 };
/* What is behind "lmtp:".  1: an address and port, in *tcp; 0: a socket's path, which has a "/" in it; -1: ERR_PERM,
 * neither. */
int mailbox_lmtp(struct span arg, struct netaddr *tcp, struct err *e);

enum { MAILBOX_USER = 33 };	/* an account's name with its NUL */
/* What is behind "pipe:", "USER:COMMAND".  -1: ERR_PERM. */
int mailbox_pipe(struct span arg, struct span *user, struct span *command, struct err *e);

/* The kind of delivery of a line that was checked. */
enum mailbox_kind mailbox_line_kind(struct span line);

#endif
