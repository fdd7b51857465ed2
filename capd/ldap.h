/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * capd/ldap.h - what directories (lib/ldapline.h) said of addresses: accord-ldap asks them; the answers are kept
 * here for the time that the line says.  Of an address here: the local part counts in any case.  Times are arguments.
 */
#ifndef CAPD_LDAP_H
#define CAPD_LDAP_H

#include "capd/asked.h"
#include "lib/ldapline.h"

enum {
	LDAP_ENTRIES = 16384, LDAP_OCTETS = 32 << 20,
	LDAP_QUESTIONS = 64,		/* at once, of all directories */
	LDAP_LOST_S = 10,
	LDAP_LATER_S = 5		/* after one that failed: until the next, and so long it is "not now" */
};

struct ldap { struct asked asked; };

void ldap_open(struct ldap *l);
void ldap_close(struct ldap *l);

struct ldap_known { uint32_t found; struct cap_entry caps; };	/* found: as in struct msg_ldap_told */

/* What the directory of that line says of addr.  ASKED_COUNTS: *out, whose text lives until the next call. */
enum asked_state ldap_get(const struct ldap *l, struct span line, struct span addr, int64_t now_ms,
    struct ldap_known *out);

/* A question that is due.  0: *number is its name; ldap_told, or ldap_lost, ends it.  -1: not now. */
int ldap_ask(struct ldap *l, struct span line, struct span addr, int64_t now_ms, uint32_t *number, struct err *e);

/*
 * What came of it; text: an expression with CAP_KNOWN, as the directory has it.  One that nothing could meet is
 * CAP_NONE, and *e says why (else kind ERR_NONE).  false: there is no such question.
 */
bool ldap_told(struct ldap *l, uint32_t number, uint32_t found, const struct cap_entry *said, int64_t now_ms,
    struct err *e);

/* accord-ldap has gone: nothing is under way any more. */
void ldap_lost(struct ldap *l);
/* Forgets all answers: somebody says that they are old. */
void ldap_forget(struct ldap *l);

#endif
