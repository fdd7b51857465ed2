/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * offer/store.h - the messages of which other forms are offered (RFC 3297, A.3), in offer's own folder: a
 * file for each, named by the part of its Message-ID before the "@", which nobody can guess.  A message
 * goes to one recipient; a file is its octets and a record behind them.  States:
 *	KEPT	the message is here
 *	GONE	its time is over; the record alone is left, so that who asks late hears of it
 *	DONE	somebody has asked, and was answered: once is all
 * Records go so long after the message's own time as STORE_TOLD_S.
 */
#ifndef OFFER_STORE_H
#define OFFER_STORE_H

#include "lib/address.h"
#include "lib/msg.h"

enum {
	STORE_OFFERS = 10000,		/* files; no more is taken */
	STORE_TOLD_S = 30 * 86400
};

enum offer_state { OFFER_KEPT, OFFER_GONE, OFFER_DONE, OFFER_STATES };

struct offer {
	char tag[TAG_TEXT];		/* NUL-terminated: the name */
	uint8_t state;			/* enum offer_state */
	uint64_t msg_len;		/* octets of the message, at the file's start; 0 if it is not KEPT */
	uint64_t until_s;		/* wall clock: so long it is kept */
	char sender[ADDRESS_MAX + 1], rcpt[ADDRESS_MAX + 1];	/* neither is empty */
};

struct store {
	int dir;			/* borrowed */
	uint64_t octets;		/* of all messages kept */
	uint32_t n;			/* files */
};

/* May that be the name of one: 16 to TAG_TEXT - 1 of 0-9a-v? */
bool offer_tag_ok(struct span tag);

/* Counts what is there, and removes what was begun.  -1: ERR_TEMP, the folder cannot be read. */
int store_open(struct store *s, int dir, struct err *e);

/*
 * Keeps message, durably; max: octets of all together.  -1: ERR_TEMP 4.3.1 no room; ERR_PERM there is one
 * of this name.
 */
int store_put(struct store *s, const struct offer *o, struct span message, uint64_t max, struct err *e);

/* 1: *o and, if it is KEPT, *fd, read-only, the caller's (else -1); 0: there is none, or it is damaged; -1:
 * ERR_TEMP. */
int store_get(const struct store *s, struct span tag, struct offer *o, int *fd, struct err *e);

/* Its message goes, o->state is what it is from now on; durably.  -1: ERR_TEMP, it is as it was. */
int store_end(struct store *s, const struct offer *o, struct err *e);

/* What has had its time by now. */
void store_sweep(struct store *s, uint64_t now_s);

/* The record as octets, and back.  -1: ERR_PERM 5.3.5, no record of ours. */
enum { STORE_RECORD = 2048 };
void offer_encode(const struct offer *o, unsigned char out[STORE_RECORD]);
int offer_decode(const unsigned char in[STORE_RECORD], struct offer *o, struct err *e);

#endif
