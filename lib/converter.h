/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/converter.h - the asking half of convertd's protocol: a plan, an edit list, the features of an
 * image; most of it for processes that have one request under way at a time.
 */
#ifndef LIB_CONVERTER_H
#define LIB_CONVERTER_H

#include "lib/edit.h"
#include "lib/msg.h"
#include "lib/plan.h"

enum { CONVERTER_PLAN_MS = 120000 };	/* how long a plan may take */

/* What a memfd of convertd's holds: mapped when it is sealed, else copied. */
struct blob { void *p; size_t n; };
void blob_free(struct blob *b);
static inline struct span
blob_view(const struct blob *b)
{
	return (struct span){ b->p, b->n };
}

/* The message a request is about. */
struct converter_message {
	int fd;			/* the message is its first len octets; read-only */
	uint64_t len;
	const char *id;		/* QID_LEN characters: what convertd keeps results under */
	int plan_ms;		/* for the answer to a plan; 0: CONVERTER_PLAN_MS */
	bool record_converted;	/* Content-Converted of draft -04 besides Content-Previous */
	enum edit_transfer transfer;	/* of the edits; not EDIT_AS_IS: content is needed */
	struct span content;	/* the message's octets, mapped */
};

/* Owned; the plan's spans point into the blob.  converter_plan_free is harmless on zeroes. */
struct converter_plan { struct blob blob; struct plan plan; };
void converter_plan_free(struct converter_plan *p);

/*
 * Asks for the plan of a message for each of ncaps capability expressions, and the enum plan_wish of as many
 * wishes.  flags: PLAN_….
 * 0: out->plan has a verdict for each.  -1: ERR_TEMP or ERR_PERM with convertd's own code;
 * ERR_TEMP 4.6.5 without an answer of it.
 */
int converter_ask_plan(int sock, const struct converter_message *m, uint32_t flags,
    const struct span *caps, const uint8_t *wish, uint32_t ncaps, struct converter_plan *out, struct err *e);

/* Owned; the list's text points into the blob. */
struct converter_edits { struct blob blob; struct edit_list list; };
void converter_edits_free(struct converter_edits *x);

/*
 * Asks for the conversion that a plan's key names (plan NULL and no key: only the transfer encodings
 * change), waits up to wait_ms, and checks the list against the plan's ranges.  -1: as above; e->sys
 * ETIMEDOUT when it is not ready yet (ask again later); ERR_PERM 5.6.5 for a list that was refused.
 */
int converter_ask_edits(int sock, const struct converter_message *m, const struct plan *plan,
    struct span key, int wait_ms, struct converter_edits *out, struct err *e);

/*
 * The same in halves, for an event loop.  put: the request's packet, for its channel, in an empty packet
 * of MSG_MAX octets; m->fd goes with it.  get: what came back, *fd taken over if it is used; -1 as above.
 * bounds: MSG_PLAN without capabilities, whose ranges are all that any conversion of the message may cut.
 */
int converter_put_bounds(const struct converter_message *m, struct buf *packet, struct err *e);
int converter_get_bounds(const struct msg_planned *m, int *fd, struct converter_plan *out, struct err *e);
int converter_put_edits(const struct converter_message *m, struct span key, struct buf *packet,
    struct err *e);
int converter_get_edits(const struct msg_planned *m, int *fd, const struct converter_message *of,
    const struct plan *plan, struct converter_edits *out, struct err *e);

/* The features of an image file, as text in out, within wait_ms. */
int converter_ask_features(int sock, int image_fd, int wait_ms, struct blob *out, struct err *e);

#endif
