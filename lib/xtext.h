/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/xtext.h - what senders put into ENVID, ORCPT and addresses: judged, and made fit for a header
 * field: printable ASCII, whatever it was.
 */
#ifndef LIB_XTEXT_H
#define LIB_XTEXT_H

#include "lib/buf.h"

/* Octets of a value at most: RFC 3461, 4.4 and 4.2. */
enum { XTEXT_ENVID_MAX = 100, XTEXT_ORCPT_MAX = 500 };

/*
 * xtext = *( xchar / hexchar ), RFC 3461, 4; what it stands for must be printable US-ASCII (4.2, 4.4),
 * or a CR LF in it would end up in reports.
 */
bool xtext_ok(struct span s);

/* The value of ENVID; that of ORCPT: an atom, ";" and xtext, or with utf8 of type utf-8 also what is beyond
 * ASCII (utf-8-addr-unitext of RFC 6533, 3). */
bool xtext_envid_ok(struct span s);
bool xtext_orcpt_ok(struct span s, bool utf8);

/* Printable ASCII only, '?' for all else; at most max octets, then "...". */
int xtext_clean(struct buf *out, struct span s, size_t max, struct err *e);

/* xtext (RFC 3461, 4) decoded and cleaned; a wrong "+" stands as it is. */
int xtext_decode(struct buf *out, struct span s, size_t max, struct err *e);

/* The octets of the UTF-8 character that s begins with, its code point in *cp; 0: none. */
size_t xtext_utf8_char(struct span s, uint32_t *cp);

/* Is it UTF-8 with at least one character beyond ASCII, and no control character? */
bool xtext_utf8(struct span s);

/* The 7-bit form of such an address (utf-8-addr-xtext of RFC 6533, 3): "\x{E4}" for what is beyond
 * ASCII; all else as xtext_clean. */
int xtext_unitext(struct buf *out, struct span s, size_t max, struct err *e);

/* The other way: s with its "\x{E4}" as the characters they stand for (utf-8-address), never a control one;
 * '?' for what is no UTF-8.  At most about max octets, then "...". */
int xtext_utf8_address(struct buf *out, struct span s, size_t max, struct err *e);

/* Appends s as xtext: what is no xchar as "+" and two hexadecimal digits. */
int xtext_encode(struct buf *out, struct span s, struct err *e);

/*
 * ORCPT as it came ("rfc822;a+2Bb@x"): "rfc822;a+b@x", as Original-Recipient has it (RFC 3464, 2.3.1;
 * RFC 8098, 2.3).  utf8: where it may stand in UTF-8 (RFC 6533, 4.1).  Types other than rfc822 are kept; "unknown" where it has none that could be one.
 * max: octets of type and address.
 */
int xtext_orcpt(struct buf *out, struct span orcpt, bool utf8, size_t max, struct err *e);

#endif
