/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/submit.h - what is asked of a submission (RFC 6409) and of mail that counts as CONPERM (the setting
 * `conpermfor`), and what is added to it: header edits, which go into its envelope (lib/headedit.h).  submit.c: who
 * may send, and the message as a whole; mend.c: its header.
 */
#ifndef SMTPD_SUBMIT_H
#define SMTPD_SUBMIT_H

#include "smtpd/session.h"

enum {
	SUBMIT_SHORT = 100,	/* addresses of a header that lack their domain: each is looked up */
	SUBMIT_SPARE_MS = 5000	/* of the time for an answer, kept for queue */
};

/* A message's header edits on their way, in any order. */
struct mending {
	struct session *s;
	struct refusal *why;
	struct span message;		/* as it came, our Received field first */
	struct mend { size_t at; uint32_t cut; size_t text, n; } *edit;	/* owned; text: where in octets */
	size_t n, cap;
	struct buf octets;
	uint32_t shorts;
};

/* Does its client submit: by the listener's role, or as a user who has logged in? */
bool submit_is(const struct session *s);

/* May this be the reverse-path of a submission, a null one among them?  If not, it was refused. */
bool submit_sender(struct session *s, struct span addr);
/* May this be a recipient's address? */
bool submit_rcpt(struct session *s, struct span addr);

/* May the user send so many messages, recipients more?  If not, 450 was said. */
bool submit_rate(struct session *s, uint32_t messages, uint32_t recipients);

/* A mail whose MAIL is right: CONPERM, if its client is one that cannot say it. */
void submit_permit(struct session *s);

/* The message under way, whole and closed: looked at, and mended.  false: *why says why it is not taken. */
bool submit_message(struct session *s, struct refusal *why);

/* mend.c: what the header lacks, or has and must not.  false: *m->why. */
bool mend_header(struct mending *m);
/* An edit.  -1: ERR_TEMP, ERR_PERM too many. */
int mend_add(struct mending *m, size_t at, uint32_t cut, struct span text, struct err *e);
/* Appends them as lib/headedit.h has them. */
int mend_encode(struct mending *m, struct buf *out, struct err *e);

#endif
