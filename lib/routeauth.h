/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/routeauth.h - the setting routeauth: as whom we log in at a next hop of smtproutes (RFC 4954), and the file that
 * has the password or token.  Pure, but for routeauth_read.
 */
#ifndef LIB_ROUTEAUTH_H
#define LIB_ROUTEAUTH_H

#include "lib/confline.h"

enum {
	ROUTEAUTH_USER = 255,	/* octets of a user's name */
	ROUTEAUTH_SECRET = 4096	/* octets of a password or token */
};
enum routeauth_method { ROUTEAUTH_PLAIN, ROUTEAUTH_LOGIN, ROUTEAUTH_XOAUTH2, ROUTEAUTH_METHODS };

struct routeauth { struct span hop, user, file; uint8_t method; };	/* enum routeauth_method */

/* "HOST[:PORT] plain|login|xoauth2 USER FILE"; the views are into line. */
int routeauth_parse(struct span line, struct routeauth *out, struct err *e);
int routeauth_check(struct span line, struct err *e);
int routeauth_keys(struct span line, struct buf *out, struct err *e);	/* the HOST[:PORT] */

/*
 * What holds for dest, a hop_name() with a port, as routes have: the line with that port, else the one without.  A
 * destination without a port is a domain, whose hosts DNS names: no password is said to those.  false: none.
 */
bool routeauth_find(const struct span *lines, uint32_t n, const char *dest, struct routeauth *out);

/*
 * Appends the secret of a line: FILE's one line, without its end.  at: the folder of relative names.  -1: ERR_PERM with
 * FILE's name: it is no regular file that root, or who runs this, owns and nobody else can read or write; or its text is
 * empty, too long, of more than one line, or has control octets.  What was read is not left in memory but in out.
 */
int routeauth_read(int at, const struct routeauth *r, struct buf *out, struct err *e);

/* All files, read and forgotten.  -1: ERR_PERM "routeauth:3: …". */
int routeauth_files(const struct conf *c, int at, struct err *e);

#endif
