/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/conf.h - settings: one small file each.  One table (conf_table in conf.c) declares them all:
 * name, type, default, who reads it, a line of help; checks, `accord conf` and the manual page come
 * from it.  A line is an entry; # starts a comment; blank lines do not count.
 */
#ifndef LIB_CONF_H
#define LIB_CONF_H

#include "lib/buf.h"
#include "lib/msg.h"

enum conf_id {
	CONF_ME, CONF_LISTEN, CONF_RCPTHOSTS, CONF_RELAYCLIENTS, CONF_LOCALS, CONF_MAILBOXES,
	CONF_SMTPROUTES, CONF_NAMESERVERS, CONF_DATABYTES, CONF_QUEUELIFETIME, CONF_RETRYFIRST,
	CONF_RETRYMAX, CONF_CONCURRENCYINCOMING, CONF_CONCURRENCYREMOTE, CONF_CONCURRENCYDOMAIN,
	CONF_CONCURRENCYLOCAL, CONF_CONCURRENCYCONVERT,
	CONF_SESSIONSPERPROCESS, CONF_TIMEOUTSMTPD, CONF_TIMEOUTREMOTE, CONF_TIMEOUTCONNECT,
	CONF_TIMEOUTTRANSACTION, CONF_MAXRCPTS, CONF_MAXERRORS, CONF_CAPS, CONF_CAPSOURCES,
	CONF_CONNEG, CONF_NEGOTIATION, CONF_FLUSH, CONF_RESERVE, CONF_CONVERTBYTES, CONF_CONVERTCPU,
	CONF_CONVERTPAGES, CONF_NOLANDLOCK,
	CONF_MAXMAILS, CONF_CONCURRENCYCLIENT, CONF_CONCURRENCYNETWORK,
	CONF_DESTINATIONS, CONF_DELAYWARNING,
	CONF_FUTURERELEASE, CONF_TRUSTANCHOR, CONF_CAPSMAX, CONF_OFFERS, CONF_OFFERSBYTES, CONF_TLSCERT,
	CONF_TLSPOLICY, CONF_TLSCA, CONF_ROUTEAUTH, CONF_RECIPIENTS, CONF_RECIPIENTDELIMITER, CONF_AUTH,
	CONF_ALIASES, CONF_SENDERS, CONF_USERRATE, CONF_CONPERMFOR,
	CONF_COUNT
};

enum conf_type {
	CONF_NUMBER,	/* one line, a decimal number between min and max */
	CONF_STRING,	/* one line */
	CONF_LIST	/* lines */
};

struct conf_decl {
	const char *name;
	enum conf_type type;
	const char *def;	/* default text, "" for none; "@me" is replaced by the host's name */
	uint64_t min, max;	/* of a number; of a list's lines: max octets, 0: 4096 */
	uint32_t readers;	/* 1u << enum role */
	/* Checks one line beyond its type; NULL: anything.  err text: what was expected. */
	int (*check)(struct span line, struct err *e);
	const char *help;
	/* Of a list in which a second line for the same thing would have no effect: adds to out what this
	 * line speaks of, in one form however it is spelt, a NUL behind each.  -1: memory.  NULL: lines may
	 * repeat. */
	int (*keys)(struct span line, struct buf *out, struct err *e);
	const char *each;	/* what a key is, for a message */
};
extern const struct conf_decl conf_table[CONF_COUNT];

struct conf_value {
	struct buf text;
	struct span *line;
	uint32_t *lineno;
	uint32_t n;
	uint64_t number;
	bool set;
};
struct conf { struct conf_value v[CONF_COUNT]; };

/* All settings at their defaults.  -1: memory. */
int conf_init(struct conf *c, struct err *e);
/* The same where this host's name (for `me` and what follows from it) is known already. */
int conf_init_as(struct conf *c, const char *me, struct err *e);
void conf_free(struct conf *c);

/* Have both the same entries for this setting? */
bool conf_same(const struct conf *a, const struct conf *b, enum conf_id id);

/* Reads one setting from its file's text and checks it, each line and that none says again what another
 * said.  -1: ERR_PERM "listen:3: expected …". */
int conf_set(struct conf *c, enum conf_id id, struct span text, struct err *e);
/* The same from a descriptor. */
int conf_set_fd(struct conf *c, enum conf_id id, int fd, struct err *e);

/* Part of conf_set, in lib/confkeys.c: -1 names the first line with a key of an earlier one. */
int conf_keys_once(const struct conf_decl *d, const struct conf_value *v, struct err *e);

/* By name, or CONF_COUNT. */
enum conf_id conf_find(const char *name);

/* What a daemon asks. */
uint64_t conf_number(const struct conf *c, enum conf_id id);
const char *conf_string(const struct conf *c, enum conf_id id);	/* NUL-terminated */
uint32_t conf_lines(const struct conf *c, enum conf_id id, const struct span **lines);

#endif
