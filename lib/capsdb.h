/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/capsdb.h - what recipients can take, as a constant database: the setting `caps` ("ADDRESS
 * EXPRESSION", "@domain EXPRESSION", "any" for everything) compiled to caps.cdb.
 * Keys: the address as address_key() writes it, or "@domain" in lower case.  Values: "A" for any,
 * or "E" and the canonical text of the expression.
 */
#ifndef LIB_CAPSDB_H
#define LIB_CAPSDB_H

#include <cdb.h>

#include "lib/buf.h"

struct capsdb { struct cdb cdb; };

/*
 * Compiles text_fd (called name in messages) to the file cdb_name in dir_fd: written beside it,
 * flushed, renamed.  -1: ERR_PERM "NAME:LINE:COLUMN: what was expected"; the old file stays.
 */
int capsdb_build(int text_fd, const char *name, int dir_fd, const char *cdb_name, struct err *e);

/* Would text compile?  -1: as capsdb_build. */
int capsdb_check(struct span text, const char *name, struct err *e);

/* The key of a line of text into key.  1; 0: a comment or nothing; -1: no address is there. */
int capsdb_line(struct span line, struct buf *key, struct err *e);

/* Adds the text of an expression as it is kept and told, for feat_parse's text.  -1: ERR_PERM, "column N" or
 * what was expected: an expression that something can meet, that an answer to CONNEG and out have
 * room for. */
int capsdb_expression(struct span text, struct buf *out, struct err *e);

/* Takes fd over, also on failure.  -1: not such a database. */
int capsdb_open(struct capsdb *d, int fd, struct err *e);
void capsdb_close(struct capsdb *d);

/*
 * By the address, then by its "@domain".  1: *any, or *expression (in the database's memory, valid
 * until capsdb_close); 0: nothing is known; -1: the database is damaged (ERR_TEMP).
 */
int capsdb_get(const struct capsdb *d, struct span addr, struct span *expression, bool *any,
    struct err *e);
/* The same by one of both: by the address, or by its domain. */
int capsdb_get_by(const struct capsdb *d, struct span addr, bool domain, struct span *expression, bool *any,
    struct err *e);

#endif
