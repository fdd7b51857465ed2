/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/flow.h - a job's way through sessions.  Its recipients lie in batches; a batch is served in
 * one session and transaction, and may come out as several that wait for their own:
 *
 *	deliver.c	batches; mail that needs no asking; lost connections
 *	form.c		what is sent: the original, or what convertd makes of it for the hop
 *	negotiate.c	asking, deciding, dividing, converting
 *	ensure.c	recipients of whom we promise more than they take
 *
 * An inquiry takes the same way up to the message's data (remote/inquire.h).
 */
#ifndef REMOTE_FLOW_H
#define REMOTE_FLOW_H

#include "remote/ask.h"
#include "remote/smtp.h"

enum {
	FLOW_ROUNDS = 4,	/* times that a recipient is asked about in one job */
	FLOW_HOSTS = 2,		/* that may say "not now" to a recipient in one job (RFC 5321, 5.1) */
	FLOW_DROPS = 4,		/* lost connections after which the rest of a batch waits */
	FLOW_CAPS = 4 << 20	/* octets of capability texts kept for a job */
};

struct batch {
	struct batch *next;
	struct target **t;		/* owned array of borrowed targets */
	uint32_t n;
	struct negotiation opt;		/* the same for all of them */
	struct tls_policy tls;		/* the same */
	enum drucof drucof;		/* so is this */
	bool usable;			/* the rows D have a say in what they get */
	bool carried;			/* their RCPTs have DRUCOF, whatever is decided */
	bool relayed;			/* so they are to have, as was decided in an earlier session */
	uint8_t round, drops, hosts;	/* hosts: that have said "not now" */
	uint32_t from;			/* the candidate (remote/reach.h) that is the first to be tried */
	bool careful;			/* one command at a time: a lost connection has one cause */
	bool separate;			/* row B5a: bare RCPTs */
	bool ours;			/* separate, and by our directory (rows ENS) */
	bool ended;			/* conperm_after=drop: converted mail goes without CONPERM */
};

/* Distinct capability lists of the job, each with what is wished of it, and what convertd says of each. */
struct capset {
	struct capset *next;
	struct buf text;
	uint8_t wish;				/* enum plan_wish */
	struct capset *permitted;		/* the same list under CONPERM, where that is in force beside DRUCOF */
	enum rcpt_fate fate;
	enum rcpt_run run;
	char why[200];				/* of run */
	const struct plan *plan;		/* of which: */
	const struct plan_verdict *verdict;
};

struct flow_plan { struct flow_plan *next; struct converter_plan p; };
struct made {
	struct made *next;
	struct span key;		/* "": nothing was converted */
	bool record;
	enum edit_transfer transfer;
	struct converter_edits edits;
};

struct flow {
	struct session *s;
	struct job *job;
	struct batch *first, **last;
	struct capset *sets;
	size_t caps_octets;
	struct flow_plan *plans;
	struct made *made;		/* conversions, for the job's time */
	bool eight;			/* the message has octets over 127 */
	bool fields_known, fields;	/* a field of its header, or of a part's, is beyond ASCII */
	bool permission_known, permission;	/* has some Content-Convert field */
	bool header_read, report, signed_whole;	/* by its own header: is a DSN or MDN; has DKIM or ARC */
	struct buf broken;		/* the field for copies that its signature does not fit; "": not needed yet */
};

/* Queues a batch of those of t that are not done, with the options of like; *out: it, or NULL. */
void flow_push(struct flow *f, const struct batch *like, struct target **t, uint32_t n,
    struct batch **out);

/* Settles those of t that are not done: text is our reason, not the hop's. */
void flow_settle(struct flow *f, struct target **t, uint32_t n, enum outcome outcome, const char *dsn,
    const char *text);
void flow_settle_err(struct flow *f, struct target **t, uint32_t n, const struct err *e);

/* The row that was found for t, in the log and to who inquires; key: of its conversion, or empty. */
void flow_row(struct flow *f, const struct target *t, const char *row, struct span key);


/* Has a field octets over 127, in its header or that of a part at any depth (RFC 6531, 3.2)?  What cannot be
 * looked at has them if the message has any. */
bool flow_fields(struct flow *f);

/* What the open hop needs of any form of the message: of its transfer encodings, and for BODY. */
enum edit_transfer flow_transfer(const struct flow *f);
enum body_type flow_body(const struct flow *f);

/*
 * The form for a set of capabilities, or of the message itself (NULL), that the open hop takes, from
 * memory or made; kept for the job's time.  *out NULL: the message as it is.  -1: *e, ETIMEDOUT if
 * it is not ready in wait_ms.
 */
int flow_form(struct flow *f, const struct capset *c, bool record, int64_t wait_ms,
    struct made **out, struct err *e);

/*
 * What x sends: the message (made NULL) or a form of it, with what that needs on top, and its size.
 * -1: ERR_TEMP memory.
 */
int flow_dress(struct flow *f, struct xact *x, const struct made *made, struct err *e);
/* Sends it.  Every accepted target is done afterwards. */
void flow_send(struct flow *f, struct xact *x, const struct made *made);

/* Would it be worth waiting longer?  Then the hop is told QUIT meanwhile: nobody is kept waiting. */
bool flow_late(struct flow *f, const struct err *e);

/* More octets than the hop takes?  Then the targets are settled. */
bool flow_unfit(struct flow *f, struct target **t, uint32_t n, uint64_t size);

/* Row B8: a hop that offers CONPERM did not take it.  b goes to another host, or fails. */
void flow_not_taken(struct flow *f, struct batch *b);

/* May those whom the open hop does not take now be given to another? */
bool flow_next_host(const struct flow *f, const struct batch *b);

/* After smtp_begin: what is to be done again, or is lost. */
void flow_after(struct flow *f, struct batch *b, struct xact *x, enum xact_end end,
    bool fresh, const struct err *e);

/* Nobody can be reached now: *e, unless a host was, and said more. */
void flow_unreached(struct flow *f, struct batch *b, const struct err *e);

/* Does the open hop take DRUCOF on, and CONPERM where the message is under that? */
bool flow_relays(const struct flow *f);

/*
 * The set with this text for members of b: made if need be, with a second one where a second wish counts too.
 * NULL: memory, or over FLOW_CAPS.
 */
struct capset *flow_capset(struct flow *f, const struct batch *b, struct span text, struct err *e);

/*
 * The open hop offers neither CONPERM nor CONNEG, and b is under CONPERM: are its recipients of a domain in
 * mode ensure, and known to our directory?  Who is not, where others are, gets a batch of his own; who
 * cannot be looked up now is settled.  true: each that is left has its set, target.ours.
 */
bool flow_ensured(struct flow *f, struct batch *b);

/*
 * The hop was asked about those of b that it took: of whom it said nothing, and we do because his domain is
 * in mode ensure, has what our directory says, CAPS_OURS, if that knows him.
 */
void flow_ours(struct flow *f, struct batch *b);

/* A transaction that asks (rows B2, B5, B6, D1 to D5), or by our directory need not (ENS); how: what
 * decide_mail said. */
void flow_negotiate(struct flow *f, struct batch *b, const struct mail_decision *how);
/* A transaction that asks, wherever the hop offers CONNEG, and ends with the answers. */
void flow_question(struct flow *f, struct batch *b);
/* Frees what negotiation kept. */
void flow_forget(struct flow *f);

/* By the message's own header: is it a DSN or MDN, whoever sends it?  Is it signed as a whole? */
bool flow_report(struct flow *f);
bool flow_signed(struct flow *f);

/* A Content-Convert field at the start of some line of the message, as far as we look. */
bool flow_permission(struct flow *f);

#endif
