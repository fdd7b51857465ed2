/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/err.h - what went wrong, so that the mail's fate can follow from it.
 * A struct err * is the last argument of whatever can fail; such functions return 0 or -1
 * (or say otherwise) and set it only on failure.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#include <stdint.h>

enum err_kind {
	ERR_NONE,
	ERR_TEMP,	/* may work later: 4yz, defer */
	ERR_PERM,	/* will not: 5yz, bounce */
	ERR_PROTO,	/* the other side broke the protocol: cut it off */
	ERR_BUG		/* ours */
};

struct err {
	enum err_kind kind;
	int sys;		/* errno, or 0 */
	uint16_t code;		/* of the SMTP reply that what is, word by word; 0: what is ours */
	char dsn[12];		/* RFC 3463 code: "5.6.1" */
	char what[500];		/* printable text with context, NUL-terminated */
};

/* Sets *e; dsn may be NULL for 4.0.0 or 5.0.0 by kind.  Returns -1, to be returned on. */
int err_set(struct err *e, enum err_kind kind, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* From errno: ERR_TEMP with 4.3.1 for what is full, 4.3.0 for the rest.  Appends strerror.  -1. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "CONTEXT: " before the text that is there, which then is ours.  -1. */
int err_in(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
