/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/ldapline.h - a directory, as the settings capsources and recipients name one:
 *
 *	ldap:URL [URL] [option=value ...]
 *
 * with URLs "ldap://HOST[:PORT]/BASE" or "ldaps://...", BASE percent-encoded (RFC 4516, 2); the second is asked
 * where the first does not answer.  Two lines of the same text are one directory.  Pure.
 */
#ifndef LIB_LDAPLINE_H
#define LIB_LDAPLINE_H

#include "lib/conf.h"
#include "lib/sha256.h"

enum {
	LDAPLINE_HOST = 256, LDAPLINE_DN = 512, LDAPLINE_SERVERS = 2,
	LDAPLINE_FILTER = 2048,		/* octets of a filter with addresses in it */
	LDAPLINE_MAX = 8		/* directories of all settings */
};

struct ldap_server {
	bool tls;			/* ldaps: from the first octet */
	char host[LDAPLINE_HOST];	/* a name in lower case, or an address without brackets */
	uint16_t port;
	char base[LDAPLINE_DN];
};

struct ldap_line {
	struct ldap_server server[LDAPLINE_SERVERS];
	uint32_t nserver;
	bool starttls;			/* of those that are not ldaps */
	char binddn[LDAPLINE_DN];	/* "": anonymous */
	struct span password, ca;	/* paths; empty: none, the setting tlsca's */
	struct span filter;		/* %s: the address, escaped; %%: % */
	uint32_t timeout_s, cache_s, negative_s;	/* of one question; of an answer; of the answer that there is none */
};

/* text: from "ldap:" on.  -1: ERR_PERM, what was expected. */
int ldapline_parse(struct span text, struct ldap_line *out, struct err *e);

/* Does it need certificates of authorities? */
bool ldapline_has_tls(const struct ldap_line *l);

/* Appends the filter for addr, its octets escaped as RFC 4515, 3, says.  -1: out is full, or memory. */
int ldapline_filter(const struct ldap_line *l, struct span addr, struct buf *out, struct err *e);

/*
 * The directories that settings name, each text once, in an order of its own.  How many; -1: more than LDAPLINE_MAX
 * (ERR_PERM).
 */
int ldaplines_of(const struct conf *c, struct span out[LDAPLINE_MAX], struct err *e);

/* What a directory is called by processes whose settings may differ for a moment. */
void ldapline_name(struct span text, unsigned char name[SHA256_DIGEST]);

#endif
