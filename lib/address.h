/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/address.h - mailbox addresses of RFC 5321 4.1.2.  Kept octet by octet as they came; these
 * functions only look (G1).
 */
#ifndef LIB_ADDRESS_H
#define LIB_ADDRESS_H

#include "lib/buf.h"

/*
 * RFC 5321 4.5.3.1 asks for 64 and 255 octets at least, and for no limit where that can be had;
 * forwarders do make local parts longer than 64, so those get as much as a domain.
 */
enum { ADDRESS_MAX_LOCAL = 255, ADDRESS_MAX_DOMAIN = 255, ADDRESS_MAX = 511 };

/*
 * A path off the cursor's start in MAIL or RCPT: "<" [source route ":"] mailbox ">"; *out is the
 * mailbox inside, *used the octets read.  null_ok: "<>" is taken (empty *out).  "postmaster" without
 * a domain is taken when !null_ok (RFC 5321 4.5.1).
 * Characters beyond ASCII are taken as RFC 6531, 3.3, has them; whether the client may use them, and whether
 * they make a domain, is the caller's to judge (address_ascii, lib/idn.h).
 * -1: ERR_PERM, 5.1.7 for a reverse-path, 5.1.3 for a forward-path.
 */
int address_path(struct span in, bool null_ok, struct span *out, size_t *used, struct err *e);

/* The same for a bare mailbox "local@domain" that is all of in: one of ASCII; or as RFC 6531, 3.3, has it. */
int address_check(struct span in, struct err *e);
int address_check_utf8(struct span in, struct err *e);

/* No octet over 127?  Else it needs SMTPUTF8. */
bool address_ascii(struct span s);

/* Is s all of a domain or of an address literal with its brackets (RFC 5321 4.1.2, 4.1.3)? */
bool address_is_domain(struct span s);

/* After the last "@" outside quotes; empty when there is none.  Local part: before it. */
struct span address_domain(struct span addr);
struct span address_local(struct span addr);

/* Lower-case domain and canonical local part for look-up in one's own domains: unquoted, lower case.
 * Appends "local@domain".  For comparison only, never for the wire. */
int address_key(struct span addr, struct buf *out, struct err *e);

/* Is it a fax machine's by its local part, in any case: "FAX=…" (RFC 3192), the "/" before it or not; "ifax"
 * or "ifax+…"? */
bool address_is_fax(struct span addr);

/* May this address stand between < and >?  Nothing outside quotes that would end it, no control
 * octets or spaces; "" is a null reverse-path.  utf8: it has octets over 127. */
bool address_path_ok(struct span addr, bool *utf8);

#endif
