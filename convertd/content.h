/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/content.h - the contents of a message and how each stands to a set of capabilities.
 */
#ifndef CONVERTD_CONTENT_H
#define CONVERTD_CONTENT_H

#include "convertd/part.h"

enum fate { FATE_FITS, FATE_CONVERTS, FATE_EMPTY };	/* of a part; the worst is the highest */

/* What a machine takes: with the resolutions that are equal by rule, and as it says itself. */
struct takes { struct feat *caps, *own; };

/* One entity of the message, beside mime's own struct of the same index. */
struct content {
	struct contfield_convert permission;	/* for this entity, not for those inside (RFC 4141, 3) */
	struct part_image open;		/* if readable */
	bool image, readable;
	bool convertible;		/* permitted, may change, readable */
	bool used;			/* some verdict converts it */
	bool words;			/* text that every recipient takes, or nothing but such text inside */
	struct contents *inside;	/* owned; of an attached message: looked at, never changed */
	char why[200];			/* what is not readable: the reader's words */
	/* for the capabilities under way */
	enum fate fate;
	uint32_t chosen;		/* of a multipart/alternative that converts: the branch that is converted */
	struct form *want;		/* owned: a form for each page of a readable image */
};

enum { CONTENT_DEPTH = 4 };		/* messages in messages that are looked into */

struct contents {
	uint32_t depth;			/* 0: the message itself */
	struct mime mime;
	struct content *c;		/* owned: mime.n of them */
};

/* Walks the message and opens its images.  -1: ERR_PERM over a limit of MIME's; ERR_TEMP. */
int contents_open(struct span message, const struct limits *max, struct contents *out,
    struct err *e);
void contents_free(struct contents *x);

/*
 * Sets fate and want of every entity for these capabilities.  Within a multipart every part counts.
 * Of a multipart/alternative one branch that fits is enough, then the richest that converts, which is the last
 * (RFC 2046, 5.1.4), and it alone is converted.  Plain text, which always fits, is not enough where a richer
 * branch converts.
 */
int contents_judge(struct contents *x, const struct takes *caps, struct err *e);

/* After contents_judge: is this leaf converted in the message that results? */
bool contents_converts(const struct contents *x, uint32_t part);

/* After it too: is it a leaf for which the message cannot be sent? */
bool contents_fails(const struct contents *x, uint32_t part);

/*
 * Where some leaf fails, the code for the message, the one that says most (RFC 3463, 3.7): 5.6.1 the message
 * ends here (final), and a leaf is no fax image; 5.6.3 one must not be converted, or cannot be here; 5.6.5 all may
 * become what we can make of them, but nothing that is taken.
 */
const char *contents_status(const struct contents *x, bool final);

#endif
