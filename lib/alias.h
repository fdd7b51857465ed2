/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/alias.h - lists of addresses that one address stands for: "joe@a.example, \ann, \"b c\"@d.example".
 * Pure.  A backslash in front means that address itself, whatever it stands for otherwise.
 */
#ifndef LIB_ALIAS_H
#define LIB_ALIAS_H

#include "lib/buf.h"

/* Takes the next word off *rest, up to a comma outside quotes; white space around it goes, and so do empty
 * words.  1; 0: none is left; -1: ERR_PERM, a quote without its end. */
int alias_next(struct span *rest, struct span *word, struct err *e);

/*
 * Appends the address that a word means; one without a domain is one of `domain`, and if that is empty not
 * taken.  *plain: the word has the backslash.  -1: ERR_PERM, with what was expected (a program or a file is
 * no address), or ERR_TEMP memory.
 */
int alias_address(struct span word, struct span domain, bool *plain, struct buf *out, struct err *e);

/* Is that a list of at least one address?  complete: each with its domain, and without a backslash. */
int alias_check(struct span list, bool complete, struct err *e);

/* Is there a field Delivered-To with addr in the header (lines of any kind, read up to its empty line)?  Then
 * the message has been there before. */
bool alias_was_there(struct span header, struct span addr);

#endif
