/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * capd/asked.h - questions that others are asked for capd, and what they answered: a table in memory, bounded in
 * entries and octets, where the oldest answers make room.  Times are arguments.
 */
#ifndef CAPD_ASKED_H
#define CAPD_ASKED_H

#include "lib/capslog.h"

enum asked_state {
	ASKED_NEVER,	/* there is no such question */
	ASKED_DUE,	/* nothing that counts is known: ask */
	ASKED_NOW,	/* a question is under way */
	ASKED_COUNTS	/* there is an answer */
};

struct asked_limits {
	uint32_t entries, questions;	/* answers that are kept; questions under way */
	size_t octets;			/* of texts and keys */
	int64_t lost_ms;		/* a question that has no answer by then will have none */
};

struct asked_entry {
	struct asked_entry *next, **prev;
	uint32_t number;		/* of the question under way; 0: none is */
	uint32_t found;			/* the owner's: is there somebody? */
	enum cap_state state;
	struct buf text;
	int64_t asked_ms, until_ms;
	uint64_t since_s;
	struct span key;
	unsigned char octets[];		/* of the key */
};

struct asked {
	const struct asked_limits *limits;
	void *tree;
	struct asked_entry *first, **last;	/* by the time when they were asked about, the oldest first */
	uint32_t n, nasked, number;	/* entries, questions under way, the last one's name */
	size_t octets;
	uint64_t total;			/* questions so far */
};

void asked_init(struct asked *a, const struct asked_limits *limits);
void asked_free(struct asked *a);

/* NULL: nothing is known of key, nor asked. */
struct asked_entry *asked_find(const struct asked *a, struct span key);
/* e may be NULL. */
enum asked_state asked_state(const struct asked_entry *e, int64_t now_ms);

/* Is there room for one more question with a key of that size? */
bool asked_room(struct asked *a, size_t size, int64_t now_ms);
/* A question about key begins, whose name is the entry's number.  NULL: no memory, or it is under way (e->kind then
 * ERR_NONE). */
struct asked_entry *asked_begin(struct asked *a, struct span key, int64_t now_ms, struct err *e);

/* The question of that name has ended: its entry, without a text.  asked_keep follows.  NULL: there is none. */
struct asked_entry *asked_end(struct asked *a, uint32_t number);
/*
 * What came of it: CAP_KNOWN with the text of an expression, as somebody wrote it, or another state.  A text that no
 * answer could hold, or nothing could meet, is CAP_NONE, and *e says why (else kind ERR_NONE).
 */
void asked_keep(struct asked *a, struct asked_entry *at, enum cap_state state, struct span text, struct err *e);

/* Who was asked has gone: nothing is under way any more. */
void asked_lost(struct asked *a);
/* Forgets an answer, or all of them (at NULL).  Questions go on. */
void asked_forget(struct asked *a, struct asked_entry *at);

#endif
