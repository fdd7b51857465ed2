/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bounce/work.h - one report on its way, for those who bring it there:
 *
 *	serve.c		from qmgr's wish to queue's commit
 *	convert.c	what was delivered is had from convertd first
 */
#ifndef BOUNCE_WORK_H
#define BOUNCE_WORK_H

#include "bounce/delivered.h"
#include "bounce/serve.h"
#include "lib/address.h"

enum work_state { WAITING, BOUNDING, CONVERTING, OPENING, COMMITTING };

struct work {
	struct work *next;
	enum work_state state;
	uint32_t job, request;		/* qmgr's number, ours with convertd or queue */
	int64_t since_ms;		/* of the request */
	int64_t expires_us;
	int fd;				/* the message that it is about */
	char id[QID_SIZE];		/* its ID */
	char report[QID_SIZE];		/* the report's, once it is open */
	char to[ADDRESS_MAX + 1];	/* whom it is for, for the log */
	struct buf records;		/* what it tells */
	struct buf more;		/* what is told behind it, one notification for each record */
	bool mdn;			/* it is such a notification */
	struct delivered delivered;	/* what it returns, if that was converted */
};

/* That of a request which waits for its answer; NULL: none does. */
struct work *work_of(struct bounce *b, uint32_t request);
/* Its next request, with a number of its own, is about to be sent. */
void work_next(struct bounce *b, struct work *w, enum work_state state);
/* Asks queue for the report's file; w is gone if that fails. */
void work_open(struct bounce *b, struct work *w);
/* Begins what may be begun, the oldest first. */
void bounce_turn(struct bounce *b);

/* Is it with convertd?  May one more be? */
bool convert_asks(const struct work *w);
bool convert_may_ask(const struct bounce *b);
/* Asks for the conversion that was delivered; whatever comes of it, the report is opened in the end. */
void convert_ask(struct bounce *b, struct work *w);
/* What was delivered is not to be had: the header alone, as if nobody had wished for more. */
void convert_drop(struct bounce *b, struct work *w, const struct err *why);
/* convertd's new channel: fd is taken over. */
void convert_peer(struct bounce *b, int fd);

#endif
