/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/auth.h - AUTH as a client (RFC 4954), at next hops that the setting routeauth names: PLAIN (RFC 4616), LOGIN,
 * XOAUTH2.  The secret is had from the supervisor when the hop is ready to hear it, and wiped after it was said; a session
 * serves one hop, and gets that one's alone.
 */
#ifndef REMOTE_AUTH_H
#define REMOTE_AUTH_H

#include "remote/session.h"

/* No password goes in clear: where dest has one, what tlspolicy says is at least encrypt; where it says nothing, verify. */
void auth_policy(const struct conf *conf, const char *dest, struct tls_policy *policy);

/*
 * Logs in, where s->dest has a line; after EHLO, before the first transaction.  -1: ERR_TEMP, the mail waits: 4.7.8 the hop
 * does not take it, 4.7.11 there is no TLS, 4.7.4 it does not offer the method, 4.3.5 there is no secret; the connection is
 * of no use then.
 */
int auth_login(struct session *s, struct err *e);

/* Appends what is said with AUTH, or instead, before it is encoded: RFC 4616, 2, or XOAUTH2's "user=…".  Of LOGIN nothing. */
int auth_text(uint8_t method, struct span user, struct span secret, struct buf *out, struct err *e);

#endif
