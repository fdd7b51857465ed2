/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* ldap/connect.h - a connection to one server of a directory: TCP, TLS, and who asks. */
#ifndef LDAP_CONNECT_H
#define LDAP_CONNECT_H

#include <ldap.h>

#include "ldap/worker.h"

/* Authorities of the whole process, PEM; before the sandbox closes.  -1: they cannot be read. */
int connect_authorities(struct span pem, struct err *e);

/* A connection that has been let in, with *fd its socket.  NULL: *e says why. */
LDAP *connect_open(const struct worker *w, const struct ldap_server *to, int *fd, struct err *e);

/* What libldap says of a failure, with its server's words, cleaned. */
int connect_failed(LDAP *ld, int code, const char *what, struct err *e);

#endif
