/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/delivery.h - one message to one recipient here, in a process of its own under the
 * recipient's uid.  Row B7 of the decision table: capabilities count here too.
 */
#ifndef LOCAL_DELIVERY_H
#define LOCAL_DELIVERY_H

#include "lib/envelope.h"
#include "lib/result.h"

struct delivery {
	int message_fd;			/* the queue's file, read-only */
	const char *id;			/* message ID */
	uint32_t slot;
	int folder_fd;			/* the mailbox's nearest existing folder */
	const char *rest;		/* the mailbox's path below it; "" for the folder itself */
	int capd_fd, convertd_fd;	/* channels of this process; -1: none now, or no CONPERM mail */
	uint32_t wait_s;		/* that a conversion may take */
};

/*
 * Delivers; what became of it goes into *r and detail (lib/result.h).  *bad_file: the message's
 * checksum is wrong, nothing was done.  Cannot fail: failures are outcomes.
 */
void delivery_run(const struct delivery *d, struct rcpt_result *r, struct buf *detail,
    bool *bad_file);

#endif
