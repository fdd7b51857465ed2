/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/route.h"

#include <stdio.h>

#include "lib/address.h"
#include "lib/confline.h"

/* The name of a domain among destinations, where ROUTE_LOCAL has another meaning. */
static struct span
route_domain(struct span domain)
{
	return span_isi(domain, ROUTE_LOCAL) ? span_str(ROUTE_LOCAL ".") : domain;
}

/* Domains with options of their own do not share the fate of others on the same route. */
static void
route_part(const struct conf *conf, struct span domain, char out[ROUTE_MAX])
{
	const struct span *lines;
	uint32_t n = conf_lines(conf, CONF_DESTINATIONS, &lines);
	struct span pattern = destination_pattern(lines, n, domain);
	size_t used = strlen(out);

	if (pattern.n == 0 || pattern.n >= ROUTE_MAX - used - 1)
		return;
	out[used++] = ' ';
	for (size_t i = 0; i < pattern.n; i++)
		out[used++] = (char)ascii_lower(pattern.p[i]);
	out[used] = '\0';
}

void
route_of(const struct conf *conf, struct span addr, char out[ROUTE_MAX])
{
	struct span domain = address_domain(addr);
	unsigned char lower[ADDRESS_MAX_DOMAIN + 1];
	const struct span *lines;
	uint32_t n;

	snprintf(out, ROUTE_MAX, "%s", ROUTE_NONE);
	if (domain.n > ADDRESS_MAX_DOMAIN)
		return;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = (unsigned char)ascii_lower(domain.p[i]);
	domain.p = lower;
	n = conf_lines(conf, CONF_LOCALS, &lines);
	if (domain.n == 0 || domains_have(lines, n, domain)) {	/* none: "postmaster" alone */
		snprintf(out, ROUTE_MAX, ROUTE_LOCAL);
		return;
	}
	n = conf_lines(conf, CONF_SMTPROUTES, &lines);
	if (route_find(lines, n, domain, out) == 1) {
		route_part(conf, route_domain(domain), out);
	} else if (domain.p[0] == '[') {
		hop_name(domain, out);
	} else {
		domain = route_domain(domain);
		snprintf(out, ROUTE_MAX, "%.*s", (int)domain.n, (const char *)domain.p);
	}
}

/* Whatever the settings are, could that be the route of a domain? */
static bool
route_may_be(struct span domain, const char *route)
{
	struct span r = span_str(route);
	size_t space = span_find(r, ' ');

	if (space < r.n)
		return domain_rank(span_sub(r, space + 1, r.n), route_domain(domain)) > 1;
	if (domain.n == 0 || domain.p[0] == '[' || strchr(route, ':') != NULL ||
	    strcmp(route, ROUTE_LOCAL) == 0 || strcmp(route, ROUTE_NONE) == 0)
		return true;
	return span_eqi(r, route_domain(domain));
}

bool
route_is(const struct conf *conf, struct span addr, const char *route)
{
	char out[ROUTE_MAX];

	if (!route_may_be(address_domain(addr), route))
		return false;
	route_of(conf, addr, out);
	return strcmp(out, route) == 0;
}

void
route_hop(const char *route, char out[JOB_DEST])
{
	snprintf(out, JOB_DEST, "%.*s", (int)strcspn(route, " "), route);
}

void
route_options(const struct conf *conf, const char *route, struct destination *out)
{
	const char *space = strchr(route, ' ');
	char hop[JOB_DEST], below[ROUTE_MAX];
	struct span domain;
	const struct span *lines;
	uint32_t n = conf_lines(conf, CONF_DESTINATIONS, &lines);

	route_hop(route, hop);
	/* ".x" stands for any name below x: one that no line has. */
	snprintf(below, sizeof below, "*%s", space != NULL ? space + 1 : "");
	domain = span_str(hop);
	if (space != NULL)
		domain = span_str(space[1] == '.' ? below : below + 1);
	else if (domain.n > 0 && domain.p[domain.n - 1] != ']')	/* a literal has no port, but colons */
		domain = span_sub(domain, 0, span_rfind(domain, ':'));
	destination_find(lines, n, domain, hop, out);
}
