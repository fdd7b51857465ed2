/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/ask.h - a session's requests to convertd (lib/converter.h), the resolver (lib/resolve.h) and capd.
 * A channel is had from our parent when it is first needed, and again when the peer was restarted:
 * plain mail to an address needs none.
 */
#ifndef REMOTE_ASK_H
#define REMOTE_ASK_H

#include "lib/converter.h"
#include "lib/resolve.h"
#include "remote/session.h"

enum {
	ASK_NEED_MS = 10 * 1000,	/* for a channel: as long as a restart may take */
	ASK_TRIES = 5, ASK_PAUSE_MS = 100,	/* of one request, over channels that turn out broken */
	ASK_TRIES_CONVERTD = 2,		/* the message itself may be what ends it */
	ASK_CAPS_MS = 5000		/* for capd's answer */
};

/* As converter_ask_plan, about the session's job. */
int ask_plan(struct session *s, const struct span *caps, const uint8_t *wish, uint32_t n,
    struct converter_plan *out, struct err *e);

/*
 * As converter_ask_edits; plan and key: NULL and none for transfer encodings alone; record: the option
 * of that name; e->sys ETIMEDOUT: not ready in wait_ms.
 */
struct edits_want {
	const struct plan *plan;
	struct span key;
	bool record;
	enum edit_transfer transfer;
};
int ask_edits(struct session *s, const struct edits_want *want, int64_t wait_ms,
    struct converter_edits *out, struct err *e);

/* As resolve_ask, over the session's channel. */
int ask_hosts(struct session *s, enum resolve_kind kind, const char *name, struct resolved *out,
    struct err *e);

/*
 * What our own directory knows that a recipient takes: *state is CAP_KNOWN, with the expression appended to text,
 * CAP_ANY or CAP_NONE; *source says who told it.  -1: it cannot be asked now, 4.3.3.
 */
int ask_caps(struct session *s, struct span addr, enum cap_state *state, enum cap_source *source, struct buf *text,
    struct err *e);

/* Appends what we log in with at the session's hop (the setting routeauth).  -1: ERR_TEMP, and why. */
int ask_credential(struct session *s, struct buf *out, struct err *e);

/* A MSG_PEER packet from the parent: takes fds[0].  -1: ERR_PROTO. */
int ask_take_channel(struct session *s, const struct msg_peer *m, size_t len, int fds[MSG_FDS],
    struct err *e);

#endif
