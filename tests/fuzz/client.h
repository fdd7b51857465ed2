/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/fuzz/client.h - an SMTP client that says what the input says, and what must be true of each reply. */
#ifndef TESTS_FUZZ_CLIENT_H
#define TESTS_FUZZ_CLIENT_H

#include "smtpd/session.h"

enum { CLIENT_MAX = 16384 };	/* octets: so that both directions fit into the sockets' buffers */

/*
 * A session of an MX listener with s->conf and s->link, over a real socket: the client says all of in, at most
 * CLIENT_MAX octets, and hangs up.  What it is told: valid until the next call.
 */
struct span client_talk(struct session *s, struct span in);

/*
 * The next reply's code, and its last line with CR if last is not NULL; 0: there is none.  Its lines are of printable
 * ASCII, at most 512 octets, and have an enhanced code of their class; 354, and the greeting and EHLO's, have none.
 */
int client_reply(struct span *out, struct span *last);

#endif
