/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/addrlist.h - the addresses of a header field (RFC 5322 3.4, with the obsolete forms of 4.4):
 * names, comments, groups, folds and source routes go, the mailboxes stay.
 */
#ifndef LIB_ADDRLIST_H
#define LIB_ADDRLIST_H

#include "lib/address.h"

enum { ADDRLIST_COMMENTS = 32 };	/* nested */

struct addrlist_box {
	char addr[ADDRESS_MAX + 1];	/* NUL-terminated: "local@domain", or "local" alone */
	size_t n;
	bool qualified;			/* it has a domain */
	size_t end;			/* where in the value "@domain" would go that it lacks */
};

/*
 * Calls take for each mailbox of value (folded as it came, or not), in its order.  Each is right by
 * address_check (with a domain behind it, if it has none).  take: 0 go on, -1 ends it with its *e.
 * -1: ERR_PERM 5.1.3, what is there is no list of addresses; some may have been taken already.
 */
int addrlist_parse(struct span value,
    int (*take)(void *arg, const struct addrlist_box *b, struct err *e), void *arg, struct err *e);
/* The same of an internationalized message: by address_check_utf8. */
int addrlist_parse_utf8(struct span value,
    int (*take)(void *arg, const struct addrlist_box *b, struct err *e), void *arg, struct err *e);

#endif
