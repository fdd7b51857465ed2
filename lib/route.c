/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/route.h"

#include <stdio.h>

#include "lib/address.h"
#include "lib/confline.h"

void
route_of(const struct conf *conf, struct span addr, char out[JOB_DEST])
{
	struct span domain = address_domain(addr);
	unsigned char lower[ADDRESS_MAX_DOMAIN + 1];
	const struct span *lines;
	uint32_t n;

	snprintf(out, JOB_DEST, "%s", ROUTE_NONE);
	if (domain.n > ADDRESS_MAX_DOMAIN)
		return;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = (unsigned char)ascii_lower(domain.p[i]);
	domain.p = lower;
	n = conf_lines(conf, CONF_LOCALS, &lines);
	if (domain.n == 0 || domains_have(lines, n, domain)) {	/* none: "postmaster" alone */
		snprintf(out, JOB_DEST, "local");
		return;
	}
	n = conf_lines(conf, CONF_SMTPROUTES, &lines);
	if (route_find(lines, n, domain, out, JOB_DEST) != 1)
		snprintf(out, JOB_DEST, "%.*s:25", (int)domain.n, (const char *)domain.p);
}
