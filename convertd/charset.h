/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/charset.h - the characters of text/plain as code points.  Pure. */
#ifndef CONVERTD_CHARSET_H
#define CONVERTD_CHARSET_H

#include "lib/span.h"

/*
 * UTF8 is US-ASCII too, of which it is an extension: what is labelled so and has octets above 127 is seldom
 * anything else.  LATIN1 has the letters of windows-1252 where ISO 8859-1 has control codes, for as seldom
 * are those meant.
 */
enum charset { CHARSET_UTF8, CHARSET_LATIN1, CHARSET_LATIN9, CHARSETS };

enum { CODE_UNREADABLE = 0xfffd };	/* for octets that stand for nothing */

/* By its name in a Content-Type (RFC 2046, 4.1.2), in any case.  false: none that is read here. */
bool charset_find(struct span name, enum charset *out);

/* The code point at *at < s.n, which moves behind it.  Octets that are none are CODE_UNREADABLE one by one. */
uint32_t charset_next(enum charset charset, struct span s, size_t *at);

/* Its columns: 0 of marks and of what is not seen, 2 of what is as wide as high (Unicode's East Asian Width). */
unsigned charset_columns(uint32_t code);

/* Does it stand over the character before it? */
bool charset_is_mark(uint32_t code);

#endif
