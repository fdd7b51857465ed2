/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/form.h - the form in which a recipient here gets a message: as it is, or converted to what its
 * machine takes (rows B7, D8 and D9 of the decision tables).
 */
#ifndef LOCAL_FORM_H
#define LOCAL_FORM_H

#include "lib/converter.h"
#include "local/delivery.h"

/* What is written: the message, or the message read through an edit list.  form_free is harmless on
 * zeroes. */
struct content {
	struct span message;
	enum edit_transfer transfer;	/* that a recode is due besides: set by the caller */
	struct converter_plan plan;
	struct converter_edits edits;
	bool edited;
	struct span key;		/* of the plan, of what it was converted to; in plan */
};

/* What the recipient's machine takes.  0: *state is CAP_KNOWN, with *text (in reply: MSG_MAX octets), CAP_ANY or
 * CAP_NONE.  -1: ERR_TEMP. */
int form_capabilities(const struct delivery *d, struct span addr, unsigned char *reply, enum cap_state *state,
    struct span *text, struct err *e);

/* 0: c is what rcpt gets; detail says why.  -1: ERR_PERM, there is no such form; ERR_TEMP. */
int form_find(const struct delivery *d, struct content *c, const struct envelope *env, const struct rcpt *rcpt,
    struct buf *detail, struct err *e);
void form_free(struct content *c);

#endif
