/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* expand/source.h - the message that is written anew: its envelope, its header, and its octets to a file. */
#ifndef EXPAND_SOURCE_H
#define EXPAND_SOURCE_H

#include "lib/qfile.h"

enum { SOURCE_HEADER = 1024 * 1024 };	/* octets of a header that are read */

struct source {
	int fd;				/* borrowed */
	struct qfile q;
	struct buf store, head;		/* of the envelope; octets read */
	struct envelope env;
	struct span header;		/* without its empty line */
};

/* fd: the queue's file, read-only.  source_close in every case.  -1: as lib/qfile.h. */
int source_open(struct source *s, int fd, struct err *e);
/* Twice is harmless. */
void source_close(struct source *s);

/* Writes its octets behind those that `to` has, whose CRC is *crc; that is continued.  -1: ERR_TEMP of the disk, or
 * ERR_PERM 5.3.5: they are not what they were. */
int source_copy(const struct source *s, int to, uint32_t *crc, struct err *e);

#endif
