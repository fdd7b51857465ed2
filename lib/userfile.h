/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/userfile.h - the file passwd of the control folder: who may log in, as accord passwd writes it (lib/passwd.h). */
#ifndef LIB_USERFILE_H
#define LIB_USERFILE_H

#include "lib/passwd.h"

/* Appends it, checked; nothing where there is none, which is a file of no user.  control: the folder.  -1: "passwd: ...",
 * ERR_PERM for what is not right, or is for others to read or write. */
int userfile_read(int control, struct buf *all, struct err *e);

#endif
