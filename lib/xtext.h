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

/* The value of ENVID; that of ORCPT: an atom, ";" and xtext. */
bool xtext_envid_ok(struct span s);
bool xtext_orcpt_ok(struct span s);

/* Printable ASCII only, '?' for all else; at most max octets, then "...". */
int xtext_clean(struct buf *out, struct span s, size_t max, struct err *e);

/* xtext (RFC 3461, 4) decoded and cleaned; a wrong "+" stands as it is. */
int xtext_decode(struct buf *out, struct span s, size_t max, struct err *e);

/* Is it UTF-8 with at least one character beyond ASCII, and no control character? */
bool xtext_utf8(struct span s);

/* The 7-bit form of such an address (utf-8-addr-xtext of RFC 6533, 3): "\x{E4}" for what is beyond
 * ASCII; all else as xtext_clean. */
int xtext_unitext(struct buf *out, struct span s, size_t max, struct err *e);

/* Appends s as xtext: what is no xchar as "+" and two hexadecimal digits. */
int xtext_encode(struct buf *out, struct span s, struct err *e);

/*
 * ORCPT as it came ("rfc822;a+2Bb@x"): "rfc822;a+b@x", as Original-Recipient has it (RFC 3464, 2.3.1;
 * RFC 8098, 2.3).  Types other than rfc822 are kept; "unknown" where it has none that could be one.
 * max: octets of type and address.
 */
int xtext_orcpt(struct buf *out, struct span orcpt, size_t max, struct err *e);

#endif
