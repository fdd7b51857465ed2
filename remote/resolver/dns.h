/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/resolver/dns.h - one DNS question after the other, any number at once, by libunbound: it
 * asks the name servers (forwarders), caches, follows aliases, validates when there is a trust anchor.
 */
#ifndef REMOTE_RESOLVER_DNS_H
#define REMOTE_RESOLVER_DNS_H

#include "lib/confline.h"
#include "remote/resolver/answer.h"
#include "remote/resolver/events.h"

enum {
	DNS_SERVERS = 8,		/* name servers that are used */
	DNS_QUERIES = 2000,		/* under way at once; more are refused, and mail waits */
	DNS_SOCKETS = 200		/* of them, with a socket of their own */
};

struct ub_ctx;

struct dns {
	struct events events;
	struct ub_ctx *ctx;
	uint32_t nquery;		/* under way */
	uint64_t total, failed;		/* so far */
};

/* What one question came to.  why: NULL, or why there is no answer (ERR_TEMP 4.4.3). */
typedef void dns_done(void *arg, const struct answer *a, bool secure, const struct err *why);

struct dns_query;

/*
 * Name servers by the setting, else resolv_conf's text (empty: none, 127.0.0.1 is asked, as the C
 * library does).  Everything that needs a file is done here.  -1: libunbound's reason, also for a
 * trust anchor it cannot read.
 */
int dns_open(struct dns *d, struct loop *l, const struct conf *conf, struct span resolv_conf,
    struct err *e);

/*
 * Asks; done is called once, maybe before this returns.  name: lower case.  *out is a handle for
 * dns_forget, and becomes NULL when done is called: it stays where it is until then.  -1: too many, or
 * libunbound's reason; done is not called.
 */
int dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done *done, void *arg,
    struct dns_query **out, struct err *e);

/* The asker is gone: done will not be called.  The answer is still taken into the cache. */
void dns_forget(struct dns_query *q);

/* The name servers of resolv.conf's text: up to max, as nameserver_parse; how many.  glibc's rule: the
 * first three "nameserver ADDRESS" lines. */
uint32_t resolvconf_servers(struct span text, struct netaddr *out, uint32_t max);

#endif
