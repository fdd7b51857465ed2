/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * ldap/entry.h - what an entry of a directory says that somebody takes.  The values are hostile.  Pure.
 */
#ifndef LDAP_ENTRY_H
#define LDAP_ENTRY_H

#include "lib/capslog.h"

enum { ENTRY_VALUES = 16 };	/* of one attribute that are looked at */

struct entry_values { struct span value[ENTRY_VALUES]; size_t n; };
struct entry {
	struct entry_values features;	/* mediaAcceptFeatures */
	struct entry_values time;	/* mediaAcceptTime */
	struct entry_values fax;	/* facsimileTelephoneNumber */
};

/*
 * The capabilities of addr: mediaAcceptFeatures, an expression (RFC 2533) or "any"; without one, of a fax address
 * (RFC 3192) what the terms of facsimileTelephoneNumber (RFC 4517, 3.3.11) stand for.  text: gets the expression of
 * CAP_KNOWN.  *since_s: mediaAcceptTime, or 0.  What cannot be read, or is there several times, is CAP_NONE, and *e
 * says why (else kind ERR_NONE); ERR_TEMP when memory is short.
 */
enum cap_state entry_read(const struct entry *in, struct span addr, struct buf *text, uint64_t *since_s,
    struct err *e);

/* GeneralizedTime (RFC 4517, 3.3.13) in UTC, "20260131235959Z", as seconds; false: it is none. */
bool entry_time(struct span s, uint64_t *out);

#endif
