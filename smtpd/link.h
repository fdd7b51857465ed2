/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/link.h - a session process's channels: to its parent, to queue, capd, convertd, key and auth; and the
 * requests it makes over them.  A channel whose other end has gone is asked anew from the parent.
 */
#ifndef SMTPD_LINK_H
#define SMTPD_LINK_H

#include "lib/buf.h"
#include "lib/converter.h"
#include "smtpd/packets.h"

enum {
	LINK_NEED_MS = 5000,		/* for a new channel, while queue or capd restarts */
	LINK_PATIENCE_MS = 60000,	/* after such a wait in vain, until the next one */
	LINK_SIGN_MS = 5000,		/* for a signature, or a session to be resumed */
	LINK_LOGIN_MS = 10000,		/* for the answer to a login */
	LINK_PAUSE_WAIT_MS = 2000,	/* for the parent to say how long a failed one waits */
	LINK_RATE_MS = 5000,		/* for the parent's word on a rate */
	LINK_CAP_MS = 2000,		/* for MSG_CAP: then the look-up failed for now */
	/* A channel that lay idle while convertd was restarted is found broken only when it is used, and the
	 * next may be too, if the parent has not noticed yet. */
	LINK_PLANS = 3, LINK_PAUSE_MS = 100,
	LINK_REST_MS = 10000,		/* after that, all look-ups of its kind do at once */
	LINK_NEXT_MS = 10000,		/* how long a file that came with an answer may wait for its message */
	LINK_NEXT_SIZE = 1 << 20	/* octets that may be announced for it: of more queue hears first */
};

struct link {
	int ctl, queue, capd, convertd, key, auth;	/* owned; but ctl: -1 when there is none now */
	bool stop;			/* MSG_STOP came */
	enum { RATE_ASKED, RATE_OK, RATE_OVER } rate;	/* the last MSG_RATED, once it was asked for */
	uint32_t timeout_s, patience_s;	/* the last MSG_PACE or MSG_CLIENT */
	uint32_t need;			/* 1u << enum role: asked for, not given yet */
	int64_t asked_ms;		/* when that was */
	int64_t rest_ms[2];		/* until then mailboxes, capabilities are not asked for */
	struct msg_pause pause;		/* the last MSG_PAUSE; h.type 0: none since the last MSG_FAILED */
	uint64_t committed;		/* messages so far */
	struct { char id[QID_SIZE]; int fd; int64_t since_ms; } next;	/* the next message's; fd -1: none */
};

/* The channels are taken over; queue, capd: or -1.  Few sessions ask convertd: its is had when it
 * is needed. */
void link_init(struct link *l, int ctl, int queue, int capd);

/*
 * Reads one packet of the parent, waiting for it.  Returns its type; MSG_CLIENT: *m is filled in and
 * *fd the caller's.  The process ends here if the parent has gone or speaks nonsense.
 */
uint32_t link_ctl(struct link *l, struct msg_client *m, int *fd);

/*
 * A new message: id of QID_SIZE octets, *fd the caller's.  -1: *e, nothing was begun.  This and
 * link_commit wait timeout_ms at most for queue's answer.  A client that has brought one message mostly
 * brings another: from the second on, the answer to COMMIT brings the file that this would ask for.
 */
int link_open(struct link *l, uint64_t size, char *id, int *fd, int timeout_ms, struct err *e);

/*
 * The message is whole and its descriptor closed: *fd is one to read it by, the caller's.  From now on nobody
 * can write it; link_commit or link_abandon follow.
 */
int link_read(struct link *l, const char *id, int *fd, int timeout_ms, struct err *e);

/*
 * As converter_ask_plan, for mail under CONPERM; ncaps: PLAN_MAX_VERDICTS at most.  -1: ERR_PERM, convertd
 * can say nothing of it; else 4.6.5: there is no answer within timeout_ms (but LINK_NEED_MS for a channel),
 * or not now.
 */
int link_plan(struct link *l, const struct converter_message *m, const struct span *caps, uint32_t ncaps,
    int timeout_ms, struct converter_plan *out, struct err *e);

/* The features of an image, as text in out, within timeout_ms.  -1: ERR_PERM, it cannot be read; else ERR_TEMP. */
int link_describe(struct link *l, struct span image, int timeout_ms, struct blob *out, struct err *e);

/*
 * Asks the parent whether user may send so many messages and recipients more, which are then counted.  1; 0: not
 * now; -1: it does not say.
 */
int link_rate(struct link *l, const char *user, uint32_t messages, uint32_t recipients, struct err *e);

/* The message is whole and its descriptor closed.  0: on stable storage. */
int link_commit(struct link *l, const char *id, uint64_t len, uint32_t crc, struct span envelope,
    int timeout_ms, struct err *e);

/* Is there, or comes within LINK_NEED_MS, a channel to accord-key?  -1: ERR_TEMP. */
int link_key(struct link *l, struct err *e);

/* The signature of text by that key; sig: MSG_SIGNATURE octets, *n of them.  -1: there is none. */
int link_sign(struct link *l, const unsigned char key[MSG_KEY_ID], uint32_t hash, bool pss, struct span text,
    unsigned char *sig, size_t *n, struct err *e);

/* A TLS session to be kept, by its name; whether it is nobody hears. */
void link_keep(struct link *l, const unsigned char id[MSG_SESSION_ID], struct span text);

/* Into text, MSG_SESSION_TEXT octets; *n 0: there is none of that name.  -1: key does not answer. */
int link_recall(struct link *l, const unsigned char id[MSG_SESSION_ID], unsigned char *text, size_t *n);

/*
 * Is that the password of user (lib/sasl.h)?  0: it is; name: what he is called here.  -1: ERR_PERM, it is not; else nobody
 * can tell now.
 */
int link_login(struct link *l, const struct netaddr *client, struct span user, struct span word, char name[LOGIN_NAME],
    struct err *e);

/* A login has failed: how long is the client to wait until it is told so, and is the session then to be over? */
uint32_t link_failed(struct link *l, bool *over);

/* Throws it away. */
void link_abandon(struct link *l, const char *id);

/*
 * want: CAP_WANT_….  text lives until the next call.  -1: capd does not answer, or has not lately: a client
 * that names hundreds is not kept waiting for each.
 */
struct link_cap { enum cap_state features; uint32_t known; struct span text; };
int link_cap(struct link *l, struct span addr, uint32_t want, struct link_cap *out, struct err *e);

#endif
