/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/confline.h - the syntax of lines of settings that have one: networks, listeners, routes,
 * domains, options of negotiation and of destinations.  Pure.
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
struct listener {
	struct netaddr addr;
	uint8_t role;
	bool norelay, noconperm, noconneg, nodrucof, nosmtputf8, probeonly;
	bool tls, notls;	/* TLS from the first octet; no STARTTLS */
	bool connegtls, connegauth;	/* nothing is negotiated in clear text; before a login */
	bool auth;		/* clients may log in */
	uint32_t sessions;	/* 0: as the setting says */
};
/* "ADDR:PORT [role] [norelay] [noconperm] [noconneg] [nodrucof] [nosmtputf8] [probeonly] [tls] [notls] [connegtls]
 * [connegauth] [auth] [sessions=N]" */
int listener_parse(struct span line, struct listener *out, struct err *e);
/* Is it for mail that users submit (RFC 6409): nobody sends by it who has not logged in? */
bool listener_submits(const struct listener *l);
/* The same, and refuses the roles that this version does not serve. */
int listener_check(struct span line, struct err *e);
int listener_keys(struct span line, struct buf *out, struct err *e);	/* its address and port */

/* nameservers: "ADDR[@PORT]", port 53 when none is given. */
int nameserver_parse(struct span line, struct netaddr *out, struct err *e);

/* trustanchor: "NAME [TTL] [IN] DS|DNSKEY DATA…" (RFC 4034, 2.2, 5.3); NAME "." or a domain, with or
 * without a last dot.  data: from DS or DNSKEY on. */
struct anchor { struct span name, data; };
int anchor_parse(struct span line, struct anchor *out, struct err *e);

/* A host's name in A-labels: letters, digits, "-", "_", labels up to 63, 253 in all. */
int hostname_check(struct span line, struct err *e);
/* rcpthosts, locals: a host's name, ".name", or an address literal "[…]". */
int domain_line_check(struct span line, struct err *e);

/* Is s what an address has for its domain: a host's name or an address literal? */
bool domain_is_one(struct span s);

/* Does domain (lower case) stand in the lines of rcpthosts or locals (".x" for those below x)? */
bool domains_have(const struct span *lines, uint32_t n, struct span domain);

/*
 * smtproutes: the route of a domain as hop_name() writes it, "HOST:PORT".  Most specific wins: the
 * domain, then ".parent" entries, then the empty domain.  1 found, 0 none: MX.
 */
int route_find(const struct span *lines, uint32_t n, struct span domain, char out[JOB_DEST]);
/* "domain:host:port"; without port 25; without host: MX, an exception from a wider entry. */
int route_check(struct span line, struct err *e);
int route_keys(struct span line, struct buf *out, struct err *e);	/* its domain */
/* "[1.2.3.4]:25", "1.2.3.4:25" -> address.  1; 0: the host is a name; -1: neither. */
int route_addr(const char *dest, struct netaddr *out);

/* So much longer than `wait` a conversion may take, nobody being kept waiting. */
enum { CONFNEG_LATE_S = 600 };

enum dialect { DIALECT_4141, DIALECT_D03_REQUIRED, DIALECT_D03_OPTIONAL, DIALECT_D03_SPACED };

struct negotiation {	/* the options of negotiation.md b.1, defaults first */
	uint8_t ask;		/* 0 conperm, 1 always, 2 never */
	uint8_t conperm_null, conperm_unknown;	/* 0 relay, 1 fail */
	uint8_t conperm_strict, conperm_try_all_mx;
	uint8_t conperm_after;	/* 0 keep, 1 drop */
	uint8_t dialect;	/* enum dialect */
	uint8_t record;		/* 0 previous, 1 converted besides */
	uint8_t batch;		/* 0 best, 1 common, 2 single */
	uint8_t drucof_late, drucof_unknown;
	uint8_t alternative;	/* mailboxes here ask for another form (RFC 3297) */
	uint32_t conneg_tries, batch_max, wait_s, alternative_wait_s;
};
/* The most specific line wins, domain before next hop before "*"; each option on its own. */
void negotiation_find(const struct span *lines, uint32_t n, struct span domain, const char *dest,
    struct negotiation *out);
int negotiation_check(struct span line, struct err *e);

/*
 * The one spelling of a next hop: "[1.2.3.4]", "[::1]" as netaddr_print() writes it, a name in lower
 * case, each with ":PORT" in decimal if text has one; a domain's literal is "[ipv6:::1]".  What is no
 * next hop stays as it is, in lower case and cut to JOB_DEST.
 */
void hop_name(struct span text, char out[JOB_DEST]);
/*
 * How well a line that begins with who ("*", a domain, ".below", a next hop with or without its port,
 * in any spelling) fits mail for domain by way of dest, a hop_name(): 0 not; the domain before a
 * parent before the next hop before "*".  And is who one of these?
 */
unsigned hop_line_rank(struct span who, struct span domain, struct span dest);
bool hop_line_who(struct span who);
/* Keys (struct conf_decl) of lines that were checked; of a line "WHO option=value …": each option
 * with WHO. */
int hop_line_keys(struct span line, struct buf *out, struct err *e);

/* "N/s", "N/m", "N/h", "N/d": so many in so many seconds. */
bool rate_parse(struct span text, uint32_t *n, uint32_t *s);

enum { DESTINATION_RETRIES = 16, DESTINATION_HOURS = 8, DESTINATION_DAY = 24 * 60 };
struct destination {		/* options of `destinations`; 0: not said */
	uint32_t concurrency;	/* jobs at once */
	uint32_t rate_n, rate_s;	/* so many messages in so many seconds */
	uint32_t lifetime_s;
	uint32_t retry_s[DESTINATION_RETRIES];	/* the wait after each attempt; the last one stays */
	struct { uint16_t from, to; } hours[DESTINATION_HOURS];	/* minutes of the local day; from above
				 * to: over midnight */
	uint8_t nretry, nhours;
};
/*
 * "WHO [concurrency=N] [rate=N/s|m|h|d] [retry=TIME,…] [hours=HH:MM-HH:MM,…] [lifetime=TIME]", a TIME
 * in seconds or as 5m, 4h, 2d.  The most specific line wins, option by option.
 */
void destination_find(const struct span *lines, uint32_t n, struct span domain, const char *dest,
    struct destination *out);
int destination_check(struct span line, struct err *e);
/* The most specific pattern of a domain (not "*", not a next hop) whose line speaks of domain; empty:
 * none.  It points into the lines. */
struct span destination_pattern(const struct span *lines, uint32_t n, struct span domain);
/* Is minute (of the local day) in the hours?  *left: minutes until that changes, at least 1. */
bool destination_open(const struct destination *d, unsigned minute, unsigned *left);

enum conneg_mode { CONNEG_DIRECTORY, CONNEG_ENSURE, CONNEG_OFF };
/* who: who may ask; points into the line, or static. */
struct conneg_rule { enum conneg_mode mode; struct span who; };
/*
 * conneg: "DOMAIN MODE [all|relayclients|NETWORK[,…]]", the NETWORKs and relayclients in any order; DOMAIN
 * also ".below" and "*".  The most specific line wins, of two equals the first; none: directory, all.
 */
void conneg_find(const struct span *lines, uint32_t n, struct span domain, struct conneg_rule *out);
/* Is the line one of mode ensure? */
bool conneg_ensures(struct span line);
/* May this client be told what a recipient takes?  relayclient: it is one, and that counts here.
 * off: never. */
bool conneg_may_ask(const struct conneg_rule *r, bool relayclient, const struct netaddr *client);
int conneg_check(struct span line, struct err *e);
int conneg_keys(struct span line, struct buf *out, struct err *e);	/* its domain */
/* Adds s in lower case, and end. */
int line_key_add(struct buf *out, struct span s, int end, struct err *e);

/* A line of capsources: "cdb:FILE", FILE in the line; "ldap:URL ..." (lib/ldapline.h); or a source of capd's own, by
 * its name. */
struct capsource { enum cap_source source; struct span file; };
int capsource_parse(struct span line, struct capsource *out, struct err *e);
int capsource_check(struct span line, struct err *e);
int capsource_keys(struct span line, struct buf *out, struct err *e);	/* its kind */
/* Is source one of the lines? */
bool capsources_have(const struct span *lines, uint32_t n, enum cap_source source);
/* The name of a source: "cdb", "own", "ldap", "learned", "probe"; "none". */
const char *capsource_name(enum cap_source source);

/*
 * How well a pattern of a line fits a domain: 0 not, 1 "*" or "", then growing with the length of a
 * ".parent", and DOMAIN_EXACT for the domain itself.
 */
enum { DOMAIN_EXACT = 1000 };
unsigned domain_rank(struct span pattern, struct span domain);

#endif
