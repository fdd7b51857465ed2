/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/hosts.h - from what DNS says to addresses in the order in which they are tried (RFC 5321, 5.1
 * and 5.2): by preference, equals in random order, that of SRV records by weight (RFC 2782), both families of
 * a host by turns, nothing that leads back to us, addresses that failed a while ago last.  Pure, but for
 * own_open and own_addresses.
 */
#ifndef REMOTE_HOSTS_H
#define REMOTE_HOSTS_H

#include "lib/resolve.h"

enum {
	HOSTS_MAX = 64,		/* addresses that are kept */
	OWN_LISTEN = 32, OWN_LOCAL = 256,
	PORT_SMTP = 25
};

/* Where mail to us comes in: the lines of `listen`, and this machine's addresses, for listeners of all
 * addresses. */
struct own {
	uint32_t nlisten, nlocal;
	struct netaddr listen[OWN_LISTEN], local[OWN_LOCAL];
};

/* The listeners, from the settings. */
void own_listeners(struct own *own, const struct conf *conf);
/* A socket for own_addresses, the caller's to close. */
int own_open(struct err *e);
/* The addresses, from the network interfaces as they are now: some system calls, no wait.  -1: as
 * they were. */
int own_addresses(struct own *own, int fd, struct err *e);

/* Does a connection to a come to us? */
bool own_has(const struct own *own, const struct netaddr *a);

struct candidate {
	struct netaddr to;
	uint16_t preference;
	bool resting;			/* it failed a while ago */
	char name[RESOLVE_NAME];	/* its host; "": an address literal or route */
};

struct hosts {
	enum resolve_source source;
	enum resolve_dnssec dnssec;
	uint32_t n;
	struct candidate c[HOSTS_MAX];
};

struct hosts_rules {
	const char *me;
	const struct own *own;
	uint16_t port;			/* where the host has none of its own */
	uint64_t seed;			/* of the random order */
	/* Is this address to be tried last?  NULL: none is. */
	bool (*resting)(const void *arg, const struct netaddr *a);
	const void *arg;
};

/*
 * At least one candidate, or -1: ERR_PERM 5.4.6 all of them lead back to us; 5.4.4 the hosts have no
 * address that mail could be sent to; ERR_TEMP 4.4.3 some are not known now: one is named.  A route's host
 * (SOURCE_HOST) may be anywhere.
 */
int hosts_order(const struct resolved *r, const struct hosts_rules *rules, struct hosts *out,
    struct err *e);

/* What is wanted of a destination without smtproutes' port: 1 *a is the address of a literal
 * ("[192.0.2.1]", "[IPv6:2001:db8::1]", RFC 5321 4.1.3); 0 name has a domain in lower case; -1 neither. */
int hosts_domain(const char *dest, struct netaddr *a, char name[RESOLVE_NAME]);

/* "[192.0.2.1]:25", "mx.example [2001:db8::1]:25". */
void hosts_name(const struct candidate *c, char *out, size_t cap);

#endif
