/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/ensure.h - domains in mode ensure of `conneg`: more is announced for their recipients than these
 * take, since it is converted here.  So a message under CONPERM is judged before it is taken: what can
 * neither be delivered to them as it is nor be converted is refused.
 */
#ifndef SMTPD_ENSURE_H
#define SMTPD_ENSURE_H

#include "smtpd/session.h"

enum {
	ENSURE_SETS = 64,		/* different lists of capabilities that convertd is asked about at once */
	ENSURE_OCTETS = 1 << 20,	/* of them */
	ENSURE_SPARE_MS = 5000		/* of the time for the reply, for queue, when the judging took the rest */
};

/*
 * Appends the lines (lib/caplines.h) of what is announced for a recipient that takes filter.  false: it is
 * not of such a domain, or there is nothing more to say of it: filter alone is announced.
 */
bool ensure_lines(const struct session *s, struct span addr, struct span filter, struct buf *lines);

/*
 * May the message under way, which is closed, be taken?  Nobody is asked but for mail under CONPERM to
 * recipients in such a domain.  false: *why: 554 5.6.3, a part neither fits one of them nor may be
 * converted; 451, that cannot be told within the time for a reply, or the client has gone meanwhile.
 */
bool ensure_message(struct session *s, struct refusal *why);

#endif
