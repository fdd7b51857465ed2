/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/resolver/question.h - what a session wants to know: a domain's mail hosts with their
 * addresses, which is one question for MX, then two for each host, all at once (RFC 5321, 5.1); or those
 * that say what its recipients take, by SRV (RFC 2782).
 * Sessions that ask the same thing at the same time share one question.
 */
#ifndef REMOTE_RESOLVER_QUESTION_H
#define REMOTE_RESOLVER_QUESTION_H

#include "lib/resolve.h"
#include "remote/resolver/dns.h"

struct question;

struct questions {
	struct loop *loop;
	struct dns *dns;
	struct question *first;
};

/* One who waits; lies in the asker's memory. */
struct waiter {
	struct waiter *next;
	struct question *of;		/* NULL: does not wait */
	/* why: NULL, or what came of it.  Borrowed.  Called once, maybe before questions_ask returns. */
	void (*done)(struct waiter *w, const struct resolved *r, const struct err *why);
	void *arg;
	uint32_t id;
};

/* name: a host's name in lower case.  w: done and arg are set.  -1: no memory. */
int questions_ask(struct questions *all, enum resolve_kind kind, const char *name, struct waiter *w,
    struct err *e);

/* done will not be called.  Harmless for one that does not wait. */
void questions_forget(struct waiter *w);

/*
 * The records of an answer, MX or for RESOLVE_CONNEG those of SRV, as hosts without addresses, by preference,
 * RESOLVE_HOSTS at most, the most preferred.  -1: there are records, but none names a host: ERR_PERM 5.1.10
 * (null MX, RFC 7505), 5.4.4 (of an SRV too: the target ".", RFC 2782).  Pure.
 */
int question_hosts(const struct answer *a, enum resolve_kind kind, const char *domain, struct resolved *out,
    struct err *e);

/* Both families' addresses into a host, IPv6 first, up to RESOLVE_ADDRS, each family half of them if
 * the other has as many.  Pure. */
void question_addrs(const struct answer *six, const struct answer *four, struct resolved_host *h);

#endif
