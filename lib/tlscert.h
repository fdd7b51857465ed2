/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/tlscert.h - the setting tlscert: which certificate is shown to a client for which name, and how the files
 * that it names are handed on to processes that open none.  They are read by who may (the supervisor, `accord
 * check`) and go in a sealed memory file, in the order of the lines; private keys go to accord-key alone.
 */
#ifndef LIB_TLSCERT_H
#define LIB_TLSCERT_H

#include "lib/conf.h"

enum {
	TLSCERT_FILE_MAX = 128 * 1024,	/* octets of one file */
	TLSCERT_MAX = 256,		/* lines */
	TLSCERT_ALL = TLSCERT_MAX * (TLSCERT_FILE_MAX + 4) * 2
};

/* "NAME|* CERTFILE KEYFILE": the name as it came, "*" for whoever names none that is known. */
struct tlscert { struct span name, cert, key; };
int tlscert_parse(struct span line, struct tlscert *out, struct err *e);
int tlscert_check(struct span line, struct err *e);

/* Has name (of a client, in any case) the line's name "host.example", or "*.example" for one label more? */
bool tlscert_fits(struct span pattern, struct span name);

/*
 * Adds the files of all lines to out, with their private keys or without; names without "/" first are below the
 * folder at.  -1: ERR_PERM that names the setting's line, the file and what was expected; out may hold secrets.
 */
int tlscert_read(const struct conf *c, int at, bool keys, struct buf *out, struct err *e);

/* Puts the file's name and line in front of what is wrong with the n-th entry.  -1. */
int tlscert_in_line(const struct conf *c, uint32_t n, struct err *e);

/* The n-th entry of what tlscert_read made.  -1: there is none. */
struct tlscert_files { struct span cert, key; };
int tlscert_entry(struct span all, uint32_t n, struct tlscert_files *out);

#endif
