/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "qmgr/route.h"

#include <stdio.h>

#include "lib/address.h"
#include "lib/confline.h"

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
		snprintf(out, ROUTE_MAX, "local");
		return;
	}
	n = conf_lines(conf, CONF_SMTPROUTES, &lines);
	if (route_find(lines, n, domain, out, JOB_DEST) != 1)
		snprintf(out, ROUTE_MAX, "%.*s:25", (int)domain.n, (const char *)domain.p);
	else
		route_part(conf, domain, out);
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
	domain = space == NULL ? span_sub(span_str(hop), 0, span_rfind(span_str(hop), ':')) :
	    span_str(space[1] == '.' ? below : below + 1);
	destination_find(lines, n, domain, hop, out);
}
