/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/tlspolicy.h - the setting tlspolicy: how much TLS mail to a domain, or by way of a next hop, has to have.  Pure. */
#ifndef LIB_TLSPOLICY_H
#define LIB_TLSPOLICY_H

#include "lib/confline.h"

enum tls_level {	/* each asks for more than the one before */
	TLS_LEVEL_NONE,		/* in clear, whatever is offered */
	TLS_LEVEL_MAY,		/* where it is offered and works; else in clear */
	TLS_LEVEL_ENCRYPT,	/* with whomever */
	TLS_LEVEL_VERIFY,	/* with whose certificate an authority vouches for, under a name that is believed */
	TLS_LEVEL_FINGERPRINT	/* with who has one of these certificates or public keys */
};

struct tls_policy {
	uint8_t level;
	struct span name;	/* TLS_LEVEL_VERIFY: in the certificate; "": see remote/secure.h */
	struct span prints;	/* TLS_LEVEL_FINGERPRINT: as in the line, with commas */
	bool implicit;		/* TLS from the first octet, whatever the port (RFC 8314, 3.3) */
	bool said;		/* some line says so */
};

enum { TLS_PRINT = 32 };	/* octets of a fingerprint: SHA-256 */

/* "WHO none|may|encrypt|verify|verify=NAME|fingerprint=SHA256[,…] [implicit]", no implicit with none; the views are into line. */
int tlspolicy_parse(struct span line, struct span *who, struct tls_policy *out, struct err *e);
int tlspolicy_check(struct span line, struct err *e);
int tlspolicy_keys(struct span line, struct buf *out, struct err *e);	/* the WHO */

/* What holds for mail for domain by way of dest, a hop_name(): the line that fits best, as in `negotiation`; else
 * TLS_LEVEL_MAY. */
void tlspolicy_find(const struct span *lines, uint32_t n, struct span domain, const char *dest,
    struct tls_policy *out);

bool tlspolicy_same(const struct tls_policy *a, const struct tls_policy *b);

/* Does some line want certificates that an authority vouches for?  Those of routeauth do, unless a policy says other. */
bool tlspolicy_verifies(const struct conf *c);

/* Takes the next fingerprint of prints: 64 hexadecimal digits, with or without colons between pairs.  false: no more,
 * or it is none (*rest is then not empty). */
bool tlspolicy_print(struct span *rest, unsigned char out[TLS_PRINT]);

#endif
