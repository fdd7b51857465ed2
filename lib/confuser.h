/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/confuser.h - the settings about who sends: `senders`, `userrate`, `conpermfor`.  A user is a login name; it
 * is compared octet by octet.  Pure.
 */
#ifndef LIB_CONFUSER_H
#define LIB_CONFUSER_H

#include "lib/confline.h"

/* "USER|* ADDRESS|@domain|* …" */
int senders_check(struct span line, struct err *e);

/*
 * May user send as addr, by its line, or that of "*"?  Without either: as the address that its name is, or as
 * that name in a domain of `locals`.  addr's domain is in A-labels; local parts are compared in any case.
 * -1: ERR_TEMP.
 */
int senders_allow(const struct conf *c, const char *user, struct span addr, bool *yes, struct err *e);

/* 0: no limit. */
struct userrate { uint32_t messages, messages_s, recipients, recipients_s; };

/* "USER|* [messages=N/s|m|h|d] [recipients=N/s|m|h|d]" */
int userrate_check(struct span line, struct err *e);

/* The line of user, or that of "*". */
void userrate_find(const struct span *lines, uint32_t n, struct span user, struct userrate *out);

/* "NETWORK|user:NAME any|none|EXPRESSION"; whether that is an expression lib/confcheck.h says. */
int conpermfor_check(struct span line, struct err *e);
/* A line's expression; empty: it has none. */
struct span conpermfor_expression(struct span line);

/*
 * What mail of that client, or of who has logged in ("": nobody), permits: "ANY", "NONE" or an expression, in the
 * lines or static.  A user's line goes before a network's, of these the narrowest.  false: none is for it.
 */
bool conpermfor_find(const struct span *lines, uint32_t n, const struct netaddr *client, const char *user,
    struct span *convert);

/* struct conf_decl's keys: a line's user; its network or user. */
int user_keys(struct span line, struct buf *out, struct err *e);
int conpermfor_keys(struct span line, struct buf *out, struct err *e);

#endif
