/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* bounce/letter.h - the message that a report is about, as far as a report needs it. */
#ifndef BOUNCE_LETTER_H
#define BOUNCE_LETTER_H

#include "lib/qfile.h"

struct letter {
	struct qfile q;
	struct buf store;
	struct envelope env;
	struct slot *slot;	/* q.nslot of them */
	struct span text;	/* the header, or all of it, in octets[] */
	bool whole;
	bool lost;		/* the disk does not give it back, or not as it was: text is empty */
	unsigned char *octets;	/* malloc'd */
};

/* fd: the queue's file, read-only, borrowed.  letter_close in every case.  -1: as lib/qfile.h. */
int letter_open(int fd, struct letter *l, struct err *e);
/* Twice is harmless. */
void letter_close(struct letter *l);

#endif
