/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* bounce/words.h - what codes and feature expressions mean, in words for people who send faxes. */
#ifndef BOUNCE_WORDS_H
#define BOUNCE_WORDS_H

#include "lib/buf.h"
#include "lib/result.h"

/* What a failure's RFC 3463 code means, and what the sender can do; never NULL. */
struct advice { const char *dsn, *what, *todo; };
const struct advice *words_advice(const char *dsn);
/* What the code of an attempt that is to be repeated means: while there is still time, and when it has run
 * out.  Its class does not matter. */
const char *words_delay(const struct rcpt_result *res);
const char *words_expired(const struct rcpt_result *res);

/*
 * Appends the common fax tags of a feature expression in words: "black and white; coded as MH or
 * MMR; dots per inch: 200 or 204; paper A4".  It is a gloss, not a parse: it lists what is
 * named, whatever the structure; the expression itself is given besides.  Nothing known in it:
 * appends nothing.  -1: as buf_add.
 */
int words_features(struct span expr, struct buf *out, struct err *e);

#endif
