/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* local/fields.h - the fields that final delivery adds, and what those of an earlier one tell. */
#ifndef LOCAL_FIELDS_H
#define LOCAL_FIELDS_H

#include "local/form.h"

enum {
	FIELDS_ORCPT = 900,	/* octets of an original recipient that are shown */
	FIELDS_MAX = 3 * ENV_MAX_PATH + FIELDS_ORCPT + 8192 + 128	/* octets of them all */
};

/* Appends Return-Path (RFC 5321, 4.4), Delivered-To, and the sender's own spelling of that for who answers
 * with an MDN (RFC 8098, 2.3).  CRLF lines. */
int fields_final(const struct envelope *env, const struct rcpt *rcpt, struct buf *out, struct err *e);

/* Appends that the message, converted, is no longer what its sender signed, and logs it; nothing where that
 * is not so.  to: for the log. */
int fields_broken(const struct delivery *d, const struct content *c, struct span to, struct buf *out, struct err *e);

/* Does the message's header say that it was delivered to rcpt before?  Then it goes in circles. */
bool fields_loop(struct span message, const struct rcpt *rcpt);

#endif
