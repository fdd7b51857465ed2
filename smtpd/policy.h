/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* smtpd/policy.h - what the settings say of a client and of a recipient's domain.  Pure. */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "lib/confline.h"

enum policy_route {
	POLICY_DENIED,		/* not ours, and this client may not send there */
	POLICY_RELAY,		/* taken, and sent on */
	POLICY_LOCAL		/* in `locals`: the mailbox must exist */
};

/* May this client send anywhere: who has logged in (user not ""), or who is known, but on a listener for submission, where
 * only a login counts (RFC 6409, 4.3)? */
bool policy_trusts(const struct conf *c, const struct listener *l, const struct netaddr *client, const char *user);

/* Is it of relayclients, unless the listener is norelay? */
bool policy_knows(const struct conf *c, const struct listener *l, const struct netaddr *client);

/* May it send nothing at all before it has logged in? */
bool policy_wants_login(const struct listener *l);

/* domain: as it came, in any case. */
enum policy_route policy_route(const struct conf *c, bool trusted, struct span domain);

/* Has a recipient of that domain to be there, as capd knows it?  Of others whoever takes the mail next will tell. */
bool policy_must_exist(const struct conf *c, enum policy_route route, struct span domain);

#endif
