/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/token.h - names that nobody can guess: of messages (the Message-ID's left side), of boundaries. */
#ifndef LIB_TOKEN_H
#define LIB_TOKEN_H

#include "lib/err.h"

enum { TOKEN_SIZE = 33 };	/* 128 random bits as hexadecimal digits, and a NUL */

/* -1: ERR_TEMP, the system has none. */
int token_make(char out[TOKEN_SIZE], struct err *e);

#endif
