/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/content.h - the contents of a message and how each stands to a set of capabilities.
 */
#ifndef CONVERTD_CONTENT_H
#define CONVERTD_CONTENT_H

#include "convertd/drucof.h"
#include "convertd/part.h"
#include "lib/msg.h"

/* What a machine takes, with the resolutions that are equal by rule, and as it says itself; what the sender
 * wishes for it. */
struct takes { struct feat *caps, *own; enum plan_wish wish; };

/* One entity of the message, beside mime's own struct of the same index. */
struct content {
	struct part_permission permission;	/* for this entity, not for those inside (RFC 4141, 3) */
	struct part_image open;		/* if readable */
	bool drawn, readable;		/* an image or text; one that is opened */
	bool used;			/* some verdict converts it */
	bool left;			/* some verdict leaves it out */
	bool chose;			/* of a multipart/alternative: some verdict leaves branches out */
	bool words;			/* text that every recipient takes, or nothing but such text inside */
	char why[200];			/* what is not readable: the reader's words */
	/* for the capabilities under way */
	bool convertible;		/* permitted, may change, readable */
	enum fate fate;
	bool omitted;			/* it is what is left out, not only something in it */
	const char *dsn;		/* of a leaf of FATE_EMPTY */
	uint32_t chosen;		/* of a multipart/alternative: the branch that counts; MIME_NONE: all do */
	unsigned only;			/* of one: enum part_leave: why the other branches are left out; 0: they
					 * are not */
	struct form *want;		/* owned: a form for each page of a readable image */
};

struct contents {
	struct mime mime;
	struct content *c;		/* owned: mime.n of them */
	bool look_only;			/* as the limits had it: no part becomes another, and none is left out */
};

/* Walks the message and opens its images.  -1: ERR_PERM over a limit of MIME's; ERR_TEMP. */
int contents_open(struct span message, const struct limits *max, struct contents *out,
    struct err *e);
void contents_free(struct contents *x);

/*
 * Sets fate and want of every entity for these capabilities.  Within a multipart every part counts, within an
 * attached message that message.
 * Of a multipart/alternative one branch that fits is enough, then the richest that converts, which is the
 * last (RFC 2046, 5.1.4), and it alone is converted.  Plain text, which always fits, is not enough where a
 * richer branch converts.  Where no branch can be used, all count.  Where one fits, others do not, and the
 * sender permits it (part_may_leave), the others are left out.
 * Under DRUCOF the table of drucof.h says what becomes of a part; an attached message that fails is one part
 * itself.  Not all parts of a message may be left out.  WISH_PREFER: no part is critical, and none is left
 * out.
 */
int contents_judge(struct contents *x, const struct takes *takes, struct err *e);

/* Neither a multipart nor an attached message that was gone into. */
bool contents_is_leaf(const struct contents *x, uint32_t part);

/* After contents_judge: is this leaf converted in the message that results?  Left out of it? */
bool contents_converts(const struct contents *x, uint32_t part);
bool contents_omits(const struct contents *x, uint32_t part);

/* Is it a multipart/alternative of which one branch is chosen, and the others are left out? */
bool contents_chooses(const struct contents *x, uint32_t part);

/* After it too: is it a leaf for which the message cannot be sent? */
bool contents_fails(const struct contents *x, uint32_t part);

/*
 * Where some leaf fails, the code for the message, the one that says most (RFC 3463, 3.7): 5.6.1 the message
 * ends here (final), and a leaf is no fax image; 5.6.2 one must not be changed, under DRUCOF; 5.6.3 one must
 * not be converted, or cannot be here; 5.6.5 all may become what we can make of them, but nothing that is
 * taken.
 */
const char *contents_status(const struct contents *x, bool final);

#endif
