/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/confline.h - the syntax of lines of settings that have one: networks, listeners, routes,
 * domains, mailboxes, negotiation options.  Pure.
 */
#ifndef LIB_CONFLINE_H
#define LIB_CONFLINE_H

#include "lib/conf.h"

/* An address of either family, IPv4 as ::ffff:a.b.c.d. */
struct netaddr { unsigned char a[16]; uint16_t port; };
struct network { unsigned char a[16]; unsigned bits; };

int network_parse(struct span line, struct network *out, struct err *e);	/* "127.0.0.0/8" */
bool network_has(const struct network *net, const struct netaddr *addr);
/* Is addr in one of the lines (relayclients)? */
bool networks_have(const struct span *lines, uint32_t n, const struct netaddr *addr);
/* "1.2.3.4", "[::1]", "::1" with no port. */
int netaddr_parse(struct span text, struct netaddr *out, struct err *e);
/* "1.2.3.4" or "::1": out at least 48. */
void netaddr_print(const struct netaddr *a, char *out, size_t cap);

enum listen_role { LISTEN_MX, LISTEN_SUBMISSION, LISTEN_SUBMISSIONS, LISTEN_LMTP };
struct listener { struct netaddr addr; uint8_t role; bool norelay, noconperm, noconneg; uint32_t sessions; };
int listener_parse(struct span line, struct listener *out, struct err *e);

/* Does domain (lower case) stand in the lines of rcpthosts or locals (".x" for those below x)? */
bool domains_have(const struct span *lines, uint32_t n, struct span domain);

/*
 * smtproutes: the route of a domain as "HOST:PORT" in out (JOB_DEST octets), HOST as it is written
 * there ("[1.2.3.4]", "[::1]" or a name).  Most specific wins: the domain, then ".parent" entries,
 * then the empty domain.  1 found, 0 none: MX.
 */
int route_find(const struct span *lines, uint32_t n, struct span domain, char *out, size_t cap);
int route_check(struct span line, struct err *e);
/* "[1.2.3.4]:25" -> address.  1; 0: the host is a name; -1: neither. */
int route_addr(const char *dest, struct netaddr *out);

/* mailboxes: "ADDRESS DELIVERY" lines.  Finds by address (local part in any case, unquoted), then
 * "@domain", then the built-in postmaster.  1: *delivery points into the lines; 0. */
int mailbox_find(const struct span *lines, uint32_t n, struct span addr, struct span *delivery);
int mailbox_check(struct span line, struct err *e);

struct negotiation {	/* the options of negotiation.md b.1, defaults first */
	uint8_t ask;		/* 0 conperm, 1 always, 2 never */
	uint8_t conperm_null, conperm_unknown;	/* 0 relay, 1 fail */
	uint8_t conperm_strict, conperm_try_all_mx;
	uint8_t conperm_after;	/* 0 keep, 1 drop */
	uint8_t dialect;	/* 0 4141, 1 d03-required, 2 d03-optional, 3 d03-spaced */
	uint8_t record;		/* 0 previous, 1 converted besides */
	uint8_t batch;		/* 0 best, 1 common, 2 single */
	uint8_t drucof_late, drucof_unknown;
	uint32_t conneg_tries, batch_max, wait_s;
};
/* The most specific line wins, domain before next hop before "*"; each option on its own. */
void negotiation_find(const struct span *lines, uint32_t n, struct span domain, const char *dest,
    struct negotiation *out);
int negotiation_check(struct span line, struct err *e);

#endif
