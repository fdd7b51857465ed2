/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/unit/remote/peer.h - what a session talks to: a scripted hop on a loopback port, a scripted
 * convertd and capd, and a message in a queue file.  All that these hear is kept as one transcript.
 */
#ifndef TESTS_UNIT_REMOTE_PEER_H
#define TESTS_UNIT_REMOTE_PEER_H

#include "remote/session.h"

/*
 * A rule: to a command that begins so (in that connection; 0: in any), this reply.  The first that
 * stands counts, then the defaults: 250 to all, 354 to DATA, 221 to QUIT.  Names besides commands:
 * "banner", "." for the final dot.  reply NULL: the connection is closed; "": no reply at all.
 * once: counts one time.
 */
struct hop_rule { int connection; const char *command, *reply; bool once; };

struct plan_rule {
	const char *caps;		/* the list holds this text, behind its wish; NULL: any */
	uint8_t fate;			/* enum plan_fate */
	const char *key;		/* of PLAN_CONVERTS */
	uint32_t kind;			/* not ERR_NONE: this failure instead */
	const char *dsn;		/* its, or that of PLAN_EMPTY; NULL: 5.6.5 */
};
struct convert_rule {
	const char *key;
	uint32_t kind;			/* enum err_kind */
	const char *dsn;
	const char *body;		/* base64 lines that take the body's place */
	int slow_ms;			/* the first time */
	bool astray;			/* a list that cuts what it may not */
	/* Key "": the body becomes base64 under a field that says so; astray: another body. */
};
/* What capd says of an address; text: of CAP_KNOWN. */
struct caps_rule { const char *addr; uint32_t state; const char *text; };
struct script {
	const struct hop_rule *hop;
	size_t nhop;
	const struct plan_rule *plan;
	size_t nplan;
	const struct convert_rule *convert;
	size_t nconvert;
	bool no_permission;
	bool no_convertd;
	const struct caps_rule *caps;
	size_t ncaps;			/* 0: there is no capd */
};

struct peers {
	struct script script;
	int transcript;			/* memfd */
	pid_t hop, convertd, capd;
	int convertd_fd, capd_fd;
	char dest[JOB_DEST];
};

void peers_start(struct peers *p, const struct script *s);
void peers_stop(struct peers *p);

/*
 * What was heard so far, one line each, NUL-terminated, static: "1 MAIL FROM:<…>" by connection;
 * "1 . LAST" for a message, with its last line; "convertd PLAN text | drucof text", "convertd CONVERT key",
 * with "to 7bit" or "to 8bit" if that was asked for; "capd ASK address".
 */
const char *peers_heard(const struct peers *p);

/* The message that peers_file holds: a TIFF part that may be converted. */
extern const char peers_message[];

/* A queue file with this message; its descriptor. */
int peers_file(const char *message, size_t n, const struct envelope *env);

/* A MSG_JOB packet for all recipients of a file of n, malloc'd; *len its octets. */
struct msg_job *peers_job(const char *dest, uint32_t n, size_t *len);

#endif
