/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/secure.h - what a client is shown when it begins TLS: certificates by the name that it asks for (RFC 6066,
 * 3).  Made by the parent, for all sessions; a session signs, and remembers clients, by accord-key.
 */
#ifndef SMTPD_SECURE_H
#define SMTPD_SECURE_H

#include "lib/conf.h"
#include "lib/tls.h"
#include "smtpd/link.h"

struct secure;

/* Brings in what OpenSSL reads from files: before the sandbox closes. */
int secure_prepare(struct err *e);

/* all: what tlscert_read made, without private keys.  NULL with e->kind ERR_NONE: tlscert has no line, so there is
 * no TLS; else ERR_PERM, with the line. */
struct secure *secure_new(const struct conf *c, struct span all, struct err *e);
void secure_free(struct secure *s);

/* One client's TLS over fd, which is borrowed; signatures by l.  NULL: ERR_TEMP. */
struct tls *secure_begin(const struct secure *s, struct link *l, int fd, struct err *e);

#endif
