/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/expand.h - recipients who stand for others: expand writes a message to those, and only when that is
 * committed the recipient here is done.
 */
#ifndef LOCAL_EXPAND_H
#define LOCAL_EXPAND_H

#include "lib/chan.h"
#include "lib/result.h"

struct expansion;

struct expansions {
	struct chan chan;
	struct expansion *first;	/* asked for and not answered */
	uint32_t number;
};

/* A channel to expand, the first or a new one: what the old one has not answered is to be tried again soon.  -1:
 * fd is the caller's. */
int expansions_connect(struct expansions *x, struct loop *l, int fd, struct err *e);

/*
 * Asks for that recipient of message id, whose file is message_fd (borrowed).  done is called once, later, with
 * what became of it, but for r->slot.  -1: it is not asked for, and done is not called.
 */
int expansions_ask(struct expansions *x, const char *id, uint32_t slot, int message_fd,
    void (*done)(void *arg, struct rcpt_result *r), void *arg, struct err *e);

#endif
