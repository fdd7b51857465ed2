/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/fileio.h - whole files, and whole spans to files. */
#ifndef LIB_FILEIO_H
#define LIB_FILEIO_H

#include "lib/buf.h"

/* All of s, where the descriptor stands.  -1: ERR_TEMP, of the disk; a part may be there. */
int fileio_write(int fd, struct span s, struct err *e);

/* Appends a regular file from its first octet, wherever the descriptor stands.  -1: ERR_TEMP, or out's
 * ceiling. */
int fileio_read(int fd, struct buf *out, struct err *e);

#endif
