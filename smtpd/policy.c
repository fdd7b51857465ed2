/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/policy.h"

#include "lib/address.h"
#include "lib/recipients.h"

bool
policy_wants_login(const struct listener *l)
{
	return listener_submits(l);
}

bool
policy_knows(const struct conf *c, const struct listener *l, const struct netaddr *client)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_RELAYCLIENTS, &lines);

	return !l->norelay && networks_have(lines, n, client);
}

bool
policy_trusts(const struct conf *c, const struct listener *l, const struct netaddr *client, const char *user)
{
	return user[0] != '\0' || (!policy_wants_login(l) && policy_knows(c, l, client));
}

/* domain in lower case, in low; empty if it is too long to be one. */
static struct span
lower(struct span domain, char low[ADDRESS_MAX_DOMAIN])
{
	size_t n = domain.n <= ADDRESS_MAX_DOMAIN ? domain.n : 0;

	for (size_t i = 0; i < n; i++)
		low[i] = (char)ascii_lower(domain.p[i]);
	return span_of(low, n);
}

enum policy_route
policy_route(const struct conf *c, bool trusted, struct span domain)
{
	char low[ADDRESS_MAX_DOMAIN];
	struct span d = lower(domain, low);
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_RCPTHOSTS, &lines);

	if (!trusted && !domains_have(lines, n, d))
		return POLICY_DENIED;
	n = conf_lines(c, CONF_LOCALS, &lines);
	return domains_have(lines, n, d) ? POLICY_LOCAL : POLICY_RELAY;
}

bool
policy_must_exist(const struct conf *c, enum policy_route route, struct span domain)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_RECIPIENTS, &lines);

	return route == POLICY_LOCAL || (route == POLICY_RELAY && recipients_listed(lines, n, domain));
}
