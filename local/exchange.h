/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/exchange.h - RFC 3297 at final delivery: a message whose sender offers other forms waits in the
 * queue while one is asked for; what comes instead, or says that nothing will, is delivered and ends the
 * waiting.
 */
#ifndef LOCAL_EXCHANGE_H
#define LOCAL_EXCHANGE_H

#include "lib/mdnrequest.h"
#include "local/asked.h"
#include "local/delivery.h"

enum exchange_step {
	EXCHANGE_NONE,	/* nothing of it: deliver */
	EXCHANGE_MAY,	/* another form may be asked for, if it would be better */
	EXCHANGE_ASK,	/* it is asked for, and this waits */
	EXCHANGE_WAIT,	/* it was asked for, and this waits on */
	EXCHANGE_CAME,	/* it is in the mailbox, and this has no use any more */
	EXCHANGE_OVER	/* it was asked for in vain: deliver */
};
struct exchange { enum exchange_step step; struct mdnrequest request; struct asked asked; };

/* asked: the recipient's slot says so.  exchange_end in every case. */
void exchange_begin(struct exchange *x, const struct delivery *d, const struct envelope *env, struct span message,
    bool asked);
/* EXCHANGE_MAY becomes EXCHANGE_ASK.  -1: ERR_TEMP, it is not noted and must not be asked for. */
int exchange_ask(struct exchange *x, const struct delivery *d, struct err *e);
/* The message is in the mailbox, durable.  Flags for its result (RESULT_LOST). */
uint8_t exchange_delivered(struct exchange *x, const struct envelope *env);
void exchange_end(struct exchange *x);

#endif
