/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* bounce/status.h - message/delivery-status: the part of a report for programs (RFC 3464). */
#ifndef BOUNCE_STATUS_H
#define BOUNCE_STATUS_H

#include "bounce/report.h"

/* Is it told of: by its NOTIFY (RFC 3461, 4.1 and 5.2), or to postmaster? */
bool status_wanted(const struct report *r, const struct rcpt_result *res);

/* Does the address stand for several others, who have the message now (RFC 3464, 2.3.3)? */
bool status_expanded(const struct rcpt_result *res);

/* Appends what the hop replied, of a result that has its code, behind lead: its code once, as 9.2 of RFC 3461
 * writes a reply, further lines indented. */
int status_reply(const struct rcpt_result *res, const char *lead, unsigned indent, struct buf *out,
    struct err *e);

/* Appends an address as a report shows it: at most REPORT_ADDR_SHOWN octets; what is beyond ASCII as "\x{E4}", or
 * with utf8 as it is. */
int status_address(struct span addr, bool utf8, struct buf *out, struct err *e);

/* Appends Original-Recipient, if its sender has a spelling of his own, and Final-Recipient; utf8: in UTF-8, for
 * message/global-delivery-status (RFC 6533, 4.1), else in ASCII. */
int status_who(const struct rcpt *r, bool utf8, struct buf *out, struct err *e);

/* Appends Media-Accept-Features of what a machine takes, if that is an expression to the letter. */
int status_accepts(struct span takes, struct buf *out, struct err *e);

/* Appends the fields of the message and of each recipient that is told of; 7-bit but for addresses in one that is
 * report_global(); CRLF lines. */
int status_put(const struct report *r, struct buf *out, struct err *e);

/*
 * An identity of what the report tells: of the same recipients with the same outcomes it is the same
 * again, so that a report that comes twice after a crash is known for the same message.
 */
uint32_t status_identity(const struct report *r);

#endif
