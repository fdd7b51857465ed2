/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* remote/command.h - the text of MAIL and RCPT, and what an EHLO reply offers.  Pure, but for
 * the time that BY counts from. */
#ifndef REMOTE_COMMAND_H
#define REMOTE_COMMAND_H

#include "lib/confline.h"
#include "remote/session.h"

/* Reads the keywords of an EHLO reply (RFC 5321, 4.1.1.1), in any case; unknown ones are skipped. */
void command_ehlo(const struct reply *r, struct hop *hop);

/*
 * Appends the command.  A parameter goes only to a hop that offers its extension; conperm is the
 * caller's decision.  size: 0, not declared.  body: what the octets that are sent need; the client's
 * own BODY=8BITMIME is passed on besides.
 */
int command_mail(struct buf *out, const struct envelope *env, const struct hop *hop, bool conperm,
    uint64_t size, enum body_type body, struct err *e);
/* Does MAIL, does RCPT carry parameters of RFC 3461? */
bool command_mail_dsn(const struct envelope *env, const struct hop *hop);
bool command_rcpt_dsn(const struct rcpt *r, const struct hop *hop);
/* conneg: "CONNEG" in the dialect of the hop, or NULL; drucof: the caller's decision, whatever r has. */
int command_rcpt(struct buf *out, const struct rcpt *r, const struct hop *hop, const char *conneg,
    enum drucof drucof, struct err *e);

/* What our client says for a `dialect` of lib/confline.h. */
const char *command_conneg(unsigned dialect);

#endif
