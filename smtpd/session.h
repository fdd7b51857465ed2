/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/session.h - one client's session: blocking and linear, from the greeting to the end.
 * session.c: the dialog; command.c: the verbs; mail.c: MAIL and RCPT; message.c: DATA; chunk.c:
 * BDAT; auth.c: AUTH.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "lib/envelope.h"
#include "smtpd/link.h"
#include "smtpd/message.h"
#include "smtpd/param.h"
#include "smtpd/policy.h"
#include "smtpd/secure.h"
#include "smtpd/wire.h"

enum {
	REPLY_MAX = 512,	/* octets of a reply line with its CRLF (RFC 5321 4.5.3.1.5) */
	HELO_MAX = 255,
	JUNK_MAX = 100,		/* commands in a row that lead to no message */
	STOP_GRACE_MS = 2000,	/* for a message under way when this process is to end */
	SHOWN_MAX = 300,	/* octets of an address in a reply */
	LOGINS_MAX = 3		/* that fail in a session, then it is over */
};

/* RFC 5321 4.1.4: what a verb may follow. */
enum session_state { S_NEW = 1, S_HELO = 2, S_MAIL = 4, S_RCPT = 8, S_CHUNK = 16, S_ANY = 31 };

struct session {
	/* set by the caller */
	const struct conf *conf;
	const struct listener *listener;
	const struct secure *secures;	/* what clients are shown that begin TLS; NULL: nothing */
	struct link *link;
	struct netaddr client;
	uint32_t delay_ms;

	struct wire wire;
	enum session_state state;
	bool over;			/* the connection is to be closed */
	bool linger;			/* let the client read the last reply first */
	bool trusted;			/* may send anywhere */
	bool secure;			/* TLS is up */
	char user[LOGIN_NAME];		/* who has logged in: no control octets; "": nobody */
	uint32_t logins_failed;
	struct tls *tls;		/* then; owned */
	struct offer offer;
	char client_text[64];		/* "1.2.3.4" or "IPv6:::1", as in a literal */
	char helo[HELO_MAX + 1];
	uint32_t errors, junk, accepted;
	uint32_t mails;			/* MAIL commands, as LIMITS counts them */
	int64_t progress_ms;		/* clock_ms() at its start, or of its last message */
	int64_t start_ms;

	/* the transaction */
	struct buf addrs;		/* sender, ENVID, the sender as spelled; recipients, so too with ORCPT */
	struct rcpt_at { uint32_t off; uint16_t len, orcpt_len, spelled_len; uint8_t notify, drucof; } *rcpt;
	uint32_t nrcpt, cap_rcpt, rcpts;	/* rcpts: RCPT commands, as LIMITS counts them */
	uint16_t sender_len, envid_len, spelled_len;
	struct mail_params mail;	/* but its spans */
	struct span permits;		/* what it permits, of who cannot say CONPERM: a Content-Convert; or empty */
	struct message message;		/* under way if message.open */
	struct refusal refused;		/* code: a chunk of this sequence was refused so */
	bool withheld;			/* an answer to CONNEG was, and the log has it */
	struct span from, about;	/* the sender, the recipient that a command names, for the log */
};

/* Talks with the client until it is over.  s->wire.fd stays open.  What was received of a message is
 * thrown away unless 250 was said, or could have been. */
void session_run(struct session *s, int fd);

/* One reply of one line: "CODE DSN TEXT"; dsn NULL: none.  Refusals are counted and logged. */
void session_reply(struct session *s, int code, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A line of several: more: others follow.  Not counted, not logged; cut at REPLY_MAX. */
void session_line(struct session *s, int code, bool more, const char *dsn, struct span text);

/* What a client is told when its next octets may be commands, or not. */
#define session_astray "cannot tell commands from octets, closing"

/* "421 DSN ME TEXT", then the session is over. */
void session_bye(struct session *s, const char *dsn, const char *text);

/* From now on the transaction has its time, unless it has already. */
void session_deadline(struct session *s);

/* It has brought something: its patience starts anew. */
void session_progress(struct session *s);

/* Forgets the transaction (RSET), and what came of its message. */
void session_reset(struct session *s);

/* What a failed wait means: says 421 if there is somebody to hear it; the session is over. */
void session_lost(struct session *s, enum wire_status st);

/*
 * Waits while the client reads nothing from us, and we nothing from it: it is to be slowed.  Ends early when this process is
 * to end, or the client hangs up, if only its own side: then the session is over.
 */
void session_pause(struct session *s, uint32_t ms);

/* The client may begin TLS: it is offered here, and not up yet. */
bool session_may_secure(const struct session *s);

/* TLS begins now: STARTTLS has been answered, or the connection has begun.  It is up, or the session is over. */
void session_secure(struct session *s);

/* The protocol that a Received field names (RFC 3848): "ESMTP", "ESMTPS". */
const char *session_protocol(const struct session *s);

/* May clients log in here, once TLS is up? */
bool session_has_login(const struct session *s);

/* Runs one command line (without its CRLF). */
void command_run(struct session *s, struct span line);

/* Handlers of verbs in other files; args: what follows the verb. */
void mail_from(struct session *s, struct span args);
void mail_rcpt(struct session *s, struct span args);
void auth_command(struct session *s, struct span args);

static inline struct span
session_sender(const struct session *s)
{
	return span_sub(buf_view(&s->addrs), 0, s->sender_len);
}

static inline struct span
session_envid(const struct session *s)
{
	return span_sub(buf_view(&s->addrs), s->sender_len, (size_t)s->sender_len + s->envid_len);
}

static inline struct span
session_spelled(const struct session *s)
{
	size_t at = (size_t)s->sender_len + s->envid_len;

	return span_sub(buf_view(&s->addrs), at, at + s->spelled_len);
}

static inline struct span
session_rcpt(const struct session *s, uint32_t i)
{
	return span_sub(buf_view(&s->addrs), s->rcpt[i].off, s->rcpt[i].off + s->rcpt[i].len);
}

static inline struct span
session_orcpt(const struct session *s, uint32_t i)
{
	size_t at = (size_t)s->rcpt[i].off + s->rcpt[i].len;

	return span_sub(buf_view(&s->addrs), at, at + s->rcpt[i].orcpt_len);
}

static inline struct span
session_rcpt_spelled(const struct session *s, uint32_t i)
{
	size_t at = (size_t)s->rcpt[i].off + s->rcpt[i].len + s->rcpt[i].orcpt_len;

	return span_sub(buf_view(&s->addrs), at, at + s->rcpt[i].spelled_len);
}

#endif
