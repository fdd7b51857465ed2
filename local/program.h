/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/program.h - a message to a program, by the process that minds it (local/runner.h); and what its exit status
 * makes of the recipient.
 */
#ifndef LOCAL_PROGRAM_H
#define LOCAL_PROGRAM_H

#include "lib/msg.h"
#include "local/letter.h"

struct program {
	int fd;			/* its channel; borrowed */
	int parent;		/* whose end ends us; borrowed */
	int in;			/* its input; -1: it reads no more */
	struct letter letter;	/* what is put in it goes there */
};

/* Starts it.  binary: as in letter_init.  program_free in every case.  -1: ERR_TEMP. */
int program_begin(struct program *p, int fd, int parent, bool binary, struct err *e);
/* The letter was all; waits for its end.  0: it has the message.  -1: by its exit status, or ERR_TEMP. */
int program_end(struct program *p, struct err *e);
void program_free(struct program *p);

/* 0: the status of a delivery; else *e.  Pure. */
int program_verdict(const struct msg_program_ended *m, struct err *e);

#endif
