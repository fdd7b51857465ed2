/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "remote/ask.h"
#include "remote/inquire.h"
#include "remote/secure.h"

static bool
reach_rests(const void *arg, const struct netaddr *a)
{
	return backoff_resting(arg, a, clock_ms());
}

/* The hosts that are not tried, or not at all of their addresses. */
static void
reach_log_hosts(const struct session *s, const struct resolved *r)
{
	for (uint32_t i = 0; i < r->nhost; i++) {
		const struct resolved_host *h = &r->host[i];
		const char *why = h->why[0] != '\0' ? h->why : "no address";

		if (h->why[0] == '\0' && h->naddr > 0)
			continue;
		log_line(LOG_INFO, s->job->id, "no-address", "dest=%s relay=%s preference=%u why=%s",
		    log_q(s->dest), log_q(h->name), h->preference, log_q(why));
		inquiry_tellf(s->inquiry, INQUIRY_NO_ADDRESS, "%u %s: %s", h->preference, h->name, why);
	}
}

static int
reach_order(struct session *s, const struct resolved *r, uint16_t port, struct err *e)
{
	static const struct own none;
	struct hosts_rules rules = { .me = conf_string(s->conf, CONF_ME), .port = port,
	    .own = s->own != NULL ? s->own : &none, .arg = s->backoff,
	    .resting = s->backoff != NULL ? reach_rests : NULL };
	uint32_t resting = 0;

	if (getrandom(&rules.seed, sizeof rules.seed, 0) != sizeof rules.seed)
		rules.seed = (uint64_t)clock_us();
	if (s->reach.hosts == NULL && (s->reach.hosts = malloc(sizeof *s->reach.hosts)) == NULL)
		return err_sys(e, "%s", s->dest);
	reach_log_hosts(s, r);
	if (hosts_order(r, &rules, s->reach.hosts, e) == -1)
		return -1;
	inquire_hosts(s->inquiry, r, s->reach.hosts);
	s->reach.n = s->reach.hosts->n;
	for (uint32_t i = 0; i < s->reach.n; i++)
		resting += s->reach.hosts->c[i].resting;
	log_line(LOG_INFO, s->job->id, "resolved", "dest=%s source=%s dnssec=%s ttl=%u hosts=%u "
	    "addresses=%u resting=%u", log_q(s->dest), resolve_source_name(r->source),
	    resolve_dnssec_name(r->dnssec), r->ttl, r->nhost, s->reach.n, resting);
	return 0;
}

/* A route that names a host: "mx.example:25". */
static int
reach_route(struct session *s, struct resolved *r, struct err *e)
{
	struct span dest = span_str(s->dest), host = span_sub(dest, 0, span_rfind(dest, ':'));
	char name[RESOLVE_NAME];
	struct netaddr ignored;
	uint64_t port;

	if (!span_u64(span_sub(dest, host.n + 1, dest.n), UINT16_MAX, &port) || host.n >= sizeof name)
		return err_set(e, ERR_TEMP, "4.3.5", "%s: no host and port", s->dest);
	span_text(host, name, sizeof name);
	if (hosts_domain(name, &ignored, name) != 0)
		return err_set(e, ERR_TEMP, "4.3.5", "%s: no host and port", s->dest);
	if (ask_hosts(s, RESOLVE_HOST, name, r, e) == -1)
		return -1;
	return reach_order(s, r, (uint16_t)port, e);
}

/* A domain: its MX, or the address that it is. */
static int
reach_domain(struct session *s, struct resolved *r, struct err *e)
{
	char name[RESOLVE_NAME];
	struct netaddr a;
	int is = hosts_domain(s->dest, &a, name);

	if (is == -1)
		return err_set(e, ERR_PERM, "5.1.2", "%s is no domain that mail could be sent to", s->dest);
	if (is == 1) {
		*r = (struct resolved){ .source = SOURCE_LITERAL, .nhost = 1 };
		r->host[0].naddr = 1;
		r->host[0].addr[0] = a;
	} else if (ask_hosts(s, RESOLVE_MX, name, r, e) == -1) {
		return -1;
	}
	return reach_order(s, r, PORT_SMTP, e);
}

/* A domain that is probed: no route and no MX has a say in it. */
static int
reach_srv(struct session *s, struct resolved *r, struct err *e)
{
	char name[RESOLVE_NAME];
	struct netaddr ignored;

	if (hosts_domain(s->dest, &ignored, name) != 0)
		return err_set(e, ERR_PERM, "5.1.2", "%s is no domain that could have SRV records", s->dest);
	return ask_hosts(s, RESOLVE_CONNEG, name, r, e) == -1 ? -1 : reach_order(s, r, 0, e);
}

/* By a host and port of smtproutes, or by a domain. */
static int
reach_names(struct session *s, bool route, struct resolved *r, struct err *e)
{
	if (s->srv)
		return reach_srv(s, r, e);
	return route ? reach_route(s, r, e) : reach_domain(s, r, e);
}

int
reach_start(struct session *s, struct err *e)
{
	static struct resolved r;
	struct reach *h = &s->reach;
	struct span dest = span_str(s->dest);
	struct netaddr to;
	int is;

	if (h->spent) {
		*e = h->failure;
		memcpy(s->mta, h->mta, sizeof s->mta);
		return -1;
	}
	h->tries = 0;
	h->began_ms = clock_ms();
	h->failure = (struct err){ 0 };
	/* DNS asked anew would lead back to the host that this job has left */
	if (h->known && (h->passed || h->began_ms - h->asked_ms < REACH_STALE_MS) && h->at < h->n)
		return 0;
	*h = (struct reach){ .began_ms = h->began_ms, .asked_ms = h->began_ms, .hosts = h->hosts };
	snprintf(s->mta, sizeof s->mta, "%.90s", s->dest);
	is = s->srv ? -1 : route_addr(s->dest, &to);
	if (is == 1) {			/* nobody is asked, nothing is remembered */
		h->direct = true;
		h->n = 1;
		h->to = to;
	} else if (reach_names(s, is == 0 || (dest.n > 0 && span_rfind(dest, ':') < dest.n && dest.p[0] != '['), &r,
	    e) == -1) {
		s->mta[0] = '\0';	/* no host is to blame */
		h->failure = *e;
		h->spent = true;
		return -1;
	}
	h->known = true;
	return 0;
}

const struct netaddr *
reach_next(struct session *s)
{
	struct reach *h = &s->reach;

	if (h->at >= h->n)
		return NULL;
	h->tried_ms = clock_ms();
	if (h->tries >= REACH_TRIES || (h->tries >= REACH_LEAST && h->tried_ms - h->began_ms > REACH_MS)) {
		if (h->failure.kind == ERR_PERM) {	/* not of those that were not asked */
			h->failure.kind = ERR_TEMP;
			h->failure.dsn[0] = '4';
		}
		h->known = false;
		return NULL;
	}
	if (!h->direct)
		hosts_name(&h->hosts->c[h->at], s->mta, sizeof s->mta);
	inquiry_tell(s->inquiry, INQUIRY_TRIES, span_str(s->mta));
	return h->direct ? &h->to : &h->hosts->c[h->at].to;
}

/* What came of an address, for the table that all sessions read. */
static void
reach_tell(struct session *s, bool bad)
{
	const struct netaddr *a = &s->reach.hosts->c[s->reach.at].to;
	struct msg_address m = { .port = a->port, .bad = bad,
	    .cost_ms = (uint32_t)(clock_ms() - s->reach.tried_ms) };
	struct err ignored;	/* a hint; a parent that has gone is found by the next call */

	if (s->backoff == NULL || s->parent == -1 || (!bad && !backoff_known(s->backoff, a)))
		return;
	memcpy(m.a, a->a, sizeof m.a);
	(void)ipc_send(s->parent, &m.h, MSG_ADDRESS, 0, sizeof m, NULL, 0, &ignored);
}

static void
reach_log(const struct session *s, const char *event, const char *why)
{
	const struct reach *h = &s->reach;
	const struct candidate *c = &h->hosts->c[h->at];

	log_line(LOG_INFO, s->job->id, event, "relay=%s source=%s dnssec=%s "
	    "preference=%u resting=%d why=%s", log_q(s->mta),
	    resolve_source_name(h->hosts->source), resolve_dnssec_name(h->hosts->dnssec), c->preference,
	    c->resting, *why == '\0' ? "-" : log_q(why));
}

void
reach_worked(struct session *s)
{
	s->reach.tries = 0;
	if (s->reach.direct)
		return;
	reach_log(s, "connected", "");
	reach_tell(s, false);
}

/* This machine's own fault: no such network, no descriptor. */
static bool
is_ours(int sys)
{
	return sys == ENETUNREACH || sys == EAFNOSUPPORT || sys == EADDRNOTAVAIL || sys == EACCES ||
	    sys == EPERM || sys == EMFILE || sys == ENFILE || sys == ENOBUFS || sys == ENOMEM;
}

void
reach_failed(struct session *s, bool connected, const struct err *why)
{
	struct reach *h = &s->reach;
	bool ours = !connected && is_ours(why->sys);

	inquiry_tell(s->inquiry, INQUIRY_FAILED, span_str(why->what));
	if (h->failure.kind == ERR_NONE || h->failure.kind == ERR_PERM || why->kind != ERR_PERM) {
		h->failure = *why;
		memcpy(h->mta, s->mta, sizeof h->mta);
	}
	if (!h->direct) {
		reach_log(s, "hop-failed", why->what);
		/* a certificate that is not believed says nothing of the address */
		if (!ours && why->code == 0 && !secure_verdict(why))
			reach_tell(s, true);
	}
	h->tries += !ours;
	h->at++;
}

int
reach_verdict(struct session *s, struct err *e)
{
	struct reach *h = &s->reach;

	h->known = false;
	h->spent = !h->direct && h->failure.kind != ERR_NONE;
	if (h->failure.kind == ERR_NONE)
		return err_set(e, ERR_TEMP, "4.4.1", "no host of %s is left to be tried", s->dest);
	*e = h->failure;
	memcpy(s->mta, h->mta, sizeof s->mta);
	return -1;
}

bool
reach_has_next(const struct session *s)
{
	const struct reach *h = &s->reach;

	return h->known && !h->direct && h->at + 1 < h->n && !h->hosts->c[h->at + 1].resting;
}

bool
reach_pass(struct session *s, uint32_t from, const char *why)
{
	struct reach *h = &s->reach;

	if (!h->known || h->direct || from <= h->at || from >= h->n)
		return false;
	reach_log(s, "passed-over", why);
	h->at = from;
	h->passed = true;
	return true;
}

bool
reach_other_host(struct session *s, const char *why)
{
	struct reach *h = &s->reach;
	uint32_t next = h->at;

	if (!h->known || h->direct || next >= h->n)
		return false;
	while (next < h->n && strcmp(h->hosts->c[next].name, h->hosts->c[h->at].name) == 0)
		next++;
	if (next == h->n)
		return false;
	reach_log(s, "passed-over", why);
	h->at = next;
	h->passed = true;
	return true;
}
