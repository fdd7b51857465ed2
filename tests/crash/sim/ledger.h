/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/crash/sim/ledger.h - what really happened in a run, as its clients and its next hop noted it: lines of
 * text, each with numbers of the record's counter.
 *
 *	D INO			inode number of the folder that holds queue/ and mail/
 *	T NUMBER MS		the counter at a moment
 *	M NUMBER DOT ACK RCPT,…	message NUMBER; before its final dot was sent; after its 250 was read, 0: none came
 *	A NUMBER		cut off before its final dot
 *	R NUMBER		refused for good behind its final dot
 *	H RCPT AT		the next hop is about to say 250 to data for this recipient
 *	B RCPT AT		the same, of a report that tells of this recipient
 *	X RCPT AT		is about to be removed by the administrator
 *	K AT			a process of the queue is about to be killed
 *
 * Addresses name themselves: n12.0@ok.example is the first recipient of message 12, whose sender is
 * s12@client.example.  bad.example is refused by the next hop, never.example
 * put off for ever, later.example for a while; gateway.example has a mailbox here.
 */
#ifndef TESTS_CRASH_SIM_LEDGER_H
#define TESTS_CRASH_SIM_LEDGER_H

#include "lib/buf.h"

enum { LEDGER_RCPTS = 4, LEDGER_ADDR = 64, LEDGER_MAX = 1 << 16, LEDGER_KILLS = 1024 };

struct fate {
	char addr[LEDGER_ADDR];
	uint64_t handed, reported, removed;	/* from this number on; UINT64_MAX: never */
};
struct truth {
	char state;			/* 'M', 'A', 'R', or 0: no such message */
	uint32_t nrcpt;
	uint64_t dot, ack;		/* UINT64_MAX: never */
	struct fate rcpt[LEDGER_RCPTS];
};
struct moment { uint64_t number; int64_t ms; };
struct ledger {
	struct truth *of;		/* LEDGER_MAX of them */
	uint32_t nmessage;		/* the largest number, plus 1 */
	uint64_t root;
	struct moment *moment;
	size_t nmoment;
	uint64_t kill[LEDGER_KILLS];
	size_t nkill;
};

int ledger_open(struct ledger *l, const char *path, struct err *e);
void ledger_close(struct ledger *l);
/* Milliseconds at this number: the last moment noted before it, or the first after. */
int64_t ledger_before(const struct ledger *l, uint64_t number);
int64_t ledger_after(const struct ledger *l, uint64_t number);

/* A message's octets from its first field on; what accord puts above is not in it. */
int ledger_text(uint32_t number, struct buf *out, struct err *e);
/* The address of recipient i: its kind goes by chance, the same each time. */
void ledger_rcpt(uint32_t number, uint32_t i, char out[LEDGER_ADDR]);
uint32_t ledger_rcpts(uint32_t number);
/* The message and recipient that an address names: true. */
bool ledger_named(struct span addr, uint32_t *number, uint32_t *i);

#endif
