/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/mailbox.h - lines of the setting mailboxes, "ADDRESS DELIVERY": whose mail goes where.  Pure.
 */
#ifndef LIB_MAILBOX_H
#define LIB_MAILBOX_H

#include "lib/buf.h"
#include "lib/span.h"

/* Finds by address (local part in any case, unquoted), then "@domain", then the built-in postmaster (of
 * any domain: RFC 5321 4.5.1).  1: *delivery points into the lines or is static; 0. */
int mailbox_find(const struct span *lines, uint32_t n, struct span addr, struct span *delivery);
int mailbox_check(struct span line, struct err *e);
/* Its address, without quoting and case. */
int mailbox_keys(struct span line, struct buf *out, struct err *e);

enum mailbox_kind { MAILBOX_MAILDIR, MAILBOX_MBOX, MAILBOX_LMTP, MAILBOX_PIPE, MAILBOX_ALIAS };
/* "maildir:PATH" -> kind, and what is behind the colon, which points into text.  -1: ERR_PERM, no delivery,
 * or a kind that this version does not serve; *e says what was expected. */
int mailbox_delivery(struct span text, enum mailbox_kind *kind, struct span *arg, struct err *e);

#endif
