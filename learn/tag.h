/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * learn/tag.h - how this host knows again what it has issued, without a list of it: a tag that stands in
 * ENVID and in Message-ID, and that nobody else can make.  It binds the time and the recipients: who has seen
 * one can speak of the recipients of that message, for a while, and of nobody else.  Pure.
 *
 * In base 32 (0-9a-v): 4 octets seconds since 1970, 8 of chance, 4 for each recipient, 16 of a MAC over
 * these.  A recipient's are a MAC too, over the address in the form in which capabilities are looked up; so a
 * tag says nothing of them to who has no key.
 */
#ifndef LEARN_TAG_H
#define LEARN_TAG_H

#include "lib/buf.h"
#include "lib/msg.h"

enum {
	TAG_KEY = 32, TAG_CHANCE = 8,
	TAG_AGE_S = 14 * 24 * 3600,	/* so long a report may take: the queues on its way, a person who reads */
	TAG_AHEAD_S = 3600		/* a clock that was set back */
};

/*
 * The tag of a message to n recipients (1 to TAG_RCPTS), NUL-terminated.
 * -1: too many, or none; an address that is no key (ERR_PERM); ERR_TEMP.
 */
int tag_make(const unsigned char key[TAG_KEY], const struct span *addr, uint32_t n, uint64_t now_s,
    const unsigned char chance[TAG_CHANCE], char out[TAG_TEXT], struct err *e);

/* Have we issued tag, not too long ago, for a message that addr was a recipient of?  -1: ERR_PERM says what
 * is wrong; ERR_TEMP. */
int tag_check(const unsigned char key[TAG_KEY], struct span tag, struct span addr, uint64_t now_s,
    struct err *e);

#endif
