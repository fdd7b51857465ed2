/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/delivery.h - one message to one recipient here, or to all whom one LMTP server has, in a process of
 * its own under the recipient's uid.  Rows B7, D8 and D9 of the decision tables: capabilities count here too; and if the
 * settings want it, a form that the sender offers and that is better is asked for first (RFC 3297), while this
 * one waits in the queue.
 */
#ifndef LOCAL_DELIVERY_H
#define LOCAL_DELIVERY_H

#include "lib/envelope.h"
#include "lib/inquiry.h"
#include "lib/mailbox.h"
#include "lib/result.h"

struct delivery {
	int message_fd;			/* the queue's file, read-only */
	int content_fd;			/* begins with the message as it is to be read; set by delivery_run */
	const char *me;			/* this host, in fields of its own */
	const char *id;			/* message ID */
	uint32_t slot;			/* the recipient, where there is one */
	const uint32_t *slots;		/* all of them: more than one with MAILBOX_LMTP alone */
	uint32_t nslot;
	enum mailbox_kind kind;
	int folder_fd;			/* the mailbox's nearest existing folder; -1: none by its kind */
	const char *rest;		/* the mailbox's path below it; "" for the folder itself */
	const char *lmtp;		/* the LMTP server, as lib/mailbox.h has it */
	int program_fd;			/* channel to who minds the program; -1: there is none now */
	int parent_fd;			/* whose end ends this process while it waits for a server */
	int capd_fd, convertd_fd;	/* channels of this process; -1: none now, or nothing is to be asked */
	uint32_t wait_s;		/* that a conversion may take */
	bool drucof_accept;		/* option drucof_unknown=accept */
	bool learns;			/* is it to be found out whether the message is a report? */
	struct inquiry *inquiry;	/* nothing is written, what happens is told; NULL: a delivery */
	bool question;			/* of an inquiry: only what the recipient's machine takes */
	bool alternative;		/* option alternative=yes */
	uint32_t alternative_wait_s;	/* how long it is waited for */
	bool last_try;			/* there is no time for another */
	uint32_t njob;			/* recipients whose results share a packet */
};

/* What came of it, besides the recipient's result. */
struct delivery_found {
	bool bad_file;			/* the message's checksum is wrong, nothing was done */
	bool report;			/* d->learns, and what was delivered is a DSN or MDN by its header, from <> */
};

/* Delivers; what became of it goes into r[i] and detail[i] (lib/result.h), of d->slots[i].  Cannot fail: failures
 * are outcomes. */
void delivery_run(const struct delivery *d, struct rcpt_result *r, struct buf *detail,
    struct delivery_found *found);

/* r's outcome, code and text: failed or deferred, for that reason. */
void delivery_failed(struct rcpt_result *r, const struct err *why);

#endif
