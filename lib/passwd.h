/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/passwd.h - a file of users and hashes of their passwords: lines USER:HASH, hashes as crypt(5) has them.
 * Empty lines and those with # in front are left alone.
 */
#ifndef LIB_PASSWD_H
#define LIB_PASSWD_H

#include "lib/buf.h"

enum {
	PASSWD_FILE_MAX = 16 << 20,	/* octets of a file */
	PASSWD_USER_MAX = 255,		/* octets of a name */
	PASSWD_WORD_MAX = 255,		/* octets of a password */
	PASSWD_HASH_MAX = 384		/* octets of a hash, with its NUL */
};

/* May be a user's name: no white space, control, colon, nor # in front. */
bool passwd_user_ok(struct span user);

/* Every line is one of ours, and no user has two.  -1: ERR_PERM, "line 3: expected …". */
int passwd_check(struct span file, struct err *e);

/* A new hash of the word (yescrypt, at the library's cost).  -1: ERR_PERM for a word that is empty, too long or
 * has a NUL or an end of line; ERR_TEMP. */
int passwd_hash(struct span word, char out[PASSWD_HASH_MAX], struct err *e);

/*
 * Is word the password of user?  Takes as long for a user who is not there: the word is then hashed as the first
 * user's would be, and the outcome thrown away.  -1: ERR_TEMP, nobody knows.
 */
int passwd_verify(struct span file, struct span user, struct span word, bool *yes, struct err *e);

/* The file with that user's hash, in the place of an older one, appended to out; hash NULL: without him.
 * *had: he was there. */
int passwd_replace(struct span file, struct span user, const char *hash, struct buf *out, bool *had, struct err *e);

#endif
