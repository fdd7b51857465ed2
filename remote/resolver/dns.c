/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/resolver/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>

#include "lib/log.h"

enum { CLASS_INTERNET = 1, SEC_BOGUS = 1, SEC_SECURE = 2, RESOLVCONF_SERVERS = 3, PORT_DNS = 53 };

struct dns_query {
	struct dns *dns;
	dns_done *done;			/* NULL: forgotten */
	void *arg;
	struct dns_query **out;		/* the asker's handle; NULL: forgotten */
	enum dns_type type;
	char name[RESOLVE_NAME];
};

/*
 * What bounds it: the caches, how many questions are under way, how long a bad answer is kept.  An
 * option that this libunbound does not know stays at its own choice.
 */
static const struct { const char *name, *value; bool must; } options[] = {
	{ "do-not-query-localhost:", "no", true },	/* the name server may be on this host */
	{ "msg-cache-size:", "4m", true }, { "rrset-cache-size:", "8m", true },
	{ "key-cache-size:", "1m", true }, { "neg-cache-size:", "1m", true },
	{ "infra-cache-numhosts:", "100", false },
	{ "cache-max-ttl:", "86400", true }, { "cache-max-negative-ttl:", "900", true },
	{ "outgoing-range:", "200", true },	/* DNS_SOCKETS */
	{ "num-queries-per-thread:", "2000", true },	/* DNS_QUERIES */
	{ "outgoing-num-tcp:", "20", true },
	{ "infra-keep-probing:", "yes", false },	/* a server that was dead is found alive soon */
	{ "harden-large-queries:", "yes", false },
	{ "use-syslog:", "no", true },
};

/* Zones that libunbound would answer for by itself: those names are the name server's business. */
static const char *const not_ours[] = { "test.", "home.arpa.", "onion.", "invalid." };

static int
dns_failed(const char *what, int code, struct err *e)
{
	return err_set(e, ERR_PERM, "4.3.5", "%s: %s", what, ub_strerror(code));
}

uint32_t
resolvconf_servers(struct span text, struct netaddr *out, uint32_t max)
{
	struct span line, word;
	struct err ignored;
	uint32_t n = 0;

	if (max > RESOLVCONF_SERVERS)
		max = RESOLVCONF_SERVERS;
	while (n < max && span_line(&text, &line)) {
		if (!span_word(&line, &word) || !span_is(word, "nameserver") || !span_word(&line, &word))
			continue;
		if (netaddr_parse(word, &out[n], &ignored) == 0)
			out[n++].port = PORT_DNS;
	}
	return n;
}

static uint32_t
dns_servers(const struct conf *conf, struct span resolv_conf, struct netaddr out[DNS_SERVERS])
{
	const struct span *lines;
	uint32_t n = conf_lines(conf, CONF_NAMESERVERS, &lines), got = 0;
	struct err ignored;

	for (uint32_t i = 0; i < n && got < DNS_SERVERS; i++)
		if (nameserver_parse(lines[i], &out[got], &ignored) == 0)
			got++;
	if (n == 0)
		got = resolvconf_servers(resolv_conf, out, DNS_SERVERS);
	if (got == 0 && netaddr_parse(span_str("127.0.0.1"), &out[0], &ignored) == 0) {
		out[0].port = PORT_DNS;
		got = 1;
	}
	return got;
}

static int
dns_forward(struct dns *d, const struct conf *conf, struct span resolv_conf, struct err *e)
{
	struct netaddr server[DNS_SERVERS];
	uint32_t n = dns_servers(conf, resolv_conf, server);
	char addr[48], text[64];
	int r;

	for (uint32_t i = 0; i < n; i++) {
		netaddr_print(&server[i], addr, sizeof addr);
		snprintf(text, sizeof text, "%s@%u", addr, server[i].port);
		if ((r = ub_ctx_set_fwd(d->ctx, text)) != 0)
			return dns_failed(text, r, e);
		log_line(LOG_INFO, NULL, "nameserver", "addr=%s", text);
	}
	return 0;
}

static int
dns_anchors(struct dns *d, const struct conf *conf, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(conf, CONF_TRUSTANCHOR, &lines);
	int r;

	for (uint32_t i = 0; i < n; i++)	/* a setting's lines end in NUL (lib/conf.c) */
		if ((r = ub_ctx_add_ta(d->ctx, (const char *)lines[i].p)) != 0)
			return dns_failed("trustanchor", r, e);
	return 0;
}

static void
dns_probed(void *arg, int rcode, void *packet, int len, int sec, char *why, int limited)
{
	(void)arg, (void)rcode, (void)packet, (void)len, (void)sec, (void)why, (void)limited;
}

/* From here on libunbound has what it needs from files. */
static int
dns_finish(struct dns *d, struct err *e)
{
	int r;

	for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
		if ((r = ub_ctx_zone_remove(d->ctx, not_ours[i])) != 0)
			return dns_failed("trustanchor or local zones", r, e);
	/* answered by itself, without a packet: the worker behind it is made now */
	r = ub_resolve_event(d->ctx, "localhost", DNS_A, CLASS_INTERNET, d, dns_probed, NULL);
	return r == 0 ? 0 : dns_failed("libunbound", r, e);
}

int
dns_open(struct dns *d, struct loop *l, const struct conf *conf, struct span resolv_conf,
    struct err *e)
{
	int r;

	*d = (struct dns){ 0 };
	events_init(&d->events, l);
	if ((d->ctx = ub_ctx_create_ub_event(&d->events.base)) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "libunbound: no context");
	ub_ctx_debugout(d->ctx, NULL);		/* what it has to say comes with its answers */
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if ((r = ub_ctx_set_option(d->ctx, options[i].name, options[i].value)) != 0 &&
		    options[i].must)
			return dns_failed(options[i].name, r, e);
	if (dns_forward(d, conf, resolv_conf, e) == -1 || dns_anchors(d, conf, e) == -1)
		return -1;
	return dns_finish(d, e);
}

/* Why there is no answer, in words. */
static int
dns_no_answer(const struct dns_query *q, unsigned rcode, int sec, const char *why, struct err *e)
{
	char said[100];

	if (sec == SEC_BOGUS) {
		span_text(span_str(why != NULL ? why : ""), said, sizeof said);
		return err_set(e, ERR_TEMP, "4.4.3", "%s: the DNS answer does not validate (DNSSEC): %s",
		    q->name, said);
	}
	if (rcode == DNS_SERVFAIL)
		return err_set(e, ERR_TEMP, "4.4.3", "%s: no name server answers for it (SERVFAIL)",
		    q->name);
	return err_set(e, ERR_TEMP, "4.4.3", "%s: the name server refuses (DNS error %u)", q->name,
	    rcode);
}

static void
dns_answered(void *arg, int rcode, void *packet, int len, int sec, char *why, int limited)
{
	static struct answer a;
	struct dns_query *q = arg;
	struct span p = span_of(packet, packet == NULL || len < 0 ? 0 : (size_t)len);
	struct err e = { 0 };

	(void)limited;
	q->dns->nquery--;
	if (q->out != NULL)
		*q->out = NULL;
	if (q->done == NULL) {
		free(q);
		return;
	}
	a = (struct answer){ .rcode = (unsigned)rcode, .ttl = ANSWER_TTL_MAX };
	if (sec == SEC_BOGUS || (rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN))
		(void)dns_no_answer(q, (unsigned)rcode, sec, why, &e);
	else if (rcode == DNS_NOERROR && answer_read(p, q->name, q->type, &a, &e) == 0 &&
	    a.rcode != DNS_NOERROR && a.rcode != DNS_NXDOMAIN)
		(void)dns_no_answer(q, a.rcode, sec, why, &e);
	q->dns->failed += e.kind != ERR_NONE;
	q->done(q->arg, &a, sec == SEC_SECURE, e.kind == ERR_NONE ? NULL : &e);
	free(q);
}

int
dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done *done, void *arg,
    struct dns_query **out, struct err *e)
{
	struct dns_query *q;
	int r;

	if (d->nquery >= DNS_QUERIES)
		return err_set(e, ERR_TEMP, "4.4.3", "%s: too many DNS questions at once", name);
	if ((q = calloc(1, sizeof *q)) == NULL)
		return err_sys(e, "%s", name);
	*q = (struct dns_query){ .dns = d, .done = done, .arg = arg, .out = out, .type = type };
	snprintf(q->name, sizeof q->name, "%s", name);
	*out = q;
	d->nquery++;
	d->total++;
	r = ub_resolve_event(d->ctx, name, (int)type, CLASS_INTERNET, q, dns_answered, NULL);
	if (r != 0) {
		d->nquery--;
		*out = NULL;
		free(q);
		return err_set(e, ERR_TEMP, "4.4.3", "%s: %s", name, ub_strerror(r));
	}
	return 0;
}

void
dns_forget(struct dns_query *q)
{
	q->done = NULL;
	q->out = NULL;
}
