/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/sasl.h - what a client says to log in (RFC 4954): base64 in one line, and the message of PLAIN (RFC 4616).
 * Pure.
 */
#ifndef LIB_SASL_H
#define LIB_SASL_H

#include "lib/err.h"
#include "lib/span.h"

enum {
	SASL_USER_MAX = 255, SASL_WORD_MAX = 255,	/* octets of a login name, of a password */
	SASL_MESSAGE_MAX = 3 * 255 + 2,			/* of PLAIN's message: three of them, two NULs */
	SASL_TEXT_MAX = (SASL_MESSAGE_MAX + 2) / 3 * 4	/* of its base64 */
};

/* The octets of base64 text (RFC 4648, 4) into out, *n of them.  -1: ERR_PERM 5.5.2, anything that is not of its
 * alphabet, "=" elsewhere than at the end, bits that stand for nothing (RFC 4954, 4); 5.5.6, more than cap. */
int sasl_decode(struct span text, unsigned char *out, size_t cap, size_t *n, struct err *e);

/* The other way; out has room for 4 octets for each 3 begun, and a NUL. */
void sasl_encode(struct span in, char *out);

/* May be a login name here: 1 to SASL_USER_MAX octets, no control ones. */
bool sasl_user_ok(struct span user);

/*
 * message = [authzid] NUL authcid NUL passwd (RFC 4616, 2): views of it.  Who logs in acts as himself: another
 * authzid is ERR_PERM 5.7.8; so is a name or a password that can be nobody's.  What is no such message: 5.5.2.
 */
int sasl_plain(struct span message, struct span *user, struct span *word, struct err *e);

#endif
