/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/inquiry.h - what happens while mail would be sent, told step by step to who inquires: items in the
 * order of events, each of a kind, with octets as they came, from a hop too.  Who delivers takes the same
 * steps and tells nobody (NULL).
 */
#ifndef LIB_INQUIRY_H
#define LIB_INQUIRY_H

#include "lib/msg.h"
#include "lib/plan.h"
#include "lib/result.h"

enum {
	INQUIRY_PROBES = 8,		/* of capd, under way at once */
	INQUIRY_MAX = 1 << 20,		/* octets of all items; what comes after that is left out, and said to be */
	INQUIRY_VALUE = 128 * 1024	/* of one; more is cut */
};

enum inquiry_what {
	INQUIRY_RESOLVED = 1,	/* how the destination's hosts are known: source, DNSSEC, TTL */
	INQUIRY_HOST,		/* an address of theirs, in the order in which they are tried */
	INQUIRY_NO_ADDRESS,	/* a host without: why */
	INQUIRY_TRIES,		/* the address that is tried now */
	INQUIRY_FAILED,		/* why it was none */
	INQUIRY_SAID,		/* a command line */
	INQUIRY_HEARD,		/* a line of a reply, with its code */
	INQUIRY_OFFERS,		/* keywords of EHLO, as they were understood */
	INQUIRY_MAIL_ROW,	/* the row that the hop's offers lead to */
	INQUIRY_MAILBOX,	/* where a recipient here has its mail */
	INQUIRY_CAPABILITIES,	/* its machine's: "given", "any", "none", "not-now", "not-asked" */
	INQUIRY_SOURCE,		/* of "given" and "any": where they come from, "hop" or by capsource_name() */
	INQUIRY_TAKES,		/* of "given": the expression */
	INQUIRY_WISH,		/* who may permit conversions, and what fails: "conperm" ... */
	INQUIRY_FATE,		/* what the plan says of the message then: "fits" ... */
	INQUIRY_PLAN,		/* a line of lib/result.h's detail: of each part what it is, and would become */
	INQUIRY_ROW,		/* the row of the decision table that was found for the recipient */
	INQUIRY_BATCH,		/* whom it is served with: those of whom this is the same */
	INQUIRY_FORM,		/* what would be sent here */
	INQUIRY_OUTCOME,	/* "relayed" ... */
	INQUIRY_STATUS,		/* its code, RFC 3463 */
	INQUIRY_WHY,		/* its words */
	INQUIRY_CUT,		/* more happened than there is room for: the last one */
	INQUIRY_SECURED,	/* TLS was begun: its version and cipher suite */
	INQUIRY_WHATS
};

/* "resolved", "host" ...: a word for people and programs. */
const char *inquiry_name(enum inquiry_what w);

struct inquiry { struct buf items; bool cut; };
void inquiry_init(struct inquiry *q);
void inquiry_free(struct inquiry *q);

/* Tells one; q NULL: nobody listens.  before: in front of the value. */
void inquiry_tell(struct inquiry *q, enum inquiry_what what, struct span value);
void inquiry_tell_with(struct inquiry *q, enum inquiry_what what, const char *before, struct span value);
void inquiry_tellf(struct inquiry *q, enum inquiry_what what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* One for each line of text. */
void inquiry_tell_lines(struct inquiry *q, enum inquiry_what what, struct span text);

/* A verdict of the plan for that wish, with its lines. */
void inquiry_tell_verdict(struct inquiry *q, const struct plan_verdict *v, enum plan_wish wish);

/* What came of it: outcome, status and why. */
void inquiry_tell_result(struct inquiry *q, const struct rcpt_result *r);

/* All items in a sealed memfd, which is the caller's.  -1: ERR_TEMP. */
int inquiry_seal(const struct inquiry *q, struct err *e);

/* Appends the len octets of such a memfd.  -1: ERR_PROTO it is not sealed, or not of that length. */
int inquiry_read(int fd, uint64_t len, struct buf *out, struct err *e);

/* The same of a packet of len octets that answers MSG_INQUIRE or MSG_PROBE, whose texts then end; fd: what came with
 * it, or -1.  -1: what it says, or ERR_PROTO. */
int inquiry_of_packet(struct msg_inquired *m, size_t len, int fd, struct buf *items, struct err *e);

/*
 * The last word on what the recipient takes: CAP_KNOWN with its text, as a hop wrote it, CAP_NONE or CAP_TEMP; which
 * host that was, if one was reached for, and why nothing more is known.  All of it points into items.  -1: ERR_PROTO.
 */
struct inquiry_caps { enum cap_state state; struct span text, hop, why; };
int inquiry_caps(struct span items, struct inquiry_caps *out, struct err *e);

/* The next item off *rest; *value points into it.  1 got it, 0 none left, -1 ERR_PROTO. */
int inquiry_next(struct span *rest, enum inquiry_what *what, struct span *value, struct err *e);

#endif
