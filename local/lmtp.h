/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/lmtp.h - a message to an LMTP server (RFC 2033): one session for all recipients of a job whose mail
 * goes to it, one transaction for each form that they get, and after the data a reply for each.
 */
#ifndef LOCAL_LMTP_H
#define LOCAL_LMTP_H

#include "local/form.h"

enum {
	LMTP_CONNECT_MS = 30 * 1000,
	LMTP_WAIT_MS = 300 * 1000,	/* for a reply, and for each piece that is sent (RFC 5321, 4.5.3.2) */
	LMTP_FINAL_MS = 600 * 1000,	/* for a reply to the data (4.5.3.2.6) */
	LMTP_STALE_MS = 60 * 1000	/* that conversions took: the session is begun anew */
};

/* What became of each recipient goes into r[i] and detail[i], of d->slots[i]. */
void lmtp_deliver(const struct delivery *d, const struct envelope *env, struct span message, struct rcpt_result *r,
    struct buf *detail);

#endif
