/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/hostile.h - peers of a daemon that say anything.  The daemon's own handlers run on a loop
 * in this process; the other ends of its channels are here, and the input says what goes over them:
 *
 *	octet 0		bits 0-2: the side (beyond the last: something else happens, see hostile_run);
 *			8: padded to the size that the row has; 16: a message ID that was heard is put
 *			behind the header; 32: the header too is the input's; 64: the daemon does not
 *			get its turn yet; 128: what it says is not read yet
 *	octet 1		the row of the side's table; from 240 on: that type
 *	octet 2		two descriptors, a nibble each (0: none)
 *	octet 3		the packet's id, or the number in its first item; from 64 on: one that was heard
 *	octets 4, 5	length, then so many octets behind the header
 *
 * Whatever the input, every line that the daemon logs meanwhile is one line of printable ASCII, and in
 * the end no descriptor is left over; what is more is said by the target.
 */
#ifndef TESTS_FUZZ_HOSTILE_H
#define TESTS_FUZZ_HOSTILE_H

#include "lib/loop.h"
#include "lib/msg.h"

enum { HOSTILE_SIDES = 7, HOSTILE_HEARD = 4, HOSTILE_STEPS = 48 };

struct hostile_row { uint32_t type; size_t size; };	/* a packet, and its struct's octets */

struct hostile_side {
	const struct hostile_row *row;
	size_t nrow;
	int fd;				/* our end; -1: none */
	uint32_t heard[HOSTILE_HEARD], nheard;	/* ids of its packets */
};

struct hostile {
	struct loop *loop;
	struct hostile_side side[HOSTILE_SIDES];
	size_t nside;
	char qid[HOSTILE_HEARD][QID_SIZE];	/* message IDs that a side may name */
	uint32_t nqid;
	int file, kept;			/* a message's file (borrowed), the last descriptor that came; or -1 */
	unsigned fds;			/* open at the beginning */
	/* A new channel for that side. */
	void (*open)(struct hostile *h, size_t side);
	/* A packet of the daemon's. */
	void (*heard)(struct hostile *h, size_t side, const struct msg_hdr *m, size_t len);
	/* Something of the target's own; p: the octets of the step.  NULL: nothing. */
	void (*other)(struct hostile *h, unsigned what, struct span p);
	/* Lets work outside of the loop come to an end; NULL: there is none. */
	void (*settle)(struct hostile *h);
};

/* Once: signals, the clock that the input moves. */
void hostile_set_up(void);
void hostile_advance(int64_t ms);

/* Counts descriptors, and opens all sides. */
void hostile_begin(struct hostile *h);
void hostile_run(struct hostile *h, struct span in);
/* Hangs up, and compares. */
void hostile_end(struct hostile *h);

/* Runs the daemon's loop until there is nothing to do now. */
void hostile_turn(struct hostile *h);
/* Takes what a side was told. */
void hostile_read(struct hostile *h, size_t side);
/* A pair: ours stays in the side, the daemon's is returned. */
int hostile_pair(struct hostile *h, size_t side);
void hostile_qid(struct hostile *h, const char *id);
unsigned hostile_fds(void);

/* A queue file of a message in a sealed memory file: its descriptor. */
int hostile_letter(struct span text, const char *sender, const char *const *to, uint8_t notify);
/* The same into a file that is open for writing. */
void hostile_write_letter(int fd, struct span text, const char *sender, const char *const *to,
    uint8_t notify);

#endif
