/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * auth/dovecot.h - a line dovecot:PATH of the setting auth: Dovecot's authentication protocol, version 1, as a client says
 * it on the socket PATH.  Lines of fields with a TAB between; what would be one of these in a field is written as \001 and
 * a letter.
 */
#ifndef AUTH_DOVECOT_H
#define AUTH_DOVECOT_H

#include "auth/check.h"

enum {
	DOVECOT_LINE = 8192,		/* octets of a line with its LF */
	DOVECOT_LINES = 100,		/* that it may say, up to its answer */
	DOVECOT_MS = 6000		/* for all of it */
};

/* What it has said so far. */
struct dovecot { bool version, plain, greeted; uint32_t lines; };

/*
 * One line of it, without its LF.  0: more follows; 1: the greeting is over, or, behind that, the login is right, and name
 * is what it calls the user.  -1: ERR_PERM 5.7.8, the login is wrong; ERR_TEMP, it cannot tell, or does not speak this
 * protocol.
 */
int dovecot_line(struct dovecot *d, struct span line, char name[LOGIN_NAME], struct err *e);

/* As check_login, by the socket path. */
int dovecot_login(const struct login *l, struct span path, char name[LOGIN_NAME], struct err *e);

#endif
