/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/authline.h - the lines of the setting auth: against what names and passwords are checked. */
#ifndef LIB_AUTHLINE_H
#define LIB_AUTHLINE_H

#include "lib/conf.h"

enum auth_kind { AUTH_PASSWD, AUTH_DOVECOT, AUTH_PROGRAM, AUTH_KINDS };
struct authline { enum auth_kind kind; struct span arg; };	/* arg: what follows the colon: the socket; the
					 * program and its arguments.  A view of the line */

/* -1: ERR_PERM, what was expected. */
int authline_parse(struct span line, struct authline *out, struct err *e);
int authline_check(struct span line, struct err *e);

/* Has auth a line of that kind? */
bool authline_have(const struct conf *c, enum auth_kind kind);

#endif
