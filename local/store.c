/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/store.h"

#include <stdio.h>

#include "lib/clock.h"
#include "local/fields.h"
#include "local/maildir.h"
#include "local/mbox.h"
#include "local/program.h"

static int
put_piece(void *arg, struct span piece, struct err *e)
{
	return letter_put(arg, piece, e);
}

/* The whole message, behind the fields of ours. */
static int
put_letter(struct letter *l, struct span top, const struct content *c, struct err *e)
{
	if (letter_own(l, top, e) == -1)
		return -1;
	return c->edited ? edit_walk(&c->edits.list, c->message, put_piece, l, e) : letter_put(l, c->message, e);
}

static int
store_maildir(const struct delivery *d, const struct content *c, const struct envelope *env, struct span top,
    struct err *e)
{
	struct maildir m = { .dir = -1, .file = -1 };
	char name[128];
	int r;

	snprintf(name, sizeof name, "%llu.%s_%u.accord",
	    (unsigned long long)(env->arrival_us / 1000000), d->id, d->slot);
	r = maildir_begin(&m, d->folder_fd, d->rest, name, env->body == BODY_BINARYMIME, e);
	if (r == 0)
		r = put_letter(&m.letter, top, c, e);
	if (r == 0)
		r = maildir_commit(&m, e);
	maildir_end(&m);
	return r;
}

static int
store_program(const struct delivery *d, const struct content *c, const struct envelope *env, struct span top,
    struct err *e)
{
	struct program p;
	int r = program_begin(&p, d->program_fd, d->parent_fd, env->body == BODY_BINARYMIME, e);

	if (r == 0)
		r = put_letter(&p.letter, top, c, e);
	if (r == 0)
		r = program_end(&p, e);
	program_free(&p);
	return r;
}

static int
store_mbox(const struct delivery *d, const struct content *c, const struct envelope *env, struct span top,
    struct err *e)
{
	struct mbox m;
	int r = mbox_begin(&m, d->folder_fd, d->rest, envelope_sender(env), clock_us(), env->body == BODY_BINARYMIME, e);

	if (r == 0)
		r = put_letter(&m.letter, top, c, e);
	if (r == 0)
		r = mbox_commit(&m, e);
	mbox_end(&m);
	return r;
}

/* By kind; those that are no store have ways of their own. */
static int
store_as(const struct delivery *d, const struct content *c, const struct envelope *env, struct span top, struct err *e)
{
	switch (d->kind) {
	case MAILBOX_MAILDIR: return store_maildir(d, c, env, top, e);
	case MAILBOX_MBOX: return store_mbox(d, c, env, top, e);
	case MAILBOX_PIPE: return store_program(d, c, env, top, e);
	case MAILBOX_LMTP:
	case MAILBOX_ALIAS:
		break;
	}
	return err_set(e, ERR_BUG, "4.3.5", "a delivery of kind %d", (int)d->kind);
}

int
store_message(const struct delivery *d, const struct content *c, const struct envelope *env, struct err *e)
{
	const struct rcpt *rcpt = &env->rcpt[d->slot];
	struct buf top;
	int r = -1;

	buf_init(&top, FIELDS_MAX);
	if (fields_final(env, rcpt, &top, e) == 0 && fields_broken(d, c, rcpt->addr, &top, e) == 0)
		r = store_as(d, c, env, buf_view(&top), e);
	buf_free(&top);
	return r;
}
