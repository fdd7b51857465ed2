/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/secure.h - TLS to the next hop: what the setting tlspolicy asks for, whom we believe, and what became of it.
 *
 * A certificate that is to be verified names the hop: by verify=NAME; else the host of a route; else, of hosts found by
 * MX, the domain itself, or the host where DNSSEC says that the MX record is the domain's own.  A name that plain DNS
 * gave is no proof of anything (RFC 7817, 3).
 */
#ifndef REMOTE_SECURE_H
#define REMOTE_SECURE_H

#include "remote/session.h"

/*
 * Once in the parent, before the sandbox: the context of all sessions that begin with these settings.  ca: what tlsca
 * names, in PEM; not used where no policy verifies.  NULL: ERR_TEMP, or ERR_PERM that names tlsca.
 */
SSL_CTX *secure_context(const struct conf *conf, struct span ca, struct err *e);

/*
 * From now on that holds; a connection that was made for another policy is ended.  want: its views live as long as the
 * settings.
 */
void secure_want(struct session *s, const struct tls_policy *want);

/* Is TLS to be begun on the connection that is made, before the greeting: port 465 (RFC 8314, 3.3), or as the policy says? */
bool secure_first(const struct session *s, const struct netaddr *to);

/*
 * The handshake, now.  -1: ERR_TEMP 4.7.5 it failed, or the certificate is not what the policy wants; 4.4.2 lost.  The
 * connection is of no use then.
 */
int secure_begin(struct session *s, struct err *e);

/* Is why what our own policy says of the hop, which it has not said? */
static inline bool
secure_verdict(const struct err *why)
{
	return why->code == 0 && strncmp(why->dsn + 1, ".7.", 3) == 0;
}

/* Is a handshake that failed worth another connection, in clear? */
bool secure_clear_again(struct session *s, const struct netaddr *to);

#endif
