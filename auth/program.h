/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * auth/program.h - lines checkpassword:PROGRAM ARGUMENT... of the setting auth: programs by DJB's interface, which read
 * "name NUL password NUL time NUL" from descriptor 3 and say by their exit status whether it is right: 0, 1; 2, 111 and
 * all else: they cannot tell.
 *
 * A program needs what accord-auth has given up when it runs one, so they are run by a process that it forks before it is
 * confined.  That one does nothing but take a channel for each login, and fork for it; what it runs is the settings' word, a
 * request says the line's number.
 */
#ifndef AUTH_PROGRAM_H
#define AUTH_PROGRAM_H

#include "auth/check.h"

enum {
	PROGRAM_INPUT = 512,		/* octets on descriptor 3 at most, as the interface has it */
	PROGRAM_ARGS = 32,
	PROGRAM_MS = 6000		/* for one to end; then it is killed, with what it has started */
};

enum { MSG_CHECKPASSWORD = 1000, MSG_OUTCOME };
struct msg_checkpassword { struct msg_hdr h; char client[48]; uint32_t line, pad; };	/* + what is for descriptor 3 */
struct msg_outcome { struct msg_hdr h; uint32_t status, pad; };	/* as a shell has it: 128 + signal */

/*
 * Forks the process that runs programs of c's lines: *fd is the caller's channel to it; a MSG_SESSION brings a login's channel.
 * It ends when that is closed.
 */
int program_start(const struct conf *c, int *fd, struct err *e);

/* As check_login for that line, over a channel of its own. */
int program_ask(int fd, uint32_t line, const struct login *l, struct err *e);

#endif
