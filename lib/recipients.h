/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/recipients.h - lines of the setting recipients, "DOMAIN SOURCE": which addresses of a domain there are.
 * Pure.  The lines that fit a domain best count, all of them: somebody is known if one source knows him.
 */
#ifndef LIB_RECIPIENTS_H
#define LIB_RECIPIENTS_H

#include "lib/buf.h"
#include "lib/span.h"

enum recipients_source {
	RECIPIENTS_ANY,		/* every address: as without a line */
	RECIPIENTS_FILE,	/* a text of addresses */
	RECIPIENTS_CDB,		/* a database with addresses as keys */
	RECIPIENTS_LDAP		/* a directory, by its whole line (lib/ldapline.h) */
};
struct recipients_line {
	struct span domain;	/* "example.com", ".example.com" for those below it, "*" */
	enum recipients_source source;
	struct span arg;	/* a file's path; of LDAP all that is behind the domain */
};

/* -1: ERR_PERM, what was expected. */
int recipients_parse(struct span line, struct recipients_line *out, struct err *e);
int recipients_check(struct span line, struct err *e);
int recipients_keys(struct span line, struct buf *out, struct err *e);	/* its domain and source */

/*
 * The lines that speak of a domain, one after another: start with a zeroed place.  false: no more.
 */
struct recipients_place { uint32_t at; unsigned rank; };
bool recipients_next(const struct span *lines, uint32_t n, struct span domain, struct recipients_place *p,
    struct recipients_line *out);

/* Are the addresses of this domain listed, so that those that are not do not exist? */
bool recipients_listed(const struct span *lines, uint32_t n, struct span domain);

#endif
