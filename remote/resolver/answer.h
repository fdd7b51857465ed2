/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/resolver/answer.h - reads a DNS answer in wire format (RFC 1035, 4.1): the records of one
 * type that belong to a name, through its aliases.  Pure; every octet of it may be hostile.
 */
#ifndef REMOTE_RESOLVER_ANSWER_H
#define REMOTE_RESOLVER_ANSWER_H

#include "lib/err.h"
#include "lib/msg.h"
#include "lib/span.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_MX = 15, DNS_AAAA = 28, DNS_SRV = 33 };
enum dns_rcode { DNS_NOERROR = 0, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3 };

enum {
	ANSWER_RECORDS = 64,	/* of the type asked for; of more, the most preferred are kept */
	ANSWER_SCAN = 6000,	/* records of any type that are looked at: a packet holds no more */
	ANSWER_ALIASES = 10,	/* CNAMEs one behind the other (a loop has no end) */
	ANSWER_TTL_MAX = 86400	/* seconds */
};

struct record {
	uint16_t preference;		/* of an MX; the priority of an SRV */
	uint16_t weight, port;		/* of an SRV */
	char name[RESOLVE_NAME];	/* of both: the host in lower case; "": the root, there is none */
	unsigned char a[16];		/* of A (as ::ffff:a.b.c.d) and AAAA */
};

struct answer {
	unsigned rcode;			/* enum dns_rcode, or others of RFC 1035, 4.1.1 */
	uint32_t ttl;			/* the least of what was read; ANSWER_TTL_MAX when nothing was */
	uint32_t nodd;			/* MX and SRV records whose host's name is none, or whose port is 0 */
	uint32_t n;
	struct record record[ANSWER_RECORDS];
};

/*
 * packet: the answer to a question for name (lower case) and type.  0: read.  -1: ERR_TEMP 4.4.3, it
 * is malformed, or its aliases have no end.
 */
int answer_read(struct span packet, const char *name, enum dns_type type, struct answer *out,
    struct err *e);

#endif
