/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/original.h - a message that is originated here, and its envelope: what accord send and accord explain take
 * alike. */
#ifndef CMD_ORIGINAL_H
#define CMD_ORIGINAL_H

#include "cmd/compose.h"
#include "lib/address.h"

struct original {
	struct compose compose;		/* to, nto: the caller's */
	const char *envid;
	uint8_t notify, ret, drucof;
	bool conperm, minimal, alternative;
	struct span orcpt;		/* of all recipients, or empty */
	bool null;			/* the reverse-path is */
	char from[ADDRESS_MAX + 1];
};

/* Reads the options, "--" ends them.  The index of the word behind them; -1: usage. */
int original_options(struct original *o, int argc, char **argv);

/* Whose it is, where the options do not say.  conf holds the host's name, and is to live as long. */
int original_sender(const struct common *c, struct original *o, struct conf *conf, struct err *e);

/* The message in the form that a machine of these capabilities takes, made here: no hop can be relied on to
 * do it.  It has none: out stays empty. */
int original_form(struct span message, const char *takes, struct own_converter *own, struct buf *out,
    struct err *e);

/* The same, and Profile S: it has to have one. */
int original_minimal(struct span message, struct own_converter *own, struct buf *out, struct err *e);

/* Appends the message: text, what is attached, and what it may become. */
int original_message(const struct original *o, struct span text, struct buf *out, struct err *e);

/* env->rcpt is the caller's to free.  -1: ERR_TEMP. */
int original_envelope(const struct original *o, struct envelope *env, struct err *e);

#endif
