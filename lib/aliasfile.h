/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/aliasfile.h - files of aliases as other mail systems have them, aliases(5): "name: address, address …";
 * a line that begins with white space goes on with the one before; lines that begin with # or are empty do not
 * count.  Pure.
 */
#ifndef LIB_ALIASFILE_H
#define LIB_ALIASFILE_H

#include "lib/buf.h"

enum {
	ALIASFILE_NAME = 512,			/* octets of a name */
	ALIASFILE_LIST = 8 * 1024 * 1024	/* of the addresses of one */
};

struct aliasfile {
	struct span rest;	/* the file's text, what is not read yet */
	uint32_t line;		/* lines read */
	uint32_t at;		/* the line that the last entry began with */
};

/*
 * The next entry: its name (a local part, quoted if it was) and its list (lib/alias.h), not judged, in place of what
 * the buffers held.  1; 0: none is left; -1: ERR_PERM, what was expected, in line f->at.
 */
int aliasfile_next(struct aliasfile *f, struct buf *name, struct buf *list, struct err *e);

/* Of a file that :include: names: its next line, which is a list.  false: none is left. */
bool aliasfile_line(struct aliasfile *f, struct span *list);

/* A line of the setting aliases: "PATH [DOMAIN…]"; *domains: the rest, for span_word. */
int aliasfile_setting(struct span line, struct span *path, struct span *domains, struct err *e);
int aliasfile_check(struct span line, struct err *e);

#endif
