/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/resolver/question.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAMILIES = 2, FAMILY_KEEPS = RESOLVE_ADDRS };

#define CONNEG_PREFIX "_conneg._tcp"	/* what DRUCOF, 2, leaves open */

/* A question for one family of one host. */
struct lookup {
	struct question *of;
	struct dns_query *query;	/* under way */
	uint32_t n;
	unsigned char a[FAMILY_KEEPS][16];
	char why[RESOLVE_WHY];		/* no answer: its host is not known wholly; else "" */
};

struct question {
	struct question *next, **prev;
	struct questions *all;
	enum resolve_kind kind;
	char name[RESOLVE_NAME];
	struct waiter *waiters;
	struct timer deadline;
	unsigned pending;		/* queries, and one while they are being made */
	struct dns_query *hosts;	/* of MX or SRV */
	bool insecure;			/* some answer was */
	struct resolved res;
	struct lookup lookup[RESOLVE_HOSTS][FAMILIES];
	struct err failure;		/* of the whole */
};

/* --- pure --- */

static void
hosts_insert(struct resolved *out, const struct record *r)
{
	uint32_t at = out->nhost;

	while (at > 0 && out->host[at - 1].preference > r->preference)
		at--;
	if (at == RESOLVE_HOSTS)
		return;
	if (out->nhost < RESOLVE_HOSTS)
		out->nhost++;
	memmove(&out->host[at + 1], &out->host[at], (out->nhost - 1 - at) * sizeof out->host[0]);
	out->host[at] = (struct resolved_host){ .preference = r->preference, .weight = r->weight, .port = r->port };
	memcpy(out->host[at].name, r->name, sizeof out->host[at].name);
}

int
question_hosts(const struct answer *a, enum resolve_kind kind, const char *domain, struct resolved *out,
    struct err *e)
{
	bool mail = kind == RESOLVE_MX;

	out->nhost = 0;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->record[i].name[0] != '\0')
			hosts_insert(out, &a->record[i]);
	if (out->nhost > 0 || (a->n == 0 && a->nodd == 0))
		return 0;
	if (a->nodd == 0)
		return err_set(e, ERR_PERM, mail ? "5.1.10" : "5.4.4", mail ? "%s takes no mail (null MX)" :
		    "%s: nobody says what its recipients take (SRV)", domain);
	return err_set(e, ERR_PERM, "5.4.4", "%s: its %s records name no host", domain, mail ? "MX" : "SRV");
}

void
question_addrs(const struct answer *six, const struct answer *four, struct resolved_host *h)
{
	uint32_t half = RESOLVE_ADDRS / 2, n4 = four->n, n6 = six->n;

	if (n6 + n4 > RESOLVE_ADDRS && n4 > half)
		n4 = n6 >= half ? half : RESOLVE_ADDRS - n6;
	if (n6 > RESOLVE_ADDRS - n4)
		n6 = RESOLVE_ADDRS - n4;
	h->naddr = (uint8_t)(n6 + n4);
	for (uint32_t i = 0; i < h->naddr; i++) {
		const struct record *r = i < n6 ? &six->record[i] : &four->record[i - n6];

		h->addr[i].port = 0;
		memcpy(h->addr[i].a, r->a, sizeof r->a);
	}
}

/* --- the end of a question --- */

static void
question_free(struct question *q)
{
	loop_cancel(q->all->loop, &q->deadline);
	if (q->hosts != NULL)
		dns_forget(q->hosts);
	for (uint32_t i = 0; i < RESOLVE_HOSTS; i++)
		for (int f = 0; f < FAMILIES; f++)
			if (q->lookup[i][f].query != NULL)
				dns_forget(q->lookup[i][f].query);
	*q->prev = q->next;
	if (q->next != NULL)
		q->next->prev = q->prev;
	free(q);
}

/* What the lookups found becomes the hosts' addresses. */
static void
question_collect(struct question *q)
{
	static struct answer of[FAMILIES];

	for (uint32_t i = 0; i < q->res.nhost; i++) {
		for (int f = 0; f < FAMILIES; f++) {
			const struct lookup *l = &q->lookup[i][f];

			of[f].n = l->n;
			for (uint32_t k = 0; k < l->n; k++)
				memcpy(of[f].record[k].a, l->a[k], sizeof l->a[k]);
			if (l->why[0] != '\0' || l->query != NULL)
				snprintf(q->res.host[i].why, sizeof l->why, "%s",
				    l->why[0] != '\0' ? l->why : "no DNS answer in time");
		}
		question_addrs(&of[0], &of[1], &q->res.host[i]);
	}
	q->res.dnssec = q->insecure ? DNSSEC_INSECURE : DNSSEC_SECURE;
}

/* No address at all, and nothing that a session could still find a loop in. */
static void
question_judge(struct question *q)
{
	const struct resolved_host *h = &q->res.host[0];

	if (q->failure.kind != ERR_NONE || q->res.source == SOURCE_MX || q->res.source == SOURCE_SRV ||
	    h->naddr > 0)
		return;
	if (h->why[0] != '\0')
		err_set(&q->failure, ERR_TEMP, "4.4.3", "%s: %s", q->name, h->why);
	else if (q->kind == RESOLVE_HOST)	/* an administrator named it: it can be mended */
		err_set(&q->failure, ERR_TEMP, "4.3.5", "%s: the host of a route has no address", q->name);
	else
		err_set(&q->failure, ERR_PERM, "5.4.4", "%s has neither a mail host nor an address",
		    q->name);
}

static void
question_end(struct question *q)
{
	struct waiter *w;

	question_collect(q);
	question_judge(q);
	while ((w = q->waiters) != NULL) {
		q->waiters = w->next;
		w->of = NULL;
		w->done(w, &q->res, q->failure.kind == ERR_NONE ? NULL : &q->failure);
	}
	question_free(q);
}

static void
question_less(struct question *q)
{
	if (--q->pending == 0)
		question_end(q);
}

static void
question_late(void *arg)
{
	struct question *q = arg;

	if (q->hosts != NULL)
		err_set(&q->failure, ERR_TEMP, "4.4.3", "%s: no DNS answer in time", q->name);
	question_end(q);
}

/* --- its course --- */

static void
question_heed(struct question *q, const struct answer *a, bool secure)
{
	if (!secure)
		q->insecure = true;
	if (a->ttl < q->res.ttl)
		q->res.ttl = a->ttl;
}

/* The name, with which errors of DNS begin, is the host's: it is not said again. */
static void
lookup_fail(struct lookup *l, const char *name, const struct err *why)
{
	size_t n = strlen(name);
	bool named = strncmp(why->what, name, n) == 0 && strncmp(why->what + n, ": ", 2) == 0;

	span_text(span_str(why->what + (named ? n + 2 : 0)), l->why, sizeof l->why);
}

static void
on_address(void *arg, const struct answer *a, bool secure, const struct err *why)
{
	struct lookup *l = arg;
	struct question *q = l->of;
	size_t host = (size_t)(l - q->lookup[0]) / FAMILIES;

	if (why != NULL) {
		lookup_fail(l, q->res.host[host].name, why);
	} else {
		question_heed(q, a, secure);
		for (; l->n < a->n && l->n < FAMILY_KEEPS; l->n++)
			memcpy(l->a[l->n], a->record[l->n].a, sizeof l->a[0]);
	}
	question_less(q);
}

static void
question_lookup(struct question *q, uint32_t host, int family)
{
	struct lookup *l = &q->lookup[host][family];
	struct err e = { 0 };

	l->of = q;
	q->pending++;
	if (dns_ask(q->all->dns, q->res.host[host].name, family == 0 ? DNS_AAAA : DNS_A, on_address, l,
	    &l->query, &e) == 0)
		return;
	lookup_fail(l, q->res.host[host].name, &e);
	q->pending--;
}

/* The addresses of all hosts, at once.  Whoever calls holds the question. */
static void
question_lookups(struct question *q)
{
	for (uint32_t i = 0; i < q->res.nhost; i++)
		for (int f = 0; f < FAMILIES; f++)
			question_lookup(q, i, f);
}

/* The name itself is the host. */
static void
question_itself(struct question *q, enum resolve_source source)
{
	q->res.source = source;
	q->res.nhost = 1;
	q->res.host[0] = (struct resolved_host){ .preference = 0 };
	memcpy(q->res.host[0].name, q->name, sizeof q->name);
	question_lookups(q);
}

/* The MX records are there, or it is known that there are none. */
static void
question_mail(struct question *q, const struct answer *a)
{
	if (a->rcode == DNS_NXDOMAIN)
		err_set(&q->failure, ERR_PERM, "5.1.2", "%s: no such domain", q->name);
	else if (question_hosts(a, q->kind, q->name, &q->res, &q->failure) == 0 && q->res.nhost == 0)
		question_itself(q, SOURCE_IMPLICIT);
	else
		question_lookups(q);
}

/* The same of SRV: in place of none there is nothing.  A domain whose mail hosts do not speak of capabilities is not
 * to be asked at all. */
static void
question_conneg(struct question *q, const struct answer *a)
{
	q->res.source = SOURCE_SRV;
	if (question_hosts(a, q->kind, q->name, &q->res, &q->failure) == 0 && q->res.nhost == 0)
		err_set(&q->failure, ERR_PERM, "5.4.4", "%s has no SRV record of " CONNEG_PREFIX, q->name);
	else
		question_lookups(q);
}

static void
on_hosts(void *arg, const struct answer *a, bool secure, const struct err *why)
{
	struct question *q = arg;

	q->res.nhost = 0;
	if (why != NULL) {
		q->failure = *why;
	} else {
		question_heed(q, a, secure);
		if (q->kind == RESOLVE_MX)
			question_mail(q, a);
		else
			question_conneg(q, a);
	}
	question_less(q);
}

static void
question_ask_hosts(struct question *q)
{
	char name[2 * RESOLVE_NAME];
	bool mail = q->kind == RESOLVE_MX;

	snprintf(name, sizeof name, "%s%s", mail ? "" : CONNEG_PREFIX ".", q->name);
	if (strlen(name) >= RESOLVE_NAME) {	/* RFC 1035, 3.1 */
		err_set(&q->failure, ERR_PERM, "5.4.4", "%s has no SRV record of " CONNEG_PREFIX, q->name);
		return;
	}
	q->pending++;
	if (dns_ask(q->all->dns, name, mail ? DNS_MX : DNS_SRV, on_hosts, q, &q->hosts, &q->failure) == -1)
		q->pending--;
}

static void
question_begin(struct question *q)
{
	q->pending = 1;
	if (q->kind == RESOLVE_HOST)
		question_itself(q, SOURCE_HOST);
	else
		question_ask_hosts(q);
	question_less(q);
}

static struct question *
question_new(struct questions *all, enum resolve_kind kind, const char *name, struct err *e)
{
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL) {
		err_sys(e, "%s", name);
		return NULL;
	}
	q->all = all;
	q->kind = kind;
	snprintf(q->name, sizeof q->name, "%s", name);
	q->deadline = (struct timer){ .fire = question_late, .arg = q };
	q->res.ttl = ANSWER_TTL_MAX;
	if (loop_timer(all->loop, &q->deadline, RESOLVE_DEADLINE_MS, e) == -1) {
		free(q);
		return NULL;
	}
	q->next = all->first;
	q->prev = &all->first;
	if (q->next != NULL)
		q->next->prev = &q->next;
	all->first = q;
	return q;
}

int
questions_ask(struct questions *all, enum resolve_kind kind, const char *name, struct waiter *w,
    struct err *e)
{
	struct question *q = all->first;
	bool fresh;

	while (q != NULL && (q->kind != kind || strcmp(q->name, name) != 0))
		q = q->next;
	fresh = q == NULL;
	if (fresh && (q = question_new(all, kind, name, e)) == NULL)
		return -1;
	w->of = q;
	w->next = q->waiters;
	q->waiters = w;
	if (fresh)
		question_begin(q);
	return 0;
}

void
questions_forget(struct waiter *w)
{
	if (w->of == NULL)
		return;
	for (struct waiter **p = &w->of->waiters; *p != NULL; p = &(*p)->next)
		if (*p == w) {
			*p = w->next;
			break;
		}
	w->of = NULL;
}
