/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/resolve.h - what remote's sessions and the resolver say to each other: the hosts that mail for
 * a domain may go to, those that say what its recipients take, or the addresses of one host, in one question.
 */
#ifndef LIB_RESOLVE_H
#define LIB_RESOLVE_H

#include "lib/confline.h"
#include "lib/msg.h"

enum resolve_kind {
	RESOLVE_MX,	/* of a domain: MX, or its own addresses (RFC 5321, 5.1) */
	RESOLVE_HOST,	/* the addresses of a host */
	RESOLVE_CONNEG	/* of a domain: SRV of _conneg._tcp below it (RFC 2782; DRUCOF, 2), and nothing else */
};
enum resolve_source {
	SOURCE_MX, SOURCE_IMPLICIT,	/* the domain has MX records; or none, but addresses */
	SOURCE_HOST,			/* the addresses of a host that smtproutes names */
	SOURCE_SRV,			/* the domain has such records */
	SOURCE_LITERAL,			/* the domain is an address literal; never from the resolver */
	SOURCE_COUNT
};
enum resolve_dnssec { DNSSEC_INSECURE, DNSSEC_SECURE };

enum {
	RESOLVE_HOSTS = 20,		/* MX or SRV hosts of a domain that are looked at, the most preferred */
	RESOLVE_ADDRS = 16,		/* addresses of one host */
	RESOLVE_WHY = 120,		/* with its NUL; what is longer is cut */
	RESOLVE_DEADLINE_MS = 45 * 1000,	/* the resolver's answer is there by then, whatever it is */
	RESOLVE_WAIT_MS = RESOLVE_DEADLINE_MS + 10 * 1000	/* the asker's patience */
};

struct resolved_host {
	uint16_t preference;	/* the priority of an SRV record */
	uint16_t weight, port;	/* of one; else 0 */
	uint8_t naddr;		/* 0: it has none, or they are not known */
	char why[RESOLVE_WHY];	/* some of its addresses are not known now: in printable words, why; else "" */
	char name[RESOLVE_NAME];
	struct netaddr addr[RESOLVE_ADDRS];	/* as DNS gave them, port 0; IPv6 before IPv4 */
};

struct resolved {
	enum resolve_source source;
	enum resolve_dnssec dnssec;
	uint32_t ttl;		/* seconds */
	uint32_t nhost;
	struct resolved_host host[RESOLVE_HOSTS];	/* by preference; a name may stand there twice */
};

/* "mx", "implicit" …; "secure", "insecure": for the log. */
const char *resolve_source_name(enum resolve_source s);
const char *resolve_dnssec_name(enum resolve_dnssec d);

/* Appends a whole MSG_RESOLVED packet: the hosts when why is NULL, else that failure. */
int resolve_write(const struct resolved *r, const struct err *why, struct buf *out, struct err *e);

/*
 * Reads one.  0: *out; every name in it is a host's name in lower case.  -1: what the resolver said
 * (ERR_TEMP 4.4.3, ERR_PERM 5.1.2 …), or ERR_PROTO for a packet that is none.
 */
int resolve_read(struct span packet, struct resolved *out, struct err *e);

/* Asks over a channel of one's own.  -1 as resolve_read and ipc_call; ERR_TEMP 4.4.3 when there is no
 * answer in RESOLVE_WAIT_MS. */
int resolve_ask(int sock, enum resolve_kind kind, const char *name, struct resolved *out,
    struct err *e);

#endif
