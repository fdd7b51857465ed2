/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* auth/check.h - one name and one password, against the lines of the setting auth in their order; in a process of its own,
 * since hashing and asking others takes time. */
#ifndef AUTH_CHECK_H
#define AUTH_CHECK_H

#include "lib/authline.h"
#include "lib/msg.h"

struct login {
	char client[48];		/* whence, for others' logs */
	char user[LOGIN_NAME];
	unsigned char word[256];
	size_t word_n;
};

struct check {
	const struct conf *conf;
	struct span users;		/* the file passwd */
	const struct login *login;
	int program;			/* a channel to who runs programs (auth/program.h), or -1 */
	uint32_t line;			/* which is looked at, from 0 */
};

/*
 * 0: right; name is the user's, as the line's checker calls him.  The first line that knows him counts; one that cannot be
 * asked leaves the rest to be.  -1: ERR_PERM 5.7.8, no line found it right; ERR_TEMP 4.7.0, nor could all be asked.
 */
int check_login(struct check *c, char name[LOGIN_NAME], struct err *e);

#endif
