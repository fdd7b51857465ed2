/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/packets.h - what the smtpd parent and its session children say to each other, besides
 * MSG_NEED, MSG_PEER and MSG_STOP of lib/msg.h.
 */
#ifndef SMTPD_PACKETS_H
#define SMTPD_PACKETS_H

#include "lib/confline.h"
#include "lib/msg.h"

enum {
	MSG_CLIENT = 1000,	/* parent -> child: struct msg_client; fd: the connection */
	MSG_DONE,		/* child -> parent: struct msg_done: that session is over */
	MSG_PACE,		/* parent -> child: struct msg_pace: be this patient from now on */
	MSG_FAILED,		/* child -> parent: struct msg_hdr: a login of its client failed */
	MSG_PAUSE,		/* back: struct msg_pause: before it is told so */
	MSG_RATE,		/* child -> parent: struct msg_rate: may its user send that? */
	MSG_RATED		/* back: struct msg_rated */
};

struct msg_client {
	struct msg_hdr h;
	struct netaddr peer;
	uint16_t pad;
	uint32_t listener;	/* index of the listener */
	uint32_t timeout_s;	/* for a command */
	uint32_t delay_ms;	/* before the greeting: a client that crashed a session */
	uint32_t patience_s;	/* to bring a message; an octet adds a millisecond; 0: for ever */
	uint32_t last;		/* 1: the process ends after MSG_DONE */
	uint32_t pad2;
};
struct msg_done { struct msg_hdr h; uint32_t last, pad; };	/* last: 1: the process ends now */
struct msg_pace { struct msg_hdr h; uint32_t timeout_s, patience_s; };
struct msg_pause { struct msg_hdr h; uint32_t ms, close; };	/* close: 1: there is no room for who waits */

struct msg_rate {
	struct msg_hdr h;
	uint32_t messages, recipients;	/* to be counted; both, or neither if one is too many */
	char user[256];		/* NUL-terminated, no control octets */
};
struct msg_rated { struct msg_hdr h; uint32_t ok, pad; };

#endif
