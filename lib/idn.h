/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/idn.h - internationalized domain names (RFC 5890), for looking things up: settings, directories and DNS
 * know a domain by its A-labels.  By libidn2; only processes that have no way into the queue call it.
 */
#ifndef LIB_IDN_H
#define LIB_IDN_H

#include "lib/buf.h"

/*
 * Appends addr, a mailbox that address_check_utf8 takes, with its domain in A-labels, in lower case where it
 * had others; the local part stays as it is.
 * -1: ERR_PERM dsn, the domain is none (RFC 5891, 5); ERR_TEMP memory; *out is as before.
 */
int idn_address(struct span addr, const char *dsn, struct buf *out, struct err *e);

#endif
